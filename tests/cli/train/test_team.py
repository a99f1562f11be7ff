"""Several processes that train one network, started by torchrun as a user would."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.split_file import read_split

LOSS_TOLERANCE = 1e-3
"""Sums over processes are added in another order than those of one process."""
N_EPOCHS = 8
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
SLOWLY = """
import time
from wsnet_cli.__main__ import main
from wsnet_cli.cli.showing.training import ConsoleListener
tell = ConsoleListener.epoch
def tell_and_wait(self, row):
    tell(self, row)
    time.sleep(0.3)
ConsoleListener.epoch = tell_and_wait
main()
"""

BATCH = 4

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no gloo for torchrun")


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def losses(run: Path) -> list[float]:
    return [float(row["loss"]) for row in rows(run)]


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.fixture
def options(data: Path, tiny_options: Callable[..., list[str]]) -> list[str]:
    """The last batch holds a single window, so that a process has none of it.

    The network is on maps, as that of the default preset: it has batch norms of both kinds.
    """
    network = ("network.architecture=mapnet", "network.width=0.1", "network.sampling.stride=3")
    training = (f"train.batch_size={BATCH}", "train.lr=0.001", "network.dropout=0")
    settings = tiny_options(*network, *training)
    return [str(data), *settings, "--epochs", str(N_EPOCHS), "--threads", "1", "--device", "cpu"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds its workers in /proc")
def test_a_team_follows_one_process_and_outlives_the_death_of_a_member(
    wsnet, options: list[str], tmp_path: Path
) -> None:
    alone = wsnet("train", *options, "--name", "alone", "-q")
    assert alone.code == 0, alone.stderr
    assert sum(row.part == "train" for row in read_split(Path("runs/alone"))) % BATCH == 1
    script = tmp_path / "slowly.py"
    script.write_text(SLOWLY)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WSNET_SAVE_EVERY_S": "0.1"}
    process = subprocess.Popen(
        [*TORCHRUN, str(script), "train", *options, "--name", "team", "-v"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("epoch 3 "):
            break
    workers = workers_of(process)
    assert len(workers) == 2, told
    os.kill(workers[1], signal.SIGKILL)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    # torchrun shows a traceback of its own; this package shows one line.
    assert "/wsnet_cli/" not in stderr, stderr
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, stderr
    assert "another process of this team has ended" in errors[0] or "stopped in" in errors[0]
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert (Path("runs/team") / "last.safetensors").is_file()

    resumed = subprocess.run(
        [*TORCHRUN, "-m", "wsnet_cli", "train", "--resume", "runs/team", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert resumed.returncode == 0, resumed.stderr
    document = json.loads(resumed.stdout)  # one document: one process speaks
    assert document["metrics"]["n_clips"] > 0
    assert [row["epoch"] for row in rows(Path("runs/team"))] == [
        str(epoch + 1) for epoch in range(N_EPOCHS)
    ]
    assert losses(Path("runs/team")) == pytest.approx(
        losses(Path("runs/alone")), abs=LOSS_TOLERANCE
    )
    assert json.loads((Path("runs/team") / "env.json").read_text())["processes"] == 2


def test_an_environment_that_is_not_whole_is_refused(
    wsnet, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    outcome = wsnet("train", *options)
    assert outcome.code == 2
    assert outcome.error.startswith("RANK is not set beside WORLD_SIZE")


def test_another_process_in_the_same_folder_is_refused(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
) -> None:
    """The lock of a process that lives refuses; one that a dead process left does not."""
    from wsnet_cli.learn.run.run_folder import RunFolder, locked

    assert wsnet("train", data, *tiny_options(), "--epochs", 1).code == 0
    with locked(RunFolder(Path("runs/default"))):
        for command in (["--resume", "runs/default"], [str(data), "--force"]):
            outcome = wsnet("train", *command)
            assert outcome.code == 2
            assert "another process is training in this folder" in outcome.error
    Path("runs/default/.lock").touch()
    assert wsnet("train", "--resume", "runs/default").code == 0
