from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.calibrating.calibration import is_told, told
from wsnet_cli.core.measures.told import FalseAlarms, Told, measure_told, unknown_curve

SCORES = np.float32([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75]])


def test_what_is_told_by_hand() -> None:
    truth = np.eye(3, dtype=np.bool_)[[0, 0, 2]]
    assert measure_told(SCORES, truth, [0, 0, 0], multi_label=False) == Told(3, 3, 2)
    assert measure_told(SCORES, truth, [0.5, 0.5, 0.8], multi_label=False) == Told(3, 2, 1)
    assert measure_told(SCORES, truth, [1, 1, 1], multi_label=False).as_json() == {
        "n_clips": 3,
        "n_told": 0,
        "n_right": 0,
        "share": 0,
        "accuracy": None,
    }


def test_what_is_told_of_several_labels_by_hand() -> None:
    truth = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0]], np.bool_)
    found = measure_told(SCORES, truth, [0.5, 0.5, 0.5], multi_label=True)
    # Right: the first clip. The third gets a label, and has none.
    assert found == Told(3, 3, 1)
    assert measure_told(SCORES, truth, [0.5, 0.5, 0.8], multi_label=True) == Told(3, 2, 1)


@given(seed=st.integers(0, 10**6), multi_label=st.booleans())
@settings(max_examples=50, deadline=None)
def test_many_clips_are_decided_as_one_by_one(seed: int, multi_label: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(4), 20).astype(np.float32).round(1)
    least = rng.uniform(0, 0.8, 4).round(1)
    one_by_one = [bool(told(row, least, multi_label=multi_label)) for row in scores]
    assert is_told(scores, least, multi_label=multi_label).tolist() == one_by_one


def test_false_alarms_by_hand() -> None:
    assert FalseAlarms(n_clips=40, n_files=3, seconds=7200, n_told=4).as_json() == {
        "n_files": 3,
        "n_clips": 40,
        "hours": 2,
        "n_false_alarms": 4,
        "false_alarm_rate": 0.1,
        "false_alarms_per_hour": 2,
    }


def test_the_curve_by_hand_and_falling() -> None:
    curve = unknown_curve(np.float32([0.25, 0.5]), np.float32([0.5, 0.75, 1, 1]))
    by_threshold = {p.threshold: (p.false_alarm_rate, p.accepted) for p in curve}
    assert len(curve) == 101
    assert by_threshold[0] == (1, 1)
    assert by_threshold[0.5] == (0.5, 1)
    assert by_threshold[0.51] == (0, 0.75)
    assert by_threshold[1] == (0, 0.5)
    for name in ("false_alarm_rate", "accepted"):
        values = [getattr(point, name) for point in curve]
        assert values == sorted(values, reverse=True)
