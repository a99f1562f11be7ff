"""The validation part: a share of what is trained on, chosen by a hash of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.dividing.splits import choose_split
from wsnet_cli.data.dividing.validation import take_validation


def test_a_share_of_the_training_clips_is_taken_whatever_is_held_out() -> None:
    """By the hash that holds out, all clips that are left would stand above the share."""
    clips = [Clip(Path(f"{i}"), f"{i:03d}", "ab"[i % 2]) for i in range(100)]
    dataset = DataSet(Path(), "manifest", clips)
    keys = [hashlib.sha256(name.encode()).hexdigest() for name in dataset.clips.names]
    packed: Any = SimpleNamespace(content_keys=keys, audio_keys=np.zeros((100, 0), np.uint8))
    before = choose_split(dataset, keys)
    after = take_validation(dataset, packed, before, 0.2)
    assert 0.14 < len(after.validation) / len(before.train) < 0.3
    assert sorted(after.train + after.validation) == list(before.train)
    assert after.test == before.test
