from __future__ import annotations

import numpy as np

from wsnet_cli.core.measures.evaluation import ClipResult, Evaluated
from wsnet_cli.report.mistakes import find_mistakes

LABELS = ("cat", "dog", "owl")


def single(*rows: tuple[str, str, str, float]) -> Evaluated:
    clips = tuple(ClipResult(file, label, told, score, 1.0) for file, label, told, score in rows)
    truth = np.array([LABELS.index(clip.label) for clip in clips])
    return Evaluated(LABELS, clips, truth, None)


def test_the_most_certain_mistakes_come_first_and_right_clips_not_at_all() -> None:
    evaluated = single(
        ("b", "cat", "dog", 0.6),
        ("right", "cat", "cat", 0.99),
        ("c", "dog", "owl", 0.9),
        ("a", "cat", "dog", 0.6),
    )
    found = find_mistakes(evaluated)
    assert [(m.clip.file, m.label, m.score) for m in found] == [
        ("c", "owl", 0.9),
        ("a", "dog", 0.6),
        ("b", "dog", 0.6),
    ]
    assert [evaluated.clips[m.index].file for m in found] == ["c", "a", "b"]


def test_a_clip_that_several_runs_heard_is_one_mistake() -> None:
    evaluated = single(
        ("a", "cat", "cat", 0.9),
        ("a", "cat", "dog", 0.5),
        ("a", "cat", "owl", 0.7),
        ("b", "dog", "dog", 0.5),
    )
    (found,) = find_mistakes(evaluated)
    assert (found.index, found.label, found.n_wrong, found.n_heard) == (2, "owl", 2, 3)


def test_parts_of_one_file_are_clips_of_their_own() -> None:
    parts = [(0.0, 1.0), (1.0, 2.0)]
    clips = tuple(
        ClipResult("a", "cat", "dog", 0.5, 1.0, start_s=start, end_s=end) for start, end in parts
    )
    found = find_mistakes(Evaluated(LABELS, clips, np.zeros(2, np.int64), None))
    assert [m.clip.start_s for m in found] == [0, 1]


def test_of_several_labels_the_worst_decision_counts() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], np.bool_)
    scores = np.float32([[0.9, 0.4, 0.0], [0.9, 0.05, 0.6], [0, 0, 0.99], [0.49, 0.5, 0]])
    clips = tuple(ClipResult(f"{i}", "x", "y", 0.0, 1.0) for i in range(4))
    found = find_mistakes(Evaluated(LABELS, clips, truth, scores))
    assert [(m.clip.file, m.label, m.missed, round(m.score, 2)) for m in found] == [
        ("2", "owl", False, 0.99),
        ("1", "dog", True, 0.05),
    ]
