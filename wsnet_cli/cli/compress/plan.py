"""What `wsnet compress` is asked for, and the bits that are to be, before any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.errors import UsageError, WsnetError
from ...core.model import Model
from ...core.sizes.bit_allocation import Allocation
from ...core.sizes.bit_choice import Wish, answers_as_is, choose_bits
from ...core.sizes.gate import Gate
from ...core.sizes.layer_forms import LayerForms
from ..shared.light import require
from ..shared.waiting import let_threads_sleep
from ..showing import console
from .data import ModelData

if TYPE_CHECKING:
    from ...core.configuration.config import Config
    from ...learn.run.prepared import PreparedData
    from ...learn.tuning.fine_tune import FineTuning


@dataclass(frozen=True)
class Asked:
    """What was asked of compressing, but for the data.

    Args:
        wish: bits, or bytes.
        scheme: of `core.quant.SCHEMES`.
        gate: how much worse the model may become.
        fine_tune: whether fewer than 8 bits are trained.
        epochs: of that; None: its default.
        seed: of that.
        device: of that, as torch names it.
        threads: of torch, or None for its default.
    """

    wish: Wish
    scheme: str = "symmetric"
    gate: Gate = field(default_factory=Gate)
    fine_tune: bool = True
    epochs: int | None = None
    seed: int = 0
    device: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class Plan:
    """Bits that are to be, before any training.

    Args:
        forms: of the model.
        allocation: bits of each layer; fine-tuning may come to fewer.
        losses: by which they were chosen; None where every layer gets the same.
        measured: whether losses are of scores on training clips, not of the weights alone.
        trains: whether fine-tuning follows.
    """

    forms: LayerForms
    allocation: Allocation
    losses: Sequence[Sequence[float]] | None = None
    measured: bool = False
    trains: bool = False


def make_plan(model: Model, data: ModelData, asked: Asked) -> Plan:
    """Choose the bits of each layer, and refuse what cannot be done.

    Raises:
        GateError: nothing fits into so many bytes.
        UsageError: fine-tuning needs data.
        WsnetError: as preparing the data does.
    """
    forms = LayerForms(model, asked.scheme)
    if answers_as_is(forms, asked.wish):
        if asked.epochs is not None:
            console.warn(f"--epochs {asked.epochs}: nothing is trained, as rounding is enough")
        return Plan(forms, forms.most)
    if asked.fine_tune:
        require("torch")
        if not data.is_there:
            raise UsageError(
                "fewer than 8 bits are fine-tuned, which needs the data: name it with --data, "
                "give the model of a run folder, or say --no-fine-tune"
            )
    if not asked.wish.is_of_layers:
        allocation = choose_bits(forms, asked.wish, ())
        return Plan(forms, allocation, trains=asked.fine_tune)
    if asked.wish.max_bytes is not None:
        choose_bits(forms, asked.wish, forms.weight_errors())  # whether any fit, before any work
    measured = _measure(forms, data, asked)
    losses = forms.weight_errors() if measured is None else measured
    allocation = choose_bits(forms, asked.wish, losses)
    return Plan(forms, allocation, losses, measured is not None, trains=asked.fine_tune)


def _measure(forms: LayerForms, data: ModelData, asked: Asked) -> list[list[float]] | None:
    """What each layer loses, on training clips; None where there are none to round by."""
    if not data.is_there:
        return None
    config = tuning_config(forms.model, data, asked)[0] if asked.fine_tune else data.plain_config()
    try:
        return _sensitivity(forms, data.prepare(config))
    except WsnetError as error:
        if data.is_named or asked.fine_tune:
            raise
        console.warn(f"what layers lose is not measured: {error}")
        return None


def _sensitivity(forms: LayerForms, data: PreparedData) -> list[list[float]]:
    from ...bulk.compressing.sensitivity import choose_windows, measure_sensitivity

    train, packed = data.train, data.packed
    audio = forms.model.audio
    windows = list(choose_windows(len(train), lambda i: packed.samples(train[i]), audio))
    with console.progress("measuring layers") as advance:
        losses = measure_sensitivity(
            forms, windows, lambda done, n: advance(done / n, f"{done} of {n} layers")
        )
    console.note(
        f"sensitivity: from {sum(map(len, windows))} windows of {len(windows)} training clips"
    )
    return losses


def tuning_config(model: Model, data: ModelData, asked: Asked) -> tuple[Config, FineTuning]:
    """How fine-tuning is to go."""
    let_threads_sleep()
    from ...learn.tuning.fine_tune import FineTuning, recipe

    settings = FineTuning(seed=asked.seed)
    if asked.epochs is not None:
        settings = FineTuning(seed=asked.seed, epochs=asked.epochs)
    return recipe(model, data.run_config(), settings), settings
