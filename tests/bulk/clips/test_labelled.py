from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.bulk.clips import labelled
from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.clips.labelled import (
    clips_of_data,
)
from wsnet_cli.core import files
from wsnet_cli.core.errors import DataError
from wsnet_cli.core.tables import csv_text
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.layouts.known import load_dataset

MakeTone = Callable[..., Path]


def held_out_clips(model: Path) -> tuple[Clip, ...]:
    return labelled.held_out_clips(model)[0]


def n_trained_on(model: Path, clips: Sequence[Clip]) -> int:
    return labelled.n_trained_on(model, clips, FileAudio())


HEADER = ("clip", "label", "part", "fold", "group", "start_s", "end_s", "content")


# ------------------------------------------------------------------------------- the data


def test_one_fold_of_a_manifest(make_tone: MakeTone, tmp_path: Path):
    rows = [(make_tone(f"{i}.wav", 300 + i).name, "ab"[i % 2], i % 3) for i in range(6)]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(csv_text(("path", "label", "fold"), rows))
    assert [clip.name for clip in clips_of_data(manifest, "1")] == ["1.wav", "4.wav"]
    assert len(clips_of_data(manifest, None)) == 6
    with pytest.raises(DataError, match=r"manifest\.csv: no fold 7; its folds: 0, 1, 2"):
        clips_of_data(manifest, "7")


def test_data_without_folds_says_so(tones: Path):
    with pytest.raises(DataError, match="no fold 1; its folds: none"):
        clips_of_data(tones, "1")


@pytest.mark.parametrize(
    ("splits", "measured"),
    [
        (("train", "train", "validation", "test", "test", "train"), ["3.wav", "4.wav"]),
        (("train", "train", "validation", "validation", "train", "train"), ["2.wav", "3.wav"]),
    ],
)
def test_a_split_column_says_what_is_measured(
    make_tone: MakeTone, tmp_path: Path, splits: tuple[str, ...], measured: list[str]
):
    rows = [(make_tone(f"{i}.wav").name, "ab"[i % 2], split) for i, split in enumerate(splits)]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(csv_text(("path", "label", "split"), rows))
    assert [clip.name for clip in clips_of_data(manifest, None)] == measured


def test_a_split_without_a_part_to_measure_is_refused(make_tone: MakeTone, tmp_path: Path):
    rows = [(make_tone(f"{i}.wav").name, "ab"[i % 2], "train") for i in range(4)]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(csv_text(("path", "label", "split"), rows))
    with pytest.raises(DataError, match=r"manifest\.csv: its split has no test or validation part"):
        clips_of_data(manifest, None)


# ------------------------------------------------------------------------ the held-out part


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """A run folder whose split holds out the clips of these names; returns its model's path."""

    def make(data: Path, held_out: tuple[str, ...]) -> Path:
        run = tmp_path / "run"
        run.mkdir()
        rows = [
            (
                clip.name,
                clip.label,
                "test" if clip.name in held_out else "train",
                clip.fold,
                clip.group,
                clip.start_s,
                clip.end_s,
                hashlib.sha256(clip.path.read_bytes()).hexdigest(),
            )
            for clip in load_dataset(data).clips
        ]
        with (run / "split.csv").open("w", encoding="utf-8", newline="") as stream:
            stream.write(csv_text(HEADER, rows))
        (run / "env.json").write_text(json.dumps({"data": str(data)}))
        return run / "model.wsnet"

    return make


def test_the_held_out_part_is_what_the_run_held_out(make_run: Callable[..., Path], tones: Path):
    clips = held_out_clips(make_run(tones, ("high/2.wav", "low/5.wav")))
    assert [(clip.name, clip.label) for clip in clips] == [
        ("high/2.wav", "high"),
        ("low/5.wav", "low"),
    ]


def _how_it_was_read(model: Path, **how: str | None) -> None:
    path = model.parent / "env.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | how))


def test_the_data_is_read_again_as_the_run_read_it(make_run: Callable[..., Path], tones: Path):
    model = make_run(tones, ("high/2.wav",))
    (tones / "manifest.csv").write_text("path,label\nhigh/1.wav,high\nlow/1.wav,low\n")
    with pytest.raises(DataError, match=r"high/2\.wav of the held-out part is gone"):
        held_out_clips(model)  # a run of wsnet 0.1 says nothing: the manifest is found
    _how_it_was_read(model, layout="class folders", pattern=None)
    (clip,) = held_out_clips(model)
    assert (clip.name, clip.label) == ("high/2.wav", "high")
    _how_it_was_read(model, layout="pattern", pattern="{other}/{label}")
    with pytest.raises(
        DataError, match=r"high/2\.wav is labelled '2', and was 'high' when the run"
    ):
        held_out_clips(model)  # read by that pattern, which the run was not


def test_data_is_read_as_it_is_asked_for_and_told(tones: Path):
    told: list[DataSet] = []
    clips = clips_of_data(tones, None, pattern="{label}/{n:test=2}", on_read=told.append)
    assert [clip.name for clip in clips] == ["high/2.wav", "low/2.wav", "middle/2.wav"]
    assert [(dataset.layout, len(dataset.clips)) for dataset in told] == [("pattern", 21)]
    assert len(clips_of_data(tones, None, "class-folders", on_read=told.append)) == 21
    assert told[1].layout == "class folders"


def test_names_with_line_ends_are_found_again(make_run: Callable[..., Path], tones: Path):
    odd = "0\u2028\x85.wav"
    (tones / "low" / "0.wav").rename(tones / "low" / odd)
    (clip,) = held_out_clips(make_run(tones, (f"low/{odd}",)))
    assert clip.name == f"low/{odd}"


def test_parts_of_one_file_are_told_apart(
    make_run: Callable[..., Path], make_tone: MakeTone, tmp_path: Path
):
    make_tone("a.wav")
    manifest = tmp_path / "manifest.csv"
    rows = [("a.wav", "x", 0.0, 0.1), ("a.wav", "y", 0.1, 0.25)]
    manifest.write_text(csv_text(("path", "label", "start", "end"), rows))
    model = make_run(manifest, ("a.wav",))
    text = (model.parent / "split.csv").read_text()
    assert text.count(",test,") == 2
    (model.parent / "split.csv").write_text(text.replace(",test,", ",train,", 1))
    (clip,) = held_out_clips(model)
    assert (clip.label, clip.start_s, clip.end_s) == ("y", 0.1, 0.25)


def test_a_model_outside_any_run_has_no_held_out_part(tmp_path: Path):
    with pytest.raises(DataError, match=r"m\.wsnet: lies in no run folder.*; give the DATA"):
        held_out_clips(tmp_path / "m.wsnet")


def test_a_run_that_held_nothing_out(make_run: Callable[..., Path], tones: Path):
    with pytest.raises(DataError, match="run: the run held nothing out; give the DATA"):
        held_out_clips(make_run(tones, ()))


def test_a_held_out_clip_that_is_gone_is_named(make_run: Callable[..., Path], tones: Path):
    model = make_run(tones, ("high/2.wav", "low/5.wav"))
    (tones / "low" / "5.wav").unlink()
    with pytest.raises(DataError, match=r"tones: low/5\.wav of the held-out part is gone; restore"):
        held_out_clips(model)


def test_a_held_out_clip_that_has_changed_is_named(make_run: Callable[..., Path], tones: Path):
    model = make_run(tones, ("high/2.wav", "low/5.wav"))
    (tones / "low" / "5.wav").write_bytes((tones / "low" / "4.wav").read_bytes())
    with pytest.raises(DataError, match=r"tones: low/5\.wav has changed since training; give the"):
        held_out_clips(model)


def test_a_held_out_clip_with_another_label_is_named(make_run: Callable[..., Path], tones: Path):
    names = sorted(path.relative_to(tones).as_posix() for path in tones.rglob("*.wav"))
    lines = [f"{name},{name.partition('/')[0]}" for name in names]
    (tones / "manifest.csv").write_text("\n".join(["path,label", *lines]))
    model = make_run(tones, ("high/2.wav", "low/5.wav"))
    assert len(held_out_clips(model)) == 2
    changed = [line.replace("5.wav,low", "5.wav,high") for line in lines]
    (tones / "manifest.csv").write_text("\n".join(["path,label", *changed]))
    with pytest.raises(
        DataError,
        match=r"low/5\.wav is labelled 'high', and was 'low' when the run was trained; give the",
    ):
        held_out_clips(model)


def test_a_clip_that_was_trained_on_may_change(make_run: Callable[..., Path], tones: Path):
    model = make_run(tones, ("high/2.wav",))
    (tones / "low" / "5.wav").write_text("anything")
    assert len(held_out_clips(model)) == 1


@pytest.mark.parametrize(
    "content",
    [
        *(b"not json", b"[]", b"{}", b'{"data": 3}', b"\xff", None),
        *(b'{"data": "x", "layout": 3}', b'{"data": "x", "pattern": []}'),
    ],
    ids=repr,
)
def test_a_run_that_does_not_say_where_its_data_was(
    make_run: Callable[..., Path], tones: Path, content: bytes | None
):
    model = make_run(tones, ("high/2.wav",))
    environment = model.parent / "env.json"
    environment.unlink() if content is None else environment.write_bytes(content)
    with pytest.raises(DataError, match=r"env\.json does not say where the data was; give the"):
        held_out_clips(model)


@pytest.mark.parametrize(
    "content",
    [
        b"clip,part\na,test\n",
        b"clip,label,part,start_s,end_s,content\na,x,test\n",
        b"\xff\xfe",
        b'"a',
    ],
    ids=repr,
)
def test_a_damaged_split_is_said_to_be_so(
    make_run: Callable[..., Path], tones: Path, content: bytes
):
    model = make_run(tones, ("high/2.wav",))
    (model.parent / "split.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"split\.csv: is damaged; give the DATA"):
        held_out_clips(model)


def test_split_rows_are_what_csv_says(make_run: Callable[..., Path], tones: Path):
    """The fixture writes what a run writes: a positive control for the tests above."""
    model = make_run(tones, ("high/2.wav",))
    text = (model.parent / "split.csv").read_text()
    parts = [row["part"] for row in csv.DictReader(io.StringIO(text))]
    assert (parts.count("test"), parts.count("train")) == (1, 20)


def test_a_file_is_hashed_once_and_in_blocks(
    make_run: Callable[..., Path],
    make_tone: MakeTone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    make_tone("a.wav")
    manifest = tmp_path / "manifest.csv"
    rows = [("a.wav", "xy"[i % 2], i / 10, (i + 1) / 10) for i in range(4)]
    manifest.write_text(csv_text(("path", "label", "start", "end"), rows))
    model = make_run(manifest, ("a.wav",))
    opened: list[str] = []
    path_open = Path.open

    def note(path: Path, *args: Any, **options: Any) -> Any:
        opened.append(path.name)
        return path_open(path, *args, **options)

    monkeypatch.setattr(Path, "open", note)
    monkeypatch.setattr(files, "_BLOCK_BYTES", 1_000)
    assert len(held_out_clips(model)) == 4
    assert opened.count("a.wav") == 1


# ---------------------------------------------------------------------- what was trained on


def test_clips_that_were_trained_on_are_counted_by_content(
    make_run: Callable[..., Path], tones: Path
):
    model = make_run(tones, ("high/2.wav", "low/5.wav"))
    (tones / "low" / "4.wav").rename(tones / "low" / "renamed.wav")
    (tones / "low" / "3.wav").write_text("other content")
    clips = load_dataset(tones).clips
    assert len(clips) == 21
    (tones / "low" / "1.wav").unlink()
    assert n_trained_on(model, clips) == 21 - 2 - 2
    assert n_trained_on(model.with_name("model.q8.wsnet"), clips) == 17
    assert n_trained_on(model, held_out_clips(model)) == 0


@pytest.mark.parametrize(
    ("bounds", "heard"),
    [
        ((None, None), True),
        ((0.0, 0.1), False),
        ((0.1, 0.25), True),
        ((0.2, 0.3), True),
        ((0.25, None), False),
    ],
)
def test_parts_of_a_file_were_trained_on_where_they_overlap(
    make_run: Callable[..., Path],
    make_tone: MakeTone,
    tmp_path: Path,
    bounds: tuple[float | None, float | None],
    heard: bool,
):
    path = make_tone("a.wav")
    manifest = tmp_path / "manifest.csv"
    rows = [("a.wav", "x", 0.0, 0.1), ("a.wav", "y", 0.1, 0.25)]
    manifest.write_text(csv_text(("path", "label", "start", "end"), rows))
    split = make_run(manifest, ()).parent / "split.csv"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rows_of_run = [
        ("a.wav", "x", "test", None, None, 0.0, 0.1, f"{digest}@0.0-0.1"),
        ("a.wav", "y", "train", None, None, 0.1, 0.25, f"{digest}@0.1-0.25"),
    ]
    split.write_text(csv_text(HEADER, rows_of_run))
    clip = Clip(path, "a.wav", "y", start_s=bounds[0], end_s=bounds[1])
    assert n_trained_on(split.with_name("model.wsnet"), [clip]) == heard


def test_without_a_run_nothing_is_known_of_training(make_run: Callable[..., Path], tones: Path):
    clips = load_dataset(tones).clips
    model = make_run(tones, ())
    assert n_trained_on(model, clips) == 21
    for content in (b"name,part\na,train\n", b"\xff"):
        (model.parent / "split.csv").write_bytes(content)
        assert n_trained_on(model, clips) == 0
    (model.parent / "split.csv").unlink()
    assert n_trained_on(model, clips) == 0


@pytest.mark.parametrize("parts", list(itertools.permutations(("unused", "validation", "test"))))
@pytest.mark.parametrize("trained", [False, True])
def test_the_part_of_copies_does_not_hang_on_their_order(
    parts: tuple[str, ...], trained: bool, tmp_path: Path
):
    several = (*parts, *(["train"] if trained else []))
    rows = [(f"{i}.wav", "a", part, "", "", "", "", "same") for i, part in enumerate(several)]
    rows += [("x.wav", "a", "unused", "", "", "", "", "other"), ("y.wav", "a", "test", *[""] * 5)]
    (tmp_path / "split.csv").write_text(csv_text(HEADER, rows))
    found = labelled.parts_by_content(tmp_path)
    assert found == {"same": "train" if trained else "test", "other": "unused"}
