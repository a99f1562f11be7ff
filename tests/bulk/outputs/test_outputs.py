from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.outputs import outputs as module
from wsnet_cli.bulk.outputs.outputs import (
    Output,
    check_replaceable,
    plan_outputs,
    remove_leftovers,
    write_outputs,
)
from wsnet_cli.bulk.predicting.answers import Answer, Hits
from wsnet_cli.bulk.writers.writer import Counts, Facts
from wsnet_cli.core.errors import FileError, UsageError

FACTS = Facts("m", ("cat", "dog"), 8_000)
NAMES = ["rec/a.wav", "rec/deep/b.wav", "rec/bad.wav"]


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def answers() -> Iterable[Answer]:
    for number, name in enumerate(NAMES[:2], start=1):
        scores = np.float32([[0.25, 0.75]])
        hits = Hits(np.zeros(1), np.full(1, float(number)), scores, 1, 0.0)
        yield Answer(name, "ok", float(number), parts=[hits])
    yield Answer(NAMES[2], "error", error="rec/bad.wav: is empty")


def write(planned: list[Output], given: Callable[[], Iterable[Answer]] = answers) -> None:
    counts = Counts()
    for answer in given():
        counts.add(answer)
    write_outputs(planned, given, NAMES, FACTS, counts)


@pytest.mark.parametrize(
    ("formats", "n_inputs", "found"),
    [
        (["csv"], 9, [("csv", "o", False)]),
        (["raven"], 1, [("raven", "o", False)]),
        (["raven"], 2, [("raven", "o", True)]),
        (
            ["csv", "audacity"],
            1,
            [("csv", "o/predictions.csv", False), ("audacity", "o/audacity", True)],
        ),
    ],
)
def test_what_is_written_where(formats: list[str], n_inputs: int, found: list[object]):
    planned = plan_outputs(formats, Path("o"), n_inputs)
    assert [(o.format, o.path.as_posix(), o.is_folder) for o in planned] == found


def test_a_folder_for_one_recording_is_filled():
    Path("o").mkdir()
    assert plan_outputs(["audacity"], Path("o"), 1) == [Output("audacity", Path("o"), True)]


def test_files_and_folders_are_not_taken_for_each_other():
    Path("folder").mkdir()
    Path("file").touch()
    with pytest.raises(UsageError, match=r"-o folder: is a folder; expected a file's name"):
        plan_outputs(["csv"], Path("folder"), 1)
    for formats in (["csv", "json"], ["raven"]):
        with pytest.raises(UsageError, match=r"-o file: is a file; expected a folder"):
            plan_outputs(formats, Path("file"), 2)


def test_what_is_there_is_not_replaceable():
    planned = plan_outputs(["csv", "raven"], Path("o"), 2)
    check_replaceable(planned)
    Path("o/raven").mkdir(parents=True)
    check_replaceable(planned)
    Path("o/raven/x.txt").touch()
    with pytest.raises(UsageError, match=r"-o o/raven: exists; give another name, or --force"):
        check_replaceable(planned)


def test_a_file_for_each_recording_mirrors_their_folders():
    write([Output("audacity", Path("o"), True), Output("raven", Path("r"), True)])
    found = {p.as_posix(): p.read_text() for p in Path("o").rglob("*") if p.is_file()}
    assert found == {
        "o/a.wav.txt": "0.000000\t1.000000\tdog\n",
        "o/deep/b.wav.txt": "0.000000\t2.000000\tdog\n",
    }
    assert Path("r/deep/b.wav.selections.txt").read_text().count("\n") == 2


def test_a_name_never_leads_out_of_the_folder():
    def hostile() -> Iterable[Answer]:
        yield Answer("../../x.wav", "ok", 1.0)
        yield Answer("/etc/y.wav", "ok", 1.0)

    counts = Counts()
    write_outputs(
        [Output("audacity", Path("in/o"), True)],
        hostile,
        ["../../x.wav", "/etc/y.wav"],
        FACTS,
        counts,
    )
    found = sorted(p.as_posix() for p in Path().rglob("*") if p.is_file())
    assert found == ["in/o/%2E%2E/%2E%2E/x.wav.txt", "in/o/%2F/etc/y.wav.txt"]


@pytest.mark.parametrize("n_fails", range(1, 8))
def test_when_the_nth_write_fails_all_is_old_or_new_and_whole(
    n_fails: int, monkeypatch: pytest.MonkeyPatch
):
    """Whichever fsync or rename fails, each output is as it was or as it should be."""
    planned = [Output(name, Path(f"o.{name}"), False) for name in ("csv", "json", "jsonl")]
    write(planned)
    new = {o.path: o.path.read_bytes() for o in planned}
    for output in planned:
        output.path.write_text("old")
    n_calls = 0

    def failing(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            nonlocal n_calls
            n_calls += 1
            if n_calls == n_fails:
                raise OSError(28, "No space left on device")
            return call(*arguments, **options)

        return wrapped

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(os.fsync))
        patch.setattr(Path, "replace", failing(Path.replace))
        with pytest.raises(FileError, match=r"cannot write o\.\w+: No space left on device"):
            write(planned)
    for path, content in new.items():
        assert path.read_bytes() in (b"old", content)
    assert not [p for p in os.listdir() if p.startswith(".")]
    write(planned)
    assert {o.path: o.path.read_bytes() for o in planned} == new


def test_leftovers_of_this_output_alone_are_removed():
    Path("o").mkdir()
    own, other = Path(".o[1].csv.abc.wsnet-part"), Path(".other.csv.abc.wsnet-part")
    inner, kept = Path("o/.x.wsnet-part"), Path("o/x.txt")
    for path in (own, other, inner, kept):
        path.touch()
    remove_leftovers([Output("csv", Path("o[1].csv"), False), Output("raven", Path("o"), True)])
    assert [p.exists() for p in (own, other, inner, kept)] == [False, True, False, True]


def test_recordings_are_not_synced_one_by_one(monkeypatch: pytest.MonkeyPatch):
    synced: list[object] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(module.os, "sync", lambda: synced.append("all"))
    write([Output("raven", Path("o"), True)])
    assert synced == ["all"]
