"""Quantization-aware fine-tuning: a model goes on training as its small file will hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ...core.configuration.config import Config
from ...core.errors import UsageError
from ...core.model import Model, compress
from ..modules.affine import add_fake_quantization, affine, export_quantized
from ..run.listener import Listener
from ..run.prepared import PreparedData
from .tune_loop import Tuner
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

    Weights, the steps of their codes, multipliers and biases are trained, all rounded as the file
    will hold them; places of filters are kept, and min-max levels follow the weights. There is no
    batch norm: a model has no statistics of batches. The same for the same arguments and number of
    threads, on the CPU.

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
    small = compress(model, bits, scheme)
    torch.manual_seed(settings.seed)
    classifier = affine(model, config.network.dropout)
    add_fake_quantization(classifier, small)
    Tuner(classifier, model, data, config, settings, device).run(listener)
    words = {
        **model.provenance,
        "tuned_data": data.fingerprint,
        "tuned_epochs": settings.epochs,
        "tuned_seed": settings.seed,
    }
    return replace(small, weights=export_quantized(classifier), provenance=words)


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
