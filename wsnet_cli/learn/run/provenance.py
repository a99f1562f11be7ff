"""Where a model comes from: what its file says of it, and the most that it may say."""

from __future__ import annotations

import json

from ... import __version__
from ...data.dataset import DataSet
from ..teachers.model_source import Sources

Provenance = dict[str, str | int | float]

FINGERPRINT_SIGNS = 16
LONGEST_SPLIT_WORDS = 200
"""Bytes that say how a data set was split, without the name of a fold; most take half of it."""
MOST_EPOCHS = 1_000_000_000
"""More epochs are never trained: they may be raised when a run is resumed."""


def provenance(
    preset: str, fingerprint: str, how_split: str, n_epochs: int, seed: int, sources: Sources
) -> Provenance:
    """Of a model: plain words and numbers, no date, host or path.

    Args:
        preset: its name.
        fingerprint: of the data.
        how_split: in words.
        n_epochs: whose weights they are.
        seed: of the run.
        sources: the models that it comes from.
    """
    return {
        "wsnet": __version__,
        "preset": preset,
        "data": fingerprint,
        "split": how_split,
        "epochs": n_epochs,
        "seed": seed,
        **sources.provenance,
    }


def longest_provenance(preset: str, dataset: DataSet, seed: int, sources: Sources) -> Provenance:
    """One that takes at least as many bytes in a file as any that training on the data may give."""
    fold = max(
        (len(json.dumps(name, ensure_ascii=False).encode()) for name in dataset.folds), default=0
    )
    words = "-" * (LONGEST_SPLIT_WORDS + 2 * fold)
    return provenance(preset, "0" * FINGERPRINT_SIGNS, words, MOST_EPOCHS, seed, sources)
