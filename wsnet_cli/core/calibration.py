"""How a model's logits become scores, and its scores a decision: what calibration stores."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import check, is_real

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.001, 1000.0
"""Beyond these every score is 0 or 1, or all are equal, in any use."""


@dataclass(frozen=True)
class Calibration:
    """The default changes nothing: a score is the softmax or sigmoid of the logits.

    Args:
        temperature: what logits are divided by, 0.001 to 1,000.
        thresholds: the least score of each label for its being named, 0 to 1; None: 0, or 0.5 in
            multi-label models.
        unknown: the least score for any label's being named, 0 to 1; None: 0.
        false_alarm_rate: share of background clips whose best score reached `unknown` when it was
            chosen; None where it was not measured.

    Raises:
        ParameterError: a value is outside its range.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None
    unknown: float | None = None
    false_alarm_rate: float | None = None

    def __post_init__(self) -> None:
        good = is_real(self.temperature)
        good = good and LEAST_TEMPERATURE <= self.temperature <= MOST_TEMPERATURE
        expected = f"{LEAST_TEMPERATURE:g} to {MOST_TEMPERATURE:g}"
        check("temperature", self.temperature, good, expected)
        for threshold in self.thresholds or ():
            check("a threshold", threshold, _is_share(threshold), "0 to 1")
        for name, share in (
            ("unknown", self.unknown),
            ("false_alarm_rate", self.false_alarm_rate),
        ):
            check(name, share, share is None or _is_share(share), "0 to 1")
        measured = self.false_alarm_rate is not None
        good = self.unknown is not None or not measured
        check("false_alarm_rate", self.false_alarm_rate, good, "none without unknown")


def _is_share(value: object) -> bool:
    return is_real(value) and 0 <= value <= 1  # type: ignore[operator]
