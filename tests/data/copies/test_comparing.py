"""Copies among the clips of a packed set: who is compared, and with what."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.copies import comparing
from wsnet_cli.data.copies.anchors import AnchorFile
from wsnet_cli.data.copies.comparing import _WordFile, compare_clips
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.packing.pack_job import PackJob
from wsnet_cli.data.packing.packed import PackedSet, packed_set
from wsnet_cli.data.packing.store_writer import MemoryWriter

RATE = 8000
MakeSet = Callable[..., PackedSet]


def rattle(seed: int, n: int = 12_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.uniform(0.02, 1.0, n // 400 + 1), 400)[:n]
    return 0.3 * envelope * rng.standard_normal(n).clip(-3, 3) / 3


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Clips of these samples; None cannot be read."""

    def make(*clips: np.ndarray | None) -> PackedSet:
        import soundfile

        named = []
        for i, samples in enumerate(clips):
            path = tmp_path / f"{i:03d}.wav"
            if samples is None:
                path.write_bytes(b"")
            else:
                soundfile.write(path, samples, RATE)
            named.append(Clip(path, path.name, "ab"[i % 2]))
        job, writer = PackJob(DataSet(tmp_path, "x", named), RATE, 1, None), MemoryWriter(RATE)
        job.fill_memory(writer)
        return packed_set(job, writer.finish(), None)

    return make


def found(packed: PackedSet, scratch: Path, workers: int = 1) -> list[tuple[int, int, str]]:
    return [(p.first, p.second, p.kind) for p in compare_clips(packed, scratch, workers)]


def test_copies_are_found_among_different_sounds(make_set: MakeSet, tmp_path: Path) -> None:
    sounds = [rattle(i) for i in range(40)]
    sounds[17] = sounds[3]
    sounds[25] = 0.5 * sounds[6]
    sounds[30] = np.concatenate([np.zeros(1_000), sounds[9]])
    packed = make_set(*sounds)
    expected = [(3, 17, "identical"), (6, 25, "near"), (9, 30, "near")]
    # A gain of a half changes no code, for a code is a share of the clip's peak.
    kinds = found(packed, tmp_path)
    assert [pair[:2] for pair in kinds] == [pair[:2] for pair in expected]
    assert kinds[0][2] == "identical"
    assert kinds[2][2] == "near"
    assert found(packed, tmp_path, workers=3) == kinds
    assert [path for path in tmp_path.iterdir() if path.suffix != ".wav"] == []


def test_who_cannot_be_read_and_who_is_silent_is_nobodys_copy(
    make_set: MakeSet, tmp_path: Path
) -> None:
    packed = make_set(None, np.zeros(9_000), rattle(1), None, np.zeros(9_000), rattle(2))
    assert found(packed, tmp_path) == []
    assert found(make_set(None, None), tmp_path) == []


def test_fingerprints_are_taken_of_each_sound_once(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = make_set(rattle(1), rattle(2), rattle(1), None, rattle(3), rattle(2))
    n_taken = 0
    take = comparing.fingerprint

    def spy(samples: np.ndarray, rate: int) -> np.ndarray:
        nonlocal n_taken
        n_taken += 1
        return take(samples, rate)

    monkeypatch.setattr(comparing, "fingerprint", spy)
    told: list[tuple[str, int, int]] = []
    pairs = compare_clips(packed, tmp_path, 1, lambda *told_now: told.append(told_now))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2), (1, 5)]
    assert n_taken == 3
    assert told[-1] == ("comparing", 3, 3)


def test_long_clips_are_mapped_and_short_ones_read(
    make_set: MakeSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = make_set(*(rattle(i) for i in range(6)), rattle(2)[500:])
    pairs = found(packed, tmp_path)
    assert pairs == [(2, 6, "near")]
    monkeypatch.setattr(comparing, "SPOOL_SAMPLES", 100)
    assert found(packed, tmp_path) == pairs


def test_words_come_back_from_the_file(tmp_path: Path) -> None:
    words = {3: np.arange(5, dtype=np.uint64), 0: np.zeros(0, np.uint64), 2: np.uint64([2**63])}
    with _WordFile(5, tmp_path) as file:
        for clip, of_clip in words.items():
            file.append(clip, of_clip)
        for clip in (2, 0, 3, 1, 4, 3):
            expected = words.get(clip, np.zeros(0, np.uint64))
            assert file.read(clip).tolist() == expected.tolist()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_an_error_of_the_system(
    make_set: MakeSet, tmp_path: Path
) -> None:
    packed = make_set(rattle(1), rattle(2))
    with pytest.raises(FileError, match=r"cannot write .*nowhere: No such file"):
        compare_clips(packed, tmp_path / "nowhere")


def test_a_set_on_disk_is_compared_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And other names, orders and copies of its clips need no other comparison."""
    import soundfile

    from wsnet_cli.data.packing.packed import pack

    root = tmp_path / "set"
    root.mkdir()

    def clip(name: str, samples: np.ndarray) -> Clip:
        soundfile.write(root / name, samples, RATE)
        return Clip(root / name, name, "a")

    sounds = {f"{i}.wav": rattle(i) for i in range(5)} | {"5.wav": np.roll(rattle(3), 300)}
    clips = [clip(name, samples) for name, samples in sounds.items()]
    first = pack(DataSet(root, "x", clips), RATE, cache)
    pairs = compare_clips(first, tmp_path)
    assert [(p.first, p.second, p.kind) for p in pairs] == [(3, 5, "near")]
    monkeypatch.setattr(comparing, "fingerprint", None)
    assert compare_clips(first, tmp_path) == pairs
    (root / "3.wav").rename(root / "z.wav")  # comes last now
    (root / "y.wav").write_bytes((root / "0.wav").read_bytes())
    names = ["0.wav", "1.wav", "2.wav", "4.wav", "5.wav", "y.wav", "z.wav"]
    renamed = DataSet(root, "x", [Clip(root / n, n, "a") for n in names])
    again = compare_clips(pack(renamed, RATE, cache), tmp_path)
    assert [(p.first, p.second, p.kind) for p in again] == [(0, 5, "identical"), (4, 6, "near")]
    assert again[1].offset_s == -pairs[0].offset_s


def test_a_disk_that_is_full_when_a_file_is_closed_is_told(tmp_path: Path) -> None:
    """What is left of a failed write is written once more then."""

    def refuse() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    words = _WordFile(1, tmp_path)
    file = words._file
    words._file = SimpleNamespace(close=refuse)  # type: ignore[assignment]  # all that is called
    with pytest.raises(FileError, match=f"{tmp_path.name}: .*[Nn]o space left"), words:
        pass
    file.close()
    anchors = AnchorFile(tmp_path, [0])
    anchors._files.callback(refuse)
    with pytest.raises(FileError, match=f"{tmp_path.name}: .*[Nn]o space left"), anchors:
        pass
