"""Clips divided for each fold as a run of that fold would divide them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import UsageError
from wsnet_cli.learn.divided import divide_each
from wsnet_cli.learn.prepared import find_data, prepare_data


@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_each_fold_is_divided_as_by_its_own_run(tones: Path, make_config, validation: float):
    config = make_config(f"train.validation={validation}")
    found = find_data(tones)
    data = prepare_data(found, config, "none")
    folds = ("2", "1", None, "none")
    splits = list(divide_each(data.dataset, data.packed, folds, validation))
    assert tuple(fold for fold, _ in splits) == folds
    for fold, split in splits:
        assert split == prepare_data(found, config, fold).split


def test_a_fold_that_no_run_can_hold_out_is_passed_over(tones: Path, make_config, tmp_path: Path):
    """Fold b has all clips of a label."""
    rows = ["path,label,fold"]
    rows += [f"low/{i}.wav,low,{'ab'[i % 2]}" for i in range(4)]
    rows += [f"high/{i}.wav,high,b" for i in range(4)]
    (tones / "clips.csv").write_text("\n".join(rows) + "\n")
    data = prepare_data(find_data(tones / "clips.csv"), make_config(), "none")
    splits = divide_each(data.dataset, data.packed, ("b", "a"), 0.0)
    assert [fold for fold, _ in splits] == ["a"]
    with pytest.raises(UsageError, match="no fold 'c'; the data set has a, b"):
        list(divide_each(data.dataset, data.packed, ("c",), 0.0))
