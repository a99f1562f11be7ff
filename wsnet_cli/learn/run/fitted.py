"""The network of a run whose 8-bit file must fit into so many bytes, chosen before any decoding."""

from __future__ import annotations

from collections.abc import Callable

from ...core.configuration.config import Config
from ...core.configuration.settings import audio_settings
from ...core.errors import UsageError
from ...core.sizes.file_size import Wrapping
from ...core.sizes.fit_size import Fit, FitRow, fit_size
from ..teachers.model_source import Sources
from .prepared import Found
from .provenance import longest_provenance


def fit_run(config: Config, max_bytes: int, preset: str, found: Found, sources: Sources) -> Fit:
    """Choose the network of a run.

    Args:
        config: that leaves nothing to the data.
        max_bytes: of the 8-bit file.
        preset: its name.
        found: the data, of which the labels are used and the names of folds.
        sources: the models that the run comes from.

    Raises:
        UsageError: the run starts from a model, whose network stays as it is.
        ConfigError: no such network fits.
    """
    if sources.start is not None:
        raise UsageError(
            f"training starts from {sources.start.name}, whose network stays as it is; expected "
            "no size of a file, or no model to start from"
        )
    dataset = found.dataset
    words = longest_provenance(preset, dataset, config.train.seed, sources)
    audio = audio_settings(config.audio)
    wrapping = Wrapping(dataset.labels, audio, words, dataset.multi_label)
    return fit_size(config.network, wrapping, max_bytes)


def with_fit(config: Config, fit: Fit) -> Config:
    """The configuration with the network that was chosen."""
    return config.model_copy(update={"network": fit.network})


def tell_fit(config: Config, fit: Fit, max_bytes: int, tell: Callable[[str], None]) -> None:
    """Say what was chosen, in two lines, and in a third where more bytes would be of no use.

    Args:
        config: before.
        fit: what was chosen.
        max_bytes: that it had to fit into.
        tell: takes a line.
    """
    width, before = fit.network.width, config.network.width
    change = f"width {width:g}" if width == before else f"width {width:g} instead of {before:g}"
    tell(f"8-bit file: at most {fit.n_bytes:,} of {max_bytes:,} bytes; {change}")
    tell(f"layers: {', '.join(map(_say_layer, fit.rows))}")
    if fit.whole:
        tell("nothing of it is sampled or narrower than configured: it cannot use more bytes")


def _say_layer(row: FitRow) -> str:
    factor = f" C {row.channel_factor}" if row.channel_factor > 1 else ""
    sampling = "dense" if row.stride is None else f"S {row.stride}{factor}"
    return f"{row.name} {row.n_out} {sampling} {row.n_bytes:,} B"
