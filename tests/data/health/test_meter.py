from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.data.health import meter as health
from wsnet_cli.data.health.flats import FLAT_RUN
from wsnet_cli.data.health.meter import HEALTH, SILENCE, HealthMeter

LEVELS = [-1.5, -1.0, -0.5, 0.0, SILENCE / 2, 0.25, 0.5, 1.0, 1.25]

frames = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 3)),
    elements=st.sampled_from([float(np.float32(v)) for v in LEVELS]),
)


def measure(samples: Any, rate: int = 8000, cuts: Any = ()) -> np.void:
    samples = np.asarray(samples, np.float32)
    samples = samples if samples.ndim == 2 else samples[:, None]
    meter = HealthMeter()
    for block in np.split(samples, sorted(cuts)):
        meter.add(block)
    return meter.record(rate, samples.shape[1])


def runs_at(column: Any, level: float) -> int:
    lengths = [len(list(run)) for value, run in groupby(column.tolist()) if value == level]
    return sum(n for n in lengths if n >= FLAT_RUN)


def reference(samples: Any, rate: int) -> dict[str, float]:
    """Everything from its definition, sample by sample or in float64."""
    x = samples.astype(np.float64)
    means = x.mean(axis=0)
    extremes = {samples.max(), samples.min()}
    flat = sum(runs_at(c, level) for c in samples.T for level in extremes)
    loud = [i for i, row in enumerate(x) if max(abs(row)) > SILENCE]
    return {
        "duration_s": len(x) / rate,
        "sample_rate": rate,
        "n_channels": x.shape[1],
        "peak": abs(x).max(),
        "span": x.max() - x.min(),
        "rms": np.sqrt(np.mean((x - means) ** 2)),
        "mix_rms": np.std(x.mean(axis=1)),
        "dc": means[np.argmax(abs(means))],
        "flat": flat / x.size if len(extremes) > 1 else 0.0,
        "over": np.mean(abs(x) > 1.0),
        "padding": 1 - (loud[-1] - loud[0] + 1) / len(x) if loud else 1.0,
        "cut_off": 0,
    }


@pytest.fixture(params=[2**16, 7, 2], ids="measured-{}".format)
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(health, "MEASURED_VALUES", request.param)
    return int(request.param)


@settings(max_examples=150, deadline=None)
@given(samples=frames, size=st.sampled_from([2**16, 7, 2]))
def test_every_value_is_what_its_definition_says(samples: Any, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "MEASURED_VALUES", size)
        record = measure(samples)
    expected = reference(samples, 8000)
    for name in HEALTH.names or ():
        if name == "dc":  # of two means as far from 0 either may be named
            assert abs(record[name]) == pytest.approx(abs(expected[name]), abs=1e-6)
        else:
            # Where the sound is exactly 0 the square root of a rounding error of 1e-7 remains.
            assert record[name] == pytest.approx(expected[name], rel=1e-5, abs=5e-4), name


@settings(max_examples=150, deadline=None)
@given(samples=frames, data=st.data(), size=st.sampled_from([2**16, 12, 2]), seed=st.integers(0, 9))
def test_the_record_does_not_depend_on_where_the_blocks_end(
    samples: Any, data: Any, size: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.1, samples.shape).astype(np.float32)
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "MEASURED_VALUES", size)
        for sound in (samples, samples + noise):
            assert measure(sound, cuts=cuts).tobytes() == measure(sound).tobytes()


def test_a_clipped_sine_by_hand() -> None:
    # A period of 24 samples: sin(75..105 degrees) > 0.95, so 3 samples lie on top and 3 below.
    sine = np.sin(2 * np.pi * np.arange(240) / 24)
    record = measure(np.clip(sine, -0.95, 0.95))
    assert record["flat"] == pytest.approx(60 / 240)
    assert record["peak"] == np.float32(0.95)
    assert record["span"] == np.float32(1.9)
    assert measure(sine)["flat"] == 0.0
    turned_down = measure(0.3 * np.clip(sine, -0.95, 0.95))
    assert turned_down["flat"] == pytest.approx(60 / 240)


def test_eight_bits_end_below_full_scale_and_are_clipped_all_the_same() -> None:
    codes = np.clip(np.rint(200 * np.sin(2 * np.pi * np.arange(800) / 40)), -128, 127)
    record = measure(codes / 128)
    assert (record["peak"], record["over"]) == (1.0, 0.0)
    n_at_ends = int(np.sum(codes == 127) + np.sum(codes == -128))
    assert record["flat"] == pytest.approx(n_at_ends / 800)
    assert n_at_ends > 400


def test_levels_about_an_offset_by_hand() -> None:
    sine = 0.1 * np.sin(2 * np.pi * np.arange(800) / 8)
    record = measure(0.5 + sine)
    assert record["dc"] == pytest.approx(0.5)
    assert record["rms"] == pytest.approx(0.1 / np.sqrt(2), rel=1e-6)
    assert record["mix_rms"] == pytest.approx(0.1 / np.sqrt(2), rel=1e-6)
    assert record["peak"] == pytest.approx(0.6)
    assert measure(-0.5 + sine)["dc"] == pytest.approx(-0.5)


def test_a_faint_sound_is_not_lost_beside_a_large_offset() -> None:
    sine = 1e-4 * np.sin(2 * np.pi * np.arange(80_000) / 8)
    assert measure(0.5 + sine)["rms"] == pytest.approx(1e-4 / np.sqrt(2), rel=1e-3)


def test_channels_that_cancel_by_hand() -> None:
    sine = 0.5 * np.sin(2 * np.pi * np.arange(800) / 8)
    record = measure(np.stack([sine, -sine], axis=1))
    assert record["rms"] == pytest.approx(0.5 / np.sqrt(2))
    assert record["mix_rms"] == pytest.approx(0.0, abs=1e-7)
    same = measure(np.stack([sine, sine], axis=1))
    assert same["mix_rms"] == pytest.approx(0.5 / np.sqrt(2))
    one_side = measure(np.stack([sine, 0 * sine], axis=1))
    assert one_side["mix_rms"] == pytest.approx(0.25 / np.sqrt(2))


def test_the_offset_is_that_of_the_worst_channel() -> None:
    assert measure([[0.1, -0.3], [0.1, -0.3]])["dc"] == pytest.approx(-0.3)


def test_silence_and_a_constant_have_no_sound(parts: int) -> None:
    silence = measure(np.zeros((100, 2)))
    assert [silence[n] for n in ("peak", "span", "rms", "dc", "flat")] == [0.0] * 5
    assert silence["padding"] == 1.0
    constant = measure(np.full(100, 0.25))
    assert [constant[n] for n in ("span", "rms", "flat", "padding")] == [0.0] * 4
    assert (constant["dc"], constant["peak"]) == (0.25, 0.25)


def test_padding_is_what_lies_at_the_ends(parts: int) -> None:
    sound = np.concatenate([np.zeros(10), [0.5], np.zeros(20), [-0.5], np.full(5, SILENCE)])
    assert measure(sound)["padding"] == pytest.approx(15 / 37)
    assert measure(sound[10:32])["padding"] == 0.0
    assert measure([[0.0, 0.0], [0.0, 0.5], [0.0, 0.0]])["padding"] == pytest.approx(2 / 3)


def test_one_sample_is_a_clip(parts: int) -> None:
    record = measure([0.5], rate=1000)
    assert record["duration_s"] == 0.001
    assert (record["peak"], record["span"], record["rms"]) == (0.5, 0.0, 0.0)
    assert (record["dc"], record["padding"]) == (0.5, 0.0)


def test_a_block_may_be_used_again_by_who_gave_it(parts: int) -> None:
    sound = np.linspace(-0.5, 0.5, 60, dtype=np.float32)[:, None]
    buffer = np.empty((20, 1), np.float32)
    meter = HealthMeter()
    for start in range(0, 60, 20):
        buffer[:] = sound[start : start + 20]
        meter.add(buffer)
    assert meter.record(8000, 1).tobytes() == measure(sound).tobytes()


def test_a_record_is_small() -> None:
    assert HEALTH.itemsize == 47


def test_what_is_no_clip_is_refused() -> None:
    meter = HealthMeter()
    with pytest.raises(ParameterError, match=r"0 samples of 0 channels"):
        meter.record(8000, 1)
    with pytest.raises(ParameterError, match=r"shape \(3,\); expected \[n, n_channels\]"):
        meter.add(np.zeros(3, np.float32))
    meter.add(np.zeros((3, 2), np.float32))
    with pytest.raises(ParameterError, match=r"shape \(3, 1\); expected \[n, 2\]"):
        meter.add(np.zeros((3, 1), np.float32))
    with pytest.raises(ParameterError, match=r"expected some of 1"):
        meter.record(8000, 1)
