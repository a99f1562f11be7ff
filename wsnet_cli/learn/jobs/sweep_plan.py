"""Which networks a sweep trains: for each size a sampled and a plain one, and the dense one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.configuration.config import Config
from ...core.errors import ConfigError, UsageError
from ...core.sizes.frontier import DENSE, KB, NARROW, SAMPLED
from ..run.fitted import fit_run, with_fit
from ..run.prepared import Found
from ..teachers.model_source import Sources

WHOLE = "the whole dense network fits"


@dataclass(frozen=True)
class Planned:
    """One network.

    Args:
        name: of the folder of its runs.
        kind: one of sizes.frontier.KINDS.
        max_bytes: of its 8-bit file; None for the dense network.
        config: of its runs; leaves nothing to the data.
    """

    name: str
    kind: str
    max_bytes: int | None
    config: Config


@dataclass(frozen=True)
class Plan:
    """The networks, and why others were left out: (name, reason)."""

    networks: tuple[Planned, ...]
    left_out: tuple[tuple[str, str], ...]


def plan_sweep(
    config: Config, sizes: Sequence[int], preset: str, found: Found, sources: Sources
) -> Plan:
    """Choose all networks, before anything is decoded.

    Nothing of a plain network is sampled, its head included. One that cannot be so small is left
    out, and so is a size that the whole dense
    network fits into, since there is nothing to compare then.

    Args:
        config: sampled, and leaving nothing to the data.
        sizes: of 8-bit files, in bytes.
        preset: its name.
        found: the data.
        sources: the models that the runs come from.

    Raises:
        UsageError: the configuration is not sampled, or starts from a model.
        ConfigError: a sampled network cannot be as small as a size.
    """
    if config.network.sampling is None:
        raise UsageError(
            "network.sampling = null: a sweep compares sampled networks with plain ones; expected "
            "a preset that samples, such as default"
        )
    unshared = {"sampling": None, "head_sampling_stride": None}
    plain = config.model_copy(update={"network": config.network.model_copy(update=unshared)})
    networks: list[Planned] = []
    left_out: list[tuple[str, str]] = []
    for size in sizes:
        for kind, base in ((SAMPLED, config), (NARROW, plain)):
            name = f"{kind}-{size / KB:.12g}kb"
            try:
                fit = fit_run(base, size, preset, found, sources)
            except ConfigError as error:
                if kind == SAMPLED:
                    raise
                left_out.append((name, str(error)))
                continue
            if fit.whole:
                left_out.append((name, WHOLE))
            else:
                networks.append(Planned(name, kind, size, with_fit(base, fit)))
    networks.append(Planned(DENSE, DENSE, None, plain))
    return Plan(tuple(networks), tuple(left_out))
