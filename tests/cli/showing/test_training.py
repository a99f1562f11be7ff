from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wsnet_cli.cli import prepare
from wsnet_cli.cli.shared import clips
from wsnet_cli.cli.showing import console, jobs_meter, training
from wsnet_cli.learn.training.trainer import EpochRow


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(training, "monotonic", clock)
    return clock


def told(
    capsys: pytest.CaptureFixture[str], clock: Clock, seconds_per_epoch: float, begin: float
) -> list[str]:
    """The lines of the epochs of 10 that a listener sees from a fraction on."""
    with training.ConsoleListener() as listener:
        listener.step(begin)
        for epoch in range(round(10 * begin) + 1, 11):
            clock.now += seconds_per_epoch
            listener.step(epoch / 10)
            listener.epoch(EpochRow(epoch=epoch, lr=0.1, loss=1.0, accuracy=0.5))
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("begin", [0.0, 0.5])
def test_a_pipe_gets_a_line_now_and_then_with_the_time_left(
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    begin: float,
):
    monkeypatch.setattr(console.verbosity, "level", 0)
    lines = told(capsys, clock, 20.0, begin)
    left = {0.0: ["3 min", "2 min", "1 min", "40 s", "0 s"], 0.5: ["1 min", "20 s"]}[begin]
    expected = [
        f"epoch {round(10 * begin) + 2 * i}  loss 1.000  accuracy 50 %  {words} left"
        for i, words in enumerate(left, start=1)
    ]
    assert lines == expected


@pytest.mark.parametrize("seconds_per_epoch", [1.0, 40.0])
def test_more_words_tell_each_epoch_once(
    capsys: pytest.CaptureFixture[str],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    seconds_per_epoch: float,
):
    monkeypatch.setattr(console.verbosity, "level", 1)
    lines = told(capsys, clock, seconds_per_epoch, 0.0)
    assert [line.split()[1] for line in lines] == [str(epoch) for epoch in range(1, 11)]
    assert all(line.endswith(" left") == (seconds_per_epoch > 30) for line in lines)


def test_what_is_one_is_told_as_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    dataset: Any = SimpleNamespace(layout="csv", clips=[0], labels=["bird"], notes=(), skipped=())
    data: Any = SimpleNamespace(dataset=dataset)
    assert training.say_data(data) == "data: csv, 1 clip, 1 class: bird"
    monkeypatch.setattr(jobs_meter, "tell_left_out", lambda data: None)
    prepare._tell_source(dataset)
    clips.show_data(dataset)
    with jobs_meter.JobsMeter() as meter:
        meter.planned(data, 1, 1, Path("runs/sweep"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["data: csv, 1 clip, 1 class"] * 2
    assert f"1 run, in {Path('runs/sweep')}" in lines
