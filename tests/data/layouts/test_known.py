"""The choice of a layout. What each one reads is tested beside it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError, FileError, UsageError
from wsnet_cli.data.layouts.known import LAYOUTS, load_dataset

MakeFolders = Callable[[dict[str, int]], Path]

needs_links = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")

ESC50 = "filename,fold,category,esc10\na.wav,1,dog,True\nb.wav,2,cat,False\n"
URBAN = "slice_file_name,fsID,fold,class\na.wav,7,1,dog\nb.wav,8,10,cat\n"
META = "audio/a.wav\tpark\naudio/b.wav\tbus\n"
TREES = {
    "esc-50": {"meta/esc50.csv": ESC50},
    "urbansound8k": {"metadata/UrbanSound8K.csv": URBAN},
    "speech-commands": {
        **dict.fromkeys(("validation_list.txt", "testing_list.txt", "bed/a.wav", "cat/b.wav"), ""),
    },
    "dcase": {
        "meta.txt": META,
        "evaluation_setup/fold1_train.txt": "audio/a.wav\tpark\n",
        "evaluation_setup/fold1_evaluate.txt": "audio/b.wav\tbus\n",
    },
    "manifest": {"manifest.csv": "path,label\na.wav,x\nb.wav,y\n"},
    "class-folders": {"dog/a.wav": "", "cat/b.wav": ""},
}
"""The least that is known by itself, for each layout that is."""


def make_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("name", TREES)
def test_a_layout_is_known_by_what_lies_in_it(tmp_path: Path, name: str) -> None:
    dataset = load_dataset(make_tree(tmp_path, TREES[name]))
    assert dataset.layout.lower().replace(" ", "-") == name
    assert len(dataset.clips) == len(dataset.labels) == 2
    known = [f"read as {dataset.layout}, known by {next(iter(TREES[name]))}"]
    assert [note[: len(known[0])] for note in dataset.notes[:1]] == known * (
        name != "class-folders"
    )


@pytest.mark.parametrize("name", TREES)
def test_a_layout_may_be_insisted_on_by_name_or_title(tmp_path: Path, name: str) -> None:
    make_tree(tmp_path, TREES[name])
    make_tree(tmp_path, {"aa/x.wav": "", "bb/y.wav": "", **TREES["manifest"]})
    by_name = load_dataset(tmp_path, name)
    again = load_dataset(tmp_path, by_name.layout)
    assert [*again.clips] == [*by_name.clips]
    assert by_name.layout.lower().replace(" ", "-") == name
    assert not any(note.startswith("read as") for note in by_name.notes)


def test_every_automatic_layout_is_tried_here() -> None:
    automatic = {layout.name for layout in LAYOUTS if layout.automatic}
    assert automatic - {"prepared"} == set(TREES)  # what it needs is tested beside it


def test_the_page_names_every_layout() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "data.md"
    table = page.read_text(encoding="utf-8").split("<!-- layouts -->\n")[1].split("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines()[2:]]
    assert [row[1].strip(" `") for row in rows] == [*(known.name for known in LAYOUTS), "pattern"]
    for known, row in zip(LAYOUTS, rows, strict=False):
        for names in known.needs:
            assert names[0] in row[2] or not known.automatic


def test_where_several_would_do_the_others_are_said(tmp_path: Path) -> None:
    make_tree(tmp_path, TREES["esc-50"] | TREES["manifest"] | TREES["dcase"])
    dataset = load_dataset(tmp_path)
    assert dataset.layout == "ESC-50"
    assert dataset.notes[0] == (
        "read as ESC-50, known by meta/esc50.csv; dcase, manifest would do too (--layout)"
    )


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("esc-10", "no meta/esc50.csv in it"),
        ("urbansound8k", "no metadata/UrbanSound8K.csv or UrbanSound8K.csv in it"),
        ("Speech Commands", "no validation_list.txt in it"),
        ("speech_commands_12", "no validation_list.txt in it"),
        ("DCASE", "no meta.csv or meta.txt in it"),
        ("manifest", "no manifest.csv or manifest.jsonl in it"),
    ],
)
def test_a_layout_that_does_not_fit_says_what_is_missing(
    tmp_path: Path, name: str, missing: str
) -> None:
    make_tree(tmp_path, TREES["class-folders"])
    with pytest.raises(DataError, match=missing):
        load_dataset(tmp_path, name)


def test_choices_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    root = make_tree(tmp_path, TREES["class-folders"] | {"list.csv": "path,label\na,x\nb,y\n"})
    with pytest.raises(
        UsageError, match=r"--layout 'wav'; expected one of .*esc-50, esc-10, .*patt"
    ):
        load_dataset(root, "wav")
    with pytest.raises(UsageError, match="--layout pattern: expected --pattern as well"):
        load_dataset(root, "pattern")
    with pytest.raises(UsageError, match="--layout manifest and --pattern: expected one of them"):
        load_dataset(root, "manifest", "{label}_{x}")
    with pytest.raises(DataError, match=r"list\.csv: a file, not class-folders; expected a folder"):
        load_dataset(root / "list.csv", "class-folders")
    assert load_dataset(root / "list.csv", "manifest").layout == "manifest"


def test_a_source_that_is_no_data_set_is_told_in_one_line(tmp_path: Path) -> None:
    make_tree(tmp_path, {"clip.wav": ""})
    with pytest.raises(DataError, match=r"nowhere: no such file or folder"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"a file, but no manifest; expected a CSV or JSON Lines"):
        load_dataset(tmp_path / "clip.wav")
    with pytest.raises(DataError, match=r"no audio found; expected one sub-folder.*--pattern"):
        load_dataset(tmp_path)
    with pytest.raises(DataError, match=r"'dog'; expected at least two \(--pattern reads"):
        load_dataset(make_tree(tmp_path, {"dog/a.wav": "", "empty/b.txt": ""}))


def test_what_the_system_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(FileError, match=r"cannot read .*: Permission denied"):
        load_dataset(tmp_path)


def test_a_manifest_in_a_folder_is_found(make_folders: MakeFolders) -> None:
    root = make_folders({"dog": 1, "cat": 1})
    text = "path,label\ndog/0.wav,no\ncat/0.wav,0123\n"
    (root / "manifest.csv").write_text(text)
    dataset = load_dataset(root)
    assert (dataset.layout, dataset.labels) == ("manifest", ("0123", "no"))
    assert [*load_dataset(root / "manifest.csv").clips] == [*dataset.clips]
    (root / "manifest.jsonl").touch()
    with pytest.raises(DataError, match=r"holds manifest\.csv and manifest\.jsonl; name the one"):
        load_dataset(root)


def test_a_manifest_without_rows_or_of_one_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("path,label\n")
    with pytest.raises(DataError, match=r"list\.csv: no audio found"):
        load_dataset(path)
    path.write_text("path,label\na.wav,x\nb.wav,x\n")
    with pytest.raises(DataError, match=r"list\.csv: only one class, 'x'"):
        load_dataset(path)


@needs_links
@pytest.mark.parametrize(
    ("layout", "table"),
    [
        (layout, name)
        for layout, files in TREES.items()
        for name in files
        if not name.endswith(".wav")
    ],
)
def test_no_table_is_read_through_a_link_that_leads_out(
    tmp_path: Path, layout: str, table: str
) -> None:
    root = make_tree(tmp_path / "set", TREES[layout])
    path = root / table
    path.rename(tmp_path / "secret")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"a link that leaves the data set"):
        load_dataset(root)


@needs_links
@pytest.mark.parametrize(
    ("layout", "folder", "message"),
    [
        ("esc-50", "meta", "esc50.csv: a link that leaves the data set"),
        ("dcase", "evaluation_setup", "evaluation_setup: expected a folder of the data set itself"),
    ],
)
def test_no_folder_is_read_through_a_link_that_leads_out(
    tmp_path: Path, layout: str, folder: str, message: str
) -> None:
    root = make_tree(tmp_path / "set", TREES[layout])
    (root / folder).rename(tmp_path / folder)
    (root / folder).symlink_to(tmp_path / folder)
    with pytest.raises(DataError, match=message):
        load_dataset(root)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_for_a_table_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match=r"manifest\.csv: not a file; expected a table"):
        load_dataset(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        load_dataset(tmp_path / "manifest.csv")


def test_clips_are_taken_one_by_one(tmp_path: Path) -> None:
    """Nothing keeps the names of files while they are found: 4,000 clips cost their table."""
    import tracemalloc

    n_clips = 4_000
    text = "".join(f"some/folder/{i:06}.wav,{i % 7}\n" for i in range(n_clips))
    make_tree(tmp_path, {"list.csv": f"path,label\n{text}"})
    load_dataset(tmp_path / "list.csv")  # what is imported or compiled on the way is not meant

    def peak_bytes() -> int:
        tracemalloc.start()
        try:
            assert len(load_dataset(tmp_path / "list.csv").clips) == n_clips
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak = min(peak_bytes() for _ in range(3))  # threads that other tests left may allocate too
    assert peak < 400 * n_clips  # as `Row` and `Clip` objects they would take 1,000 bytes each


@pytest.mark.shared
def test_the_real_esc10_is_read() -> None:
    root = Path(__file__).resolve().parents[4] / "shared" / "data" / "esc10"
    if not root.is_dir():
        pytest.skip("the recordings ../shared/data/esc10 are not beside this checkout")
    dataset = load_dataset(root)
    assert dataset.layout == "ESC-50"
    assert dataset.folds == ("1", "2", "3", "4", "5")
    assert Counter(clip.label for clip in dataset.clips) == dict.fromkeys(dataset.labels, 40)
    assert len(dataset.labels) == 10
    assert all(clip.path.is_file() for clip in dataset.clips)
    assert [*load_dataset(root, "esc-10").clips] == [*dataset.clips]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as Unicode")
def test_a_root_whose_own_name_is_odd_is_read(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"odd\n\xff")
    dataset = load_dataset(make_tree(root, TREES["class-folders"]))
    assert [clip.name for clip in dataset.clips] == ["cat/b.wav", "dog/a.wav"]


def test_a_folder_that_prepare_is_not_done_with_is_told(tmp_path: Path) -> None:
    make_tree(tmp_path, {".prepare.lock": "", "packed/0123/samples": ""})
    with pytest.raises(DataError, match=r"prepare is not done with it; give that command again$"):
        load_dataset(tmp_path)
