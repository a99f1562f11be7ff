from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.data.copies import fingerprint as module
from wsnet_cli.data.copies.fingerprint import ANCHOR, CODE_BITS, HOP, RATE, bits_set, fingerprint

from .planting import PLANTED, sounds

CODE = ~ANCHOR


def differing(one: np.ndarray, other: np.ndarray) -> float:
    """Share of bits that differ where both say something."""
    both = (one != 0) & (other != 0)
    return float(bits_set((one ^ other)[both] & CODE).mean() / CODE_BITS)


@pytest.mark.parametrize("kind", ["gain", "resample", "mp3", "noise"])
def test_copies_differ_in_few_bits_and_strangers_in_half(kind):
    rng = np.random.default_rng(1)
    clips = sounds(20)
    own = [differing(fingerprint(x, RATE), fingerprint(PLANTED[kind](x, rng), RATE)) for x in clips]
    words = [fingerprint(x, RATE) for x in clips]
    others = [differing(a[: len(b)], b[: len(a)]) for a, b in pairwise(words)]
    assert np.median(own) < 0.1
    assert 0.35 < np.median(others) < 0.6


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-4, 1e4), st.booleans())
def test_the_level_and_the_sign_change_nothing(level, negative):
    clip = sounds(1)[0]
    gain = np.float32(-level if negative else level)
    assert differing(fingerprint(clip, RATE), fingerprint(clip * gain, RATE)) < 0.005


def test_a_cut_by_whole_frames_moves_the_words():
    clip = sounds(3)[2]
    words, later = fingerprint(clip, RATE), fingerprint(clip[20 * HOP :], RATE)
    inside = slice(8, -8)
    assert differing(words[20:][inside], later[inside]) == 0.0


def test_codes_are_taken_as_samples_are():
    clip = sounds(1)[0]
    codes = np.rint(clip / np.abs(clip).max() * 32767).astype(np.int16)
    assert differing(fingerprint(codes, RATE), fingerprint(clip, RATE)) < 0.01


@pytest.mark.parametrize("rate", [4_000, 11_025, 16_000, 22_050, 44_100])
def test_a_word_is_16_ms_at_any_rate(rate):
    n = 3 * rate // 2
    words = fingerprint(np.random.default_rng(0).standard_normal(n).astype(np.float32), rate)
    assert abs(len(words) - 1.5 * RATE / HOP) <= 2


def test_silence_and_steady_tones_have_no_words():
    times = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)
    assert not fingerprint(np.zeros(RATE, np.float32), RATE).any()
    assert not fingerprint(np.zeros(0, np.float32), RATE).any()
    assert not fingerprint(tone, RATE)[10:-10].any()


def test_few_anchors_are_all_frames_and_many_are_extremes():
    clip = sounds(1)[0]
    for part, all_of_them in ((clip[: RATE // 5], True), (np.tile(clip, 4), False)):
        words = fingerprint(part, RATE)
        n_live, n_anchors = np.count_nonzero(words), np.count_nonzero(words & ANCHOR)
        assert (n_anchors == n_live) == all_of_them
        assert n_anchors >= 6


def test_blocks_meet_without_a_seam(monkeypatch):
    clip = np.concatenate(sounds(8))[: 9 * RATE]
    whole = fingerprint(clip, RATE)
    monkeypatch.setattr(module, "_BLOCK_S", 2 * 1)
    monkeypatch.setattr(module, "_MARGIN_S", 2)
    in_blocks = fingerprint(clip, RATE)
    assert len(in_blocks) == len(whole)
    # The floor is that of a block, so that a word may be there in one alone.
    assert differing(whole, in_blocks) == 0.0


def test_bits_are_counted_without_the_function_of_numpy_2(monkeypatch):
    words = np.random.default_rng(0).integers(0, 2**63, (5, 7)).astype(np.uint64)
    expected = [[int(word).bit_count() for word in row] for row in words.tolist()]
    assert bits_set(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert bits_set(words).tolist() == expected


@pytest.mark.parametrize(("shape", "rate"), [((8, 2), 8000), ((8,), 0)])
def test_what_is_no_clip_is_refused(shape, rate):
    with pytest.raises(ParameterError, match="expected one channel and a rate"):
        fingerprint(np.zeros(shape, np.float32), rate)
