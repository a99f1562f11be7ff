"""One optimizer step: forward, backward, and what is done where either goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...core.configuration.config import TrainConfig
from ...core.errors import TrainingError
from ..feeding.batches import Batch
from ..team.team import Team
from .objective import Objective
from .precision import Precision


@dataclass(frozen=True)
class Sums:
    """Over the windows of a step, of all processes: losses, right ones, and how many there are."""

    loss: float
    n_right: float
    n: int


class NotFinite(TrainingError):
    """The loss or the gradient is not finite; weights and statistics are those of the step before.

    Args:
        what: "loss" or "gradient".
        value: what it is.
        clips: of the windows whose own loss is not finite, as the data set numbers them.
    """

    def __init__(self, what: str, value: float, clips: tuple[int, ...] = ()) -> None:
        super().__init__(f"the {what} is {value}")
        self.what, self.value, self.clips = what, value, clips


class OutOfMemory(TrainingError):
    """A step of two windows does not fit, or several processes train and one lacks memory."""


class Step:
    """Makes the gradients of a batch and applies them.

    Args:
        model: on `device`.
        optimizer: of its parameters.
        config: `clip_norm`.
        objective: the loss.
        precision: of the forward pass.
        team: the processes that share the batch.
        device: where to compute.

    Attributes:
        n_parts: parts a batch is computed in, one after the other, since more did not fit into
            memory. Batch norm then takes its statistics over a part.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        config: TrainConfig,
        objective: Objective,
        precision: Precision,
        team: Team,
        device: torch.device,
    ) -> None:
        self._model, self._optimizer, self._config = model, optimizer, config
        self._objective, self._precision = objective, precision
        self._team, self._device = team, device
        self.n_parts = 1

    def take(self, batch: Batch, n_global: int, seed: int) -> Sums:
        """Do one step on this process's windows of a batch of `n_global`.

        Args:
            batch: at least one window, except in a team.
            n_global: windows of all processes.
            seed: of dropout.

        Raises:
            NotFinite: nothing was changed.
            OutOfMemory: nothing was changed.
        """
        statistics = [buffer.clone() for buffer in self._model.buffers()]
        try:
            return self._take(batch, n_global, seed)
        except BaseException:
            for buffer, former in zip(self._model.buffers(), statistics, strict=True):
                buffer.copy_(former)
            self._optimizer.zero_grad(set_to_none=True)
            raise

    def _take(self, batch: Batch, n_global: int, seed: int) -> Sums:
        torch.manual_seed(seed)  # dropout's only randomness
        self._optimizer.zero_grad(set_to_none=True)
        losses, right = self._make_gradients(batch, n_global)
        scaler = self._precision.scaler
        # In this order, so that all processes see the same overflow and pass the batch over alike.
        self._team.sum_gradients(self._model.parameters())
        scaler.unscale_(self._optimizer)
        gradients = [p.grad for p in self._model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        # One look at the device for all three: each would wait for it.
        loss, n_right, length = torch.stack([losses.sum(), right.sum(), norm]).tolist()
        loss, n_right, n = self._team.sum([loss, n_right, len(batch.windows)])
        if not np.isfinite(loss):
            bad = ~torch.isfinite(losses).cpu().numpy()
            raise NotFinite("loss", loss, tuple(int(c) for c in np.asarray(batch.clips)[bad]))
        if np.isfinite(length):
            if self._config.clip_norm is not None:
                torch.nn.utils.clip_grads_with_norm_(
                    self._model.parameters(), self._config.clip_norm, norm
                )
        elif not scaler.is_enabled():  # its way of finding a factor is to see this now and then
            raise NotFinite("gradient", length)
        scaler.step(self._optimizer)
        scaler.update()
        return Sums(loss, n_right, round(n))

    def _make_gradients(self, batch: Batch, n_global: int) -> tuple[Tensor, Tensor]:
        """Losses [n] and right ones [n]; the gradients stay with the parameters."""
        losses, right = [], []
        n_parts = max(1, min(self.n_parts, len(batch.windows)))
        parts = (np.array_split(each, n_parts) for each in (batch.windows, batch.targets))
        for rows in zip(*parts, strict=True):
            windows, targets = (torch.from_numpy(part).to(self._device) for part in rows)
            with self._precision.compute():
                logits = self._model(windows)
                taught = self._objective.taught(windows)
            by_labels = self._objective.losses(logits, targets)
            part = self._objective.mix(by_labels, logits, taught)
            self._precision.scaler.scale(part.sum() / n_global).backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            losses.append(part.detach())
            right.append(self._objective.right(logits.detach(), targets))
        return torch.cat(losses), torch.cat(right)


def in_memory(step: Step, batch: Batch, n_global: int, seed: int, team: Team) -> Sums:
    """`step.take`, in smaller parts where memory runs out; `step.n_parts` tells.

    Raises:
        NotFinite: as `take`.
        OutOfMemory: parts of two windows do not fit, or the batch is shared with other processes,
            which cannot be told.
    """
    while True:
        try:
            return step.take(batch, n_global, seed)
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            largest = -(-len(batch.windows) // (2 * step.n_parts))
            if largest < 2 or team.size > 1:
                raise OutOfMemory("out of memory") from error
            step.n_parts *= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def ran_out_of_memory(error: Exception) -> bool:
    """Torch has a class for CUDA alone; elsewhere only the words of a RuntimeError tell."""
    text = str(error).lower()
    words = ("out of memory", "not enough memory", "allocate memory", "alloc_failed")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(w in text for w in words)
