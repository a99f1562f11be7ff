"""One run between its preparation and its result: epochs, looks, saves, and how it stops."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from ...core.configuration.config import Config
from ...core.configuration.settings import audio_settings
from ...core.errors import Interrupted, TrainingError, UsageError
from ...core.measures.metrics import Metrics
from ...core.measures.predictions import write_predictions
from ...core.quoting import shown
from ...core.run_files import METRICS
from ..environment import feeding_threads
from ..modules.network import WaveformClassifier
from ..modules.start import calibration_windows, load_into
from ..teachers.teachers import Teachers
from ..training.checkpoint import read_checkpoint, save_checkpoint
from ..training.held_out import Look, look_at
from ..training.objective import Objective
from ..training.trainer import EpochRow, Trainer
from .finish import Result, export_model, measure_model
from .interrupt import StopSignal
from .listener import Listener
from .ready import Ready
from .run_folder import RunFolder

SAVE_EVERY_S = 20.0
"""Seconds between writes of the resume file, which is what a killed run loses at most; the
environment's WSNET_SAVE_EVERY_S comes before it."""


class Run:
    """One run between its preparation and its result.

    Args:
        folder: where it writes.
        preset: its name, for the record.
        ready: data, network, configuration, device and team.
        listener: is told of progress.
        max_hours: after so long it stops and saves; None: it runs to its end.
    """

    def __init__(
        self,
        folder: RunFolder,
        preset: str,
        ready: Ready,
        listener: Listener,
        max_hours: float | None = None,
    ) -> None:
        self.folder, self.preset, self.listener = folder, preset, listener
        self.config, self.data, self.device = ready.config, ready.data, ready.device
        self.team, self.sources = ready.team, ready.sources
        self.audio = audio_settings(self.config.audio)
        self.trainer = make_trainer(ready)
        self.save_every_s = save_every_s()
        self.saved_at = monotonic()
        self.ends_at = None if max_hours is None else self.saved_at + 3600 * max_hours
        listener.prepared(self.data, ready.network, self.audio, folder.path)
        for line in self.data.remarks(self.trainer.feed):
            listener.remark(line)
        for line in self.data.warnings(self.trainer.feed):
            listener.warn(line)

    def restore(self) -> list[EpochRow]:
        """Load the resume file; return the epochs so far."""
        path = self.folder.checkpoint
        with _explain_misfit(path):
            saved = read_checkpoint(path, self._identity(), self.team)
        if saved.epochs != self.config.train.epochs:
            self.listener.remark(
                f"{self.config.train.epochs} epochs instead of {saved.epochs}: the learning rate "
                "goes on where the longer schedule has it"
            )
        with _explain_misfit(path):
            self.trainer.load_state(saved.arrays, saved.values)
            rows = [EpochRow(**row) for row in saved.values["rows"]]
        if self.team.rank == 0 and not self.trainer.done:
            self.folder.unfinish()
        return rows

    def finish(self, rows: list[EpochRow]) -> Result:
        """Train to the end, write the model, measure it."""
        with StopSignal() as stop, contextlib.closing(self.trainer):
            if not self.folder.checkpoint.is_file():
                self._save(rows)  # so that a run can be resumed whenever it is killed
            try:
                self._train(rows, stop)
            except TrainingError as error:
                self._save(rows)
                raise TrainingError(
                    f"{error}; the state before it is kept in {self.folder.checkpoint}"
                ) from error
        best = self.trainer.best.epoch if self.config.train.keep == "best" else 0
        model = export_model(
            self.trainer.kept_model(),
            self.config,
            self.preset,
            self.data,
            self.audio,
            best or self.trainer.position.epoch,
            self.sources,
        )
        if self.team.rank > 0:
            return Result(self.folder, model, 0, None)
        n_bytes = self.folder.write_model(model)
        measured = measure_model(model, self.data, self.listener)
        if measured is None:
            return Result(self.folder, model, n_bytes, None)
        write_predictions(self.folder.path, measured.predictions)
        if isinstance(measured.metrics, Metrics):
            self.folder.write_confusion(measured.metrics)
        # The last of all: a run with this file is finished.
        self.folder.write_json(METRICS, measured.metrics.as_json())
        return Result(self.folder, model, n_bytes, measured.metrics)

    def _train(self, rows: list[EpochRow], stop: StopSignal) -> None:
        trainer = self.trainer
        while not trainer.done:
            n_parts = trainer.n_parts
            row = trainer.run_epoch(lambda: self._after_step(stop))
            if trainer.n_parts != n_parts:
                self.listener.remark(
                    f"out of memory: batches are computed in {trainer.n_parts} parts from now on, "
                    "and batch norm takes its statistics over a part"
                )
            if row is not None:
                rows.append(self._look(self._look_at_validation(row)))
                self.listener.epoch(rows[-1])
                if self.team.rank == 0:
                    self.folder.write_metrics(rows)
            ended = self._ended(stop)
            if ended or trainer.done or self.team.any(self._save_is_due()):
                self._save(rows)
            if ended:
                raise ended
        if trainer.stopped_early:
            self.listener.remark(
                f"ended after epoch {trainer.position.epoch}: none since epoch "
                f"{trainer.best.epoch} was better on the validation part"
            )

    def _ended(self, stop: StopSignal) -> Interrupted | None:
        """What to raise where the run is to end now, on all processes alike; None to go on."""
        if self.trainer.done:
            return None
        if self.team.any(stop.received is not None):
            return self._interrupted("stopped", stop.exit_code)
        if self.team.any(self._is_late()):
            return self._interrupted("the hours are over", 1)
        return None

    def _interrupted(self, reason: str, exit_code: int) -> Interrupted:
        return Interrupted(
            f"{reason} in epoch {self.trainer.position.epoch + 1}; go on with: "
            f"wsnet train --resume {self.folder.path}",
            exit_code,
        )

    def _after_step(self, stop: StopSignal) -> bool:
        self.listener.step(self.trainer.fraction_done)
        wish = stop.received is not None or self._save_is_due() or self._is_late()
        return self.team.any(wish)

    def _save_is_due(self) -> bool:
        return monotonic() - self.saved_at > self.save_every_s

    def _is_late(self) -> bool:
        return self.ends_at is not None and monotonic() > self.ends_at

    def _save(self, rows: list[EpochRow]) -> None:
        if self.team.rank == 0:
            save_checkpoint(self.folder.checkpoint, self.trainer, rows, self._identity())
        self.saved_at = monotonic()

    def _look_at_validation(self, row: EpochRow) -> EpochRow:
        """Add what the validation part says, by which training may end here."""
        if self.data.validation:
            seen = self._look_at(self.data.validation)
            row = replace(row, validation_accuracy=seen.accuracy, validation_loss=seen.loss)
        self.trainer.look(row)
        return row

    def _look(self, row: EpochRow) -> EpochRow:
        """Add what the held-out part says, where this epoch looks at it or is the last."""
        every = self.config.train.evaluate_every
        due = self.trainer.done or (every > 0 and row.epoch % every == 0)
        if not due or not self.data.test:
            return row
        return replace(row, held_out_accuracy=self._look_at(self.data.test).accuracy)

    def _look_at(self, clips: Sequence[int]) -> Look:
        """The first process looks, and tells the others, so that all decide alike."""
        seen = self._look_alone(clips) if self.team.rank == 0 else Look(0.0, 0.0)
        return Look(*self.team.sum([seen.accuracy, seen.loss]))

    def _look_alone(self, clips: Sequence[int]) -> Look:
        model = self.trainer.averaged_model()
        classes = self.data.classes(list(clips))
        packed, members = self.data.packed, self.data.members
        return look_at(model, packed, clips, classes, self.audio, self.device, members)

    def _identity(self) -> dict[str, Any]:
        """What must be equal when a run is resumed, and `train.epochs`, which may be raised."""
        models = self.sources.digests
        return {
            **({"models": models} if models else {}),
            "labels": list(self.data.dataset.labels),
            "data": self.data.fingerprint,
            "threads": torch.get_num_threads(),
            **self.config.model_dump(mode="json", exclude={"description", "from_data"}),
        }


@contextlib.contextmanager
def _explain_misfit(path: Path) -> Iterator[None]:
    """What a resume file that somebody made may lack is told in one line."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: holds no state of a run; start a new run") from error


def save_every_s() -> float:
    """Seconds between writes of the resume file.

    Raises:
        UsageError: the environment's WSNET_SAVE_EVERY_S is no number of seconds.
    """
    text = os.environ.get("WSNET_SAVE_EVERY_S", "")
    if not text:
        return SAVE_EVERY_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise UsageError(f"WSNET_SAVE_EVERY_S={shown(text)}: expected seconds, 0 or more")
    return seconds


def make_trainer(ready: Ready) -> Trainer:
    """The trainer of a run, at its start; the same for the same request."""
    config: Config = ready.config
    torch.manual_seed(config.train.seed)
    model = WaveformClassifier(ready.network, config.network.dropout)
    labels, data = ready.data.dataset.labels, ready.data
    if ready.sources.start:
        audio = audio_settings(config.audio)
        windows = calibration_windows(data.packed, data.train, audio)
        load_into(model, ready.sources.start.model, labels, windows)
    teachers = None
    if config.train.distill:
        models = [teacher.model for teacher in ready.sources.teachers]
        teachers = Teachers(models, labels, config.train.distill, ready.device)
    clips = ready.data.dataset.clips
    feed = ready.data.feed(config)
    weights = feed.class_weights
    return Trainer(
        model,
        config.train,
        feed,
        ready.device,
        Objective(
            config.train.label_smoothing,
            None if weights is None else torch.from_numpy(weights),
            teachers=teachers,
            multi_label=data.dataset.multi_label,
        ),
        ready.team,
        lambda clip: Path(clips[clip].name).name,
        feeding_threads(ready.device),
    )
