"""What the system refuses `wsnet predict`: a second run, room on the disk, any call."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsnet_cli.bulk.running import resumable
from wsnet_cli.core.files import TEMPORARY_SUFFIX

MakeClip = Callable[..., Path]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits and locks are those of POSIX")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


# -------------------------------------------------------------------------- two at once


def test_the_second_of_two_runs_on_one_output_is_refused(wsnet, model: str, many_clips: Path):
    with resumable.open_log(Path(".o.csv.wsnet-journal"), {}, []):
        outcome = wsnet("predict", "in", "-m", model, "-o", "o.csv")
        other = wsnet("predict", "in", "-m", model, "-o", "other.csv")
    assert outcome.code == 1
    assert outcome.error == (
        "o.csv: another wsnet predict is writing it; wait until that ends, or give another name"
    )
    assert other.code == 3
    again = wsnet("predict", "in", "-m", model, "-o", "o.csv")
    assert again.code == 3
    assert not [name for name in os.listdir() if name.startswith(".")]


def test_a_lock_that_a_killed_run_has_left_holds_nobody(wsnet, model: str, many_clips: Path):
    Path(".o.csv.wsnet-lock").touch()
    assert wsnet("predict", "in", "-m", model, "-o", "o.csv").code == 3


# -------------------------------------------------------------------------- a full disk

LIMITED = """
import resource, runpy, sys
n = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
sys.argv[0] = "wsnet"
runpy.run_module("wsnet_cli", run_name="__main__")
"""


def limited(n_bytes: int, *command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that may write no file longer than so many bytes."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(n_bytes), *command], capture_output=True, timeout=60
    )


@pytest.mark.parametrize("n_bytes", [0, 100, 1_000, 3_000])
def test_a_disk_that_fills_up_keeps_what_was_done(
    wsnet, model: str, many_clips: Path, n_bytes: int
):
    command = ("predict", "in", "-m", model, "-o", "o.csv")
    Path("o.csv").write_text("old")
    result = limited(n_bytes, *command, "--force")
    assert (result.returncode, result.stdout) == (1, b"")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("error: cannot write .o.csv.wsnet-journal: File too large")
    assert Path("o.csv").read_text() == "old"
    after = wsnet(*command, *(["--force"] if n_bytes < 1_000 else []))
    assert after.code == 3
    if n_bytes >= 1_000:
        assert "going on where an earlier run stopped" in after.stderr
    wsnet("predict", "in", "-m", model, "-o", "fresh.csv")
    assert Path("o.csv").read_bytes() == Path("fresh.csv").read_bytes()
    assert not [name for name in os.listdir() if name.startswith(".")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whichever_call_of_the_system_fails_outputs_are_old_or_new_and_whole(
    wsnet, model: str, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, number: int
):
    make_clip("in/a.wav")
    make_clip("in/b.wav", hz=300)
    fresh = ("predict", "in", "-m", model, "--format", "csv,json,raven")
    assert wsnet(*fresh, "-o", "new").code == 0
    new = contents(Path("new"))
    old = dict.fromkeys(new, b"old")
    n_failed = 0
    for n in itertools.count(1):
        shutil.rmtree("out", ignore_errors=True)
        for name in old:
            (Path("out") / name).parent.mkdir(parents=True, exist_ok=True)
            (Path("out") / name).write_bytes(b"old")
        calls = itertools.count(1)
        with monkeypatch.context() as patch:
            for owner, name in ((os, "fsync"), (Path, "replace"), (os, "open"), (Path, "open")):
                patch.setattr(owner, name, _failing(getattr(owner, name), calls, n, number))
            outcome = wsnet(*fresh, "-o", "out", "--force", "-q")
        if next(calls) <= n:  # there were not so many
            break
        if outcome.code == 0:  # a call that may fail
            continue
        n_failed += 1
        assert outcome.code in (1, 3), outcome.stderr
        if outcome.code == 1:
            assert os.strerror(number) in outcome.error
            assert len(outcome.stderr.splitlines()) == 1
        found = contents(Path("out"))
        assert not [name for name in found if name.endswith(TEMPORARY_SUFFIX)]
        if outcome.code == 1:
            for name, content in old.items():
                assert found[name] in (content, new[name]), (n, name)
            assert (
                wsnet(*fresh, "-o", "out", "-q", *([] if n_done(found) else ["--force"])).code == 0
            )
            assert contents(Path("out")) == new
    assert n_failed > 8
    assert contents(Path("out")) == new


def n_done(found: dict[str, bytes]) -> int:
    """Lines of the journal that the run has left."""
    return found.get(".wsnet-journal", b"").count(b"\n")


def _failing(call, calls: Iterator[int], n: int, number: int):
    def wrapped(*given: object, **options: object) -> object:
        first = str(given[0]) if given else ""
        if not first.endswith((".wav", ".wsnet")) and next(calls) == n:
            raise OSError(number, os.strerror(number))
        return call(*given, **options)

    return wrapped


def test_a_file_where_the_output_folder_should_be_is_said_at_once(
    wsnet, model: str, many_clips: Path
):
    Path("file").touch()
    outcome = wsnet("predict", "in", "-m", model, "-o", "file/deep/o.csv")
    assert outcome.code == 2
    assert "-o file/deep/o.csv: file cannot be written to" in outcome.error
