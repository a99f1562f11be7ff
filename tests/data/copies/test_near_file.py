"""What was found alike, noted beside a set: as it was written, or taken for absent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import FileError
from wsnet_cli.data.copies import near_file
from wsnet_cli.data.copies.duplicates import Duplicate
from wsnet_cli.data.copies.near_file import read_near, write_near
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.packing.one_clip import PackedClip
from wsnet_cli.data.packing.store import INDEX, NEAR, Store, open_store
from wsnet_cli.data.packing.store_writer import MemoryWriter, StoreWriter

PAIRS = [Duplicate(0, 2, "near", 0.9731, -0.5), Duplicate(1, 3, "near", 1.0, 0.0)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    writer = StoreWriter(tmp_path, 8_000)
    writer.begin(0)
    for row in range(4):
        codes = np.full(3, row, np.int16)
        health = np.zeros(1, HEALTH)[0]
        writer.add(bytes([row] * 16), PackedClip(3, 1.0, health, lambda c=codes: iter([c])))
    writer.finish()
    opened = open_store(tmp_path, 8_000)
    assert opened is not None
    return opened


def test_what_was_noted_is_read(store: Store) -> None:
    assert read_near(store) is None
    for pairs in (PAIRS, []):
        write_near(store, pairs)
        assert read_near(store) == pairs


def test_a_set_in_memory_notes_nothing() -> None:
    store = MemoryWriter(8_000).finish()
    write_near(store, PAIRS)
    assert read_near(store) is None


@pytest.mark.parametrize("name", ["COMPARING_VERSION", "FINGERPRINT_VERSION"])
def test_another_version_is_taken_for_absent(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_near(store, PAIRS)
    monkeypatch.setattr(near_file, name, 99)
    assert read_near(store) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{}", '{"body": {}, "sha256": ""}', "[" * 100_000, "\xff"]
)
def test_a_file_of_another_kind_is_taken_for_absent(store: Store, text: str) -> None:
    assert store.folder is not None
    (store.folder / NEAR).write_text(text, encoding="latin-1")
    assert read_near(store) is None


def test_changed_pairs_and_another_index_are_taken_for_absent(store: Store) -> None:
    assert store.folder is not None
    write_near(store, PAIRS)
    path = store.folder / NEAR
    document = json.loads(path.read_bytes())
    document["body"]["pairs"][0][1] = 3
    path.write_text(json.dumps(document))
    assert read_near(store) is None
    write_near(store, PAIRS)
    index = store.folder / INDEX
    index.write_bytes(index.read_bytes()[:-1] + b"\x01")
    assert read_near(store) is None
    index.unlink()
    with pytest.raises(FileError, match=r"cannot read .*index\.bin: No such file"):
        write_near(store, PAIRS)
