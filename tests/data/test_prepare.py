"""Prepared folders: the same bytes whatever happened on the way, and nothing else touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_disk import contents

from wsnet_cli.core.errors import DataError, UsageError
from wsnet_cli.data import prepare as prepare_module
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.prepared import open_prepared
from wsnet_cli.data.prepare import Prepared, check_target

MakeFolders = Callable[[dict[str, int]], Path]
MakeSine = Callable[..., Path]
RATE = 8000


def prepare(source: Path, folder: Path, rate: int = RATE, **options: object) -> Prepared:
    check_target(folder, source)
    return prepare_module.prepare(load_dataset(source), folder, rate, **options)  # type: ignore[arg-type]


def assert_as_from_nothing(source: Path, folder: Path, rate: int = RATE) -> None:
    fresh = folder.with_name("from nothing")
    prepare(source, fresh, rate)
    assert contents(folder) == contents(fresh)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def source(make_folders: MakeFolders) -> Path:
    root = make_folders({"cat": 3, "dog": 3})
    (root / "cat" / "empty.wav").touch()
    (root / "dog" / "text.wav").write_text("no sound\n")
    return root


def test_the_same_files_give_the_same_bytes(source: Path, out: Path, tmp_path: Path) -> None:
    before = contents(source)
    for workers in (1, 2):
        prepare(source, tmp_path / str(workers), workers=workers)
    prepare(source, tmp_path / "2", workers=2)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    names = {path.name for path in (tmp_path / "1").iterdir()}
    assert names == {"prepared.json", "clips.csv", "report.json", "packed", ".prepare.lock"}
    assert contents(source) == before


def stats_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        path.relative_to(folder).as_posix(): (s.st_mode, s.st_size, s.st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
        for s in [path.lstat()]
    }


def test_the_source_is_not_touched_and_may_be_read_only(source: Path, out: Path) -> None:
    for path in (*source.rglob("*"), source):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = stats_of(source)
    try:
        prepare(source, out)
        prepare(source, out, 4000, n_folds=2, workers=2)
        assert stats_of(source) == before
    finally:
        for path in (source, *source.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_different_sounds_raise_no_alarm(tmp_path: Path, out: Path) -> None:
    """A set like ESC-50, in which each recording gave two clips of one fold."""
    from wsnet_cli.data.synthetic import KINDS, write_sound_folder

    write_sound_folder(tmp_path / "made", 4, seed=0)
    rows = ["filename,fold,target,category,esc10,src_file,take"]
    (tmp_path / "esc" / "audio").mkdir(parents=True)
    (tmp_path / "esc" / "meta").mkdir()
    for target, kind in enumerate(KINDS):
        for i, path in enumerate(sorted((tmp_path / "made" / kind).iterdir())):
            name = f"{i // 2 + 1}-{100 * target + i // 2}-{'AB'[i % 2]}-{target}.wav"
            path.rename(tmp_path / "esc" / "audio" / name)
            rows.append(f"{name},{i // 2 + 1},{target},{kind},True,{100 * target + i // 2},A")
    (tmp_path / "esc" / "meta" / "esc50.csv").write_text("\n".join(rows) + "\n")
    prepared = prepare(tmp_path / "esc", out, 20_000)
    leaks = prepared.report["leaks"]
    assert prepared.report["clips"]["used"] == 40
    assert prepared.parts.titles == ("fold 1", "fold 2")
    assert (leaks["identical"], leaks["near"], leaks["groups_across"]) == (0, 0, 0)
    assert not [line for line in prepared.report["warnings"] if "leak" in line]


def test_the_numbers_add_up(source: Path, out: Path, decoded: list[str]) -> None:
    prepared = prepare(source, out)
    clips = prepared.report["clips"]
    assert (clips["found"], clips["used"], clips["refused"]) == (8, 6, 2)
    assert prepared.n_decoded == 6
    assert prepared.n_bytes == sum(
        path.stat().st_size for path in out.rglob("packed/*/*") if path.is_file()
    )
    assert json.loads((out / "report.json").read_text("utf-8")) == prepared.report
    refused = {file["file"]: file["kind"] for file in prepared.report["refused"]["files"]}
    assert refused == {"cat/empty.wav": "empty", "dog/text.wav": "not-audio"}


def test_a_second_run_decodes_nothing(source: Path, out: Path, decoded: list[str]) -> None:
    prepare(source, out)
    before = contents(out)
    decoded.clear()
    assert prepare(source, out).n_decoded == 0
    assert sorted(decoded) == ["empty.wav", "text.wav"]  # tried again
    assert contents(out) == before


def add(root: Path, make_sine: MakeSine) -> list[str]:
    make_sine(root / "cat" / "new.wav", hz=1234)
    return ["new.wav"]


def change(root: Path, make_sine: MakeSine) -> list[str]:
    """Of the same size and age."""
    path = root / "dog" / "1.wav"
    status = path.stat()
    make_sine(path, hz=901)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    return ["1.wav"]


def rename(root: Path, make_sine: MakeSine) -> list[str]:
    (root / "cat" / "0.wav").rename(root / "cat" / "zzz.wav")
    return []


def relabel(root: Path, make_sine: MakeSine) -> list[str]:
    (root / "cat" / "0.wav").rename(root / "dog" / "moved.wav")
    return []


def rename_class(root: Path, make_sine: MakeSine) -> list[str]:
    (root / "cat").rename(root / "lion")
    return []


def remove(root: Path, make_sine: MakeSine) -> list[str]:
    (root / "cat" / "0.wav").unlink()
    return []


def damage(root: Path, make_sine: MakeSine) -> list[str]:
    (root / "cat" / "0.wav").write_bytes(b"RIFF")
    return ["0.wav"]


def mend(root: Path, make_sine: MakeSine) -> list[str]:
    make_sine(root / "cat" / "empty.wav", hz=777)
    return ["empty.wav"]


def manifest(root: Path, make_sine: MakeSine) -> list[str]:
    """The same files by another layout, with folds, groups and a segment of one."""
    rows = [f"cat/{i}.wav,cat,{i % 2},g{i},," for i in range(3)]
    rows += [f"dog/{i}.wav,dog,{i % 2},h{i},," for i in range(2)]
    text = "\n".join(("path,label,fold,group,start,end", *rows, "dog/2.wav,dog,1,h2,0.01,0.05"))
    (root / "manifest.csv").write_text(text + "\n")
    return ["2.wav"]


BROKEN = {"empty.wav", "text.wav"}


@pytest.mark.parametrize(
    "change_source",
    [add, change, rename, relabel, rename_class, remove, damage, mend, manifest],
    ids=lambda function: function.__name__,
)
def test_only_what_changed_is_decoded_and_the_folder_is_as_from_nothing(
    change_source: Callable[[Path, MakeSine], list[str]],
    source: Path,
    out: Path,
    decoded: list[str],
    make_sine: MakeSine,
) -> None:
    prepare(source, out)
    expected = change_source(source, make_sine)
    decoded.clear()
    n_decoded = prepare(source, out).n_decoded
    assert [name for name in decoded if name not in BROKEN - set(expected)] == expected
    assert n_decoded == sum(1 for name in expected if change_source is not damage)
    assert_as_from_nothing(source, out)
    assert len(open_prepared(out)[0].clips) == prepare(source, out).report["clips"]["used"]


def test_another_rate_is_another_set_and_the_old_one_goes(
    source: Path, out: Path, decoded: list[str]
) -> None:
    prepare(source, out)
    assert prepare(source, out, 4000).n_decoded == 6
    assert len(list((out / "packed").glob("[0-9a-f]*"))) == 1
    assert_as_from_nothing(source, out, 4000)


def test_a_folder_of_another_data_set_becomes_that_of_this_one(
    source: Path, out: Path, tmp_path: Path, make_sine: MakeSine
) -> None:
    for i in range(4):
        make_sine(tmp_path / "other" / "xy"[i % 2] / f"{i}.wav", hz=1500 + 10 * i)
    prepare(tmp_path / "other", out)
    (out / "report.html").write_text("of the other set")
    prepare(source, out)
    assert_as_from_nothing(source, out)


# -------------------------------------------------------------- what a folder may not be


@pytest.mark.parametrize("name", ["notes.txt", "clips.csv", "report.json", "prepared.json"])
def test_a_folder_with_things_of_others_is_refused(source: Path, out: Path, name: str) -> None:
    out.mkdir()
    (out / name).write_text("mine\n")
    with pytest.raises(UsageError, match=f"holds {name}, which is no part of a prepared folder"):
        prepare(source, out)
    assert contents(out) == {name: b"mine\n"}


def test_a_folder_within_the_data_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source / "cat")
    for out in (source, source / "new", source / "cat" / "deep" / "er", tmp_path / "link" / "x"):
        with pytest.raises(UsageError, match="lies inside the data, which is never written to"):
            check_target(out, source)


def test_a_folder_beside_a_manifest_is_fine_and_its_own_is_not(source: Path) -> None:
    (source / "manifest.csv").write_text("path,label\n")
    check_target(source / "new", source / "manifest.csv")
    with pytest.raises(UsageError, match="holds the data"):
        check_target(source, source / "manifest.csv")


def test_a_folder_around_the_data_is_refused(source: Path) -> None:
    with pytest.raises(UsageError, match="holds the data"):
        check_target(source.parent, source)
    hidden = source.rename(source.with_name(".hidden"))  # else it would be foreign already
    with pytest.raises(UsageError, match="holds the data"):
        check_target(hidden.parent, hidden)


def test_a_file_is_no_folder(source: Path, out: Path) -> None:
    out.write_text("mine\n")
    with pytest.raises(UsageError, match="is a file; expected a folder"):
        check_target(out, source)


def test_an_empty_folder_and_hidden_things_are_fine(source: Path, out: Path) -> None:
    out.mkdir()
    (out / ".DS_Store").write_text("mine\n")
    prepare(source, out)
    assert (out / ".DS_Store").read_text() == "mine\n"


def test_a_class_without_a_clip_leaves_the_old_folder(source: Path, out: Path) -> None:
    prepare(source, out)
    before = contents(out)
    for path in (source / "dog").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="class 'dog' has no clip that can be read"):
        prepare(source, out)
    assert before.items() <= contents(out).items()
    assert len(open_prepared(out)[0].clips) == 6


def test_two_at_once_are_refused(source: Path, out: Path) -> None:
    with (
        prepare_module._claimed(out),
        pytest.raises(UsageError, match="another wsnet prepares into it"),
    ):
        prepare(source, out)
    prepare(source, out)
