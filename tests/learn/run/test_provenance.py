"""What a model says of where it comes from never takes more bytes than was reckoned with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli import __version__
from wsnet_cli.core.errors import DataError
from wsnet_cli.data.clips import Clip
from wsnet_cli.data.dataset import DataSet
from wsnet_cli.data.dividing.splits import choose_split
from wsnet_cli.learn.run.provenance import longest_provenance, provenance
from wsnet_cli.learn.run.run import Result
from wsnet_cli.learn.teachers.model_source import Sources

NONE = Sources(None, ())


def n_bytes(words: dict[str, str | int | float]) -> int:
    """Within a file: JSON as a text within JSON."""
    return len(json.dumps(json.dumps(words, ensure_ascii=False), ensure_ascii=False).encode())


def dataset_of(n_clips: int, folds: list[str | None], splits: list[str | None]) -> DataSet:
    clips = [
        Clip(Path(f"{i}.wav"), f"{i}.wav", "ab"[i % 2], fold=folds[i % len(folds)])
        if splits == [None]
        else Clip(Path(f"{i}.wav"), f"{i}.wav", "ab"[i % 2], split=splits[i // 2 % len(splits)])
        for i in range(n_clips)
    ]
    return DataSet(Path(), "manifest", clips)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@given(names=st.lists(NAMES, min_size=2, max_size=4, unique=True), named=st.booleans())
def test_no_name_of_a_fold_is_too_long(names: list[str], named: bool):
    dataset = dataset_of(16, [*names], [None])
    keys = [f"{i:064x}" for i in range(16)]
    for fold in names if named else [None]:
        try:
            split = choose_split(dataset, keys, fold=fold)
        except DataError:
            return  # a class is left without a clip
        validation = f"{split.how}; {10**9} clips kept for validation"
        words = provenance("p", "f" * 16, validation, 10**8, 3, NONE)
        assert n_bytes(words) <= n_bytes(longest_provenance("p", dataset, 3, NONE))


@pytest.mark.parametrize("splits", [[None], ["train", "test"], ["train", "validation"], ["train"]])
@pytest.mark.parametrize("fold", [None, "none", "2"])
def test_no_other_way_to_split_takes_more_words(splits: list[str | None], fold: str | None):
    dataset = dataset_of(40, [None], splits)
    keys = [f"{i * 7919 % 40:02x}{i:062x}" for i in range(40)]
    if fold == "2" and splits != [None]:
        return
    how = choose_split(dataset, keys, fold=fold).how
    words = provenance("p", "f" * 16, f"{how}; {10**9} clips kept for validation", 1, 3, NONE)
    assert n_bytes(words) + 60 <= n_bytes(longest_provenance("p", dataset, 3, NONE))


def test_a_real_model_has_it(train: Callable[..., Result]):
    model = train("train.epochs=1").model
    assert dict(model.provenance) == provenance(
        "tiny", str(model.provenance["data"]), str(model.provenance["split"]), 1, 0, NONE
    )
    assert model.provenance["wsnet"] == __version__
