"""Damaged tables of every kind: clips inside the data set, or one line that says where."""

from __future__ import annotations

import os
import random
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.known import load_dataset

N_DAMAGES = 500

ESC50 = "filename,fold,target,category,esc10,src_file,take\n" + "".join(
    f"{i}-{i}-A-{i % 2}.wav,{i},0,{'dog' if i % 2 else 'cat'},True,{i},A\n" for i in range(1, 6)
)
URBAN = "slice_file_name,fsID,start,end,salience,fold,classID,class\n" + "".join(
    f"{i}-3-0-0.wav,{i},0.0,1.5,1,{i},3,{'dog_bark' if i % 2 else 'siren'}\n" for i in range(1, 6)
)
META = "filename\tscene_label\tidentifier\tsource_label\n" + "".join(
    f"audio/{'park' if i % 2 else 'tram'}-{i}.wav\t{'park' if i % 2 else 'tram'}\tlyon-{i}\ta\n"
    for i in range(1, 6)
)
CSV = "path,label,fold,group,start,end\na.wav,dog,1,g,0,1.5\nb.wav,no,10,,,\nb.wav,no,2,,2,\n"
JSON = (
    '{"path": "a.wav", "label": "dog", "fold": 1, "group": "g", "start": 0, "end": 1.5}\n'
    '{"label": "no", "path": "b.wav", "fold": "10"}\n'
    '{"path": "b.wav", "label": "no", "fold": 2, "group": null, "start": 2}\n'
)
LIST = "bed/1_nohash_0.wav\ncat/1_nohash_0.wav\n"
DCASE = {
    "meta.csv": META,
    "evaluation_setup/fold1_train.csv": "audio/park-1.wav\tpark\naudio/tram-2.wav\ttram\n",
    "evaluation_setup/fold1_evaluate.csv": "audio/park-3.wav\tpark\naudio/tram-4.wav\ttram\n",
}
SPEECH = {
    "validation_list.txt": LIST,
    "testing_list.txt": LIST.replace("1_", "2_"),
    **{f"{word}/{i}_nohash_0.wav": "" for word in ("bed", "cat") for i in range(3)},
}
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "manifest": ("manifest.csv", {"manifest.csv": CSV}),
    "json lines": ("manifest.jsonl", {"manifest.jsonl": JSON}),
    "ESC-50": ("meta/esc50.csv", {"meta/esc50.csv": ESC50}),
    "UrbanSound8K": ("metadata/UrbanSound8K.csv", {"metadata/UrbanSound8K.csv": URBAN}),
    "DCASE meta": ("meta.csv", DCASE),
    "DCASE list": ("evaluation_setup/fold1_evaluate.csv", DCASE),
    "Speech Commands": ("testing_list.txt", SPEECH),
}
JUNK = (
    *(b"", b"\0", b"../", b"/", b'"', b",", b"\t", b"\n", b"\r", b"\xff", b"\xef\xbb\xbf"),
    *(b"\\", b"=cmd|' /C calc'!A0", b"\x1b[2J", b"{", b"}", b"null", b"-1", b"/etc/passwd"),
)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What is opened or listed, with all links followed."""
    paths: list[Path] = []
    path_open, scandir = Path.open, os.scandir

    def spy_open(self: Path, *args: Any, **more: Any) -> Any:
        paths.append(Path(os.path.realpath(self)))
        return path_open(self, *args, **more)

    def spy_scandir(folder: Any) -> Any:
        paths.append(Path(os.path.realpath(folder)))
        return scandir(folder)

    monkeypatch.setattr(Path, "open", spy_open)
    monkeypatch.setattr(os, "scandir", spy_scandir)
    return paths


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "out.wav").symlink_to(root.parent / "secret.wav")
    (root / "up").symlink_to(root.parent)
    return root


def damages(content: bytes, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    for _ in range(N_DAMAGES):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(damaged)) if damaged else 0
            junk = draw.choice(JUNK) or bytes([draw.randrange(256)])
            damaged[place : place + draw.randint(0, 3)] = junk
        yield bytes(damaged)


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
@pytest.mark.parametrize("kind", TABLES)
def test_a_damaged_table_gives_clips_inside_or_one_line(
    tmp_path: Path, opened: list[Path], kind: str
) -> None:
    name, files = TABLES[kind]
    root = build(tmp_path / "set", files)
    real = Path(os.path.realpath(root))
    assert load_dataset(root).clips
    messages = []
    for content in damages(files[name].encode(), seed=15):
        (root / name).write_bytes(content)
        opened.clear()
        try:
            dataset = load_dataset(root)
        except DataError as error:
            messages.append(str(error))
        else:
            assert all(".." not in clip.path.parts for clip in dataset.clips)
            assert all(clip.path.is_relative_to(real) for clip in dataset.clips)
            signs = "".join((*dataset.labels, *dataset.folds))
            assert not {unicodedata.category(sign) for sign in signs} & {"Cc", "Cs"}
        assert all(path.is_relative_to(real) for path in opened)
    assert len(messages) > 50
    assert not any("\n" in message or not message.isprintable() for message in messages)
    # What is wrong in a row has its number; what concerns the whole has a word for it.
    placed = re.compile(
        r": (row|line) [0-9]+: |no audio found|only one class|is listed there, but not in"
    )
    assert [message for message in messages if not placed.search(message)] == []


@pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")
@pytest.mark.parametrize("kind", ["manifest", "json lines", "ESC-50", "UrbanSound8K", "DCASE meta"])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../secret.wav", "leads out|1 to 10"),
        ("up/secret.wav", "leaves the data's folder through a link"),
        ("out.wav", "leaves the data's folder through a link"),
        ("x" * 5000, "longer than 4096"),
        ("x" * (1 << 20), "field larger than field limit|longer than|longer than any row can be"),
    ],
    ids=["up", "folder link", "file link", "long", "1 MB"],
)
def test_a_path_that_leads_out_is_refused_with_its_row(
    tmp_path: Path, opened: list[Path], kind: str, path: str, message: str
) -> None:
    name, files = TABLES[kind]
    root = build(tmp_path / "set", files)
    (tmp_path / "secret.wav").touch()
    for folder in ("audio", "audio/fold1"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "out.wav").symlink_to(tmp_path / "secret.wav")
        (root / folder / "up").symlink_to(tmp_path)
    first = {
        "manifest": "a.wav",
        "json lines": "a.wav",
        "ESC-50": "1-1-A-1.wav",
        "UrbanSound8K": "1-3-0-0.wav",
        "DCASE meta": "audio/park-1.wav",
    }[kind]
    (root / name).write_text(files[name].replace(first, path, 1))
    with pytest.raises(DataError, match=rf": (row|line) [12]: .*({message})") as caught:
        load_dataset(root)
    assert len(str(caught.value)) < len(str(tmp_path)) + 250
    assert all(found.is_relative_to(os.path.realpath(root)) for found in opened)
