"""Stopping a training process from outside, and going on with its run."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

N_EPOCHS = 30
SLOWLY = """
import time
from wsnet_cli.__main__ import main
from wsnet_cli.cli.showing.training import ConsoleListener
tell = ConsoleListener.epoch
def tell_and_wait(self, row):
    tell(self, row)
    time.sleep(0.5)
ConsoleListener.epoch = tell_and_wait
main()
"""
"""Trains with epochs so long that the signal arrives before the last one on any machine."""
RUN = Path("runs/default")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals")


def epochs() -> list[int]:
    with (RUN / "metrics.csv").open(newline="") as stream:
        return [int(row["epoch"]) for row in csv.DictReader(stream)]


@pytest.fixture
def stop_training(data: Path, tiny_options: Callable[..., list[str]]) -> Callable[[int], int]:
    """Train in a process, send it a signal in the third epoch or so; returns its exit code."""

    def stop(number: int) -> int:
        options = (*tiny_options(), "--epochs", str(N_EPOCHS), "--threads", "1", "-v")
        process = subprocess.Popen(
            [sys.executable, "-c", SLOWLY, "train", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 2 "):
                break
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        assert stdout == ""
        (line,) = [told for told in stderr.splitlines() if not told.startswith("epoch ")]
        assert line.startswith("error: stopped in epoch ")
        assert line.endswith(f"; go on with: wsnet train --resume {RUN}")
        return process.returncode

    return stop


def test_sigint_and_then_resuming(wsnet, stop_training: Callable[[int], int], data: Path):
    assert stop_training(signal.SIGINT) == 130
    assert 2 <= len(epochs()) < N_EPOCHS
    assert not (RUN / "model.wsnet").exists()
    resumed = wsnet("train", "--resume", RUN, "--json")
    assert resumed.code == 0, resumed.stderr
    assert epochs() == list(range(1, N_EPOCHS + 1))
    assert wsnet("predict", data, "-m", RUN, "--json").code == 0


def test_sigterm(wsnet, stop_training: Callable[[int], int]):
    assert stop_training(signal.SIGTERM) == 143
    assert (RUN / "last.safetensors").is_file()
    outcome = wsnet("predict", ".", "-m", RUN)
    assert outcome.code == 2
    assert outcome.error == (
        f"{RUN}: its run has not ended, it holds no model.wsnet; go on with: "
        f"wsnet train --resume {RUN}"
    )
