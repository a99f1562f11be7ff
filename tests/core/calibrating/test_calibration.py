from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.calibrating.calibration import Calibration, least_scores, told
from wsnet_cli.core.errors import ParameterError


def test_every_value_at_the_ends_of_its_range() -> None:
    Calibration()
    for temperature in (0.001, 1, 1000):
        for share in (0, 0.5, 1.0):
            Calibration(temperature, (share, 1 - share), share, share)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": 0.0}, "temperature = 0.0; expected 0.001 to 1000"),
        ({"temperature": math.nan}, "temperature = nan; expected 0.001 to 1000"),
        ({"temperature": math.inf}, "temperature = inf; expected 0.001 to 1000"),
        ({"temperature": -1}, "temperature = -1; expected 0.001 to 1000"),
        ({"temperature": True}, "temperature = True; expected 0.001 to 1000"),
        ({"temperature": "1"}, "temperature = '1'; expected 0.001 to 1000"),
        ({"thresholds": (0.5, 1.01)}, "a threshold = 1.01; expected 0 to 1"),
        ({"thresholds": (math.nan,)}, "a threshold = nan; expected 0 to 1"),
        ({"thresholds": (None,)}, "a threshold = None; expected 0 to 1"),
        ({"unknown": -0.1}, "unknown = -0.1; expected 0 to 1"),
        ({"unknown": 0.5, "false_alarm_rate": 2}, "false_alarm_rate = 2; expected 0 to 1"),
        ({"false_alarm_rate": 0.1}, "false_alarm_rate = 0.1; expected none without unknown"),
    ],
)
def test_what_is_outside_its_range_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=f"^{message}$"):
        Calibration(**values)


def test_what_is_asked_of_a_label_by_hand() -> None:
    plain, several = ({"multi_label": value} for value in (False, True))
    assert least_scores(Calibration(), 3, **plain).tolist() == [0, 0, 0]
    assert least_scores(Calibration(), 3, **several).tolist() == [0.5, 0.5, 0.5]
    own = Calibration(2.0, (0.25, 0.0, 0.75))
    assert least_scores(own, 3, **plain).tolist() == [0.25, 0, 0.75]
    assert least_scores(own, 3, **several).tolist() == [0.25, 0, 0.75]
    both = Calibration(2.0, (0.25, 0.0, 0.75), 0.5, 0.05)
    assert least_scores(both, 3, **plain).tolist() == [0.5, 0.5, 0.75]
    assert least_scores(Calibration(unknown=0.25), 2, **several).tolist() == [0.5, 0.5]
    assert not Calibration(3.0).decides
    assert own.decides
    assert Calibration(unknown=0.0).decides


def test_the_decision_by_hand() -> None:
    scores = np.float32([0.25, 0.5, 0.25])
    assert told(scores, [0, 0.5, 0], multi_label=False) == [1]
    assert told(scores, [0, 0.500001, 0], multi_label=False) == []
    assert told(scores, [0, 0.51, 0.25], multi_label=True) == [0, 2]
    assert told(np.float32([0.5, 0.5]), [0, 0], multi_label=False) == [0]
    # Compared as they are: 0.7 as a float32 is a little less than 0.7.
    assert told(np.float32([0.7]), [0.7], multi_label=True) == []
    assert told(np.float32([0.7]), [float(np.float32(0.7))], multi_label=True) == [0]
