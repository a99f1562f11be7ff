"""Running commands, in this process and in one of their own, and one tiny finished run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from wsnet_cli.cli.app import app
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.data.synthetic import KINDS, write_sound_folder

TINY = (
    "audio.sample_rate=8000",
    "audio.window_s=0.6",
    "network.architecture=soundnet8",
    "network.width=0.1",
    "network.pooling=every-layer",
    "network.sampling=null",
    "train.batch_size=8",
    "train.warmup_epochs=0",
)
N_KINDS, N_PER_KIND = 3, 6


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and both of its streams."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document that stdout is."""
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """The one line of an error, without its first word."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.stderr
        return lines[0].removeprefix("error: ")


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs, models and outputs go under the current directory."""
    monkeypatch.chdir(tmp_path)


def run_here(*arguments: object) -> Outcome:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    if "--debug" not in arguments:
        assert "Traceback" not in result.stderr
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def wsnet() -> Run:
    """Run a command in this process; stderr never holds a traceback unless it was asked for."""
    return run_here


@pytest.fixture
def child() -> Run:
    """Run a command in a process of its own, where every warning is an error."""

    def run(*arguments: object, **environment: str) -> Outcome:
        command = [sys.executable, "-W", "error", "-m", "wsnet_cli", *map(str, arguments)]
        result = subprocess.run(
            command, capture_output=True, env={**os.environ, **environment}, timeout=60
        )
        outcome = Outcome(result.returncode, result.stdout.decode(), result.stderr.decode())
        assert "Traceback" not in outcome.stderr
        return outcome

    return run


@pytest.fixture
def model(tone_model: Model, tmp_path: Path) -> str:
    """A model file in the current folder, by its name; it tells the tones of `tones` apart."""
    save_model(tmp_path / "tone.wsnet", tone_model)
    return "tone.wsnet"


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """Write a tone of half a second below the current folder; the suffix is the format."""

    def make(name: str, hz: float = 1_500.0, rate: int = 8_000) -> Path:
        import soundfile

        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        sine = np.rint(9_000 * np.sin(2 * np.pi * hz * np.arange(rate // 2) / rate))
        kind = "WAV" if path.suffix.lower() == ".wav" else None
        soundfile.write(path, sine.astype(np.int16), rate, format=kind)
        return path

    return make


@pytest.fixture
def many_clips(make_clip: Callable[..., Path]) -> Path:
    """The folder `in` of 61 short clips, one that cannot be read, and a link that leads back."""
    first = make_clip("in/a/000.wav")
    second = make_clip("in/b/000.wav", hz=300)
    for i in range(1, 60):
        (Path("in") / "ab"[i % 2] / f"{i:03}.wav").symlink_to(
            (first, second)[i % 3 == 0].absolute()
        )
    Path("in/a/empty.wav").touch()
    Path("in/b/loop").symlink_to(Path("in").absolute())
    return Path("in")


@pytest.fixture
def bad_clips(tmp_path: Path) -> list[str]:
    """Names of inputs that cannot be read, each for a reason of its own."""
    Path("empty.wav").touch()
    Path("text.wav").write_text("This is no audio.\n")
    return ["missing.wav", "empty.wav", "text.wav", "n" * 300]


@dataclass(frozen=True)
class Trained:
    """A finished run and the data it was trained on."""

    run: Path
    data: Path

    @property
    def model(self) -> Path:
        return self.run / "model.wsnet"


def tiny(*settings: str) -> list[str]:
    """The options that make training a matter of a second."""
    return [word for setting in (*TINY, *settings) for word in ("--set", setting)]


@pytest.fixture(scope="session")
def tiny_options() -> Callable[..., list[str]]:
    return tiny


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six made sounds of each of three kinds; not to be written to."""
    root = tmp_path_factory.mktemp("sounds") / "all"
    write_sound_folder(root, N_PER_KIND, seed=0)
    for kind in KINDS[N_KINDS:]:
        shutil.rmtree(root / kind)
    return root


@pytest.fixture
def data(sound_folder: Path, tmp_path: Path) -> Path:
    """A copy of `sound_folder` that a test may change."""
    return Path(shutil.copytree(sound_folder, tmp_path / "data"))


@pytest.fixture(scope="session")
def finished(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `runs/default`, trained on `sound_folder`; not to be written to."""
    root = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSNET_CACHE", str(root / "cache"))
        patch.chdir(root)
        outcome = run_here("train", sound_folder, *tiny(), "--epochs", "1", "--threads", "1")
    assert outcome.code == 0, outcome.stderr
    return root


@pytest.fixture
def trained(finished: Path, data: Path, tmp_path: Path) -> Trained:
    """A copy of the finished run that takes `data` for what it was trained on."""
    run = Path(shutil.copytree(finished / "runs", tmp_path / "runs")) / "default"
    environment = json.loads((run / "env.json").read_text())
    text = json.dumps({**environment, "data": str(data)}, indent=2, ensure_ascii=False)
    (run / "env.json").write_text(f"{text}\n", encoding="utf-8", newline="\n")
    return Trained(run, data)


@pytest.fixture(scope="session")
def check_measures() -> Callable[[Any, Any], None]:
    """Compare what `evaluate --json` printed with the measures of a run, such as metrics.json.

    The run measured 16-bit samples, where the command hears the files: scores differ a little.
    """

    def flat(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for inner in value.values() for leaf in flat(inner)]
        return (
            [leaf for inner in value for leaf in flat(inner)]
            if isinstance(value, list)
            else [value]
        )

    def check(evaluated: Any, measures: Any) -> None:
        more = set(evaluated) - set(measures)
        assert (
            {"model", "hop_s", "folds", "failed"}
            <= more
            <= {"model", "hop_s", "folds", "failed", "told", "background"}
        )
        assert evaluated["failed"] == []
        for key, value in measures.items():
            assert flat(evaluated[key]) == pytest.approx(flat(value), abs=1e-4), key

    return check
