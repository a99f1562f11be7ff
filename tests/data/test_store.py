from __future__ import annotations

import json
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wsnet_cli.core.errors import FileError
from wsnet_cli.data import store as store_module
from wsnet_cli.data.store import MANIFEST, StoreWriter, open_store, quantize_clip

RATE = 8000
CLIPS = {"a": [1, -2, 3], "b": [32767, -32767], "c": [0] * 5}


def _write(folder: Path | None) -> None:
    writer = StoreWriter(folder, RATE)
    for key, codes in CLIPS.items():
        writer.add(key, np.array(codes, np.int16), 0.5)
    writer.finish()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    _write(tmp_path)
    store = open_store(tmp_path, RATE)
    assert store is not None
    for key, codes in CLIPS.items():
        assert store.codes(key).tolist() == codes
        assert store.samples(key).tolist() == [0.5 * code for code in codes]
        assert store.samples(key, 1, 2).tolist() == [0.5 * codes[1]]
        assert store.samples(key, 1).tolist() == [0.5 * code for code in codes[1:]]
        assert store.samples(key).dtype == np.float32
        assert type(store.samples(key)) is np.ndarray
        assert store.samples(key).flags.writeable
        assert store.intact(key)
    assert not store.intact("d")


def test_the_bytes_are_as_specified(tmp_path: Path) -> None:
    _write(tmp_path)
    codes = np.frombuffer((tmp_path / "shard-0000.i16").read_bytes(), "<i2")
    assert codes.tolist() == [1, -2, 3, 32767, -32767, 0, 0, 0, 0, 0]
    body = json.loads((tmp_path / MANIFEST).read_text())["body"]
    assert (body["version"], body["sample_rate"], body["shards"]) == (1, RATE, [10])
    assert body["clips"]["b"][:4] == [0, 3, 2, 0.5]
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "shard-0000.i16"]


def test_no_shard_grows_past_the_limit_unless_one_clip_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHARD_BYTES", 8)
    _write(tmp_path)
    store = open_store(tmp_path, RATE)
    assert store is not None
    assert [len(shard) for shard in store.shards] == [3, 2, 5]
    assert all(store.codes(key).tolist() == codes for key, codes in CLIPS.items())


def test_memory_and_disk_hold_the_same(tmp_path: Path) -> None:
    _write(tmp_path)
    on_disk = open_store(tmp_path, RATE)
    writer = StoreWriter(None, RATE)
    for key, codes in CLIPS.items():
        writer.add(key, np.array(codes, np.int16), 0.5)
    in_memory = writer.finish()
    assert on_disk is not None
    assert [e.audio_key for e in in_memory.entries.values()] == [
        on_disk.entries[key].audio_key for key in in_memory.entries
    ]
    assert in_memory.codes("b").tolist() == [32767, -32767]


def test_a_worker_gets_the_maps_and_not_the_audio(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, RATE)
    writer.add("a", np.ones(100_000, np.int16), 1.0)
    writer.finish()
    content = ForkingPickler.dumps(open_store(tmp_path, RATE))
    assert len(content) < 1000
    assert ForkingPickler.loads(content).codes("a").sum() == 100_000
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(FileError, match="removed while in use"):
        ForkingPickler.loads(content)


@pytest.mark.parametrize("damage", ["manifest cut", "digit", "gone", "shard cut", "shard grown"])
def test_a_damaged_set_is_taken_for_absent(tmp_path: Path, damage: str) -> None:
    _write(tmp_path)
    manifest, shard = tmp_path / MANIFEST, tmp_path / "shard-0000.i16"
    if damage == "manifest cut":
        manifest.write_bytes(manifest.read_bytes()[:-9])
    elif damage == "digit":
        manifest.write_text(manifest.read_text().replace("0.5", "0.6", 1))
    elif damage == "gone":
        shard.unlink()
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
    monkeypatch.setattr(store_module, "PACK_VERSION", 2)
    assert open_store(tmp_path, RATE) is None


def test_a_changed_sample_is_noticed_when_asked(tmp_path: Path) -> None:
    _write(tmp_path)
    with (tmp_path / "shard-0000.i16").open("r+b") as stream:
        stream.write(b"\x07")
    store = open_store(tmp_path, RATE)
    assert store is not None
    assert (store.intact("a"), store.intact("b")) == (False, True)


SAMPLES = hnp.arrays(np.float32, st.integers(0, 40), elements=st.floats(-4, 4, width=32))


@settings(deadline=None, max_examples=100)
@given(samples=SAMPLES, gain=st.sampled_from([1e-30, 1e-6, 1.0, 1e30]))
def test_a_sample_is_off_by_half_a_step_at_most(samples: np.ndarray, gain: float) -> None:
    samples = (samples * np.float32(gain)).astype(np.float32)
    codes, scale = quantize_clip(samples)
    assert np.abs(codes.astype(np.int64)).max(initial=0) in (0, 32767)
    error = np.abs(codes * scale - samples.astype(np.float64)).max(initial=0.0)
    assert error <= scale * (0.5 + 1e-9)
    negative, _ = quantize_clip(-samples)
    assert negative.tolist() == (-codes).tolist()


def test_silence_is_silence() -> None:
    codes, scale = quantize_clip(np.zeros(3, np.float32))
    assert (codes.tolist(), scale) == ([0, 0, 0], 0.0)
