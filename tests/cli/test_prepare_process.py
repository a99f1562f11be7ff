"""`wsnet prepare` in a process of its own: killed, stopped, doubled, and read from a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

STOPPER = """
import importlib, os, signal, sys
place, n, what = sys.argv[1].split(":"), int(sys.argv[2]), sys.argv[3]
owner = importlib.import_module("wsnet_cli.data." + place[0])
for name in place[1:-1]:
    owner = getattr(owner, name)
call, count = getattr(owner, place[-1]), 0
def counted(*args, **more):
    global count
    result = call(*args, **more)
    count += 1
    if count == n and what == "wait":
        print("waiting", flush=True)
        sys.stdin.readline()
    elif count == n:
        os.kill(os.getpid(), getattr(signal, what))
    return result
setattr(owner, place[-1], counted)
sys.argv = ["wsnet", *sys.argv[4:]]
from wsnet_cli.__main__ import main
main()
"""
"""Runs wsnet; after the n-th return of a function it sends itself a signal, or waits for a line."""

PLACES = {
    "hashed": ("packing.content:_hash_file", 10),
    "first packed": ("packing.store_writer:StoreWriter:add", 1),
    "packed": ("packing.store_writer:StoreWriter:add", 11),
    "all packed": ("packing.store_writer:StoreWriter:add", 21),
    "finished": ("packing.store_writer:StoreWriter:finish", 1),
    "compared": ("copies.comparing:fingerprint", 10),
    "table": ("prepare:write_clips", 1),
    "marker": ("prepare:write_marker", 1),
}

posix = pytest.mark.skipif(os.name == "nt", reason="needs the signals of POSIX")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def options(source: Path, out: str, *more: str) -> list[str]:
    return ["prepare", str(source), "-o", out, "--rate", "8000", "-j", "2", *more]


def stopped(place: str, n: int, what: str, arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", STOPPER, place, str(n), what, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def whole(child: Callable[..., Any], tones: Path) -> dict[str, bytes]:
    """What a run leaves that nobody stops."""
    assert child(*options(tones, "whole")).code == 0
    return contents(Path("whole"))


@posix
@pytest.mark.parametrize("place", PLACES)
def test_a_killed_run_goes_on_with_the_same_command(
    child: Callable[..., Any], tones: Path, whole: dict[str, bytes], place: str
):
    for more in (0, 1) if place == "packed" else (0,):  # there killed again, one step further
        where, n = PLACES[place]
        process = stopped(where, n + more, "SIGKILL", options(tones, "out"))
        process.communicate(timeout=60)
        if more == 0:
            assert process.returncode == -signal.SIGKILL
    outcome = child(*options(tones, "out"))
    assert outcome.code == 0
    assert contents(Path("out")) == whole
    n_known = {"packed": 11, "all packed": 21, "finished": 21, "compared": 21}.get(place, 0)
    n_decoded = int(outcome.stderr.split(" files decoded")[0].split("; ")[-1])
    assert n_decoded <= 21 - n_known


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("place", ["hashed", "packed", "compared"])
def test_a_stopped_run_says_how_to_go_on(
    child: Callable[..., Any],
    tones: Path,
    whole: dict[str, bytes],
    place: str,
    name: str,
    code: int,
):
    process = stopped(*PLACES[place], name, options(tones, "out", "-q", "--json"))
    stdout, stderr = process.communicate(timeout=60)
    word = {"SIGINT": "interrupted", "SIGTERM": "terminated"}[name]
    kept = {
        "hashed": "nothing is lost",
        "packed": "1[01] of 21 clips are packed",
        "compared": "21 of 21 clips are packed",
    }[place]
    assert (process.returncode, stdout) == (code, b"")
    expected = f"error: {word}: {kept}; to go on, run the same command again\n"
    assert re.fullmatch(expected, stderr.decode())
    assert not Path("out/prepared.json").exists()
    assert child(*options(tones, "out")).code == 0
    assert contents(Path("out")) == whole


@posix
def test_of_two_at_once_one_goes_on(
    child: Callable[..., Any], tones: Path, whole: dict[str, bytes]
):
    process = stopped(*PLACES["packed"], "wait", options(tones, "out", "-q"))
    assert process.stdout is not None
    assert process.stdout.readline() == b"waiting\n"
    second = child(*options(tones, "out"))
    assert second.code == 2
    assert second.error == "-o out: another wsnet prepares into it; wait, or give another folder"
    process.communicate(b"\n", timeout=60)
    assert process.returncode == 0
    assert contents(Path("out")) == whole


@posix
def test_a_killed_run_blocks_nobody(child: Callable[..., Any], tones: Path):
    process = stopped(*PLACES["packed"], "wait", options(tones, "out", "-q"))
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert child(*options(tones, "out")).code == 0


@posix
def test_a_reader_that_has_seen_enough(tones: Path, whole: dict[str, bytes]):
    wsnet = f'"{sys.executable}" -W error -m wsnet_cli'
    command = f"({wsnet} prepare tones -o out --rate 8000 -j 2; echo $? >code) | head -1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert Path("code").read_text() == "0\n"
    assert b"Traceback" not in result.stderr
    assert b"rror" not in result.stderr
    assert contents(Path("out")) == whole


SPY = """
import atexit, json, runpy, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv[0] = "wsnet"
runpy.run_module("wsnet_cli", run_name="__main__")
"""


@pytest.fixture
def modules_of() -> Iterator[Callable[..., set[str]]]:
    """The modules that a command imports, which ends well."""

    def run(*arguments: object) -> set[str]:
        command = [sys.executable, "-W", "error", "-c", SPY, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return set(json.loads(result.stderr.splitlines()[-1]))

    return run


def test_nothing_heavy_is_imported(modules_of: Callable[..., set[str]], tones: Path):
    heavy = {"torch", "sklearn", "scipy", "pandas", "pyarrow", "onnx"}
    modules = modules_of(*options(tones, "out", "-q", "--json"))
    assert not modules & (heavy | {"rich", "jinja2"})
    assert "jinja2" in modules_of(*options(tones, "out", "-q", "--json", "--report"))
