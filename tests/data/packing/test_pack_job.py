from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import AudioError, ParameterError
from wsnet_cli.core.sound import audio
from wsnet_cli.core.sound.decode import Decoder, open_audio
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.dividing.splits import choose_split
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing import one_clip as packing
from wsnet_cli.data.packing import pack_job, store, store_writer
from wsnet_cli.data.packing.packed import check_classes, pack

MakeFolders = Callable[[dict[str, int]], Path]
MakeSine = Callable[..., Path]
RATE = 8000


def _contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _without_decoder(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(path: Path) -> AbstractContextManager[Decoder]:
        if path.name == name:
            raise AudioError(f"{path}: no decoder")
        return open_audio(path)

    monkeypatch.setattr(packing, "open_audio", fail)


def test_adding_files_decodes_only_these(
    sounds: Path, cache: Path, decoded: list[str], make_sine: MakeSine
) -> None:
    pack(load_dataset(sounds), RATE, cache)
    make_sine(sounds / "dog" / "new.wav", hz=1234)
    (sounds / "dog" / "0.wav").rename(sounds / "dog" / "renamed.wav")
    decoded.clear()
    result = pack(load_dataset(sounds), RATE, cache)
    assert decoded == ["new.wav"]
    assert all(result.has(i) for i in range(5))


def test_renaming_and_relabelling_decode_nothing(
    sounds: Path, cache: Path, decoded: list[str]
) -> None:
    pack(load_dataset(sounds), RATE, cache)
    (sounds / "dog" / "0.wav").rename(sounds / "cat" / "z.wav")
    decoded.clear()
    dataset = load_dataset(sounds)
    result = pack(dataset, RATE, cache)
    assert decoded == []
    names = [clip.name for clip in dataset.clips]
    expected, _ = audio.read_audio(sounds / "cat" / "z.wav", sample_rate=RATE)
    np.testing.assert_allclose(result.samples(names.index("cat/z.wav")), expected, atol=1e-4)


@pytest.mark.parametrize("change", ["content", "rate", "start", "end", "version"])
def test_a_change_never_meets_old_audio(
    change: str,
    tmp_path: Path,
    cache: Path,
    make_sine: MakeSine,
    decoded: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = make_sine(tmp_path / "set" / "a.wav", hz=440)
    clip, rate, status = Clip(path, "a.wav", "x"), RATE, path.stat()
    pack(DataSet(tmp_path / "set", "manifest", (clip,)), rate, cache)
    if change == "content":  # of the same size and age
        make_sine(path, hz=880)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert path.stat().st_size == status.st_size
    elif change == "rate":
        rate = 4000
    elif change == "version":
        for module in (pack_job, store, store_writer):
            monkeypatch.setattr(module, "PACK_VERSION", 77)
    else:
        clip = Clip(path, "a.wav", "x", **{f"{change}_s": 0.05})  # type: ignore[arg-type]
    decoded.clear()
    result = pack(DataSet(tmp_path / "set", "manifest", (clip,)), rate, cache)
    assert decoded == ["a.wav"]
    expected, _ = audio.read_audio(path, sample_rate=rate, start_s=clip.start_s, end_s=clip.end_s)
    np.testing.assert_allclose(result.samples(0), expected, atol=1e-4)


def test_unreadable_clips_are_reported_and_left_out(sounds: Path, cache: Path) -> None:
    good = pack(load_dataset(sounds), RATE, cache)
    (sounds / "cat" / "00bad.wav").write_text("<html>not found</html>")
    (sounds / "cat" / "empty.wav").touch()
    dataset = load_dataset(sounds)
    gone = Clip(sounds / "gone.wav", "gone.wav", "dog")
    dataset = DataSet(dataset.root, dataset.layout, (*dataset.clips, gone))
    for _ in range(2):  # as well when the rest is packed already
        result = pack(dataset, RATE, cache)
        names = [clip.name for clip in dataset.clips]
        bad = ["cat/00bad.wav", "cat/empty.wav", "gone.wav"]
        failures = list(result.failures.values())
        assert [failure.name for failure in failures] == bad
        assert all("\n" not in failure.reason and failure.reason for failure in failures)
        assert not any(str(sounds) in failure.reason for failure in failures)
        assert failures[2].reason == "No such file or directory"
        assert [failure.kind for failure in failures] == ["not-audio", "empty", "unreadable"]
        assert [not result.has(i) for i in range(7)] == [name in bad for name in names]
        assert [key == "" for key in result.content_keys] == [n == "gone.wav" for n in names]
        assert sum(map(result.has, range(7))) + len(result.failures) == len(result) == 7
        kept = [result.samples(i) for i in range(7) if result.has(i)]
        assert all(np.array_equal(kept[i], good.samples(i)) for i in range(4))
        with pytest.raises(ParameterError, match="clip 1 could not be read"):
            result.samples(1)
    check_classes(dataset, result)


def test_a_clip_that_can_be_decoded_by_now_is_taken(
    sounds: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load_dataset(sounds)
    _without_decoder(monkeypatch, "1.wav")
    failures = pack(dataset, RATE, cache).failures
    assert [f.reason for f in failures.values()] == ["no decoder"] * 2
    monkeypatch.undo()
    assert pack(dataset, RATE, cache).failures == {}
    assert all(map(pack(dataset, RATE, cache).has, range(4)))


def test_what_can_be_decoded_by_now_is_put_where_it_belongs(
    sounds: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a killed run and the next one a decoder came: the kept clips are cut back."""

    def interrupt(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("decoding", 3):
            raise KeyboardInterrupt

    dataset = load_dataset(sounds)
    _without_decoder(monkeypatch, "1.wav")
    with pytest.raises(KeyboardInterrupt):
        pack(dataset, RATE, cache, interrupt)
    monkeypatch.undo()
    assert pack(dataset, RATE, cache).failures == {}
    pack(dataset, RATE, tmp_path / "at once")
    assert _contents(cache) == _contents(tmp_path / "at once")


@pytest.mark.parametrize("damage", ["journal torn", "shard torn", "shard changed", "shard gone"])
def test_only_whole_clips_of_a_killed_run_are_kept(
    sounds: Path, cache: Path, tmp_path: Path, damage: str, decoded: list[str]
) -> None:
    def interrupt(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("decoding", 3):
            raise KeyboardInterrupt

    dataset = load_dataset(sounds)
    with pytest.raises(KeyboardInterrupt):
        pack(dataset, RATE, cache, interrupt)
    (journal,), (shard,) = cache.rglob("index.part"), cache.rglob("*.i16")
    torn = journal if damage == "journal torn" else shard
    if damage.endswith("torn"):
        os.truncate(torn, torn.stat().st_size - 3)
    elif damage.endswith("changed"):
        with shard.open("r+b") as stream:
            stream.seek(2 * 800)
            stream.write(b"\x55\x55")
    else:
        shard.unlink()
    decoded.clear()
    pack(dataset, RATE, cache)
    whole = {"journal torn": 2, "shard torn": 2, "shard changed": 1, "shard gone": 0}[damage]
    assert len(decoded) == 4 - whole
    pack(dataset, RATE, tmp_path / "at once")
    assert _contents(cache) == _contents(tmp_path / "at once")


def test_an_unfinished_set_serves_another(
    sounds: Path, cache: Path, decoded: list[str], make_sine: MakeSine
) -> None:
    def interrupt(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("decoding", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(load_dataset(sounds), RATE, cache, interrupt)
    make_sine(sounds / "cat" / "00new.wav", hz=1234)
    decoded.clear()
    pack(load_dataset(sounds), RATE, cache)
    assert decoded == ["00new.wav", "1.wav"]


def test_two_workers_pack_what_one_does(make_folders: MakeFolders, tmp_path: Path) -> None:
    dataset = load_dataset(make_folders({"a": 20, "b": 23, "c": 1}))
    for workers in (1, 3):
        pack(dataset, RATE, tmp_path / str(workers), workers=workers)
    assert _contents(tmp_path / "1") == _contents(tmp_path / "3") != {}


def test_a_clip_that_is_too_long_for_memory_is_packed_the_same(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load_dataset(sounds)
    pack(dataset, RATE, tmp_path / "memory")
    monkeypatch.setattr(packing, "SPOOL_SAMPLES", 300)
    pack(dataset, RATE, tmp_path / "spooled")
    assert _contents(tmp_path / "memory") == _contents(tmp_path / "spooled")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path, cache: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    clips = (Clip(tmp_path / "pipe.wav", "pipe.wav", "x"),)
    failures = pack(DataSet(tmp_path / "set", "manifest", clips), RATE, cache).failures
    (failure,) = failures.values()
    assert failure.reason == "not a regular file"


def test_a_file_that_changes_while_it_is_read_is_left_out(
    sounds: Path, cache: Path, make_sine: MakeSine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_first(path: Path) -> AbstractContextManager[Decoder]:
        make_sine(path, hz=999, n=900)
        return open_audio(path)

    monkeypatch.setattr(packing, "open_audio", change_first)
    failures = pack(load_dataset(sounds), RATE, cache).failures.values()
    assert {failure.reason for failure in failures} == {"was changed while it was read"}
    assert {failure.kind for failure in failures} == {"changed"}


def test_changed_samples_are_never_taken_over_into_another_set(
    sounds: Path, cache: Path, decoded: list[str], make_sine: MakeSine
) -> None:
    pack(load_dataset(sounds), RATE, cache)
    (shard,) = cache.rglob("*.i16")
    with shard.open("r+b") as stream:
        stream.seek(10)
        stream.write(b"\x55\x55")
    make_sine(sounds / "cat" / "new.wav", hz=1234)
    decoded.clear()
    pack(load_dataset(sounds), RATE, cache)
    assert decoded == ["0.wav", "new.wav"]


def test_copies_are_stored_once_and_have_equal_keys(
    tmp_path: Path, cache: Path, make_sine: MakeSine
) -> None:
    root = tmp_path / "set"
    make_sine(root / "a" / "x.wav", hz=500)
    (root / "b").mkdir()
    (root / "b" / "copy.wav").write_bytes((root / "a" / "x.wav").read_bytes())
    make_sine(root / "b" / "same.flac", hz=500)
    result = pack(load_dataset(root), RATE, cache)
    assert len(list(cache.rglob("*.i16"))) == 1
    assert result.content_keys[0] == result.content_keys[1] != result.content_keys[2]
    assert len(np.unique(result.audio_keys, axis=0)) == 1


def test_no_copy_is_ever_split_apart(tmp_path: Path, cache: Path, make_sine: MakeSine) -> None:
    root = tmp_path / "set"
    for i in range(40):
        make_sine(root / "ab"[i % 2] / f"{i:02d}.wav", hz=200 + 10 * i, n=200)
    for i in range(10):
        make_sine(root / "ab"[i % 2] / f"copy{i:02d}.flac", hz=200 + 10 * i, n=200)
    dataset = load_dataset(root)
    result = pack(dataset, RATE, cache)
    split = choose_split(dataset, result.content_keys, audio_keys=result.audio_keys)
    held = {dataset.clips[i].path.stem for i in split.test}
    assert all((f"{i:02d}" in held) == (f"copy{i:02d}" in held) for i in range(10))
