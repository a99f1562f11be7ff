from __future__ import annotations

import json
import os
import shutil
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.packing import one_clip as packing
from wsnet_cli.data.packing import store as store_module
from wsnet_cli.data.packing import store_writer
from wsnet_cli.data.packing.one_clip import PackedClip, Spool, copy_clip
from wsnet_cli.data.packing.store import INDEX, MANIFEST, Store, open_store
from wsnet_cli.data.packing.store_index import ENTRY, KEY_BYTES, Finder, first_rows
from wsnet_cli.data.packing.store_writer import MemoryWriter, StoreWriter

RATE = 8000
CLIPS = {"a": [1, -2, 3], "b": [32767, -32767], "c": [0] * 5}


def _key(name: str) -> bytes:
    return name.encode().ljust(KEY_BYTES, b".")


def _keys(*names: str) -> np.ndarray:
    return np.frombuffer(b"".join(map(_key, names)), np.uint8).reshape(-1, KEY_BYTES)


def _clip(codes: list[int]) -> PackedClip:
    health = np.zeros(1, HEALTH)
    health["peak"] = 0.5
    blocks = [np.array(codes[:2], np.int16), np.array(codes[2:], np.int16)]
    return PackedClip(len(codes), 0.5, health[0], lambda: iter(blocks))


def _write(folder: Path) -> None:
    writer = StoreWriter(folder, RATE)
    writer.begin(0)
    for name, codes in CLIPS.items():
        writer.add(_key(name), _clip(codes))
    writer.finish()


def _open(folder: Path) -> Store:
    store = open_store(folder, RATE)
    assert store is not None
    return store


def test_what_was_written_is_read(tmp_path: Path) -> None:
    _write(tmp_path)
    store = _open(tmp_path)
    assert store.rows(_keys("c", "d", "a", "b")).tolist() == [2, -1, 0, 1]
    for row, codes in enumerate(CLIPS.values()):
        assert store.codes(row).tolist() == codes
        assert store.n_samples(row) == len(codes)
        assert store.samples(row).tolist() == [0.5 * code for code in codes]
        assert store.samples(row, 1, 2).tolist() == [0.5 * codes[1]]
        assert store.read(row).tolist() == store.samples(row).tolist()
        assert store.read(row, 0, 1).tolist() == [0.5 * codes[0]]
        assert store.read(row, 1, 99).tolist() == [0.5 * code for code in codes[1:]]
        assert store.read(row, 99).tolist() == store.read(row, 2, 2).tolist() == []
        assert np.concatenate(list(store.code_blocks(row))).tolist() == codes
        assert store.samples(row).dtype == store.read(row).dtype == np.float32
        assert type(store.samples(row)) is np.ndarray
        assert store.samples(row).flags.writeable
        assert store.intact(row)
        assert store.health(row, 1)["peak"].tolist() == [0.5]


def test_the_bytes_are_as_specified(tmp_path: Path) -> None:
    _write(tmp_path)
    codes = np.frombuffer((tmp_path / "shard-0000.i16").read_bytes(), "<i2")
    assert codes.tolist() == [1, -2, 3, 32767, -32767, 0, 0, 0, 0, 0]
    body = json.loads((tmp_path / MANIFEST).read_text())["body"]
    assert (body["version"], body["sample_rate"], body["shards"]) == (3, RATE, [10])
    assert body["clips"] == 3
    record = np.fromfile(tmp_path / INDEX, ENTRY)[1]
    assert record["key"].tobytes() == _key("b")
    assert (record["shard"], record["offset"], record["n_samples"]) == (0, 3, 2)
    assert record["scale"] == 0.5
    assert sorted(path.name for path in tmp_path.iterdir()) == [INDEX, MANIFEST, "shard-0000.i16"]


@pytest.mark.parametrize("n_kept", [0, 1, 2, 3])
def test_a_set_that_is_taken_up_is_that_of_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_kept: int
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", 8)
    (tmp_path / "once").mkdir()
    (tmp_path / "twice").mkdir()
    _write(tmp_path / "once")
    first = StoreWriter(tmp_path / "twice", RATE)
    first.begin(0)
    for name, codes in CLIPS.items():
        first.add(_key(name), _clip(codes))
    first.close()
    second = StoreWriter(tmp_path / "twice", RATE)
    assert second.n_kept == 3
    assert second.kept.tolist() == _keys(*CLIPS).tolist()
    second.begin(n_kept)
    for name, codes in list(CLIPS.items())[n_kept:]:
        second.add(_key(name), _clip(codes))
    second.finish()
    for path in (tmp_path / "once").iterdir():
        assert path.read_bytes() == (tmp_path / "twice" / path.name).read_bytes()
    assert len(list((tmp_path / "twice").iterdir())) == len(list((tmp_path / "once").iterdir()))


def test_no_shard_grows_past_the_limit_unless_one_clip_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", 8)
    _write(tmp_path)
    store = _open(tmp_path)
    assert [len(shard) for shard in store.shards] == [3, 2, 5]
    assert [store.codes(row).tolist() for row in range(3)] == list(CLIPS.values())
    assert [store.read(row).tolist() for row in range(3)] == [
        store.samples(row).tolist() for row in range(3)
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no file that is mapped")
def test_an_open_set_can_be_read_when_its_files_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "SHARD_BYTES", 8)  # several, and none has been asked for
    _write(tmp_path)
    store = _open(tmp_path)
    shutil.rmtree(tmp_path)
    assert [store.codes(row).tolist() for row in range(3)] == list(CLIPS.values())


def test_memory_and_disk_hold_the_same(tmp_path: Path) -> None:
    _write(tmp_path)
    on_disk = _open(tmp_path)
    writer = MemoryWriter(RATE)
    for name, codes in CLIPS.items():
        writer.add(_key(name), _clip(codes))
    in_memory = writer.finish()
    for field in ("key", "audio", "n_samples", "scale"):
        assert in_memory.index[field].tobytes() == on_disk.index[field].tobytes()
    assert in_memory.health().tobytes() == on_disk.health().tobytes()
    assert in_memory.health(1, 1).tobytes() == on_disk.health(1, 1).tobytes()
    for row in range(3):
        assert in_memory.codes(row).tolist() == on_disk.codes(row).tolist()
        assert in_memory.read(row).tolist() == on_disk.read(row).tolist()
        assert in_memory.intact(row)


def test_a_copied_clip_is_the_clip(tmp_path: Path) -> None:
    _write(tmp_path)
    store = _open(tmp_path)
    writer = MemoryWriter(RATE)
    writer.add(_key("a"), copy_clip(store, 0))
    assert writer.finish().index["audio"].tobytes() == store.index["audio"][0].tobytes()


def test_a_worker_gets_the_maps_and_not_the_audio(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, RATE)
    writer.begin(0)
    writer.add(_key("a"), _clip([1] * 100_000))
    writer.finish()
    content = ForkingPickler.dumps(_open(tmp_path))
    assert len(content) < 1000
    assert ForkingPickler.loads(content).codes(0).sum() == 100_000
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(FileError, match="removed while in use"):
        ForkingPickler.loads(content)


@pytest.mark.parametrize(
    "damage",
    ["manifest cut", "digit", "gone", "shard cut", "shard grown", "index cut", "index changed"],
)
def test_a_damaged_set_is_taken_for_absent(tmp_path: Path, damage: str) -> None:
    _write(tmp_path)
    manifest, shard, index = tmp_path / MANIFEST, tmp_path / "shard-0000.i16", tmp_path / INDEX
    if damage == "manifest cut":
        manifest.write_bytes(manifest.read_bytes()[:-9])
    elif damage == "digit":
        manifest.write_text(manifest.read_text().replace('"clips":3', '"clips":4', 1))
    elif damage == "gone":
        shard.unlink()
    elif damage == "index cut":
        index.write_bytes(index.read_bytes()[: -ENTRY.itemsize])
    elif damage == "index changed":
        index.write_bytes(index.read_bytes()[:-1] + b"\x01")
    else:
        shard.write_bytes(shard.read_bytes()[:-2] if damage == "shard cut" else bytes(22))
    assert open_store(tmp_path, RATE) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "7", '{"body": 1}', "[" * 100_000, "\xff"])
def test_a_manifest_of_another_kind_is_taken_for_absent(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="latin-1")
    assert open_store(tmp_path, RATE) is None


def test_another_rate_or_version_is_taken_for_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path)
    assert open_store(tmp_path, RATE + 1) is None
    monkeypatch.setattr(store_module, "PACK_VERSION", 77)
    assert open_store(tmp_path, RATE) is None


def test_a_changed_sample_is_noticed_when_asked(tmp_path: Path) -> None:
    _write(tmp_path)
    with (tmp_path / "shard-0000.i16").open("r+b") as stream:
        stream.write(b"\x07")
    store = _open(tmp_path)
    assert (store.intact(0), store.intact(1)) == (False, True)


def test_a_shard_that_was_cut_is_an_error_of_the_system(tmp_path: Path) -> None:
    _write(tmp_path)
    store = _open(tmp_path)
    (tmp_path / "shard-0000.i16").write_bytes(b"")
    with pytest.raises(FileError, match="it was cut while it was in use"):
        store.read(0)
    assert not store.intact(0)


@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(0, 9), st.just(KEY_BYTES)), elements=st.integers(0, 1)
    )
)
def test_keys_are_found_where_they_stand_first(keys: np.ndarray) -> None:
    texts = [key.tobytes() for key in keys]
    assert Finder(keys).rows(keys).tolist() == [texts.index(text) for text in texts]
    assert first_rows(keys).tolist() == [texts.index(text) for text in texts]
    other = np.full((1, KEY_BYTES), 7, np.uint8)
    assert Finder(keys).rows(other).tolist() == [-1]


SAMPLES = hnp.arrays(np.float32, st.integers(0, 40), elements=st.floats(-4, 4, width=32))


def _codes(samples: np.ndarray) -> tuple[np.ndarray, float]:
    spool = Spool(None)
    spool.append(samples)
    return np.concatenate([np.zeros(0, np.int16), *spool.codes()]), spool.peak / 32767


@settings(deadline=None, max_examples=100)
@given(samples=SAMPLES, gain=st.sampled_from([1e-30, 1e-6, 1.0, 1e30]))
def test_a_sample_is_off_by_half_a_step_at_most(samples: np.ndarray, gain: float) -> None:
    samples = (samples * gain).astype(np.float32)
    codes, scale = _codes(samples)
    assert codes.dtype == np.int16
    assert np.abs(codes.astype(int)).max(initial=0) in (0, 32767)
    error = np.abs(codes * scale - samples.astype(np.float64))
    assert error.max(initial=0.0) <= 0.5001 * scale
    negative, _ = _codes(-samples)
    assert negative.tolist() == (-codes).tolist()


def test_silence_is_silence() -> None:
    codes, scale = _codes(np.zeros(3, np.float32))
    assert (codes.tolist(), scale) == ([0, 0, 0], 0.0)


@given(st.lists(SAMPLES, max_size=5))
def test_a_spool_gives_the_same_codes_from_memory_and_from_a_file(pieces: list[np.ndarray]) -> None:
    import tempfile

    in_memory, spooled = Spool(None), Spool(Path(tempfile.gettempdir()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "SPOOL_SAMPLES", 10)
        for piece in pieces:
            in_memory.append(piece)
            spooled.append(piece)
        empty = np.zeros(0, np.int16)
        from_file = np.concatenate([empty, *spooled.codes()])
    assert from_file.tolist() == np.concatenate([empty, *in_memory.codes()]).tolist()
    assert in_memory.n_samples == spooled.n_samples == sum(map(len, pieces))
