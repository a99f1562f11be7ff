"""Settings that follow from the data, where the configuration leaves them to it (`from_data`)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...core.configuration.config import AudioConfig, Config
from ...data.headers import places_to_look, rates_and_lengths, usual_rate
from .prepared import Found

LONGEST_WINDOW_S = AudioConfig().window_s
WINDOW_STEP_S = 0.25
COVERED = 0.99
"""Share of the clips that one window holds whole, where the longest window does not end it."""
WHOLE_CLIPS = {"rescale": 1.1, "shift": 0.1}
"""What `crops` sets of `augment` (the customary tenth of keyword spotting)."""
RELEASED_POOLS_FROM = 24_000
"""Samples of a window; in a shorter one the released pools leave nothing to the last layers."""
WINDOWS_TRAINED = 120_000
"""Windows that a network is to see in all."""
FEWEST_EPOCHS, MOST_EPOCHS = 20, 300


@dataclass(frozen=True)
class Settled:
    """A configuration that leaves nothing to the data, and what was chosen, in words."""

    config: Config
    chosen: tuple[str, ...]


def settle(config: Config, found: Found) -> Settled:
    """Choose what `config.from_data` names.

    rate: the most common one of the recordings, at most `headers.HIGHEST_RATE`. window: long enough
    for 99 of 100 clips, in quarters of a second, at most LONGEST_WINDOW_S. pooling: the released
    pools from RELEASED_POOLS_FROM samples on, else after every layer. crops: where a window is
    shorter than LONGEST_WINDOW_S and holds 99 of 100 clips whole, it is shifted and stretched but
    little, since what comes where, and how fast, tells such clips apart. epochs: so that
    WINDOWS_TRAINED windows are seen, within FEWEST_EPOCHS and MOST_EPOCHS.

    Args:
        config: checked.
        found: the data.
    """
    wanted = config.from_data
    audio, network, train = config.audio, config.network, config.train
    chosen: list[str] = []
    seconds: list[float] = []
    if {"rate", "window", "crops"} & set(wanted):
        rates, seconds = _rates_and_lengths(found)
        if "rate" in wanted and (rate := usual_rate(rates)):
            audio = audio.model_copy(update={"sample_rate": rate})
            chosen.append(f"{rate:,} Hz")
        if "window" in wanted and seconds:
            audio = audio.model_copy(update={"window_s": _window(seconds)})
            chosen.append(f"windows of {audio.window_s:g} s")
    augment = config.augment
    if "crops" in wanted and seconds and _covering(seconds) <= audio.window_s < LONGEST_WINDOW_S:
        augment = augment.model_copy(update=WHOLE_CLIPS)
        chosen.append("whole clips, shifted and stretched by up to a tenth")
    if "pooling" in wanted:
        n_samples = round(audio.window_s * audio.sample_rate)
        pooling = "released" if n_samples >= RELEASED_POOLS_FROM else "every-layer"
        network = network.model_copy(update={"pooling": pooling})
        chosen.append(f"{pooling} pools")
    if "epochs" in wanted:
        n_clips = max(1, len(found.dataset.clips))
        epochs = math.ceil(WINDOWS_TRAINED / (n_clips * train.repeats))
        epochs = min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)
        train = train.model_copy(update={"epochs": epochs})
        chosen.append(f"{epochs} epochs")
    parts: dict[str, Any] = {"audio": audio, "network": network, "augment": augment, "train": train}
    parts["from_data"] = ()
    return Settled(config.model_copy(update=parts), tuple(chosen))


def _window(seconds: list[float]) -> float:
    steps = max(1, math.ceil(_covering(seconds) / WINDOW_STEP_S - 1e-9))
    return min(steps * WINDOW_STEP_S, LONGEST_WINDOW_S)


def _covering(seconds: list[float]) -> float:
    """The shortest window that holds COVERED of the clips whole."""
    return sorted(seconds)[max(0, math.ceil(COVERED * len(seconds)) - 1)]


def _rates_and_lengths(found: Found) -> tuple[Counter[int], list[float]]:
    """Sample rates, and lengths in seconds, of clips spread over the data set."""
    packed = found.packed
    if packed is not None:
        rate, places = packed.sample_rate, places_to_look(len(found.dataset.clips))
        lengths = [packed.n_samples(i) / rate for i in places if packed.has(i)]
        return Counter({rate: len(lengths)}), lengths
    return rates_and_lengths(found.dataset.clips)
