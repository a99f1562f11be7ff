"""The loop of fine-tuning: a network without batch norm steps through batches of its data."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ...core.configuration.config import Config, DistillConfig
from ...core.errors import Interrupted, TrainingError
from ...core.model import Model
from ...core.quant import Array
from ..environment import feeding_threads
from ..feeding.prefetch import Prefetcher
from ..modules.affine import weighted_blocks
from ..modules.network import WaveformClassifier
from ..run.interrupt import StopSignal
from ..run.listener import Listener
from ..run.prepared import PreparedData
from ..teachers.teachers import Teachers
from ..team.team import Team
from ..training.objective import Objective
from ..training.precision import Precision
from ..training.schedule import learning_rate
from ..training.step import NotFinite, OutOfMemory, Step, Sums, in_memory
from ..training.trainer import EpochRow, step_seed
from .tune_recipe import FineTuning


class _InOrder(nn.Module):
    """A network whose logits come in the order of the data's labels."""

    def __init__(self, classifier: WaveformClassifier, order: list[int]) -> None:
        super().__init__()
        self.classifier, self.order = classifier, order

    def forward(self, windows: Tensor) -> Tensor:
        logits: Tensor = self.classifier(windows)[:, self.order]
        return logits


class Tuner:
    """Trains an affine network, fake-quantized or not.

    Args:
        classifier: of `affine`; it is moved to `device`.
        model: the one that it was made from, which is the teacher.
        data: whose training part is used; its labels are those of the model, in any order.
        config: of `recipe`.
        settings: those that it was made from.
        device: where to compute.
    """

    def __init__(
        self,
        classifier: WaveformClassifier,
        model: Model,
        data: PreparedData,
        config: Config,
        settings: FineTuning,
        device: torch.device,
    ) -> None:
        self._config, self._feed, self._device = config, data.feed(config), device
        self._clips = data.dataset.clips
        labels = data.dataset.labels
        network = _InOrder(classifier, [model.labels.index(label) for label in labels])
        self._network = network.to(device).train()
        self._optimizer = make_optimizer(classifier)
        self._step = Step(
            self._network,
            self._optimizer,
            config.train,
            _objective(model, data, config, settings, device, self._feed.class_weights),
            Precision("float32", device),
            Team(),
            device,
        )

    def run(self, listener: Listener) -> None:
        """Train to the end.

        Raises:
            TrainingError: the loss is not finite, or memory ran out.
            Interrupted: SIGINT or SIGTERM came.
        """
        epochs, n_steps = self._config.train.epochs, self._feed.n_batches
        workers = feeding_threads(self._device)
        with StopSignal() as stop, Prefetcher(self._feed, epochs, workers) as batches:
            for epoch in range(epochs):
                sums: list[Sums] = []
                rate = 0.0
                for step in range(n_steps):
                    rate = self._set_rate(epoch * n_steps + step)
                    sums.append(self._take(batches, epoch, step))
                    listener.step((epoch * n_steps + step + 1) / (epochs * n_steps))
                    if stop.received is not None:
                        words = f"stopped in epoch {epoch + 1} of fine-tuning; nothing is written"
                        raise Interrupted(words, stop.exit_code)
                n_seen = sum(each.n for each in sums)
                loss, n_right = sum(s.loss for s in sums), sum(s.n_right for s in sums)
                listener.epoch(EpochRow(epoch + 1, rate, loss / n_seen, n_right / n_seen))

    def _set_rate(self, n_done: int) -> float:
        rate = learning_rate(self._config.train, n_done, self._feed.n_batches)
        set_rates(self._optimizer, rate)
        return rate

    def _take(self, batches: Prefetcher, epoch: int, step: int) -> Sums:
        where = f"in epoch {epoch + 1}, step {step + 1} of fine-tuning"
        batch = batches.batch(epoch, step)
        seed = step_seed(self._config.train.seed, epoch * self._feed.n_batches + step, 0)
        try:
            return in_memory(self._step, batch, self._feed.n_rows(step), seed, Team())
        except NotFinite as error:
            names = ", ".join(Path(self._clips[clip].name).name for clip in error.clips[:3])
            clips = f" (clip {names})" if names else ""
            raise TrainingError(
                f"{error} {where}{clips}; the model cannot be fine-tuned so"
            ) from error
        except OutOfMemory as error:
            raise TrainingError(f"{error} {where}; try --device cpu") from error


def make_optimizer(classifier: WaveformClassifier) -> torch.optim.AdamW:
    """AdamW, whose steps are in proportion to the size of what is trained.

    The scale of a layer's weights can be moved to its multiplier and back without a change of what
    it computes, so there is no one learning rate for both: that of each tensor is multiplied by
    its root mean square at the start (as the relative step of Adafactor, arXiv:1804.04235,
    section 8).
    """
    groups = []
    for block in weighted_blocks(classifier):
        for parameter in block.parameters():
            if parameter.requires_grad:
                size = float(parameter.detach().cpu().double().square().mean().sqrt())
                groups.append({"params": [parameter], "size": max(size, 1e-6)})
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=0.0)


def set_rates(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each tensor of `make_optimizer` its learning rate: `rate` times its size."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["size"]


def _objective(
    model: Model,
    data: PreparedData,
    config: Config,
    settings: FineTuning,
    device: torch.device,
    class_weights: Array | None,
) -> Objective:
    """The labels' loss of the run, and the model itself as teacher."""
    teachers = None
    if settings.teacher_share > 0:
        itself = DistillConfig(
            teachers=("itself",), temperature=settings.temperature, share=settings.teacher_share
        )
        teachers = Teachers([model], data.dataset.labels, itself, device)
    return Objective(
        config.train.label_smoothing,
        None if class_weights is None else torch.from_numpy(class_weights),
        teachers=teachers,
        multi_label=data.dataset.multi_label,
    )
