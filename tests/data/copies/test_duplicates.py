from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.copies.candidates import ROW
from wsnet_cli.data.copies.correlate import Agreement
from wsnet_cli.data.copies.duplicates import (
    Clusters,
    Duplicate,
    _Excerpts,
    _near,
    find_duplicates,
)
from wsnet_cli.data.copies.fingerprint import RATE, fingerprint

from .planting import PLANTED, duplicates, sounds

CLIPS = sounds(100)


def links(pairs):
    return {(pair.first, pair.second) for pair in pairs}


def test_different_sounds_are_no_duplicates():
    assert duplicates(CLIPS) == []


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_copies_are_found_and_nothing_else(kind):
    rng = np.random.default_rng(2)
    copies = [PLANTED[kind](clip, rng) for clip in CLIPS[:20]]
    pairs = duplicates([*CLIPS, *copies])
    planted = {(i, 100 + i) for i in range(20)}
    assert links(pairs) <= planted
    assert len(pairs) >= 19
    assert {pair.kind for pair in pairs} == {"near"}
    assert all(0.85 <= pair.correlation <= 1 for pair in pairs)


def test_the_offset_is_where_the_second_starts_in_the_first():
    late, early = CLIPS[3][1600:], np.append(np.zeros(800, np.float32), CLIPS[5])
    pairs = duplicates([*CLIPS[:10], late, early])
    assert links(pairs) == {(3, 10), (5, 11)}
    assert [pair.offset_s for pair in pairs] == pytest.approx([0.2, -0.1], abs=1e-3)


@pytest.mark.parametrize("rate", [16_000, 22_050])
def test_other_rates_work_alike(rate):
    clips = [np.interp(np.arange(0, len(x), RATE / rate), np.arange(len(x)), x) for x in CLIPS[:8]]
    clips = [x.astype(np.float32) for x in clips]
    pairs = duplicates([*clips, clips[2][rate // 5 :] * np.float32(0.1)], rate)
    assert links(pairs) == {(2, 8)}
    assert pairs[0].offset_s == pytest.approx(0.2, abs=1e-3)


def test_identical_clips_are_paired_with_the_first_and_cost_no_comparison():
    pairs = duplicates([CLIPS[0], CLIPS[1], CLIPS[0], CLIPS[2], CLIPS[0]])
    assert pairs == [
        Duplicate(0, 2, "identical", 1.0, 0.0),
        Duplicate(0, 4, "identical", 1.0, 0.0),
    ]


def test_a_copy_of_identical_clips_is_linked_to_the_first():
    copy = PLANTED["noise"](CLIPS[0], np.random.default_rng(0))
    assert links(duplicates([CLIPS[0], CLIPS[0], copy])) == {(0, 1), (0, 2)}


def test_many_copies_of_one_are_one_cluster_with_few_pairs():
    rng = np.random.default_rng(4)
    copies = [PLANTED["noise"](CLIPS[0], rng) for _ in range(60)]
    clips = [*CLIPS[:5], *copies]
    pairs = duplicates(clips)
    clusters = Clusters(len(clips))
    for pair in pairs:
        clusters.join(pair.first, pair.second)
    assert len(pairs) == 60
    assert {clusters.first(i) for i in range(5, 65)} == {0}


def test_silent_clips_and_clips_without_a_key_are_nobodys_copies():
    silence = np.zeros(4000, np.float32)
    assert duplicates([silence, silence, silence[:100], silence]) == []
    words = fingerprint(CLIPS[0], RATE)
    pairs = find_duplicates(["", "", ""], lambda _: words, lambda *_: CLIPS[0], RATE)
    assert pairs == []


def test_padding_with_silence_is_no_common_sound():
    padded = [np.append(x, np.zeros(20_000, np.float32)) for x in CLIPS[:20]]
    assert duplicates(padded) == []


def test_steady_tones_and_hums_are_no_duplicates_unless_they_are_identical():
    times = np.arange(RATE) / RATE
    rng = np.random.default_rng(0)
    tones = [np.sin(2 * np.pi * 440 * times + i).astype(np.float32) for i in range(10)]
    hums = [
        sum(np.sin(2 * np.pi * 50 * k * times + rng.uniform(0, 6)) / k for k in range(1, 8))
        + 0.01 * rng.standard_normal(RATE)
        for _ in range(10)
    ]
    clips = [*tones, *(hum.astype(np.float32) for hum in hums), tones[0]]
    assert links(duplicates(clips)) == {(0, 20)}


def test_a_sound_that_repeats_is_found_at_one_of_its_offsets():
    rng = np.random.default_rng(1)
    looped = np.tile(CLIPS[0][:4000], 6)
    clips = [*CLIPS[:5], looped, PLANTED["noise"](looped, rng)[1000:]]
    (pair,) = [p for p in duplicates(clips) if p.first == 5]
    assert (pair.offset_s - 1000 / RATE) % 0.5 == pytest.approx(0.0, abs=1e-3)


def test_a_long_recording_is_compared_where_it_agrees():
    rng = np.random.default_rng(3)
    long = np.concatenate(sounds(60, seed=9))
    clips = [long, PLANTED["noise"](long[20 * RATE : 60 * RATE], rng), *CLIPS[:5]]
    (pair,) = duplicates(clips)
    assert (pair.first, pair.second) == (0, 1)
    assert pair.offset_s == pytest.approx(20.0, abs=1e-3)


def test_the_result_is_in_order_and_the_same_each_time():
    rng = np.random.default_rng(8)
    clips = [*CLIPS[:30], *(PLANTED["shift"](x, rng) for x in reversed(CLIPS[:30]))]
    pairs = duplicates(clips)
    assert pairs == duplicates(clips)
    assert all((a.first, a.second) < (b.first, b.second) for a, b in pairwise(pairs))
    assert all(pair.first < pair.second for pair in pairs)


def test_a_scratch_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*gone"):
        find_duplicates(
            ["a"],
            lambda _: fingerprint(CLIPS[0], RATE),
            lambda _, start, stop: CLIPS[0][start:stop],
            RATE,
            tmp_path / "gone",
        )


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_clusters_are_the_connected_parts(joins):
    clusters = Clusters(20)
    expected = [{i} for i in range(20)]
    for one, other in joins:
        clusters.join(one, other)
        both = expected[one] | expected[other]
        for clip in both:
            expected[clip] = both
    assert [clusters.first(i) for i in range(20)] == [min(expected[i]) for i in range(20)]


def test_a_clip_that_was_compared_in_vain_is_compared_with_one_that_was_not():
    compared = []

    def agreement(row):
        compared.append((int(row["first"]), int(row["second"])))
        return Agreement(float(compared[-1] == (1, 2)), 0.0, 1_000.0)

    rows = np.array([(0, 1, 0, 0, 0.05), (1, 2, 0, 0, 0.1)], ROW)
    found = _near(rows, 3, SimpleNamespace(agreement=agreement))
    assert compared == [(0, 1), (1, 2)]
    assert links(found) == {(1, 2)}


@pytest.mark.parametrize(("distance", "is_found"), [(0.05, True), (0.15, False)])
def test_where_fingerprints_hardly_differ_any_other_offset_is_tried(distance, is_found):
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    excerpts = _Excerpts(lambda _, start, stop: noise[start:stop], RATE)
    (row,) = np.array([(0, 1, 40, 0, distance)], ROW)
    assert excerpts.agreement(row).is_same_sound == is_found
