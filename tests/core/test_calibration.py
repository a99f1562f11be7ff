from __future__ import annotations

import math
from typing import Any

import pytest

from wsnet_cli.core.calibration import Calibration
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
