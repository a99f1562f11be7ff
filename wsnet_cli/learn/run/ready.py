"""All that training needs, made of a request: data, what follows from it, and the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...core.configuration.config import Config
from ...core.configuration.settings import audio_settings
from ...core.networks.architectures import build_network
from ...core.networks.network import Network
from ...core.starting import config_beside
from ..environment import set_threads
from ..modules.start import network_for
from ..teachers.model_source import Sources
from ..teachers.teachers import check_teacher
from ..team.team import Team
from .fitted import fit_run, tell_fit, with_fit
from .from_data import settle
from .listener import Listener
from .prepared import Found, PreparedData, find_data, prepare_data
from .request import Request


@dataclass(frozen=True)
class Ready:
    """A request whose data is at hand: all that training needs."""

    config: Config
    data: PreparedData
    network: Network
    device: torch.device
    team: Team
    sources: Sources


def make_ready(
    request: Request, sources: Sources, listener: Listener, team: Team, device: torch.device
) -> Ready:
    """Find and prepare the data, settle what follows from it, build the network.

    In a team the first process decodes, and the others then find it in the cache.

    Raises:
        WsnetError: bad data, configuration or device; a full disk.
    """
    set_threads(request.threads)
    found = find_data(request.source, request.layout, request.pattern)
    start = sources.start.model if sources.start else None
    asked = config_beside(request.config, start) if start else request.config
    settled = settle(asked, found)
    if settled.chosen:
        listener.remark(f"from the data: {', '.join(settled.chosen)}")
    config = settled.config
    if request.max_bytes is not None:
        fit = fit_run(config, request.max_bytes, request.preset, found, sources)
        tell_fit(config, fit, request.max_bytes, listener.remark)
        config = with_fit(config, fit)
    audio, labels = audio_settings(config.audio), found.dataset.labels
    check_teachers(sources, config, found)
    if team.rank > 0:
        team.wait()
    data = prepare_data(found, config, request.fold, listener.decoded)
    if team.rank == 0:
        team.wait()
    for line in sources.remarks(labels):
        listener.remark(line)
    for line in sources.warnings(data.content(data.test)):
        listener.warn(line)
    if start:
        network = network_for(start.network, len(labels))
    else:
        network = build_network(config.network, len(labels), audio.window_samples)
    return Ready(config, data, network, device, team, sources)


def check_teachers(sources: Sources, config: Config, found: Found) -> None:
    """Refuse teachers that do not know what the data asks for. Raises: UsageError."""
    audio, dataset = audio_settings(config.audio), found.dataset
    for teacher in sources.every_kind():
        check_teacher(teacher, dataset.labels, audio, multi_label=dataset.multi_label)
