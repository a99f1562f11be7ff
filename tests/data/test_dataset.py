from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import DataError, ParameterError
from wsnet_cli.core.natural_order import natural_order
from wsnet_cli.data.dataset import (
    Clip,
    DataSet,
    Failure,
    check_usable,
    clean_label,
)
from wsnet_cli.data.label_sets import join_names


def _set(*clips: Clip, skipped: tuple[Failure, ...] = ()) -> DataSet:
    return DataSet(Path(), "manifest", clips, skipped)


def test_clips_are_in_order_of_name_and_start_however_they_come() -> None:
    clips = [Clip(Path(n), n, "x", start_s=s) for n in ("b", "a/1", "a") for s in (None, 1.5, 10.0)]
    expected = [(n, s) for n in ("a", "a/1", "b") for s in (None, 1.5, 10.0)]
    for seed in range(5):
        random.Random(seed).shuffle(clips)
        assert [(clip.name, clip.start_s) for clip in _set(*clips).clips] == expected


LABELS = st.lists(st.lists(st.sampled_from("abcd"), max_size=4).map(join_names), max_size=9)


@given(LABELS, st.randoms())
def test_the_pairs_of_a_multi_label_set_are_the_classes_of_its_clips(
    labels: list[str], random: random.Random
) -> None:
    dataset = _set(*(Clip(Path(f"{i}"), f"{i}", label) for i, label in enumerate(labels)))
    dataset.clips.multi_label = True
    assert list(dataset.labels) == sorted(set("".join(labels)) - {";"})
    chosen = random.sample(range(len(labels)), k=len(labels) // 2)
    places, classes = dataset.class_pairs(np.array(chosen, np.int64))
    found = [(i, dataset.labels[c]) for i, c in zip(places, classes, strict=True)]
    assert found == [(i, c) for i, clip in enumerate(chosen) for c in dataset.clips[clip].classes]


def test_a_clip_has_one_class_or_a_set_of_them() -> None:
    dataset = _set(Clip(Path("1"), "1", "a;b"), Clip(Path("2"), "2", "c"))
    assert dataset.labels == ("a;b", "c")
    assert [x.tolist() for x in dataset.class_pairs(np.array([1, 0]))] == [[0, 1], [1, 0]]
    with pytest.raises(ParameterError, match="expected a multi-label set"):
        _ = dataset.members
    several = _set(*dataset.clips)
    several.clips.multi_label = True
    assert several.labels == ("a", "b", "c")
    assert several.clips[0].classes == ("a", "b")
    with pytest.raises(ParameterError, match="expected one label for each clip"):
        _ = several.classes


def test_folds_are_in_order_of_their_numbers_even_very_long_ones() -> None:
    folds = ["10", "1", "b", "2", "9" * 5000, "01", None]
    clips = [Clip(Path(str(i)), str(i), "x", fold=fold) for i, fold in enumerate(folds)]
    assert _set(*clips).folds == ("01", "1", "2", "10", "9" * 5000, "b")


def test_natural_order_tells_all_texts_apart() -> None:
    texts = ["", "0", "00", "a", "a0", "a00", "1a", "01a"]
    assert len({natural_order(text) for text in texts}) == len(texts)


def test_a_label_is_stripped_and_composed() -> None:
    assert clean_label(" " + unicodedata.normalize("NFD", "Évian") + "\t") == "Évian"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (" ", "label is empty"),
        ("a\nb", r"'a\\nb' holds characters that cannot be printed"),
        ("\udcff", "cannot be printed"),
        ("x" * 201, "longer than 200 characters"),
    ],
)
def test_a_bad_label_is_refused(label: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        clean_label(label)


def test_one_class_is_refused_and_says_what_was_left_out() -> None:
    skipped = (Failure("cat", "a link"), Failure("cow", "a link"))
    with pytest.raises(
        DataError, match=r"only one class, 'dog'.*left out: cat \(a link\) and 1 more"
    ):
        check_usable(_set(Clip(Path("a"), "a", "dog"), skipped=skipped), Path("sounds"))
