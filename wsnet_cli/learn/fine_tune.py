"""Quantization-aware fine-tuning: a model goes on training as its small file will hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.config import Config, DistillConfig
from ..core.errors import Interrupted, TrainingError, UsageError
from ..core.model import Model, compress
from ..core.quant import Array
from .affine import add_fake_quantization, affine, plain_values, weighted_blocks
from .environment import feeding_threads
from .interrupt import StopSignal
from .listener import Listener
from .network import WaveformClassifier
from .objective import Objective
from .precision import Precision
from .prefetch import Prefetcher
from .prepared import PreparedData
from .schedule import learning_rate
from .step import NotFinite, OutOfMemory, Step, Sums, in_memory
from .teachers import Teachers
from .team import Team
from .trainer import EpochRow, step_seed
from .tune_recipe import FineTuning as FineTuning
from .tune_recipe import recipe as recipe


def fine_tune(
    model: Model,
    bits: int | Sequence[int],
    scheme: str,
    data: PreparedData,
    config: Config,
    settings: FineTuning,
    listener: Listener,
    device: torch.device,
) -> Model:
    """Train on from a model as it will be with so many bits, and give it so many.

    Weights, multipliers and biases are trained, all rounded as the file will hold them; places of
    filters are kept. There is no batch norm: a model has no statistics of batches. The same for the
    same arguments and number of threads, on the CPU.

    Args:
        model: float32 or quantized; also the teacher.
        bits: of all layers, or of each one with weights; a layer that has fewer keeps those.
        scheme: one of `core.quant.SCHEMES`.
        data: prepared by `config`; its training part is used.
        config: of `recipe`.
        settings: those that it was made from.
        listener: is told of steps and epochs.
        device: where to compute.

    Returns: the quantized model, whose numbers are those that it was trained with.

    Raises:
        UsageError: the data has other labels than the model.
        TrainingError: the loss is not finite, or memory ran out.
        Interrupted: SIGINT or SIGTERM came.
    """
    check_labels(model, data)
    wanted = compress(model, bits, scheme)
    torch.manual_seed(settings.seed)
    classifier = affine(model, config.network.dropout)
    add_fake_quantization(classifier, wanted.layer_bits, scheme)
    tuner = _Tuner(classifier, model, data, config, settings, device)
    tuner.run(listener)
    trained = affine(model)
    trained.load_state_dict(plain_values(classifier.state_dict()))
    words = {
        **model.provenance,
        "tuned_data": data.fingerprint,
        "tuned_epochs": settings.epochs,
        "tuned_seed": settings.seed,
    }
    plain = replace(model, bits=32, weights=trained.export(), provenance=words)
    return compress(plain, wanted.layer_bits, scheme)


def check_labels(model: Model, data: PreparedData) -> None:
    """Refuse data that asks another question.

    Raises:
        UsageError: a label is missing on either side, or only one of both is multi-label.
    """
    theirs, own = data.dataset.labels, model.labels
    if data.dataset.multi_label != model.multi_label:
        words = ("one label for each clip", "any number of labels for a clip")
        raise UsageError(
            f"the data has {words[data.dataset.multi_label]}; expected "
            f"{words[model.multi_label]}, as the model gives"
        )
    for label in sorted(set(theirs) ^ set(own)):
        has, lacks = ("data", "model") if label in theirs else ("model", "data")
        raise UsageError(
            f"the {has} has a class {label!r}, which the {lacks} has not; expected the same classes"
        )


class _InOrder(nn.Module):
    """A network whose logits come in the order of the data's labels."""

    def __init__(self, classifier: WaveformClassifier, order: list[int]) -> None:
        super().__init__()
        self.classifier, self.order = classifier, order

    def forward(self, windows: Tensor) -> Tensor:
        logits: Tensor = self.classifier(windows)[:, self.order]
        return logits


class _Tuner:
    """The loop of fine-tuning."""

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
        """Train to the end."""
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
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["size"]
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
                size = float(parameter.detach().double().square().mean().sqrt())
                groups.append({"params": [parameter], "size": max(size, 1e-6)})
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=0.0)


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
