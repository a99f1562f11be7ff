"""One thread of torch everywhere, and what is recorded of runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.request import Request
from wsnet_cli.learn.run.run import Result, start_run
from wsnet_cli.learn.training.trainer import EpochRow

TINY_SETTINGS = (
    "audio.sample_rate=8000",
    "audio.window_s=0.25",
    "network.width=0.0625",
    "network.pooling=every-layer",
    "network.sampling.stride=2",
    "train.epochs=3",
    "train.lr=0.003",
    "train.batch_size=6",
    "train.warmup_epochs=1",
    "train.evaluate_every=2",
)
"""With the 15 training clips of `tones`: 3 steps an epoch, 9 in all."""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def make_config() -> Callable[..., Config]:
    """The tiny configuration with more settings over it."""
    return lambda *settings: parse_config("", "test", (*TINY_SETTINGS, *settings))


class StoppingListener(SilentListener):
    """Notes what it is told, and stops a run after the k-th step."""

    def __init__(self, stop_at: int = 0) -> None:
        self.remarks: list[str] = []
        self.warnings: list[str] = []
        self._left = stop_at

    def remark(self, line: str) -> None:
        self.remarks.append(line)

    def warn(self, line: str) -> None:
        self.warnings.append(line)

    def step(self, fraction_done: float) -> None:
        self._left -= 1
        if self._left == 0:
            signal.raise_signal(signal.SIGINT)


@dataclass
class RecordingListener(SilentListener):
    """Notes what it is told; `on_step(k)` is called after the k-th step, from 1."""

    on_step: Callable[[int], None] = lambda _k: None
    fractions: list[float] = field(default_factory=list)
    rows: list[EpochRow] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def decoded(self, stage: str, n_done: int, n_total: int) -> None:
        self.told.append("decoded")

    def remark(self, line: str) -> None:
        self.remarks.append(line)

    def prepared(self, *args: object) -> None:
        self.told.append("prepared")

    def step(self, fraction_done: float) -> None:
        self.told.append("step")
        self.fractions.append(fraction_done)
        self.on_step(len(self.fractions))

    def epoch(self, row: EpochRow) -> None:
        self.told.append("epoch")
        self.rows.append(row)

    def measured(self, n_done: int, n_total: int) -> None:
        self.told.append("measured")


@pytest.fixture(scope="session")
def make_listener() -> Callable[..., RecordingListener]:
    return RecordingListener


@pytest.fixture
def train(tones: Path, tmp_path: Path, make_config: Callable[..., Config]) -> Callable[..., Result]:
    """Train a tiny network on `tones` in `tmp_path/runs`; keywords are those of `Request`."""

    def start(*settings: str, listener: SilentListener | None = None, **more: object) -> Result:
        values = {"source": tones, "preset": "tiny", "name": "tiny", "device": "cpu", "threads": 1}
        values |= {"runs": tmp_path / "runs", **more}
        request = Request(config=make_config(*settings), **values)  # type: ignore[arg-type]
        return start_run(request, listener or SilentListener())

    return start


def to_codes(clip: np.ndarray) -> tuple[np.ndarray, float]:
    """A clip as int16 codes: exact where it holds whole numbers."""
    scale = 1.0
    if not np.array_equal(clip, np.rint(clip)):
        scale = 2.0 ** np.ceil(np.log2(np.abs(clip).max() / 32_767))
    return np.rint(clip / scale).astype(np.int16), scale


@dataclass(frozen=True)
class FakePackedSet:
    """Clips in memory, in place of a packed set."""

    clips: Sequence[np.ndarray]

    def has(self, i: int) -> bool:
        return True

    def samples(self, i: int, start: int = 0, stop: int | None = None) -> np.ndarray:
        return self.clips[i][start:stop].copy()

    def codes(self, i: int) -> tuple[np.ndarray, float]:
        return to_codes(self.clips[i])


@pytest.fixture(scope="session")
def fake_packed_set() -> Callable[[Sequence[np.ndarray]], FakePackedSet]:
    return FakePackedSet


def randomise(model: WaveformClassifier, seed: int) -> None:
    """Random biases, batch-norm weights of both signs, and statistics far from 0 and 1."""
    rng = np.random.default_rng(seed)
    for name, value in model.state_dict().items():
        part = name.rsplit(".", 1)[-1]
        if part in ("weight", "bias", "running_mean", "multiplier", "deviations"):
            value.copy_(torch.from_numpy(rng.standard_normal(value.shape)))
        elif part == "running_var":
            value.copy_(torch.from_numpy(rng.uniform(0.05, 3.0, value.shape)))


@pytest.fixture(scope="session")
def make_classifier() -> Callable[..., WaveformClassifier]:
    """A torch network in evaluation mode with random values everywhere."""

    def make(network: object, seed: int = 0) -> WaveformClassifier:
        torch.manual_seed(seed)
        model = WaveformClassifier(network)  # type: ignore[arg-type]
        randomise(model, seed)
        return model.eval()

    return make


@pytest.fixture
def several_labels(tones: Path, tmp_path: Path) -> Path:
    """A manifest of the tones, of which every other one is `loud` as well."""
    rows = ["path,label"]
    for number, path in enumerate(sorted(tones.rglob("*.wav"))):
        also = ";loud" if number % 2 else ""
        rows.append(f"{path.relative_to(tmp_path).as_posix()},{path.parent.name}{also}")
    manifest = tmp_path / "several.csv"
    manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return manifest
