from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import AugmentConfig
from wsnet_cli.data.dataset import DataSet
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing.cache import default_cache_root
from wsnet_cli.data.packing.packed import PackedSet, pack
from wsnet_cli.learn.feeding import variants
from wsnet_cli.learn.feeding.variants import (
    Change,
    draw_change,
    make_variants,
    vary,
    wants_variants,
)

RATE = 8_000
CONFIG = AugmentConfig(stretch=1.25, pitch_semitones=2.0, variants=3)


def tone(hz: float, n_samples: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(n_samples) / RATE)).astype(np.float32)


def frequency(samples: np.ndarray) -> float:
    """Of the strongest tone, in Hz, from the middle half."""
    middle = samples[len(samples) // 4 : -(len(samples) // 4)]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 17))
    return float(np.argmax(spectrum)) * RATE / (1 << 17)


def pack_tones(tones: Path) -> tuple[DataSet, PackedSet]:
    dataset = load_dataset(tones)
    return dataset, pack(dataset, RATE, default_cache_root())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """The changes that are made, each by the quick way of repeating or leaving out samples."""
    made: list[Change] = []

    def quick(samples: np.ndarray, change: Change, rate: int, check: object) -> np.ndarray:
        made.append(change)
        n = round(len(samples) * change.stretch)
        return samples[np.arange(n) * len(samples) // n]

    monkeypatch.setattr(variants, "vary", quick)
    return made


# --------------------------------------------------------------------------------- what is drawn


def test_changes_follow_from_content_and_number_and_fill_their_ranges() -> None:
    """Log-uniform and uniform, as 4,000 of them show."""
    changes = [draw_change(f"key {i}", n, CONFIG) for i in range(1_000) for n in range(4)]
    assert changes == [draw_change(f"key {i}", n, CONFIG) for i in range(1_000) for n in range(4)]
    assert len(set(changes)) == 4_000
    logs = np.log([change.stretch for change in changes]) / np.log(1.25)
    shifts = np.array([change.semitones for change in changes]) / 2
    for values in (logs, shifts):
        assert np.abs(values).max() <= 1
        assert np.histogram(values, 4, (-1, 1))[0] == pytest.approx(np.full(4, 1_000), rel=0.12)
    assert abs(np.corrcoef(logs, shifts)[0, 1]) < 0.06


def test_only_what_is_asked_for_is_drawn() -> None:
    assert draw_change("key", 0, AugmentConfig(stretch=1.2)).semitones == 0
    assert draw_change("key", 0, AugmentConfig(pitch_semitones=1)).stretch == 1
    assert wants_variants(AugmentConfig(stretch=1.2))
    assert wants_variants(AugmentConfig(pitch_semitones=1))
    assert not wants_variants(AugmentConfig())


# ---------------------------------------------------------------------------------- what is heard


@pytest.mark.parametrize("stretch", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("semitones", [-2.0, 0.0, 1.5])
def test_stretching_keeps_the_pitch_and_shifting_keeps_the_length(
    stretch: float, semitones: float
) -> None:
    varied = vary(tone(440, 16_000), Change(stretch, semitones), RATE)
    assert (len(varied), varied.dtype) == (round(16_000 * stretch), np.float32)
    assert frequency(varied) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.003)
    level = np.sqrt(np.mean(varied[4_000:-4_000] ** 2))
    assert level == pytest.approx(0.5 / 2**0.5, rel=0.25)


def test_an_event_moves_with_time() -> None:
    """The middle of a burst three quarters of the way stays there, whatever its frames smear."""
    clip = np.zeros(8_000, np.float32)
    clip[5_600:6_400] = np.random.default_rng(0).standard_normal(800)
    for stretch in (0.8, 1.25):
        power = vary(clip, Change(stretch, 0), RATE).astype(np.float64) ** 2
        middle = np.sum(np.arange(len(power)) * power) / np.sum(power)
        assert middle / len(power) == pytest.approx(0.75, abs=0.03)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 3_000), st.floats(0.5, 2), st.floats(-12, 12))
def test_clips_of_any_length_have_versions(n: int, stretch: float, semitones: float) -> None:
    varied = vary(tone(700, n), Change(stretch, semitones), RATE)
    assert len(varied) == max(1, round(n * stretch))
    assert np.isfinite(varied).all()


def test_silence_stays_silent() -> None:
    assert not vary(np.zeros(5_000, np.float32), Change(1.2, 1), RATE).any()


@pytest.mark.parametrize("stretch", [0.8, 1.3])
def test_long_clips_are_varied_in_pieces_without_gaps(
    stretch: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The level of a tone is the same at the joints as elsewhere, but for its phase there."""
    whole = vary(tone(440, 40_000), Change(stretch, 0), RATE)
    monkeypatch.setattr(variants, "PIECE_SAMPLES", 9_000)
    pieces = vary(tone(440, 40_000), Change(stretch, 0), RATE)
    assert len(pieces) == len(whole)
    assert frequency(pieces) == pytest.approx(440, rel=0.003)
    levels = np.sqrt(np.mean(pieces[:-1_000].reshape(-1, 500) ** 2, axis=1))
    assert levels.max() < 0.45
    joints = np.round(np.arange(9_000, 40_000, 9_000) * stretch / 500).astype(int)
    away = [i for i in range(2, len(levels) - 4) if np.abs(joints - i).min() > 4]
    assert levels[away] == pytest.approx(np.full(len(away), 0.5 / 2**0.5), rel=0.15)
    assert np.abs(np.diff(pieces)).max() < 1.6 * np.abs(np.diff(whole)).max()


# ------------------------------------------------------------------------------------- the cache


def test_versions_are_made_once_and_found_again(tones: Path, counted: list[Change]) -> None:
    dataset, packed = pack_tones(tones)
    clips = [i for i in range(21) if i % 4]
    told: list[tuple[str, int, int]] = []
    made = make_variants(dataset, packed, clips, CONFIG, lambda *call: told.append(call))
    assert len(made.sets) == 3
    assert len(counted) == 45
    assert told[-1] == ("stretching and shifting", 45, 45)
    for number, versions in enumerate(made.sets):
        assert [versions.has(i) for i in range(21)] == [i % 4 > 0 for i in range(21)]
        for i in clips:
            change = draw_change(packed.content_keys[i], number, CONFIG)
            assert change in counted
            assert versions.n_samples(i) == round(packed.n_samples(i) * change.stretch)
    counted.clear()
    again = make_variants(dataset, packed, clips, CONFIG)
    assert counted == []
    for first, second in zip(made.sets, again.sets, strict=True):
        assert all(np.array_equal(first.samples(i), second.samples(i)) for i in clips)
    assert made.fingerprint == again.fingerprint


def test_only_what_is_new_is_made(tones: Path, counted: list[Change]) -> None:
    dataset, packed = pack_tones(tones)
    make_variants(dataset, packed, range(10), CONFIG)
    counted.clear()
    make_variants(dataset, packed, range(12), CONFIG)
    assert len(counted) == 2 * 3
    counted.clear()
    more = CONFIG.model_copy(update={"variants": 5})
    make_variants(dataset, packed, range(12), more)
    assert len(counted) == 12 * 2


@pytest.mark.parametrize("change", ["stretch", "pitch", "librosa", "version", "rate"])
def test_a_change_never_meets_old_versions(
    change: str, tones: Path, counted: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, packed = pack_tones(tones)
    first = make_variants(dataset, packed, [0, 1], CONFIG)
    counted.clear()
    config = CONFIG
    if change == "stretch":
        config = CONFIG.model_copy(update={"stretch": 1.3})
    elif change == "pitch":
        config = CONFIG.model_copy(update={"pitch_semitones": 1.0})
    elif change == "librosa":
        monkeypatch.setattr(variants, "version", lambda _name: "99")
    elif change == "version":
        monkeypatch.setattr(variants, "VARIANT_VERSION", 99)
    else:
        packed = pack(dataset, 4_000, default_cache_root())
    second = make_variants(dataset, packed, [0, 1], config)
    assert len(counted) == 6
    assert second.fingerprint != first.fingerprint


def test_a_stopped_making_goes_on_where_it_stopped(tones: Path, counted: list[Change]) -> None:
    dataset, packed = pack_tones(tones)

    def stop_at_30(_stage: str, done: int, _total: int) -> None:
        if done >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_variants(dataset, packed, range(21), CONFIG, stop_at_30)
    counted.clear()
    make_variants(dataset, packed, range(21), CONFIG)
    assert len(counted) == 63 - 30


def test_without_a_place_to_keep_them_versions_are_made_all_the_same(
    tones: Path, counted: list[Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSNET_CACHE", str(tones / "cache"))
    dataset, packed = pack_tones(tones)
    made = make_variants(dataset, packed, [0], CONFIG)
    assert made.sets[2].has(0)
    assert "not kept for the next run" in made.lines[1]


def test_real_versions_go_through_the_cache(tones: Path) -> None:
    """A tone's versions have the pitch and the length that were drawn."""
    soundfile.write(tones / "low" / "0.wav", tone(440, 12_000), RATE)
    dataset, packed = pack_tones(tones)
    i = list(dataset.clips.names).index("low/0.wav")
    made = make_variants(dataset, packed, [i], CONFIG)
    for number, versions in enumerate(made.sets):
        change = draw_change(packed.content_keys[i], number, CONFIG)
        samples = versions.samples(i)
        assert len(samples) == round(12_000 * change.stretch)
        assert frequency(samples) == pytest.approx(440 * 2 ** (change.semitones / 12), rel=0.003)


def test_librosa_is_not_imported_where_nothing_is_varied() -> None:
    code = (
        "import sys, wsnet_cli.learn.feeding.variants, wsnet_cli.learn.run.prepared; "
        "sys.exit('librosa' in sys.modules or 'numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
