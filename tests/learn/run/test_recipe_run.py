"""Whole runs with every part of the recipe that varies, balances or feeds clips."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.errors import ConfigError, Interrupted, TrainingError
from wsnet_cli.learn.run import running
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.run import resume_run

RECIPE = (
    *("augment.mixing=mixup", "augment.mixing_until=1.0", "augment.noise_snr_db=[0, 20]"),
    *("augment.stretch=1.1", "augment.variants=1", "train.balance=sampling"),
)


@pytest.fixture
def hums(tmp_path: Path) -> Path:
    folder = tmp_path / "hums"
    folder.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(3_000)
    soundfile.write(folder / "hum.wav", noise, 8_000)
    return folder


class Lines(SilentListener):
    """Keeps what it is told, and may stop the run after some steps."""

    def __init__(self, stop_after: int = 0) -> None:
        self.remarks: list[str] = []
        self.warnings: list[str] = []
        self._stop_after, self._steps = stop_after, 0

    def remark(self, line: str) -> None:
        self.remarks.append(line)

    def warn(self, line: str) -> None:
        self.warnings.append(line)

    def step(self, fraction_done: float) -> None:
        self._steps += 1
        if self._steps == self._stop_after:
            signal.raise_signal(signal.SIGINT)


def test_a_run_with_all_parts_ends_the_same_stopped_or_not_however_it_is_fed(
    train, hums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = (*RECIPE, f"augment.background={hums}")
    whole = train(*recipe, name="whole")
    with pytest.raises(Interrupted):
        train(*recipe, name="stopped", listener=Lines(stop_after=4))
    resumed = resume_run(tmp_path / "runs" / "stopped", None, "cpu", SilentListener())
    models = [whole, resumed]
    for workers in (1, 2):
        monkeypatch.setattr(running, "feeding_threads", lambda _device, n=workers: n)
        models.append(train(*recipe, name=f"fed-by-{workers}"))
    assert len({result.folder.model.read_bytes() for result in models}) == 1
    assert not [thread for thread in threading.enumerate() if "wsnet-feed" in thread.name]
    soundfile.write(hums / "more.wav", np.ones(100) / 3, 8_000)
    with pytest.raises(TrainingError, match="data"):
        resume_run(tmp_path / "runs" / "stopped", None, "cpu", SilentListener())


def test_what_is_used_is_told(train, hums: Path, tones: Path) -> None:
    for i in range(1, 7):
        (tones / "low" / f"{i}.wav").unlink()
    lines = Lines()
    train(*RECIPE, f"augment.background={hums}", listener=lines)
    said = "\n".join(lines.remarks)
    assert "times an epoch (sampling)" in said
    assert f"background: 1 recording, 0.0 minutes, from {hums}" in said
    assert "versions: 1 of each clip beside itself, stretched by 0.909 to 1.1" in said
    assert any("class 'low' has 1 clip to train on" in line for line in lines.warnings)


def test_weights_of_classes_change_what_is_learnt(train, tones: Path) -> None:
    (tones / "low" / "1.wav").unlink()
    lines = Lines()
    weighed = train("train.balance=weights", name="weighed", listener=lines)
    plain = train("train.balance=none", name="plain")
    assert any("their losses weigh" in line for line in lines.remarks)
    assert weighed.folder.model.read_bytes() != plain.folder.model.read_bytes()


def test_a_background_that_is_not_there_ends_the_command_before_a_run_folder(
    train, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        train("augment.background=nowhere")
    assert not (tmp_path / "runs").exists()
