"""One training run as a state that steps forward, can be saved at any step and goes on exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...core.configuration.config import TrainConfig
from ...core.errors import TrainingError
from ..feeding.batches import Feed
from ..feeding.prefetch import Prefetcher
from ..modules.average import WeightAverage
from ..modules.network import WaveformClassifier
from ..team.team import Team
from .best import Best
from .objective import Objective
from .optimise import make_optimizer
from .precision import Precision, choose_precision
from .schedule import learning_rate
from .step import NotFinite, OutOfMemory, Step, Sums, in_memory

State = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class EpochRow:
    """One row of metrics.csv. Rates in [0, 1]; None where a measure was not taken."""

    epoch: int
    lr: float
    loss: float
    accuracy: float
    held_out_accuracy: float | None = None
    validation_accuracy: float | None = None
    validation_loss: float | None = None


@dataclass
class Position:
    """How far a run has come: whole epochs, steps of the next one, and that one's sums so far."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    n_right: float = 0
    n_seen: int = 0


class Trainer:
    """Trains a network on a feed.

    Randomness depends on (seed, epoch, step) alone, so weights, optimizer, averages and position
    are the whole state.

    Args:
        model: the network; it is moved to `device`.
        config: the recipe.
        feed: the batches.
        device: where to train.
        objective: the loss; None: the plain one of `config`.
        team: the processes that train together.
        name_clip: the name of a clip by its number, for messages.
        workers: threads that make the next batches meanwhile; 0 makes each when it is wanted.

    Attributes:
        position: how far the run has come.
        best: the best epoch by the validation part, looked at by whoever measures it.
        stopped_early: whether `train.patience` has ended the run.
    """

    def __init__(
        self,
        model: WaveformClassifier,
        config: TrainConfig,
        feed: Feed,
        device: torch.device,
        objective: Objective | None = None,
        team: Team | None = None,
        name_clip: Callable[[int], str] = str,
        workers: int = 0,
    ) -> None:
        self.team = team or Team()
        self.model = model.to(device)
        self.team.synchronise(self.model)
        self.config = config
        self.feed = feed
        self._batches = Prefetcher(feed, config.epochs, workers, self.team.rank, self.team.size)
        self.device = device
        self.position = Position()
        self.best = Best()
        self.stopped_early = False
        self.optimizer = make_optimizer(self.model, config)
        self.average = WeightAverage(self.model, config)
        self._name_clip = name_clip
        precision = Precision(choose_precision(config.precision, device), device)
        objective = objective or Objective(config.label_smoothing)
        self._scaler = precision.scaler
        self._step_maker = Step(
            self.model, self.optimizer, config, objective, precision, self.team, device
        )

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or no better one is to be expected."""
        return self.position.epoch >= self.config.epochs or self.stopped_early

    @property
    def n_steps(self) -> int:
        """Steps of the whole run."""
        return self.config.epochs * self.feed.n_batches

    @property
    def n_done(self) -> int:
        """Steps that are over."""
        return self.position.epoch * self.feed.n_batches + self.position.step

    @property
    def fraction_done(self) -> float:
        """Share of all steps that are over, in [0, 1]."""
        return self.n_done / self.n_steps

    @property
    def n_parts(self) -> int:
        """Parts that a batch is computed in for want of memory; 1 where it fits."""
        return self._step_maker.n_parts

    def run_epoch(self, after_step: Callable[[], bool]) -> EpochRow | None:
        """Train to the end of the present epoch.

        Args:
            after_step: called after every step; True asks to stop here.

        Returns: the epoch's row, or None where it was asked to stop before its end.
        Raises: TrainingError: the loss is not finite, or memory ran out; the state is then that of
            the step before.
        """
        self.model.train()
        rate = 0.0
        while self.position.step < self.feed.n_batches:
            rate = self._step()
            if after_step() and self.position.step < self.feed.n_batches:
                return None
        row = EpochRow(
            epoch=self.position.epoch + 1,
            lr=rate,
            loss=self.position.loss_sum / self.position.n_seen,
            accuracy=self.position.n_right / self.position.n_seen,
        )
        self.position = Position(epoch=self.position.epoch + 1)
        return row

    def close(self) -> None:
        """End the threads that make batches."""
        self._batches.close()

    def look(self, row: EpochRow) -> None:
        """Note the validation measures of an epoch that is over."""
        if row.validation_accuracy is None or row.validation_loss is None:
            return
        keeps = self.config.keep == "best"
        values = self.average.values if keeps else {}
        self.best.look(row.epoch, row.validation_accuracy, row.validation_loss, values)
        self.stopped_early = self.best.is_stale(self.config, row.epoch)

    def averaged_model(self) -> WaveformClassifier:
        """A copy of the network with the averaged weights, for evaluation and export."""
        return self._copy(self.average.values)

    def kept_model(self) -> WaveformClassifier:
        """The network that the run ends with: the averaged weights of the last or best epoch."""
        keeps_best = self.config.keep == "best" and self.best.values
        return self._copy(self.best.values if keeps_best else self.average.values)

    def _copy(self, values: dict[str, torch.Tensor]) -> WaveformClassifier:
        copy = WaveformClassifier(self.model.network)
        copy.load_state_dict(values)
        return copy.eval()

    def state(self) -> tuple[State, dict[str, Any]]:
        """Everything that resuming needs: arrays, and values for JSON."""
        arrays: State = {}
        tensors = (
            ("model", self.model.state_dict()),
            ("average", self.average.values),
            ("best", self.best.values),
        )
        for part, values in tensors:
            for name, value in values.items():
                arrays[f"{part}.{name}"] = value.cpu().numpy()
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                arrays[f"optimizer.{index}.{name}"] = torch.as_tensor(value).cpu().numpy()
        best = {"epoch": self.best.epoch, "accuracy": self.best.accuracy, "loss": self.best.loss}
        return arrays, {
            "position": asdict(self.position),
            "best": best,
            "n_averaged": self.average.n_averaged,
            "n_parts": self.n_parts,
            "scaler": self._scaler.state_dict(),
        }

    def load_state(self, arrays: State, values: dict[str, Any]) -> None:
        """Go back to what `state` returned.

        Raises: TrainingError: the state is of another network.
        """
        try:
            self.model.load_state_dict(_part(arrays, "model."))
            self.average.values = self._on_device(_part(arrays, "average."))
            self.best = Best(**values["best"], values=self._on_device(_part(arrays, "best.")))
            optimizer = self.optimizer.state_dict()
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in _part(arrays, "optimizer.").items():
                index, name = key.split(".", 1)
                moments.setdefault(int(index), {})[name] = value
            self.optimizer.load_state_dict({**optimizer, "state": moments})
            self.position = Position(**values["position"])
            self.average.n_averaged = int(values["n_averaged"])
            self._step_maker.n_parts = int(values["n_parts"])
            if values["scaler"] and self._scaler.is_enabled():
                self._scaler.load_state_dict(values["scaler"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            line = str(error).splitlines()[0]
            raise TrainingError(f"the saved state is of another network: {line}") from error
        self.stopped_early = self.best.is_stale(self.config, self.position.epoch)

    def _on_device(self, values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: value.to(self.device) for name, value in values.items()}

    def _step(self) -> float:
        position, n_done = self.position, self.n_done
        rate = learning_rate(self.config, n_done, self.feed.n_batches)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        sums = self._take_step(step_seed(self.config.seed, n_done, self.team.rank))
        self.average.update(self.model, n_done, self.n_steps)
        position.step += 1
        position.loss_sum += sums.loss
        position.n_right += sums.n_right
        position.n_seen += sums.n
        return rate

    def _take_step(self, seed: int) -> Sums:
        position = self.position
        where = f"in epoch {position.epoch + 1}, step {position.step + 1}"
        batch = self._batches.batch(position.epoch, position.step)
        try:
            n_global = self.feed.n_rows(position.step)
            return in_memory(self._step_maker, batch, n_global, seed, self.team)
        except NotFinite as error:
            names = ", ".join(self._name_clip(clip) for clip in error.clips[:3])
            clips = f" (clip {names})" if names else ""
            raise TrainingError(f"{error} {where}{clips}; try a lower train.lr") from error
        except OutOfMemory as error:
            raise TrainingError(f"{error} {where}; try a smaller train.batch_size") from error


def _part(arrays: State, prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(value))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def step_seed(seed: int, step: int, rank: int) -> int:
    """A seed for torch that differs for every step and process of every run."""
    words = (seed, step) if rank == 0 else (seed, step, rank)
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)
