"""Prepared folders as they are read: whole, or one line that says what to do."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data import prepared_folder
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.prepared import open_prepared
from wsnet_cli.data.packing.packed import pack
from wsnet_cli.data.prepare import prepare
from wsnet_cli.data.prepared_folder import COLUMNS, is_prepared, read_marker

MakeFolders = Callable[[dict[str, int]], Path]
MakeSine = Callable[..., Path]
RATE = 8000


@pytest.fixture
def folder(sounds: Path, tmp_path: Path) -> Path:
    (sounds / "cat" / "empty.wav").touch()
    prepare(load_dataset(sounds), tmp_path / "out", RATE)
    return tmp_path / "out"


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_what_is_read_is_what_was_prepared(sounds: Path, folder: Path, cache: Path) -> None:
    dataset, packed = open_prepared(folder, RATE)
    source = load_dataset(sounds)
    expected = pack(source, RATE, cache)
    assert dataset.layout == "prepared"
    assert dataset.labels == source.labels
    usable = [i for i in range(5) if expected.has(i)]
    assert list(dataset.clips.names) == [source.clips.names[i] for i in usable]
    assert list(packed.content_keys) == [expected.content_keys[i] for i in usable]
    assert packed.failures == {}
    for i, j in enumerate(usable):
        assert np.array_equal(packed.samples(i), expected.samples(j))
        assert packed.audio_keys[i].tolist() == expected.audio_keys[j].tolist()
    assert [note for note in dataset.notes if note.startswith("prepared from class folders; ")]
    assert {clip.split for clip in dataset.clips} == {"train", "test"}


def test_a_multi_label_set_stays_one(make_sine: MakeSine, tmp_path: Path, cache: Path) -> None:
    labels = ["a;b", "b", "", "a"] * 3
    for i in range(len(labels)):
        make_sine(tmp_path / "set" / f"{i:02d}.wav", hz=200 + 30 * i)
    rows = "".join(f"{i:02d}.wav,{label}\n" for i, label in enumerate(labels))
    (tmp_path / "set" / "manifest.csv").write_text("path,label\n" + rows)
    source = load_dataset(tmp_path / "set")
    report = prepare(source, tmp_path / "out", RATE).report
    assert {row["label"]: row["clips"] for row in report["classes"]} == {"a": 6, "b": 6}
    assert [row["label"] for row in rows_of(tmp_path / "out")] == labels
    dataset, _ = open_prepared(tmp_path / "out", RATE)
    assert dataset.multi_label
    assert dataset.labels == ("a", "b")
    assert [clip.label for clip in dataset.clips] == labels
    assert json.loads((tmp_path / "out" / "prepared.json").read_text())["multi_label"] is True
    for part in ("train", "test"):
        clips = [clip for clip in dataset.clips if clip.split == part]
        assert {name for clip in clips for name in clip.classes} == {"a", "b"}


def test_of_other_sets_nothing_is_said_of_labels(folder: Path) -> None:
    assert "multi_label" not in json.loads((folder / "prepared.json").read_text())


def test_the_source_may_go_and_the_folder_may_move(
    sounds: Path, folder: Path, tmp_path: Path
) -> None:
    before = open_prepared(folder)
    shutil.rmtree(sounds)
    (tmp_path / "elsewhere").mkdir()
    moved = folder.rename(tmp_path / "elsewhere" / "x")
    dataset, packed = open_prepared(moved)
    assert list(dataset.clips.names) == list(before[0].clips.names)
    assert packed.samples(0).tolist() == moved_samples(moved)


def moved_samples(folder: Path) -> list[float]:
    """The first clip by the description of the format alone."""
    index = np.fromfile(next(folder.glob("packed/*/index.bin")), prepared_entry())
    codes = np.fromfile(next(folder.glob("packed/*/shard-0000.i16")), "<i2")
    first: list[float] = (
        codes[: index["n_samples"][0]].astype(np.float32) * np.float32(index["scale"][0])
    ).tolist()
    return first


def prepared_entry() -> np.dtype[Any]:
    from wsnet_cli.data.packing.store_index import ENTRY

    return ENTRY


def test_the_table_has_a_row_for_every_clip(sounds: Path, folder: Path) -> None:
    rows = rows_of(folder)
    assert list(rows[0]) == list(COLUMNS)
    assert [row["path"] for row in rows] == list(load_dataset(sounds).clips.names)
    for row in rows:
        content = (sounds / row["path"]).read_bytes()
        assert row["content"] == hashlib.sha256(content).hexdigest()
        if row["path"] == "cat/empty.wav":
            assert (row["status"], row["kind"], row["split"]) == ("refused", "empty", "")
            assert row["reason"]
            assert not any(row[column] for column in ("seconds", "peak", "sample_rate"))
        else:
            assert (row["status"], row["kind"], row["reason"]) == ("used", "", "")
            assert row["split"] in ("train", "test")
            numbers = [row[column] for column in ("seconds", "sample_rate", "channels")]
            assert numbers == ["0.100", "8000", "1"]
            assert float(row["peak"]) == pytest.approx(0.5, abs=1e-4)
            assert float(row["rms"]) == pytest.approx(0.5 / 2**0.5, abs=0.01)


ODD_NAMES = ["=1+1.wav", "x\r.wav", "x\r\ny.wav", 'q",".wav', "é 😀.wav", " .wav", "'.wav", "#.wav"]


def test_odd_names_and_segments_come_back(tmp_path: Path, make_sine: MakeSine) -> None:
    for i, name in enumerate(ODD_NAMES):
        for j, label in enumerate(("=a", "b,c")):
            make_sine(tmp_path / "set" / label / name, hz=300 + 20 * i + 200 * j)
    prepare(load_dataset(tmp_path / "set"), tmp_path / "out", RATE)
    names = {f"{label}/{name}" for name in ODD_NAMES for label in ("=a", "b,c")}
    dataset, packed = open_prepared(tmp_path / "out")
    assert set(dataset.clips.names) == names
    assert dataset.labels == ("=a", "b,c")
    assert all(packed.has(i) for i in range(len(names)))

    lines = [
        {"path": "a.wav", "label": "x", "group": "g,\n1", "start": 0.1, "end": 0.30000000000000004},
        {"path": "a.wav", "label": "y", "group": "", "start": 0.0, "end": 1e-2},
        {"path": "a.wav", "label": "x", "start": 1 / 3},
        {"path": "a.wav", "label": "y"},
    ]
    make_sine(tmp_path / "cut" / "a.wav", n=8_000)
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "cut" / "manifest.jsonl").write_text(text + "\n")
    source = load_dataset(tmp_path / "cut")
    prepare(source, tmp_path / "out2", RATE)
    dataset, packed = open_prepared(tmp_path / "out2")

    def facts(clips: Any) -> list[tuple[object, ...]]:
        return [(c.name, c.label, c.group, c.start_s, c.end_s) for c in clips]

    assert facts(dataset.clips) == facts(source.clips)
    assert sorted(packed.n_samples(i) for i in range(4)) == [80, 1_600, 5_333, 8_000]


def test_folds_groups_and_parts_come_back(tmp_path: Path, make_sine: MakeSine) -> None:
    rows = []
    for i in range(8):
        make_sine(tmp_path / "set" / f"{i}.wav", hz=300 + 50 * i)
        rows.append(f"{i}.wav,{'xy'[i % 2]},{i // 2},g{i // 4}")
    text = "\n".join(("path,label,fold,group", *rows))
    (tmp_path / "set" / "manifest.csv").write_text(text + "\n")
    prepare(load_dataset(tmp_path / "set"), tmp_path / "out", RATE)
    clips = open_prepared(tmp_path / "out")[0].clips
    assert [clip.fold for clip in clips] == list("00112233")
    assert [clip.group for clip in clips] == ["g0"] * 4 + ["g1"] * 4
    assert {clip.split for clip in clips} == {None}


# -------------------------------------------------------------------------------- damage


def rewrite_marker(folder: Path, **values: Any) -> None:
    path = folder / "prepared.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def drop_column(folder: Path) -> None:
    """As only a forger could: with the hash of what was made of the table."""
    path = folder / "clips.csv"
    path.write_bytes(path.read_bytes().replace(b"label", b"libel", 1))
    rewrite_marker(folder, clips_sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def short_row(folder: Path) -> None:
    path = folder / "clips.csv"
    path.write_bytes(path.read_bytes() + b"x.wav\n,,,,,,,used\n")
    rewrite_marker(folder, clips_sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def cut(path: Path, n_bytes: int = 1) -> None:
    path.write_bytes(path.read_bytes()[:-n_bytes])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def another_version(folder: Path) -> None:
    path = next(folder.glob("packed/*/manifest.json"))
    document = json.loads(path.read_text())
    document["body"]["version"] -= 1
    path.write_text(json.dumps(document))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "marker cut": (lambda f: cut(f / "prepared.json", 3), "is damaged"),
    "marker empty": (lambda f: (f / "prepared.json").write_bytes(b""), "is damaged"),
    "marker a list": (lambda f: (f / "prepared.json").write_text("[1]"), "is damaged"),
    "marker deep": (lambda f: (f / "prepared.json").write_text("[" * 100_000), "is damaged"),
    "marker no text": (lambda f: (f / "prepared.json").write_bytes(b"\xff\xfe"), "is damaged"),
    "marker pickled": (
        lambda f: (f / "prepared.json").write_bytes(b"\x80\x04}\x94."),
        "is damaged",
    ),
    "another key": (lambda f: rewrite_marker(f, more=1), "is damaged"),
    "another type": (lambda f: rewrite_marker(f, clips="5"), "another type"),
    "a truth": (lambda f: rewrite_marker(f, version=True), "another type"),
    "newer": (lambda f: rewrite_marker(f, version=2), "version 2; expected 1"),
    "a set elsewhere": (lambda f: rewrite_marker(f, set="../../other"), "no name of a set"),
    "another set": (lambda f: rewrite_marker(f, set="0" * 32), "audio is damaged or gone"),
    "another version": (another_version, "form of another version of wsnet"),
    "another rate": (lambda f: rewrite_marker(f, sample_rate=9_000), "audio is damaged or gone"),
    "table flipped": (lambda f: flip(f / "clips.csv"), "is not the one that was written"),
    "table cut": (lambda f: cut(f / "clips.csv"), "is not the one that was written"),
    "table gone": (lambda f: (f / "clips.csv").unlink(), "No such file"),
    "column gone": (drop_column, "is damaged"),
    "row short": (short_row, "is damaged"),
    "audio gone": (lambda f: shutil.rmtree(f / "packed"), "audio is damaged or gone"),
    "shard cut": (lambda f: cut(next(f.glob("packed/*/*.i16"))), "audio is damaged or gone"),
    "sample flipped": (lambda f: flip(next(f.glob("packed/*/*.i16"))), "audio is damaged or gone"),
    "index flipped": (lambda f: flip(next(f.glob("packed/*/index.bin"))), "damaged or gone"),
    "manifest flipped": (lambda f: flip(next(f.glob("packed/*/*.json"))), "damaged or gone"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_line_that_says_what_to_do(folder: Path, name: str, sounds: Path) -> None:
    damage, said = DAMAGE[name]
    damage(folder)
    with pytest.raises(DataError) as caught:
        open_prepared(folder)
    text = str(caught.value)
    assert said in text
    assert str(folder) in text
    assert "run wsnet prepare again" in text
    assert len(text.splitlines()) == 1
    prepare(load_dataset(sounds), folder, RATE)
    assert len(open_prepared(folder)[0].clips) == 4


def test_another_rate_than_is_wanted(folder: Path) -> None:
    with pytest.raises(DataError, match=r"prepared at 8000 Hz; expected 16000: prepare it with"):
        open_prepared(folder, 16_000)


def test_a_folder_without_its_marker_is_no_prepared_one(folder: Path) -> None:
    assert is_prepared(folder)
    (folder / "prepared.json").unlink()
    assert not is_prepared(folder)
    with pytest.raises(DataError, match="is damaged"):
        read_marker(folder)


def test_the_marker_is_written_last(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wsnet_cli.data import prepare as prepare_module

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare_module, "write_marker", fail)
    with pytest.raises(KeyboardInterrupt):
        prepare(load_dataset(sounds), tmp_path / "out", RATE)
    assert not is_prepared(tmp_path / "out")
    assert prepared_folder.MARKER == "prepared.json"
