"""What a run would take, hours that it may take, and more epochs for one that has ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest


def test_dry_run_tells_and_writes_nothing(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
) -> None:
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 3, "--dry-run")
    assert outcome.code == 0, outcome.stderr
    assert re.search(r"time: about .* for 3 epochs, 6 steps of \d+ ms", outcome.stdout)
    assert re.search(r"memory: [\d,]+ MB", outcome.stdout)
    assert re.search(r"disk: [\d.]+ MB in the run folder", outcome.stdout)
    assert not Path("runs").exists()


def test_dry_run_tells_programs(wsnet, data: Path, tiny_options: Callable[..., list[str]]) -> None:
    outcome = wsnet("train", data, *tiny_options(), "--epochs", 3, "--dry-run", "--json")
    document = outcome.document
    assert (document["epochs"], document["steps"]) == (3, 6)
    assert document["seconds"] >= 6 * document["seconds_per_step"] > 0
    # Weights, their average and two moments, each twice while it is written.
    assert document["disk_bytes"] > 8 * 4 * 1_000


def test_dry_run_plans_for_the_hours(
    wsnet, data: Path, tiny_options: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from wsnet_cli.learn.run import run as run_module

    real = run_module.measure_steps
    monkeypatch.setattr(
        run_module, "measure_steps", lambda ready: replace(real(ready), seconds=3 * 3600.0)
    )
    options = (*tiny_options(), "--epochs", 3, "--dry-run", "--max-hours", 2.2)
    outcome = wsnet("train", data, *options)
    assert "2 instead of 3 epochs, to end within 2.2 h" in outcome.stderr
    assert "for 2 epochs, 4 steps of" in outcome.stdout
    assert not Path("runs").exists()


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf"])
def test_hours_must_be_some(wsnet, data: Path, hours: str) -> None:
    outcome = wsnet("train", data, "--max-hours", hours)
    assert outcome.code == 2
    assert f"--max-hours {float(hours):g}; expected more than 0" in outcome.stderr


def test_a_run_that_has_ended_goes_on_with_more_epochs(
    wsnet, data: Path, tiny_options: Callable[..., list[str]]
) -> None:
    assert wsnet("train", data, *tiny_options(), "--epochs", 1).code == 0
    before = Path("runs/default/model.wsnet").read_bytes()
    outcome = wsnet("train", "--resume", "runs/default", "--epochs", 3)
    assert outcome.code == 0, outcome.stderr
    assert "3 epochs instead of 1: the learning rate goes on where" in outcome.stderr
    assert len(Path("runs/default/metrics.csv").read_text().splitlines()) == 4
    assert Path("runs/default/model.wsnet").read_bytes() != before
    assert "epochs: 3" in Path("runs/default/config.yaml").read_text()
    fewer = wsnet("train", "--resume", "runs/default", "--epochs", 2)
    assert fewer.code == 2
    assert "--epochs 2: runs/default is of 3 epochs; expected as many or more" in fewer.error
