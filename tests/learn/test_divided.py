"""Clips divided for each fold as a run of that fold would divide them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError, UsageError
from wsnet_cli.learn.divided import divide_each
from wsnet_cli.learn.prepared import find_data, prepare_data


@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_each_fold_is_divided_as_by_its_own_run(tones: Path, make_config, validation: float):
    config = make_config(f"train.validation={validation}")
    found = find_data(tones)
    data = prepare_data(found, config, "none")
    folds = ("2", "1", None, "none")
    splits = divide_each(data.dataset, data.packed, folds, validation, data.together)
    assert tuple(splits) == folds
    for fold, split in splits.items():
        assert split == prepare_data(found, config, fold).split


def test_a_fold_that_no_run_can_hold_out_is_told(tones: Path, make_config):
    """Fold b has all clips of a label."""
    rows = ["path,label,fold"]
    rows += [f"low/{i}.wav,low,{'abc'[i % 3]}" for i in range(4)]
    rows += [f"high/{i}.wav,high,b" for i in range(4)]
    (tones / "clips.csv").write_text("\n".join(rows) + "\n")
    data = prepare_data(find_data(tones / "clips.csv"), make_config(), "none")
    dataset, packed = data.dataset, data.packed
    told = r"^no clip to train on is left of 'high' \(fold b of 3 held out\); expected .* per class"
    with pytest.raises(DataError, match=rf"{told}; without that fold: --fold c,a$"):
        divide_each(dataset, packed, ("c", "b", "a"), 0.0, [])
    with pytest.raises(DataError, match=rf"{told}$"):
        divide_each(dataset, packed, ("b",), 0.0, [])
    with pytest.raises(UsageError, match="no fold 'd'; the data set has a, b, c"):
        divide_each(dataset, packed, ("d",), 0.0, [])
