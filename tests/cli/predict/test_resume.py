"""Runs that are killed, stopped or refused by the system, and the same command again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.bulk.running import answer_log, resumable
from wsnet_cli.core.files import TEMPORARY_SUFFIX

MakeClip = Callable[..., Path]
FORMATS = "csv,json,jsonl,parquet,raven,audacity"
N_CLIPS = 61
KILLS = [sys.executable, "-W", "error", "-m", "wsnet_cli"]
WAITS = """
import time
from wsnet_cli.bulk.running import resumable

def make_work(*given):
    work = real(*given)

    def wait(name, check):
        while name.endswith("020.wav"):
            check()
            time.sleep(0.01)
        return work(name, check)

    return wait

real, resumable.make_work = resumable.make_work, make_work
from wsnet_cli.cli.app import main
main()
"""
"""A run that comes to the 21st clip and no further, however late a signal is."""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def arguments(model: str, out: str) -> list[str]:
    return [
        *("predict", "in", "-m", model, "--top-k", "2", "--format", FORMATS, "-o", f"{out}/t"),
        *("--embeddings", f"{out}/e.npy", "--sort-into", f"{out}/s"),
    ]


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*KILLS, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_lines(path: Path, n_lines: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a journal has so many lines, or its run has ended."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if path.exists() and path.read_bytes().count(b"\n") >= n_lines:
            return
        time.sleep(0.002)


@pytest.fixture
def whole(wsnet, model: str, many_clips: Path) -> dict[str, bytes]:
    """What a run that nobody stops writes."""
    outcome = wsnet(*arguments(model, "whole"))
    assert outcome.code == 3
    found = contents(Path("whole"))
    assert len(found) == 2 * N_CLIPS + 4 + 2 + N_CLIPS
    assert "t/predictions.parquet" in found
    return found


def test_a_run_killed_again_and_again_ends_as_if_it_had_not_been(
    wsnet, model: str, whole: dict[str, bytes]
):
    journal = Path("out/t/.wsnet-journal")
    hits = []
    for n_lines in (1, 2, 5, 31, 100, 160, 185):
        process = start(*arguments(model, "out"))
        wait_for_lines(journal, n_lines, process)
        process.kill()
        process.communicate()
        hits.append(journal.exists())
    assert sum(hits) >= 5, "the kills came too late to show anything"
    outcome = wsnet(*arguments(model, "out"))
    if journal.exists() or outcome.code == 3:
        assert outcome.code == 3
    assert contents(Path("out")) == whole


@pytest.mark.parametrize("torn", [b"", b"x", b"0a1b2c3d {", b"\0" * 4_096])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_torn_journal_loses_and_doubles_nothing(
    wsnet, model: str, whole: dict[str, bytes], share: float, torn: bytes, monkeypatch
):
    """As a kill in the middle of a write leaves it, or a power cut."""
    with monkeypatch.context() as patch:
        patch.setattr(answer_log.AnswerLog, "mark_complete", _interrupt)
        assert wsnet(*arguments(model, "out")).code == 130
    journal = Path("out/t/.wsnet-journal")
    content = journal.read_bytes()
    journal.write_bytes(content[: int(share * len(content))] + torn)
    assert wsnet(*arguments(model, "out")).code == 3
    assert contents(Path("out")) == whole


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_run_stopped_while_it_puts_its_outputs_in_place_goes_on(
    wsnet, model: str, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    replace = Path.replace
    for n_done in range(6):
        with monkeypatch.context() as patch:
            count = iter(range(n_done))

            def stop(path: Path, target: Path, count: Iterator[int] = count) -> Path:
                if next(count, None) is None:
                    raise KeyboardInterrupt
                return replace(path, target)

            patch.setattr(Path, "replace", stop)
            outcome = wsnet(*arguments(model, "out"))
            assert outcome.code == 130
    for name in ("t/.predictions.csv.1", "t/raven/.x.2", "s/high/.3", ".e.npy.4", ".e.csv.5"):
        part = Path(f"out/{name}{TEMPORARY_SUFFIX}")  # as a kill leaves it
        part.parent.mkdir(exist_ok=True)
        part.touch()
    assert wsnet(*arguments(model, "out")).code == 3
    assert contents(Path("out")) == whole


def test_only_what_is_missing_is_done_again(
    wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch
):
    command = ("predict", "in", "-m", model, "-o", "o.csv", "-j", "1")
    heard: list[str] = []
    make_work = resumable.make_work

    def noted(*given: object) -> Callable[..., object]:
        work = make_work(*given)  # type: ignore[arg-type]

        def note(name: str, check: object) -> object:
            heard.append(name)
            if len(heard) == 21:
                raise KeyboardInterrupt
            return work(name, check)  # type: ignore[arg-type]

        return note

    monkeypatch.setattr(resumable, "make_work", noted)
    outcome = wsnet(*command)
    assert (outcome.code, outcome.error) == (
        130,
        "interrupted: 20 of 63 inputs are done and kept; to go on, run the same command again, "
        "without --force",
    )
    assert not Path("o.csv").exists()
    first, heard[:] = heard[:20], [""] * 100
    outcome = wsnet(*command)
    again = heard[100:]
    assert "going on where an earlier run stopped: 20 of 63 inputs are done" in outcome.stderr
    # What could not be read is tried again, and what was skipped is told again.
    assert sorted({*first, *again}) == sorted([*first, *again])
    assert len(first) + len(again) == 63
    assert Path("o.csv").read_text().count("\n") == 64
    assert not [name for name in os.listdir() if name.startswith(".")]


def stopped(wsnet, monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    """Run a command up to the point where its outputs would be written."""
    with monkeypatch.context() as patch:
        patch.setattr(answer_log.AnswerLog, "mark_complete", _interrupt)
        assert wsnet(*command).code == 130


@pytest.mark.parametrize("change", ["file", "model", "calibration", "option", "terms"])
def test_what_has_changed_is_done_again(
    wsnet,
    model: str,
    many_clips: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    make_clip: MakeClip,
):
    command = ["predict", "in", "-m", model, "-o", "o.csv"]
    stopped(wsnet, monkeypatch, *command)
    if change == "file":
        Path("in/a/002.wav").unlink()
        make_clip("in/a/002.wav", hz=300, rate=16_000)
    elif change == "model":
        content = Path(model).read_bytes()
        from wsnet_cli.core.model import compress
        from wsnet_cli.core.model_file.artifact import load_model, save_model

        save_model(Path(model), compress(load_model(Path(model))))
        assert Path(model).read_bytes() != content
    elif change == "calibration":
        from wsnet_cli.core.calibrating.calibration import Calibration
        from wsnet_cli.core.model_file.artifact import load_model, save_model

        save_model(Path(model), replace(load_model(Path(model)), calibration=Calibration(2.0)))
    elif change == "terms":
        command += ["--no-unknown"]
    else:
        command += ["--top-k", "3"]
    outcome = wsnet(*command)
    assert outcome.code == 3
    told = "starting over" if change != "file" else "61 of 63 inputs are done"
    assert told in outcome.stderr
    fresh = wsnet(
        *command[:-2] if change not in ("option", "terms") else command, "-o", "fresh.csv"
    )
    assert fresh.code == 3
    assert Path("o.csv").read_bytes() == Path("fresh.csv").read_bytes()


def test_more_inputs_are_added_and_others_left_out(
    wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch, make_clip: MakeClip
):
    stopped(wsnet, monkeypatch, "predict", "in/a", "-m", model, "-o", "o.csv")
    make_clip("in/a/new.wav")
    Path("in/a/004.wav").unlink()
    outcome = wsnet("predict", "in/b", "in/a", "-m", model, "-o", "o.csv")
    assert "29 of 63 inputs are done" in outcome.stderr
    wsnet("predict", "in/b", "in/a", "-m", model, "-o", "fresh.csv")
    assert Path("o.csv").read_bytes() == Path("fresh.csv").read_bytes()


def test_force_starts_over(wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch):
    command = ("predict", "in", "-m", model, "-o", "o.csv")
    stopped(wsnet, monkeypatch, *command)
    outcome = wsnet(*command, "--force")
    assert "going on" not in outcome.stderr
    assert Path("o.csv").exists()


def test_a_forced_run_that_was_stopped_is_gone_on_with_over_the_old_output(
    wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch
):
    command = ("predict", "in", "-m", model, "-o", "o.csv")
    Path("o.csv").write_text("old")
    stopped(wsnet, monkeypatch, *command, "--force")
    assert Path("o.csv").read_text() == "old"
    assert "61 of 63 inputs are done" in wsnet(*command).stderr
    assert Path("o.csv").read_text().startswith("file,")
    assert wsnet(*command).error.startswith("-o o.csv: exists;")


def test_an_output_made_meanwhile_is_not_written_over(
    wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch
):
    command = ("predict", "in", "-m", model, "-o", "o.csv")
    stopped(wsnet, monkeypatch, *command)
    Path("o.csv").write_text("mine")
    assert wsnet(*command).code == 2
    assert Path("o.csv").read_text() == "mine"
    Path("o.csv").unlink()
    assert "61 of 63" in wsnet(*command).stderr, "the refusal must not cost what was done"


# ------------------------------------------------------------------------------- signals


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_signals_end_with_one_line_that_says_how_to_go_on(
    wsnet, model: str, many_clips: Path, number: int, code: int, word: str, workers: str
):
    command = ("predict", "in", "-m", model, "-o", "o.csv", "-j", workers)
    # A signal may come between `open` and its `with`, which Python gives no way to prevent.
    warnings = ("-W", "error", "-W", "ignore::ResourceWarning")
    process = subprocess.Popen(
        [sys.executable, *warnings, "-c", WAITS, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for_lines(Path(".o.csv.wsnet-journal"), 10, process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (code, b"")
    (line,) = stderr.decode().splitlines()
    assert line.startswith(f"error: {word}: ")
    assert line.endswith(
        "of 63 inputs are done and kept; to go on, run the same command again, without --force"
    )
    assert not Path("o.csv").exists()
    assert wsnet(*command).code == 3
    wsnet("predict", "in", "-m", model, "-o", "fresh.csv")
    assert Path("o.csv").read_bytes() == Path("fresh.csv").read_bytes()


def test_a_signal_after_all_was_heard_comes_below_what_was_heard(
    wsnet, model: str, many_clips: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(answer_log.AnswerLog, "mark_complete", _interrupt)
        outcome = wsnet("predict", "in", "-m", model, "-o", "o.csv")
    (summed_up, last) = outcome.stderr.splitlines()
    assert outcome.code == 130
    assert summed_up.startswith("61 classified, 1 failed, 1 skipped; ")
    assert last.startswith("error: interrupted: 63 of 63 inputs are done and kept; to go on, ")


def test_sigterm_without_an_output_is_143(model: str, many_clips: Path):
    for _ in range(3):
        process = start("predict", "in", "-m", model, "--format", "csv")
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=30)
        assert first.startswith(b"file,")
        assert not stdout or stdout.endswith(b"\n")
        if process.returncode != 3:  # it was faster than the signal
            break
    hint = b"error: terminated: with -o, a run can go on where it was stopped\n"
    assert (process.returncode, stderr) == (143, hint)
