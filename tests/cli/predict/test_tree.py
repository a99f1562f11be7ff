"""A live folder with everything in it that a file system may hold, and shells of all manners."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakeClip = Callable[..., Path]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
COMMAND = [sys.executable, "-W", "error", "-m", "wsnet_cli", "predict"]


@pytest.fixture
def tree(make_clip: MakeClip) -> dict[str, str]:
    """Names below `t`, by what must become of each."""
    good = make_clip("t/good.wav")
    content = good.read_bytes()
    names = {
        **dict.fromkeys(["t/good.wav", "t/--help.wav", "t/ .wav", "t/new\nline.wav"], "ok"),
        **dict.fromkeys(["t/é.wav", "t/e\u0301.wav", "t/\udcff.wav", "t/-.wav", "t/@x.wav"], "ok"),
        **dict.fromkeys([f"t/{'n' * 251}.wav", "t/%00.wav", "t/*.wav", "t/[a].wav"], "ok"),
        f"t/{'d/' * 60}deep.wav": "ok",
        "t/x.wav/inside.wav": "ok",
        "t/.hidden.wav": "",
        "t/notes.txt": "",
    }
    for name, status in names.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if status else b"text")
    Path("t/link.wav").symlink_to("good.wav")
    Path("t/dangling.wav").symlink_to("nowhere")
    Path("t/itself.wav").symlink_to("itself.wav")
    Path("t/zero.wav").symlink_to("/dev/zero")
    Path("t/up").symlink_to("..")
    Path("t/down").symlink_to("d")
    os.mkfifo("t/pipe.wav")
    with open("t/sparse.wav", "wb") as stream:
        stream.truncate(8 << 30)
    bad = ("dangling.wav", "itself.wav", "zero.wav", "pipe.wav", "sparse.wav")
    names |= {"t/link.wav": "ok", "t/up": "skipped", "t/down": "skipped"}
    return names | dict.fromkeys([f"t/{name}" for name in bad], "error")


@pytest.mark.parametrize("inputs", [["t"], ["t/**", "t"], ["t", "./t/", "t/good.wav"]])
def test_each_readable_file_is_heard_once_and_the_rest_is_listed(
    wsnet, model: str, tree: dict[str, str], inputs: list[str]
):
    outcome = wsnet("predict", *inputs, "-m", model, "--json")
    assert outcome.code == 3
    found = [(r["file"], r["status"]) for r in outcome.document["results"]]
    expected = {
        name.encode("utf-8", "backslashreplace").decode(): status
        for name, status in tree.items()
        if status
    }
    if inputs[0] == "t/**":  # what a pattern names is heard whatever its suffix
        found = [(name, status) for name, status in found if not name.endswith(".txt")]
    assert sorted(found) == sorted(expected.items())
    for row in outcome.document["results"]:
        if row["status"] != "ok":
            assert "\n" not in row["error"]
    skipped = sum(status == "skipped" for status in expected.values())
    assert outcome.document["summary"]["skipped"] == skipped == 2
    assert ", 2 skipped" in outcome.stderr


def test_such_names_come_back_from_every_file(wsnet, model: str, tree: dict[str, str]):
    formats = "csv,jsonl,raven,audacity,parquet"
    outcome = wsnet("predict", "t", "-m", model, "--format", formats, "-o", "o", "--sort-into", "s")
    assert outcome.code == 3
    n_ok = sum(status == "ok" for status in tree.values())
    for folder in ("o/raven", "o/audacity", "s"):
        assert sum(p.is_file() for p in Path(folder).rglob("*")) == n_ok
    lines = Path("o/predictions.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert len(lines) == sum(bool(status) for status in tree.values())
    assert sorted(p.name for p in Path().iterdir() if p.name not in (model, "own-cache")) == [
        *("o", "s", "t")
    ]


# ---------------------------------------------------------------------------------- manners


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"COLUMNS": "20"},
        {"HOME": ""},
        {"TERM": "dumb"},
    ],
)
def test_odd_environments(model: str, make_clip: MakeClip, environment: dict[str, str]):
    make_clip("é.wav")
    variables = {**os.environ, **environment}
    variables = {name: value for name, value in variables.items() if value}
    for options in (["--json"], [], ["-o", "o.csv", "--force"]):
        result = subprocess.run(
            [*COMMAND, "é.wav", "no.wav", "-m", model, *options],
            capture_output=True,
            env=variables,
            timeout=60,
        )
        assert result.returncode == 3, result.stderr
        assert b"Traceback" not in result.stderr
        if options == ["--json"]:
            assert json.loads(result.stdout)["results"][0]["file"] == "é.wav"
    assert "é.wav" in Path("o.csv").read_text(encoding="utf-8")


PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def obey_modes() -> None:
    """Root may read and write anything, unless it has given these rights away."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0) == 0


def test_a_read_only_place_is_refused_at_once_and_its_files_are_read(
    model: str, make_clip: MakeClip
):
    make_clip("in/a.wav")
    secret = make_clip("in/secret.wav")
    secret.chmod(0)
    for folder in (".", "in"):
        Path(folder).chmod(0o555)
    try:
        shown, refused = (
            subprocess.run(
                [*COMMAND, "in", "-m", model, "-q", *options],
                capture_output=True,
                preexec_fn=obey_modes,
                timeout=60,
            )
            for options in (["--format", "csv"], ["-o", "o.csv"])
        )
    finally:
        for folder in (".", "in"):
            Path(folder).chmod(0o755)
    assert shown.returncode == 3
    rows = shown.stdout.decode().splitlines()
    assert rows[1].startswith("in/a.wav,0.000,0.500,")
    assert "in/secret.wav: cannot be read (Permission denied)" in rows[2]
    assert refused.returncode == 2
    (line,) = refused.stderr.decode().splitlines()
    assert line == "error: -o o.csv: . cannot be written to; give another place"
