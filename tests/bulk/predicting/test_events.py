"""Events against a slow way that has the whole recording before it, and by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.bulk.predicting.events import Event, find_events
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.engine.timeline import WindowScores


def windows(scores: list[list[float]], window_s: float = 1.0, hop_s: float = 0.5) -> WindowScores:
    starts = hop_s * np.arange(len(scores))
    return WindowScores(starts, starts + window_s, np.float32(scores))


def told(part: WindowScores, **options: object) -> list[tuple[float, float, int]]:
    return [(e.start_s, e.end_s, e.label) for e in find_events([part], **options)]


def slowly(
    part: WindowScores, threshold: float, top_k: int | None, max_gap_s: float | None, order: str
) -> list[Event]:
    """Label by label over all windows, then sorted."""
    found: list[tuple[Event, list[float]]] = []
    n_labels = part.scores.shape[1]
    for label in range(n_labels):
        groups: list[list[int]] = []
        for i, row in enumerate(part.scores):
            rank = sum(
                row[j] > row[label] or (row[j] == row[label] and j < label) for j in range(n_labels)
            )
            if row[label] < threshold or (top_k is not None and rank >= top_k):
                continue
            if (
                groups
                and max_gap_s is not None
                and part.starts_s[i] - part.ends_s[groups[-1][-1]] <= max_gap_s + 1e-6
            ):
                groups[-1].append(i)
            else:
                groups.append([i])
        for group in groups:
            scores = [float(part.scores[i, label]) for i in group]
            start, end = float(part.starts_s[group[0]]), float(part.ends_s[group[-1]])
            found.append(Event(start, end, label, max(scores)))
    if order == "start":
        return sorted(found, key=lambda e: (e.start_s, e.label))
    return sorted(found, key=lambda e: (e.end_s, e.start_s, e.label))


@st.composite
def timelines(draw: st.DrawFn) -> WindowScores:
    """Few levels, so that ties and exact thresholds are common; the last window may be early."""
    n, n_labels = draw(st.integers(0, 25)), draw(st.integers(1, 4))
    levels = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    rows = draw(
        st.lists(st.lists(levels, min_size=n_labels, max_size=n_labels), min_size=n, max_size=n)
    )
    hop = draw(st.sampled_from([0.1, 0.25, 0.5, 1.0]))
    starts = draw(st.sampled_from([0.0, 3.3])) + hop * np.arange(n)
    if n >= 2:
        starts[-1] -= draw(st.sampled_from([0.0, 0.3, 0.9])) * hop
    return WindowScores(starts, starts + 1.0, np.float32(rows).reshape(n, n_labels))


@given(timelines(), st.data())
@settings(deadline=None, max_examples=400)
def test_events_are_those_of_the_slow_way(part: WindowScores, data: st.DataObject) -> None:
    options = {
        "threshold": data.draw(st.sampled_from([0.0, 0.25, 0.6, 1.0])),
        "top_k": data.draw(st.none() | st.integers(1, 5)),
        "max_gap_s": data.draw(st.none() | st.sampled_from([0.0, 0.25, 1.0, 100.0])),
        "order": data.draw(st.sampled_from(["start", "end"])),
    }
    cuts = data.draw(st.lists(st.integers(0, len(part.scores)), max_size=5).map(sorted))
    parts = [
        WindowScores(*arrays)
        for arrays in zip(
            np.split(part.starts_s, cuts),
            np.split(part.ends_s, cuts),
            np.split(part.scores, cuts),
            strict=True,
        )
    ]
    assert list(find_events(iter(parts), **options)) == slowly(part, **options)


def test_hits_that_overlap_or_touch_are_one_and_others_are_not() -> None:
    """Windows of 1 s every 0.5 s: the third touches the first, the fourth does not."""
    assert told(windows([[1], [0], [1], [0]])) == [(0, 2, 0)]
    assert told(windows([[1], [0], [0], [1]])) == [(0, 1, 0), (1.5, 2.5, 0)]
    assert told(windows([[1], [0], [0], [1]]), max_gap_s=0.5) == [(0, 2.5, 0)]
    assert told(windows([[1], [0], [0], [1]]), max_gap_s=0.49) == [(0, 1, 0), (1.5, 2.5, 0)]
    assert told(windows([[1], [1]]), max_gap_s=None) == [(0, 1, 0), (0.5, 1.5, 0)]


def test_times_that_were_added_up_differently_touch() -> None:
    """0.1 + 0.2 is a little more than 0.3."""
    part = WindowScores(
        np.array([0.0, 0.1 + 0.2]), np.array([0.3, 0.6]), np.ones((2, 1), np.float32)
    )
    assert part.starts_s[1] > part.ends_s[0]
    assert told(part) == [(0, 0.6, 0)]


def test_the_score_is_the_largest_of_the_windows() -> None:
    (event,) = find_events([windows([[0.5], [0.25], [1.0]])], threshold=0.5)
    assert event == Event(0.0, 2.0, 0, 1.0)


def test_of_equal_scores_the_first_label_is_the_best() -> None:
    assert told(windows([[0.5, 0.5]]), top_k=1) == [(0, 1, 0)]
    assert told(windows([[0.5, 0.5]]), top_k=2) == [(0, 1, 0), (0, 1, 1)]


def test_where_the_best_label_is_no_hit_there_is_none() -> None:
    part = windows([[0.6, 0.3, 0.1], [0.8, 0.15, 0.05], [0.2, 0.2, 0.1], [0.1, 0.5, 0.4]])
    bounds = np.array([0.7, 0.1, 0.0])
    known = [(0.5, 1.5, 0), (0.5, 1.5, 1), (0.5, 1.5, 2), (1.5, 2.5, 1), (1.5, 2.5, 2)]
    options = {"threshold": bounds, "max_gap_s": None}
    assert told(part, best_decides=True, **options) == known
    assert told(part, best_decides=True, top_k=1, **options) == [known[0], known[3]]
    assert len(told(part, **options)) == 9
    assert told(part, best_decides=True, threshold=0.7, max_gap_s=None) == [known[0]]


def test_by_start_a_long_event_is_told_before_those_inside_it_and_by_end_after() -> None:
    part = windows([[1, 0], [1, 1], [1, 0], [1, 0], [1, 0]], hop_s=1.0)
    assert told(part, order="start") == [(0, 5, 0), (1, 2, 1)]
    assert told(part, order="end") == [(1, 2, 1), (0, 5, 0)]


@pytest.mark.parametrize(("max_gap_s", "n_read"), [(None, 1), (0.0, 3)])
def test_an_event_is_told_as_soon_as_it_is_over(max_gap_s: float | None, n_read: int) -> None:
    """Alone, with its window; else with the first that begins after its end."""
    read = 0

    def parts() -> Iterator[WindowScores]:
        nonlocal read
        for number in range(9):
            read += 1
            start = np.array([0.75 * number])
            yield WindowScores(start, start + 1, np.float32([[number == 0]]))

    events = find_events(parts(), max_gap_s=max_gap_s, order="end")
    assert next(events) == Event(0.0, 1.0, 0, 1.0)
    assert read == n_read


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threshold": 1.5}, "threshold = 1.5; expected a score, 0 to 1"),
        ({"threshold": float("nan")}, "threshold = nan"),
        ({"top_k": 0}, "top_k = 0; expected a whole number >= 1"),
        ({"max_gap_s": -0.1}, "max_gap_s = -0.1; expected seconds >= 0"),
        ({"order": "label"}, "order = 'label'; expected one of start, end"),
    ],
)
def test_options_out_of_range_are_refused_at_once(options: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        find_events(iter([]), **options)
