from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.copies import anchors, candidates
from wsnet_cli.data.copies.anchors import ANCHOR_RECORD, AnchorFile
from wsnet_cli.data.copies.candidates import ROW, find_candidates
from wsnet_cli.data.copies.fingerprint import ANCHOR

TURNS = candidates._TURNS


def random_words(rng: np.random.Generator, n: int, share: float = 1.0) -> np.ndarray:
    words = rng.integers(1, 2**63, n).astype(np.uint64)
    words[rng.random(n) < share] |= ANCHOR
    return words


def key_of(code: int, turn: int) -> int:
    """The bits of a code from another one on, as a number; bit 62 of the code comes first."""
    bits = f"{code:063b}"
    return int(bits[turn:] + bits[:turn], 2)


@pytest.mark.parametrize("piece", [16, 100, 10_000])
def test_all_anchors_come_sorted_in_every_order(monkeypatch, tmp_path, piece):
    monkeypatch.setattr(anchors, "_PIECE", piece)
    rng = np.random.default_rng(0)
    clips = [(3 * i, random_words(rng, int(rng.integers(0, 30)), 0.5)) for i in range(40)]
    expected = sorted(
        (int(word & ~ANCHOR), clip, frame)
        for clip, words in clips
        for frame, word in enumerate(words)
        if word & ANCHOR
    )
    with AnchorFile(tmp_path, TURNS) as file:
        file.write(clips)
        for number, turn in enumerate(TURNS):
            pieces = list(file.sorted_pieces(number))
            assert max(map(len, pieces)) <= piece
            records = np.concatenate(pieces)
            codes = records["codes"][:, 0].tolist()
            assert [key_of(code, turn) for code in codes] == sorted(
                key_of(code, turn) for code in codes
            )
            found = zip(codes, records["clip"].tolist(), records["frame"].tolist(), strict=True)
            assert sorted(found) == expected
    assert not list(tmp_path.iterdir())


def test_a_record_holds_the_codes_around_it(tmp_path):
    words = random_words(np.random.default_rng(0), 80, 0.0)
    words[40] |= ANCHOR
    with AnchorFile(tmp_path, TURNS) as file:
        file.write([(7, words)])
        (record,) = next(iter(file.sorted_pieces(0)))[None][0]
    assert record.dtype == ANCHOR_RECORD
    assert (record["clip"], record["frame"]) == (7, 40)
    around = [words[40 + away] & ~ANCHOR for away in (0, -4, 4, -8, 8, -16, 16, -32, 32)]
    assert record["codes"].tolist() == around


def test_words_that_differ_in_few_bits_are_found_once_at_their_frames():
    rng = np.random.default_rng(3)
    clips = [random_words(rng, 50) for _ in range(30)]
    copy = clips[4][10:].copy()
    for bit in range(4):
        copy ^= np.uint64(1 << (7 * bit))
    rows = find_candidates(enumerate([*clips, copy]), 31)
    assert rows.dtype == ROW
    assert rows[["first", "second"]].tolist() == [(4, 30)]
    assert rows["at"][0] - rows["other_at"][0] == 10
    assert rows["distance"][0] == pytest.approx(4 / 63, abs=0.02)


def test_strangers_are_no_candidates():
    rng = np.random.default_rng(4)
    assert not len(find_candidates(((i, random_words(rng, 40)) for i in range(50)), 50))


@pytest.mark.parametrize("clips", [[], [(0, np.zeros(9, np.uint64))]])
def test_nothing_gives_nothing(clips):
    assert not len(find_candidates(clips, 1))


def test_a_common_sound_does_not_make_all_pairs():
    words = random_words(np.random.default_rng(5), 10)
    rows = find_candidates(((i, words) for i in range(2000)), 2000)
    assert len(rows) <= 2000 * candidates._NEIGHBOURS
    linked = set(rows["first"].tolist()) | set(rows["second"].tolist())
    assert linked == set(range(2000))


def test_a_small_pool_gives_the_same(monkeypatch):
    rng = np.random.default_rng(6)
    clips = [random_words(rng, 30) for _ in range(20)]
    clips += [clip ^ np.uint64(5) for clip in clips]
    whole = find_candidates(enumerate(clips), 40)
    monkeypatch.setattr(candidates, "_POOL", 3)
    assert find_candidates(enumerate(clips), 40).tolist() == whole.tolist()
    assert len(whole) == 20


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*gone"):
        find_candidates([], 1, tmp_path / "gone")
