"""What a training run looks like on the screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from ...core.counting import plural
from ...core.errors import WsnetError
from ...core.run_files import CURVES, EPOCHS
from . import console
from .left_out import warn_left_out

if TYPE_CHECKING:
    from ...core.networks.network import Network
    from ...core.sound.audio import AudioSettings
    from ...learn.run.estimate import Estimate
    from ...learn.run.listener import Listener
    from ...learn.run.prepared import PreparedData
    from ...learn.training.trainer import EpochRow

FEW_HELD_OUT = 50
"""Of fewer clips, a 95 % interval (Wilson) around an accuracy of 90 % spans over 17 points."""
LINE_EVERY_S = 30.0
"""Seconds between lines where there is no terminal to draw a bar on."""


def is_first() -> bool:
    """Whether this process speaks: under torchrun the first one does, for all."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def listening(tensorboard: bool = False) -> Iterator[Listener]:
    """Who is told of a run: the screen, TensorBoard where asked for, and the picture of curves.

    Raises:
        UsageError: TensorBoard is not installed.
    """
    from ...learn.run.listener import SilentListener
    from ...learn.run.tracking import TensorBoardListener

    if not is_first():
        yield SilentListener()
        return
    with ConsoleListener() as shown:
        told = TensorBoardListener(shown) if tensorboard else None
        try:
            yield told or shown
        finally:
            if told:
                told.close()
            shown.draw()


class ConsoleListener:
    """Shows decoding, training with loss, accuracy and time left, and measuring."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._stage = ""
        self._advance: console.Advance = lambda share, words: None
        self._words = ""
        self._told_at = monotonic()
        self._fraction_done = 0.0
        self._started: tuple[float, float] | None = None
        self._folder: Path | None = None

    def __enter__(self) -> ConsoleListener:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def decoded(self, stage: str, n_done: int, n_total: int) -> None:
        """Move the bar of hashing or decoding."""
        self._enter_stage(stage)
        self._advance(n_done / n_total, f"{n_done} of {n_total} clips")

    def remark(self, line: str) -> None:
        """Say something on the way."""
        console.note(line)

    def warn(self, line: str) -> None:
        """Warn of something on the way."""
        console.warn(line)

    def prepared(
        self, data: PreparedData, network: Network, audio: AudioSettings, folder: Path
    ) -> None:
        """Say what is about to be trained on what."""
        self._stack.close()
        for line in (say_data(data), *_describe(data, network), *_say_few(data)):
            console.note(line)
        tell_left_out(data)
        if data.n_leaks:
            console.warn(
                f"{data.n_leaks} held-out clips are copies of clips that are trained on: what is "
                "measured will be too good (wsnet prepare names them)"
            )
        console.note(f"run folder: {folder}")
        self._folder = folder

    def draw(self) -> None:
        """Draw the curves of the epochs that are over, whatever ended the run."""
        metrics = self._folder and self._folder / EPOCHS
        if not metrics or not metrics.is_file():
            return
        from ...report.curves import draw_curves

        try:
            draw_curves(metrics, metrics.with_name(CURVES))
        except WsnetError as error:
            console.warn(f"no picture of the curves: {error}")

    def step(self, fraction_done: float) -> None:
        """Move the bar of training."""
        self._enter_stage("training")
        self._fraction_done = fraction_done
        if self._started is None:
            self._started = monotonic(), fraction_done
        self._advance(fraction_done, self._words)

    def epoch(self, row: EpochRow) -> None:
        """Show the latest loss and accuracy, once; off a terminal now and then the time left."""
        self._words = f"epoch {row.epoch}  loss {row.loss:.3f}  accuracy {100 * row.accuracy:.0f} %"
        if row.held_out_accuracy is not None:
            self._words += f"  held-out {100 * row.held_out_accuracy:.1f} %"
        if row.validation_accuracy is not None:
            self._words += f"  validation {100 * row.validation_accuracy:.1f} %"
        due = monotonic() - self._told_at >= LINE_EVERY_S
        if due and not console.draws_progress():
            self._told_at = monotonic()
            console.note(self._words + self._time_left())
        else:
            console.detail(self._words)

    def measured(self, n_done: int, n_total: int) -> None:
        """Move the bar of measuring."""
        self._enter_stage("measuring")
        self._advance(n_done / n_total, f"{n_done} of {n_total} held-out clips")

    def _time_left(self) -> str:
        """At the pace of this process, which may have resumed a run; nothing where it has none."""
        if self._started is None:
            return ""
        started_at, fraction_before = self._started
        done = self._fraction_done - fraction_before
        if done <= 0:
            return ""
        return (
            f"  {say_duration((monotonic() - started_at) * (1 - self._fraction_done) / done)} left"
        )

    def _enter_stage(self, stage: str) -> None:
        if stage != self._stage:
            self._stack.close()
            self._stage = stage
            self._advance = self._stack.enter_context(console.progress(stage))


def say_duration(seconds: float) -> str:
    """Round a duration as people say it.

    >>> say_duration(42.4), say_duration(170), say_duration(2 * 3600 + 310)
    ('42 s', '3 min', '2 h 5 min')
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def show_estimate(estimate: Estimate) -> None:
    """What a run would take, in a line each."""
    console.result(
        f"time: about {say_duration(estimate.seconds)} for {estimate.epochs} epochs, "
        f"{estimate.steps:,} steps of {1000 * estimate.seconds_per_step:.0f} ms"
    )
    if estimate.memory_bytes is not None:
        console.result(f"memory: {estimate.memory_bytes / 1e6:,.0f} MB")
    console.result(f"disk: {estimate.disk_bytes / 1e6:,.1f} MB in the run folder")


def say_data(data: PreparedData) -> str:
    """What is trained on, in a line."""
    dataset = data.dataset
    return (
        f"data: {dataset.layout}, {plural(len(dataset.clips), 'clip')}, "
        f"{plural(len(dataset.labels), 'class', 'classes')}: "
        f"{', '.join(dataset.labels)}"
    )


def tell_left_out(data: PreparedData) -> None:
    """What of it is left out, and how it was read."""
    behind = data.backgrounds.left_out if data.backgrounds else ()
    warn_left_out((*data.dataset.skipped, *data.packed.failures.values(), *behind))
    for remark in (*data.dataset.notes, data.packed.note):
        if remark:
            console.note(remark)


def _describe(data: PreparedData, network: Network) -> list[str]:
    ratio = network.n_dense_parameters / network.n_parameters
    sampled = f", {ratio:.1f}x fewer than dense" if ratio > 1 else ", dense"
    return [
        f"split: {data.split.how}; {len(data.train)} clips to train on, {len(data.test)} held out",
        f"network: {network.n_parameters:,} weights and constants{sampled}",
    ]


def _say_few(data: PreparedData) -> list[str]:
    """That few clips are held out, and what to do if there are more to measure on."""
    n_test, dataset = len(data.test), data.dataset
    if not 0 < n_test < FEW_HELD_OUT:
        return []
    line = "few clips are held out, so that what they say is rough"
    if dataset.clips.split_words and not dataset.folds:
        return [line]
    n_all = n_test + len(data.train) + len(data.validation)
    return [f"{line}: --fold all measures on all {n_all}, in a training for each fold"]
