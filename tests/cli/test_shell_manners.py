"""How the commands behave in the shells, pipes and folders that they are really run in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from corpus.every import every_file

if os.name != "posix":
    pytest.skip("descriptors and modes are POSIX's", allow_module_level=True)

from corpus.tree import in_child

from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

NOISY = (  # libmpg123 writes about these straight to descriptor 2
    *("mp3-joined.mp3", "mp3-info-frame-that-lies.mp3", "mp3-behind-junk.mp3", "mp3-cut.mp3"),
    *("noise.mp3", "mp3-id3-that-lies.mp3", "mp3-vbr-without-a-count.mp3", "text.mp3"),
)


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    def check_manners(self) -> None:
        """No traceback, no noise, nothing that is meant for a terminal, three lines at most."""
        assert "Traceback" not in self.stderr
        assert "BrokenPipe" not in self.stderr
        assert "Warning:" not in self.stderr
        assert "\x1b" not in self.stdout + self.stderr
        assert "\r" not in self.stderr
        assert len([line for line in self.stderr.splitlines() if line]) <= 3, self.stderr


@dataclass(frozen=True)
class Place:
    """A folder with sounds, labelled tones, a model and a home; read by all, changed by none."""

    root: Path

    @property
    def commands(self) -> dict[str, list[str]]:
        model = str(self.root / "tone.wsnet")
        sounds = str(self.root / "sounds")
        return {
            "predict": ["predict", sounds, "-m", model, "--json"],
            "rows": ["predict", sounds, "-m", model, "--format", "jsonl"],
            "csv": ["predict", sounds, "-m", model, "--format", "csv"],
            "table": ["predict", sounds, "-m", model],
            "info": ["info", model, "--json"],
            "list": ["info"],
            "evaluate": ["evaluate", model, str(self.root / "tones"), "--json"],
        }


@pytest.fixture(scope="module")
def place(tone_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    import soundfile

    root = tmp_path_factory.mktemp("place")
    save_model(root / "tone.wsnet", tone_model)
    (root / "sounds").mkdir()
    (root / "home").mkdir()
    for file in every_file():
        if file.name in (*NOISY, "pcm-16.wav", "flac-16.flac", "one-nan.wav"):
            file.write(root / "sounds")
    shutil.copy(root / "sounds" / "pcm-16.wav", root / "sounds" / "é 音\n.wav")
    tone = soundfile.read(root / "sounds" / "pcm-16.wav")[0]
    for label in ("high", "low"):
        (root / "tones" / label).mkdir(parents=True)
        for i in range(2):
            soundfile.write(root / "tones" / label / f"{i}.wav", tone * (i + 1) / 4, 16_000)
    for folder in (root / "home", root):
        folder.chmod(0o555)
    yield Place(root)
    for folder in (root, root / "home"):
        folder.chmod(0o755)


def run(
    arguments: list[str],
    cwd: Path,
    setup: Callable[[], None] | None = None,
    **environment: str | None,
) -> Outcome:
    """A command in a process that permissions bind; a variable that is None is not set."""
    bind = in_child()

    def start() -> None:
        for step in (bind, setup):
            if step is not None:
                step()

    changed = {**os.environ, **environment}
    result = subprocess.run(
        [sys.executable, "-m", "wsnet_cli", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in changed.items() if value is not None},
        cwd=cwd,
        preexec_fn=start,
        timeout=60,
        check=False,
    )
    outcome = Outcome(result.returncode, result.stdout.decode(), result.stderr.decode())
    outcome.check_manners()
    return outcome


@pytest.fixture(scope="module")
def usual(place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What each command says where nothing is odd."""
    cwd = tmp_path_factory.mktemp("usual")
    return {name: run(arguments, cwd) for name, arguments in place.commands.items()}


def test_what_is_usual(usual: dict[str, Outcome], place: Place):
    codes = {name: outcome.code for name, outcome in usual.items()}
    assert codes == {
        "predict": 3,
        "rows": 3,
        "csv": 3,
        "table": 3,
        "info": 0,
        "list": 0,
        "evaluate": 0,
    }
    document = json.loads(usual["predict"].stdout)
    assert document["summary"]["inputs"] == len(list((place.root / "sounds").iterdir()))
    assert document["results"] == [json.loads(r) for r in usual["rows"].stdout.split("\n")[:-1]]
    json.loads(usual["info"].stdout)
    assert json.loads(usual["evaluate"].stdout)["n_clips"] == 4
    assert len(usual["table"].stdout) > 100


# ------------------------------------------------------------------------------ odd surroundings


def close(descriptor: int) -> Callable[[], None]:
    return lambda: os.close(descriptor)


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "C locale": {"LC_ALL": "C", "LANG": None, "PYTHONUTF8": None},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "narrow": {"COLUMNS": "20", "LINES": "2"},
    "no home": {"HOME": None, "XDG_CACHE_HOME": None, "WSNET_CACHE": None},
    "a home that is not there": {
        "HOME": "/nonexistent",
        "XDG_CACHE_HOME": None,
        "WSNET_CACHE": None,
    },
}


@pytest.mark.parametrize("environment", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_surroundings_change_no_document(
    place: Place, usual: dict[str, Outcome], tmp_path: Path, environment: dict[str, str | None]
):
    outcome = run(place.commands["predict"], tmp_path, **environment)
    assert (outcome.code, outcome.stdout) == (usual["predict"].code, usual["predict"].stdout)


def test_a_narrow_table_still_tells_of_every_file(place: Place, tmp_path: Path):
    outcome = run(place.commands["table"], tmp_path, COLUMNS="20", LC_ALL="C")
    assert outcome.code == 3
    assert "flac" in outcome.stdout.replace("\n", "")


@pytest.mark.parametrize(
    ("name", "descriptor"),
    [("predict", 0), ("predict", 1), ("predict", 2), ("table", 1), ("info", 2)],
)
def test_a_closed_stream_does_not_matter(
    place: Place, usual: dict[str, Outcome], tmp_path: Path, name: str, descriptor: int
):
    outcome = run(place.commands[name], tmp_path, setup=close(descriptor))
    assert outcome.code == usual[name].code
    assert outcome.stdout == ("" if descriptor == 1 else usual[name].stdout)


def test_nothing_may_be_written_anywhere(place: Place, usual: dict[str, Outcome]):
    """The current folder and the home are read-only, stdin is closed, the terminal is narrow."""
    home = str(place.root / "home")
    odd = {
        "HOME": home,
        "COLUMNS": "20",
        "LC_ALL": "C",
        "XDG_CACHE_HOME": None,
        "WSNET_CACHE": None,
    }
    for name in ("predict", "csv", "info", "evaluate"):
        outcome = run(place.commands[name], place.root, setup=close(0), **odd)
        assert (outcome.code, outcome.stdout) == (usual[name].code, usual[name].stdout)
    assert list((place.root / "home").iterdir()) == []


@pytest.mark.parametrize("name", ["predict", "rows", "csv", "table", "list"])
def test_a_reader_that_has_seen_enough_is_no_error(place: Place, tmp_path: Path, name: str):
    """As with `| head -1`, whose pipe is closed before all is written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wsnet_cli", *place.commands[name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) in (0, 3)
    Outcome(0, "", stderr).check_manners()


@pytest.fixture
def unread() -> Iterator[IO[bytes]]:
    """A pipe that nobody reads."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as closed:
        yield closed


@pytest.fixture
def full_disk() -> Iterator[IO[bytes]]:
    """A file that can be opened and not written."""
    device = Path("/dev/full")
    if not device.is_char_device():
        pytest.skip("this system has no /dev/full")
    with device.open("wb", buffering=0) as full:
        yield full


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("name", ["predict", "compress", "error"])
def test_words_that_nobody_reads_end_no_work(
    place: Place, tmp_path: Path, unread: IO[bytes], name: str, both: bool
):
    """As with `2>&1 | head`: what was asked for is written, and the exit code is the usual one."""
    check_goes_on(place, tmp_path, name, unread if both else subprocess.DEVNULL, unread)


@pytest.mark.parametrize("name", ["predict", "compress", "error"])
def test_words_that_cannot_be_written_end_no_work(
    place: Place, tmp_path: Path, full_disk: IO[bytes], name: str
):
    check_goes_on(place, tmp_path, name, subprocess.DEVNULL, full_disk)


def check_goes_on(
    place: Place, folder: Path, name: str, stdout: IO[bytes] | int, stderr: IO[bytes]
) -> None:
    model = str(place.root / "tone.wsnet")
    command, code = {
        "predict": (["predict", str(place.root / "sounds"), "-m", model, "-o", "out.csv"], 3),
        "compress": (["compress", model, "-o", "out.wsnet"], 0),
        "error": (["compress", "none.wsnet", "-o", "out.wsnet"], 2),
    }[name]
    process = subprocess.run(
        [sys.executable, "-m", "wsnet_cli", *command],
        stdout=stdout if name == "predict" else subprocess.DEVNULL,
        stderr=stderr,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        timeout=60,
    )
    assert process.returncode == code
    assert bool(list(folder.glob("out.*"))) is (name != "error")


# ------------------------------------------------------------------------------ refused at once


@pytest.fixture
def odd_places(place: Place, tmp_path: Path) -> Path:
    """The current folder, with what stands in the way of an output or is no input."""
    (tmp_path / "read-only").mkdir()
    (tmp_path / "read-only").chmod(0o555)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine\n")
    (tmp_path / "folder").mkdir()
    shutil.copytree(place.root / "tones", tmp_path / "tones")
    shutil.copy(place.root / "tone.wsnet", tmp_path / "tone.wsnet")
    shutil.copy(place.root / "sounds" / "pcm-16.wav", tmp_path / "a.wav")
    return tmp_path


PREDICT = ("predict", "a.wav", "-m", "tone.wsnet")
REFUSALS = {
    "predict, -o in a file": ((*PREDICT, "--format", "csv", "-o", "file/out.csv"), 2, "file"),
    "predict, -o is a file": ((*PREDICT, "--format", "csv", "-o", "file"), 2, "exists"),
    "predict, no such format": ((*PREDICT, "--format", "xml"), 2, "xml"),
    "predict, no such option": ((*PREDICT, "--frobnicate"), 2, "--frobnicate"),
    "predict, no such model": (("predict", "a.wav", "-m", "no.wsnet"), 2, "no.wsnet"),
    "predict, model is text": (("predict", "a.wav", "-m", "file"), 2, "file"),
    "predict, model is a folder": (("predict", "a.wav", "-m", "empty"), 2, "empty"),
    "predict, no input": (("predict",), 2, "INPUT"),
    "predict, input missing": (("predict", "no.wav", "-m", "tone.wsnet"), 3, ""),
    "predict, list missing": (("predict", "@no.txt", "-m", "tone.wsnet"), 2, "no.txt"),
    "info, no such model": (("info", "no.wsnet"), 2, "no.wsnet"),
    "info, model is text": (("info", "file"), 2, "file"),
    "info, no such option": (("info", "--frobnicate"), 2, "--frobnicate"),
    "evaluate, no such model": (("evaluate", "no.wsnet", "tones"), 2, "no.wsnet"),
    "evaluate, no such data": (("evaluate", "tone.wsnet", "nowhere"), 2, "nowhere"),
    "evaluate, data empty": (("evaluate", "tone.wsnet", "empty"), 2, "empty"),
    "evaluate, data is text": (("evaluate", "tone.wsnet", "file"), 2, "file"),
    "evaluate, no such option": (("evaluate", "tone.wsnet", "tones", "--no"), 2, "--no"),
    "train, no such data": (("train", "nowhere"), 2, "nowhere"),
    "train, data empty": (("train", "empty"), 2, "empty"),
    "train, data is text": (("train", "file"), 2, "file"),
    "train, no such preset": (("train", "tones", "-c", "nothing"), 2, "nothing"),
    "train, no such key": (("train", "tones", "--set", "no.key=1"), 2, "no"),
    "train, no such option": (("train", "tones", "--frobnicate"), 2, "--frobnicate"),
    "train, no such run": (("train", "--resume", "nowhere"), 2, "nowhere"),
    "prepare, no such data": (("prepare", "nowhere", "-o", "../never"), 2, "nowhere"),
    "prepare, data empty": (("prepare", "empty", "-o", "new"), 2, "empty"),
    "prepare, data is text": (("prepare", "file", "-o", "../never"), 2, "file"),
    "prepare, no output": (("prepare", "tones"), 2, "--out"),
    "prepare, output is a file": (("prepare", "tones", "-o", "file"), 2, "file"),
    "prepare, no such option": (("prepare", "tones", "-o", "new", "--no"), 2, "--no"),
    "compress, no such model": (("compress", "no.wsnet"), 2, "no.wsnet"),
    "no such command": (("frobnicate",), 2, "frobnicate"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_done_is_refused(
    wsnet, odd_places: Path, refusal: tuple[tuple[str, ...], int, str]
):
    """In one to three lines, with the documented code, and with nothing left behind."""
    arguments, code, phrase = refusal
    before = sorted(os.walk(odd_places))
    outcome = wsnet(*arguments)
    assert outcome.code == code, outcome.stderr
    assert phrase in outcome.stderr
    assert outcome.stderr
    Outcome(outcome.code, outcome.stdout, outcome.stderr).check_manners()
    after = sorted(os.walk(odd_places))
    assert [entry for entry in after if "own-cache" not in entry[0]] == before
    assert (odd_places / "file").read_text() == "mine\n"


@pytest.mark.parametrize("output", ["read-only/x.csv", "read-only/new/x.csv"])
def test_an_output_that_cannot_be_written_is_refused(odd_places: Path, output: str):
    outcome = run([*PREDICT, "--format", "csv", "-o", output], odd_places)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert f"-o {output}: read-only cannot be written to; give another place" in outcome.stderr
    assert "classified" not in outcome.stderr, "refused after the work was done"
    assert list((odd_places / "read-only").iterdir()) == []


@pytest.mark.parametrize(("out", "said"), [("read-only/new", "ermission"), ("file/new", "file")])
def test_a_set_that_cannot_be_written_is_refused(odd_places: Path, out: str, said: str):
    outcome = run(["prepare", "tones", "-o", out], odd_places)
    assert outcome.code in (1, 2)
    assert said in outcome.stderr
    assert (odd_places / "file").read_text() == "mine\n"
    assert list((odd_places / "read-only").iterdir()) == []


def test_a_run_that_cannot_be_written_is_refused(wsnet, odd_places: Path):
    (odd_places / "runs").write_text("in the way\n")
    outcome = wsnet("train", "tones", "--epochs", "1")
    assert outcome.code in (1, 2)
    assert "runs" in outcome.error
    assert (odd_places / "runs").read_text() == "in the way\n"


def test_a_run_in_a_read_only_folder_is_refused(odd_places: Path):
    odd_places.chmod(0o555)
    try:
        outcome = run(["train", "tones", "--epochs", "1"], odd_places)
    finally:
        odd_places.chmod(0o755)
    assert outcome.code in (1, 2)
    assert "ermission" in outcome.stderr
    assert not (odd_places / "runs").exists()
