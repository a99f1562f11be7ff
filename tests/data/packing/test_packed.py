from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import DataError, FileError, ParameterError
from wsnet_cli.core.sound import audio
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing import set_folder
from wsnet_cli.data.packing.packed import PackedSet, check_classes, pack

MakeFolders = Callable[[dict[str, int]], Path]
MakeSine = Callable[..., Path]
RATE = 8000


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, empty."""
    import tempfile

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_clips_are_what_the_reader_gives(sounds: Path, cache: Path) -> None:
    dataset = load_dataset(sounds)
    result = pack(dataset, RATE, cache)
    assert len(result) == 4
    assert (result.failures, result.note, result.sample_rate) == ({}, None, RATE)
    for i, clip in enumerate(dataset.clips):
        expected, _ = audio.read_audio(clip.path, sample_rate=RATE)
        assert result.has(i)
        assert result.samples(i).shape == (result.n_samples(i),) == expected.shape
        # Half a step of the clip's own 16 bits.
        np.testing.assert_allclose(result.samples(i), expected, atol=0.51 * 0.5 / 32767)


def test_a_quiet_clip_keeps_its_resolution(
    tmp_path: Path, make_sine: MakeSine, cache: Path
) -> None:
    path = make_sine(tmp_path / "q.wav", peak=0.002)
    result = pack(DataSet(tmp_path / "set", "manifest", (Clip(path, "q.wav", "x"),)), RATE, cache)
    expected, _ = audio.read_audio(path, sample_rate=RATE)
    np.testing.assert_allclose(result.samples(0), expected, rtol=1e-4, atol=1e-7)


def test_the_second_time_nothing_is_decoded(sounds: Path, cache: Path, decoded: list[str]) -> None:
    dataset = load_dataset(sounds)
    first = pack(dataset, RATE, cache)
    before = _files(cache)
    decoded.clear()
    second = pack(dataset, RATE, cache)
    assert decoded == []
    assert _files(cache) == before
    assert list(first.content_keys) == list(second.content_keys)
    assert all(np.array_equal(first.samples(i), second.samples(i)) for i in range(4))


def test_sets_of_two_rates_stand_side_by_side(
    sounds: Path, cache: Path, decoded: list[str]
) -> None:
    dataset = load_dataset(sounds)
    lengths = [pack(dataset, rate, cache).n_samples(0) for rate in (RATE, 2 * RATE)]
    assert lengths == [800, 1600]
    decoded.clear()
    assert [pack(dataset, rate, cache).n_samples(0) for rate in (RATE, 2 * RATE)] == lengths
    assert decoded == []


def test_the_same_bytes_come_out_twice(sounds: Path, tmp_path: Path) -> None:
    dataset = load_dataset(sounds)
    pack(dataset, RATE, tmp_path / "one")
    pack(dataset, RATE, tmp_path / "two")
    assert _files(tmp_path / "one") == _files(tmp_path / "two") != {}


def test_a_class_without_a_readable_clip_is_refused(sounds: Path, cache: Path) -> None:
    for path in (sounds / "dog").iterdir():
        path.write_bytes(b"")
    dataset = load_dataset(sounds)
    result = pack(dataset, RATE, cache)
    reason = next(iter(result.failures.values())).reason
    with pytest.raises(
        DataError, match="class 'dog' has no clip that can be read; the first, dog/0"
    ) as error:
        check_classes(dataset, result)
    assert str(error.value).endswith(reason)


@pytest.mark.parametrize("damage", ["manifest", "shard", "a sample", "both gone"])
def test_a_damaged_cache_is_packed_again(
    sounds: Path, cache: Path, decoded: list[str], damage: str
) -> None:
    dataset = load_dataset(sounds)
    pack(dataset, RATE, cache)
    before = _files(cache)
    (manifest,), (shard,) = cache.rglob("manifest.json"), cache.rglob("*.i16")
    if damage == "manifest":
        manifest.write_text("{")
    elif damage == "shard":
        shard.write_bytes(shard.read_bytes()[:100])
    elif damage == "a sample":
        content = bytearray(shard.read_bytes())
        content[1000] ^= 1
        shard.write_bytes(content)
    else:
        manifest.unlink()
        shard.unlink()
    decoded.clear()
    assert pack(dataset, RATE, cache).note is None
    assert len(decoded) == (1 if damage == "a sample" else 4)
    assert _files(cache) == before


def test_an_interrupted_pack_is_taken_up(
    sounds: Path, cache: Path, tmp_path: Path, decoded: list[str]
) -> None:
    def interrupt(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("decoding", 2):
            raise KeyboardInterrupt

    dataset = load_dataset(sounds)
    with pytest.raises(KeyboardInterrupt):
        pack(dataset, RATE, cache, interrupt)
    (part,) = [path for path in (cache / "packed").iterdir() if path.is_dir()]
    assert part.name.endswith(".wsnet-part")
    decoded.clear()
    pack(dataset, RATE, cache)
    assert decoded == ["0.wav", "1.wav"]
    pack(dataset, RATE, tmp_path / "uninterrupted")
    assert _files(cache) == _files(tmp_path / "uninterrupted")


def test_two_at_once_give_one_good_set(sounds: Path, cache: Path) -> None:
    dataset = load_dataset(sounds)
    results: list[PackedSet] = []
    workers = [
        threading.Thread(target=lambda: results.append(pack(dataset, RATE, cache)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [result.note for result in results] == [None] * 4
    assert len(list(cache.rglob("manifest.json"))) == 1
    assert all(np.array_equal(result.samples(0), results[0].samples(0)) for result in results)


def test_a_failing_write_falls_back_at_every_call(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load_dataset(sounds)
    expected = pack(dataset, RATE, tmp_path / "good")
    fsync, left = os.fsync, 0

    def full_disk(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full_disk)
    notes = []
    for n in range(6):
        left, cache = n, tmp_path / f"cache{n}"
        result = pack(dataset, RATE, cache)
        notes.append(result.note)
        assert all(np.array_equal(result.samples(i), expected.samples(i)) for i in range(4))
        if result.note:
            assert "No space left" in result.note
            assert _files(cache) == {}
    assert notes[0] is not None
    assert notes[0].startswith("the decoded audio is kept in memory: cannot write")
    assert notes[-1] is None


def test_a_cache_that_cannot_be_made_is_replaced_for_this_run(
    sounds: Path, tmp_path: Path, temporary: Path
) -> None:
    (tmp_path / "file").touch()
    result = pack(load_dataset(sounds), RATE, tmp_path / "file")
    assert result.note is not None
    assert result.note.startswith("the decoded audio is not kept for the next run: cannot write")
    assert (
        ForkingPickler.loads(ForkingPickler.dumps(result)).samples(0).tolist()
        == result.samples(0).tolist()
    )
    assert len(list(temporary.iterdir())) == 1
    del result
    assert list(temporary.iterdir()) == []


def test_the_cache_is_never_inside_the_data_set(sounds: Path, temporary: Path) -> None:
    before = _files(sounds)
    for inside in (sounds, sounds / "dog" / "cache"):
        result = pack(load_dataset(sounds), RATE, inside)
        assert result.note is not None
        assert "lies inside the data set" in result.note
        assert all(map(result.has, range(4)))
    assert _files(sounds) == before


def test_a_system_without_locks_falls_back(
    sounds: Path, cache: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import filelock

    def refuse(*_args: object, **_more: object) -> None:
        raise NotImplementedError("no flock here")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    note = pack(load_dataset(sounds), RATE, cache).note
    assert note is not None
    assert "no flock here" in note


def test_a_set_that_cannot_be_opened_again_is_an_error_of_the_system(
    sounds: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_folder, "open_store", lambda *_args: None)
    with pytest.raises(FileError, match="was changed while it was written"):
        set_folder._opened(cache, RATE)


def test_parts_of_a_clip_are_written_where_they_are_wanted(sounds: Path, cache: Path) -> None:
    packed = pack(load_dataset(sounds), RATE, cache)
    whole = packed.samples(1)
    for start, n in ((0, len(whole)), (3, 100), (len(whole) - 1, 1), (5, 0)):
        out = np.full(n, np.nan, np.float32)
        packed.read_into(1, start, out)
        assert np.array_equal(out, whole[start : start + n])


def test_progress_reaches_the_end_once_packed_or_not(sounds: Path, cache: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    for _ in range(2):
        calls.clear()
        pack(load_dataset(sounds), RATE, cache, lambda *call: calls.append(call))
        assert ("hashing", 4, 4) in calls
        assert calls[-1] == ("decoding", 4, 4)
        assert calls == sorted(calls, key=lambda call: (call[0] == "decoding", call[1]))


def test_a_rate_that_is_none_is_refused(sounds: Path, cache: Path) -> None:
    with pytest.raises(ParameterError, match="sample_rate = 0; expected Hz above 0"):
        pack(load_dataset(sounds), 0, cache)
