from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wsnet_cli.data.health.findings import FINDINGS, findings_of, judge
from wsnet_cli.data.health.meter import HEALTH, HealthMeter

RATE = 8000
LOW = np.sin(2 * np.pi * 0.005 * np.arange(RATE))
SINE = np.sin(2 * np.pi * 0.12 * np.arange(RATE))


def measure(samples: Any) -> Any:
    samples = np.asarray(samples, np.float32)
    samples = samples if samples.ndim == 2 else samples[:, None]
    meter = HealthMeter()
    meter.add(samples)
    return meter.record(RATE, samples.shape[1])


def found(samples: Any) -> tuple[str, ...]:
    masks = judge(np.array([measure(samples)], HEALTH))
    return findings_of(int(masks[0]))


def beside(length: int) -> np.ndarray[Any, Any]:
    return SINE[:length] * 0.3


@pytest.mark.parametrize(
    ("samples", "names"),
    [
        (0.5 * SINE, ()),
        (np.zeros(RATE), ("silent",)),
        (np.full((RATE, 2), 0.3), ("silent", "dc-offset")),
        (1e-5 * np.sign(SINE), ("silent",)),  # rounds to digital silence in 16 bits
        (2e-4 * SINE, ("nearly-silent",)),
        (1e-3 * SINE, ()),
        (np.clip(SINE * 3, -1, 1), ("clipped",)),
        (np.clip(SINE * 3, -1, 1) * 0.2, ("clipped",)),
        (np.rint(5 * LOW) / 128, ()),  # coarse steps far below full scale
        (1.4 * SINE, ("over-full-scale",)),
        (np.where(np.arange(RATE) == 9, 1.2, 0.5 * SINE), ()),  # one overshoot
        (0.02 + 0.1 * SINE, ("dc-offset",)),
        (0.005 + 0.1 * SINE, ()),
        (0.0009 + 0.002 * SINE, ()),
        (np.stack([SINE, -SINE], 1) * 0.5, ("cancels",)),
        (np.stack([SINE, -0.6 * SINE], 1) * 0.5, ()),
        (np.stack([SINE, -0.9 * SINE], 1) * 0.5, ("cancels",)),
        (np.stack([SINE, 0 * SINE], 1) * 0.5, ()),
        (np.stack([0.5 + SINE / 4, 0.5 - SINE / 4], 1), ("dc-offset", "cancels")),
        (np.zeros((RATE, 2)), ("silent",)),
        (np.concatenate([np.zeros(9000), SINE * 0.5]), ("padded",)),
        (np.concatenate([np.zeros(7000), SINE * 0.5]), ()),
        (beside(100), ("very-short",)),
    ],
)
def test_each_fault_is_found_and_nothing_else(samples: Any, names: tuple[str, ...]) -> None:
    assert found(samples) == names


def test_unrelated_channels_do_not_cancel_however_many() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (RATE, 64))
    assert found(noise) == ()
    one_of_many = np.zeros((RATE, 64))
    one_of_many[:, 5] = 0.5 * SINE
    assert found(one_of_many) == ()


def test_lengths_are_judged_against_the_median_of_all() -> None:
    records = np.zeros(5, HEALTH)
    records["duration_s"] = [0.49, 0.51, 5.0, 49.0, 51.0]
    records["span"] = records["rms"] = 0.1
    names = [findings_of(int(mask)) for mask in judge(records)]
    assert names == [("very-short",), (), (), (), ("very-long",)]


def test_no_clip_at_all_is_no_error() -> None:
    assert judge(np.zeros(0, HEALTH)).tolist() == []


def test_every_finding_has_words_and_a_value_to_show() -> None:
    assert len({finding.name for finding in FINDINGS}) == len(FINDINGS)
    for finding in FINDINGS:
        assert finding.meaning
        assert finding.field in (HEALTH.names or ())


def test_the_record_keeps_no_verdict() -> None:
    """So that a kept record is judged by the thresholds of today."""
    assert "findings" not in (HEALTH.names or ())
