from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsnet_cli.bulk.predicting.answers import (
    Answer,
    Hits,
    Segment,
    predictions_of,
    readable,
    stamp_of,
)

LABELS = ("cat", "dog", "hen")


def hits(scores: list[list[float]], top_k: int = 3, threshold: float = 0.0) -> list[Segment]:
    n = len(scores)
    starts = np.arange(n, dtype=np.float64)
    return list(Hits(starts, starts + 2, np.float32(scores), top_k, threshold))


def test_the_best_labels_stand_first_and_equals_in_their_order():
    (segment,) = hits([[0.25, 0.5, 0.25]])
    assert segment == Segment(0.0, 2.0, ((1, 0.5), (0, 0.25), (2, 0.25)))


def test_windows_without_a_label_at_the_threshold_are_left_out():
    found = hits([[0.25, 0.5, 0.25], [0.375, 0.25, 0.375], [0, 0.75, 0.25]], threshold=0.5)
    assert found == [Segment(0.0, 2.0, ((1, 0.5),)), Segment(2.0, 4.0, ((1, 0.75),))]


def test_with_features_every_window_stands():
    features = np.float32([[1, 2], [3, 4]])
    times = np.arange(2.0)
    scores = np.float32([[0.9, 0.1, 0], [0.4, 0.3, 0.3]])
    first, second = Hits(times, times + 1, scores, 1, 0.5, features)
    assert (first.scores, second.scores) == (((0, float(np.float32(0.9))),), ())
    assert first.features is not None
    assert second.features is not None
    assert np.array_equal([first.features, second.features], features)


@given(
    scores=hnp.arrays(np.float32, (7, 5), elements=st.floats(0, 1, width=32)),
    top_k=st.integers(1, 9),
    threshold=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_hits_are_what_sorting_each_window_gives(scores: np.ndarray, top_k: int, threshold: float):
    starts = np.arange(7, dtype=np.float64)
    expected = []
    for i, row in enumerate(scores.tolist()):
        best = sorted(enumerate(row), key=lambda pair: (-pair[1], pair[0]))[:top_k]
        kept = tuple((label, score) for label, score in best if score >= threshold)
        if kept:
            expected.append(Segment(float(i), float(i) + 1, kept))
    assert list(Hits(starts, starts + 1, scores, top_k, threshold)) == expected


def test_each_label_has_a_least_score_of_its_own():
    starts, scores = np.zeros(2), np.float32([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    kept = np.array([0.6, 0.3, 0.2])
    # As float32 numbers 0.3 is a little more, and 0.2 too: both are kept, and the best is not.
    found = list(Hits(starts, starts + 1, scores, 3, kept))
    assert [[label for label, _ in segment.scores] for segment in found] == [[1, 2], [1, 2]]
    (segment, _) = Hits(starts, starts + 1, scores, 2, kept)
    assert [label for label, _ in segment.scores] == [1]
    assert list(Hits(starts, starts + 1, scores, 1, kept)) == []


def test_a_best_label_that_is_no_hit_is_unknown_and_the_others_stay():
    parts = [hits([[0.5, 0.375, 0.125], [0.25, 0.625, 0.125]])]
    answer = Answer("a.wav", "ok", 7.5, parts=parts)
    first, second = predictions_of(answer, LABELS, [0.75, 0.625, 0.0])
    assert first.scores == (("unknown", 0.5, False), ("dog", 0.375, False), ("hen", 0.125, False))
    assert second.scores == (("dog", 0.625, True), ("cat", 0.25, False), ("hen", 0.125, True))


def test_scores_are_compared_before_they_are_rounded():
    parts = [[Segment(0.0, 1.0, ((0, 0.4999999),))]]
    (prediction,) = predictions_of(Answer("a.wav", "ok", 1.0, parts=parts), LABELS, [0.5, 0, 0])
    assert prediction.scores == (("unknown", 0.5, False),)


def test_an_answer_without_a_label_is_one_prediction_over_all_of_it():
    answer = Answer("a.wav", "ok", 7.5, parts=[hits([[0.1, 0.1, 0.1]], threshold=0.5)])
    (prediction,) = predictions_of(answer, LABELS)
    assert (prediction.status, prediction.start_s, prediction.end_s) == ("ok", 0.0, 7.5)
    assert (prediction.scores, prediction.error) == ((), "")


def test_an_answer_of_parts_is_a_prediction_for_each_segment():
    parts = [hits([[0.5, 0.25, 0.25]], 1), hits([[0, 0, 1]], 1)]
    found = list(predictions_of(Answer("a.wav", "ok", 7.5, parts=parts), LABELS))
    assert [(p.start_s, p.scores) for p in found] == [
        (0.0, (("cat", 0.5, True),)),
        (0.0, (("hen", 1.0, True),)),
    ]


def test_a_failed_answer_says_why():
    (prediction,) = predictions_of(Answer("a.wav", "error", error="a.wav: is empty"), LABELS)
    assert (prediction.status, prediction.error) == ("error", "a.wav: is empty")
    assert (prediction.end_s, prediction.scores) == (0.0, ())


def test_bytes_that_are_no_utf8_become_text():
    assert readable("caf\udce9 é.wav") == "caf\\udce9 é.wav"


def test_a_stamp_changes_with_size_and_time(tmp_path: Path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"12345")
    stamp = stamp_of(str(path))
    assert stamp is not None
    assert stamp.size == 5
    path.write_bytes(b"123456")
    assert stamp_of(str(path)) != stamp
    if sys.platform != "win32":
        link = tmp_path / "link.wav"
        link.symlink_to(path)
        assert stamp_of(str(link)) == stamp_of(str(path))


@pytest.mark.parametrize("name", ["missing.wav", "x" * 5_000, "nul\0.wav"])
def test_what_is_not_there_has_no_stamp(name: str):
    assert stamp_of(name) is None
