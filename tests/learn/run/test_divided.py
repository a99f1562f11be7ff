"""Clips divided for each fold as a run of that fold would divide them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError, FileError, UsageError
from wsnet_cli.learn.run import divided
from wsnet_cli.learn.run.divided import divide_each, find_copies
from wsnet_cli.learn.run.prepared import find_data, prepare_data


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


def test_clips_are_compared_where_there_is_room(tones: Path, make_config, monkeypatch, tmp_path):
    """Or not at all: a split without the comparison could have copies on both sides."""
    packed = prepare_data(find_data(tones), make_config(), "none").packed
    beside, elsewhere = packed.store.folder, tmp_path / "elsewhere"
    assert beside is not None
    tried: list[Path] = []
    full = {beside}
    compare = divided.compare_clips

    def refuse(packed, scratch, *rest):
        tried.append(scratch)
        if scratch in full:
            raise FileError(f"{scratch}: cannot be written: No space left on device")
        return compare(packed, tmp_path, *rest)

    monkeypatch.setattr(divided, "compare_clips", refuse)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(elsewhere))
    find_copies(packed)
    assert tried == [beside, elsewhere]
    full.add(elsewhere)
    with pytest.raises(FileError, match="elsewhere: cannot be written"):
        find_copies(packed)
