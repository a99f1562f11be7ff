"""One training run as a state that steps forward, can be saved at any step and goes on exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..core.config import TrainConfig
from ..core.errors import TrainingError
from .batches import Feed
from .network import WaveformClassifier
from .optimise import RunningAverage, divergence, learning_rate, make_optimizer

State = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class EpochRow:
    """One row of metrics.csv. Rates in [0, 1]; `held_out_accuracy` is None where none was taken."""

    epoch: int
    lr: float
    loss: float
    accuracy: float
    held_out_accuracy: float | None = None


@dataclass
class Position:
    """How far a run has come: whole epochs, steps of the next one, and that one's sums so far."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    n_right: int = 0
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
    """

    def __init__(
        self, model: WaveformClassifier, config: TrainConfig, feed: Feed, device: torch.device
    ) -> None:
        self.model = model.to(device)
        self.config = config
        self.feed = feed
        self.device = device
        self.position = Position()
        self.optimizer = make_optimizer(self.model, config)
        self.average = RunningAverage(self.model, config.average_decay)

    @property
    def done(self) -> bool:
        """Whether all epochs are over."""
        return self.position.epoch >= self.config.epochs

    @property
    def fraction_done(self) -> float:
        """Share of all steps that are over, in [0, 1]."""
        steps = self.position.epoch * self.feed.n_batches + self.position.step
        return steps / (self.config.epochs * self.feed.n_batches)

    def run_epoch(self, after_step: Callable[[], bool]) -> EpochRow | None:
        """Train to the end of the present epoch.

        Args:
            after_step: called after every step; True asks to stop here.

        Returns: the epoch's row, or None where it was asked to stop before its end.
        Raises: TrainingError: the loss is not finite, or memory ran out; the state of the step
            before is lost.
        """
        self.model.train()
        rate = 0.0
        while self.position.step < self.feed.n_batches:
            rate = self._step_in_memory()
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

    def averaged_model(self) -> WaveformClassifier:
        """A copy of the network with the averaged weights, for evaluation and export."""
        copy = WaveformClassifier(self.model.network)
        copy.load_state_dict(self.average.values)
        return copy.eval()

    def state(self) -> tuple[State, dict[str, Any]]:
        """Everything that resuming needs: arrays, and values for JSON."""
        arrays: State = {}
        for name, value in self.model.state_dict().items():
            arrays[f"model.{name}"] = value.cpu().numpy()
        for name, value in self.average.values.items():
            arrays[f"average.{name}"] = value.cpu().numpy()
        for index, moments in self.optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                arrays[f"optimizer.{index}.{name}"] = torch.as_tensor(value).cpu().numpy()
        return arrays, {"position": asdict(self.position)}

    def load_state(self, arrays: State, values: dict[str, Any]) -> None:
        """Go back to what `state` returned.

        Raises: TrainingError: the state is of another network.
        """
        try:
            self.model.load_state_dict(_part(arrays, "model."))
            self.average.values = {
                name: value.to(self.device) for name, value in _part(arrays, "average.").items()
            }
            optimizer = self.optimizer.state_dict()
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in _part(arrays, "optimizer.").items():
                index, name = key.split(".", 1)
                moments.setdefault(int(index), {})[name] = value
            self.optimizer.load_state_dict({**optimizer, "state": moments})
            self.position = Position(**values["position"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            line = str(error).splitlines()[0]
            raise TrainingError(f"the saved state is of another network: {line}") from error

    def _step_in_memory(self) -> float:
        try:
            return self._step()
        except (RuntimeError, MemoryError) as error:
            if not _ran_out_of_memory(error):
                raise
            raise TrainingError(
                f"out of memory in epoch {self.position.epoch + 1}, "
                f"step {self.position.step + 1}; try a smaller train.batch_size"
            ) from error

    def _step(self) -> float:
        position = self.position
        n_done = position.epoch * self.feed.n_batches + position.step
        rate = learning_rate(self.config, n_done, self.feed.n_batches)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(_mix_seed(self.config.seed, n_done))  # dropout's only randomness
        batch = self.feed.batch(position.epoch, position.step)
        windows = torch.from_numpy(batch.windows).to(self.device)
        targets = torch.from_numpy(batch.targets).to(self.device)
        logits = self.model(windows)
        loss = divergence(logits, targets)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise TrainingError(
                f"the loss is {value} in epoch {position.epoch + 1}, step {position.step + 1}; "
                "try a lower train.lr"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        self.optimizer.step()
        self.average.update(self.model, n_done)
        n = len(windows)
        right = (logits.argmax(dim=-1) == targets.argmax(dim=-1)).sum()
        position.step += 1
        position.loss_sum += value * n
        position.n_right += int(right)
        position.n_seen += n
        return rate


def _part(arrays: State, prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(value))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def _ran_out_of_memory(error: Exception) -> bool:
    """Torch has a class for CUDA alone; elsewhere only the words of a RuntimeError tell."""
    text = str(error).lower()
    words = ("out of memory", "not enough memory", "allocate memory", "alloc_failed")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(w in text for w in words)


def _mix_seed(seed: int, step: int) -> int:
    """A seed for torch that differs for every step of every run."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> 1)
