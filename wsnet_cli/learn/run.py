"""A whole training run: data, network, training, model file and measures, in one run folder."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from .. import __version__
from ..core.architectures import build_network
from ..core.artifact import save_model
from ..core.config import Config
from ..core.config_file import dump_config, load_config
from ..core.errors import ConfigError, Interrupted, UsageError
from ..core.files import write_text_atomic
from ..core.metrics import Metrics, measure
from ..core.model import Model
from ..core.network import Network
from ..core.settings import audio_settings
from ..engine.session import Classifier
from .checkpoint import read_checkpoint, save_checkpoint
from .held_out import held_out_accuracy
from .interrupt import StopSignal
from .listener import Listener
from .network import WaveformClassifier
from .prepared import PreparedData, prepare_data
from .run_folder import RUNS, RunFolder, check_run_name, new_run_folder, open_run_folder
from .trainer import EpochRow, Trainer

SAVE_EVERY_S = 20.0
"""Seconds between writes of the resume file, which is what a killed run loses at most."""
PACKAGES = ("torch", "numpy", "soundfile", "soxr", "safetensors")


@dataclass(frozen=True)
class Request:
    """What to train.

    Args:
        source: the data.
        config: checked configuration.
        preset: its name, for the record.
        name: of the run folder.
        layout: the layout to read the data by, or None to find out.
        pattern: the naming scheme of its files, or None.
        fold: fold to hold out, "none", or None for the data's own choice.
        device: "auto", "cpu", "cuda", "mps", ...
        threads: of torch on the CPU, or None for its default.
        force: reuse the folder of that name.
        runs: the folder of all runs.
    """

    source: Path
    config: Config
    preset: str
    name: str
    layout: str | None = None
    pattern: str | None = None
    fold: str | None = None
    device: str = "auto"
    threads: int | None = None
    force: bool = False
    runs: Path = RUNS


@dataclass(frozen=True)
class Result:
    """Where the run is, its model, its size in bytes, and its measures on the held-out part."""

    folder: RunFolder
    model: Model
    n_bytes: int
    metrics: Metrics | None


def start_run(request: Request, listener: Listener) -> Result:
    """Train from the beginning.

    Raises:
        WsnetError: bad data, configuration or device; interrupted after saving; a full disk.
    """
    check_run_name(request.name)
    device = choose_device(request.device)
    _set_threads(request.threads)
    data = prepare_data(
        request.source,
        request.config,
        request.fold,
        listener.decoded,
        layout=request.layout,
        pattern=request.pattern,
    )
    network = _network(request.config, data)
    folder = new_run_folder(request.name, force=request.force, root=request.runs)
    write_text_atomic(folder.config, dump_config(request.config))
    folder.write_split(data.dataset, data.packed, data.split)
    folder.write_json("env.json", _environment(request, data.dataset.layout, device))
    return _Run(folder, request.config, request.preset, data, network, device, listener).finish([])


def resume_run(path: Path, source: Path | None, device_name: str, listener: Listener) -> Result:
    """Go on with an interrupted run where it stopped; the outcome is as if it never had.

    Args:
        path: the run's folder.
        source: the data, or None for where it was.
        device_name: as in `Request`.
        listener: is told of progress.

    Raises:
        TrainingError: data, classes or configuration are not those of the run.
        WsnetError: as `start_run`.
    """
    folder = open_run_folder(path)
    environment = folder.read_environment()
    config = load_config(str(folder.config))
    if not folder.checkpoint.is_file():
        raise UsageError(f"{path}: nothing was saved to resume from; start the run again")
    device = choose_device(device_name)
    _set_threads(environment.get("threads"))
    source = source or Path(str(environment.get("data")))
    data = prepare_data(
        source,
        config,
        environment.get("fold"),
        listener.decoded,
        layout=environment.get("layout"),
        pattern=environment.get("pattern"),
    )
    preset = str(environment.get("preset"))
    run = _Run(folder, config, preset, data, _network(config, data), device, listener)
    rows = run.restore()
    folder.write_json("env.json", {**environment, "data": _absolute(source)})
    return run.finish(rows)


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" takes CUDA where there is one, else the CPU.

    Raises: UsageError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has tensors, but no numbers in them
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"--device {name}: not available here; expected auto or cpu") from error
    return device


class _Run:
    """One run between its preparation and its result."""

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        preset: str,
        data: PreparedData,
        network: Network,
        device: torch.device,
        listener: Listener,
    ) -> None:
        self.folder, self.config, self.preset = folder, config, preset
        self.data, self.device, self.listener = data, device, listener
        self.audio = audio_settings(config.audio)
        torch.manual_seed(config.train.seed)
        model = WaveformClassifier(network, config.network.dropout)
        self.trainer = Trainer(model, config.train, data.feed(config), device)
        self.saved_at = monotonic()
        listener.prepared(data, network, self.audio, folder.path)

    def restore(self) -> list[EpochRow]:
        """Load the resume file; return the epochs so far."""
        arrays, values = read_checkpoint(self.folder.checkpoint, self._identity())
        self.trainer.load_state(arrays, values)
        return [EpochRow(**row) for row in values["rows"]]

    def finish(self, rows: list[EpochRow]) -> Result:
        """Train to the end, write the model, measure it."""
        with StopSignal() as stop:
            self._train(rows, stop)
        model = self._export()
        n_bytes = save_model(self.folder.model, model)
        metrics = self._measure(model)
        if metrics:
            self.folder.write_json("metrics.json", metrics.as_json())
            self.folder.write_confusion(metrics)
        return Result(self.folder, model, n_bytes, metrics)

    def _train(self, rows: list[EpochRow], stop: StopSignal) -> None:
        while not self.trainer.done:
            row = self.trainer.run_epoch(lambda: self._after_step(stop))
            if row is not None:
                rows.append(self._look(row))
                self.listener.epoch(rows[-1])
                self.folder.write_metrics(rows)
            interrupted = stop.received is not None and not self.trainer.done
            if interrupted or self.trainer.done or self._save_is_due():
                save_checkpoint(self.folder.checkpoint, self.trainer, rows, self._identity())
                self.saved_at = monotonic()
            if interrupted:
                raise Interrupted(
                    f"stopped in epoch {self.trainer.position.epoch + 1}; go on with: "
                    f"wsnet train --resume {self.folder.path}",
                    stop.exit_code,
                )

    def _after_step(self, stop: StopSignal) -> bool:
        self.listener.step(self.trainer.fraction_done)
        return stop.received is not None or self._save_is_due()

    def _save_is_due(self) -> bool:
        return monotonic() - self.saved_at > SAVE_EVERY_S

    def _look(self, row: EpochRow) -> EpochRow:
        """Add the held-out accuracy where this epoch takes it."""
        every = self.config.train.evaluate_every
        due = self.trainer.done or (every > 0 and row.epoch % every == 0)
        if not due or not self.data.test:
            return row
        clips = self.data.test
        classes = self.data.classes(clips)
        model = self.trainer.averaged_model()
        accuracy = held_out_accuracy(
            model, self.data.packed, clips, classes, self.audio, self.device
        )
        return EpochRow(row.epoch, row.lr, row.loss, row.accuracy, accuracy)

    def _export(self) -> Model:
        model = self.trainer.averaged_model()
        provenance: dict[str, str | int | float] = {
            "wsnet": __version__,
            "preset": self.preset,
            "data": self.data.fingerprint,
            "split": self.data.split.how,
            "epochs": self.config.train.epochs,
            "seed": self.config.train.seed,
        }
        labels = self.data.dataset.labels
        return Model(model.network, model.export(), labels, self.audio, 32, provenance)

    def _measure(self, model: Model) -> Metrics | None:
        """Measures on the held-out part, by the engine that predicts."""
        if not self.data.test:
            return None
        classifier = Classifier(model)
        predicted = []
        for done, clip in enumerate(self.data.test, start=1):
            samples = self.data.packed.samples(clip)
            predicted.append(int(classifier.classify(samples, self.audio.sample_rate).argmax()))
            self.listener.measured(done, len(self.data.test))
        return measure(self.data.classes(self.data.test), predicted, self.data.dataset.labels)

    def _identity(self) -> dict[str, Any]:
        """What must be equal when a run is resumed."""
        return {
            "labels": list(self.data.dataset.labels),
            "data": self.data.fingerprint,
            "threads": torch.get_num_threads(),
            **self.config.model_dump(exclude={"description"}),
        }


def _network(config: Config, data: PreparedData) -> Network:
    settings = audio_settings(config.audio)
    return build_network(config.network, len(data.dataset.labels), settings.window_samples)


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        if threads < 1:
            raise ConfigError(f"--threads {threads}; expected at least 1")
        torch.set_num_threads(threads)


def _absolute(source: Path) -> str:
    return os.path.abspath(source)  # noqa: PTH100 - Path.resolve would follow links


def _environment(request: Request, layout: str, device: torch.device) -> dict[str, Any]:
    """What a reader of the run may want to know, and where its data was."""
    return {
        "data": _absolute(request.source),
        "layout": layout,
        "pattern": request.pattern,
        "preset": request.preset,
        "fold": request.fold,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "wsnet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
    }
