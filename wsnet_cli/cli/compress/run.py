"""What `wsnet compress` does by its plan: fine-tune, measure before and after; writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import GateError, UsageError, WsnetError
from ...core.model import Model
from ...core.model_file.artifact import model_to_bytes
from ...core.quant import FULL_BITS
from ...core.sizes.bit_allocation import Allocation
from ...core.sizes.bit_choice import choose_bits, fit_again
from ..showing import console
from .data import HeldOut, ModelData
from .plan import Asked, Plan, tuning_config

if TYPE_CHECKING:
    from ...bulk.compressing.before_after import BeforeAfter

MOST_TRIES = 5
"""Fine-tunings at most until a file fits, the last with the fewest bits."""
MARGIN = 0.005
"""Share of --max-kb that is left free for what fine-tuning does to the size of codes."""
_NOT_MEASURED = "accuracy before and after is not measured"


@dataclass(frozen=True, eq=False)
class Compressed:
    """What came of it.

    Args:
        plan: with the bits that it came to.
        model: the smaller one.
        content: of its file.
        both: before and after on held-out clips; None where there are none.
        why_not: then, why.
        n_trained_on: of these clips, how many the model had been trained on.
        is_judged: whether there are clips that prove something.
    """

    plan: Plan
    model: Model
    content: bytes
    both: BeforeAfter | None
    why_not: str = ""
    n_trained_on: int = 0
    is_judged: bool = False


def first_allocation(plan: Plan, asked: Asked) -> Allocation:
    """The bits that are made first: those planned, or fewer where fine-tuning needs a margin."""
    if not plan.trains:
        return plan.allocation
    return choose_bits(plan.forms, asked.wish, plan.losses or (), _margin(asked))


def _margin(asked: Asked) -> int:
    return round(MARGIN * (asked.wish.max_bytes or 0))


def carry_out(
    plan: Plan,
    data: ModelData,
    asked: Asked,
    check_free: Callable[[Allocation], object],
    *,
    in_run: bool,
) -> Compressed:
    """Make the model, and measure it where clips are held out.

    Args:
        plan: what to make.
        data: what to learn from and to measure on.
        asked: of the command.
        check_free: raises UsageError where the file of some bits must not be written; asked
            before each fine-tuning.
        in_run: whether the file is to lie beside the model, where the run's split speaks of it.

    Raises:
        UsageError: a gate was asked for, and nothing is held out or most of it was trained on; or
            it would lie in the run and learn from what that held out.
        GateError: the file came out too large.
        WsnetError: as training and measuring do.
    """
    before = plan.forms.model
    if plan.trains:
        data.prepare(tuning_config(before, data, asked)[0])
        _check_learned(data, in_run=in_run)
    held_out, why_not = _held_out(data, asked, must=plan.trains or asked.gate.asked)
    if held_out is not None and asked.gate.asked and asked.gate.limits and not held_out.proves:
        raise UsageError(
            f"--max-drop {asked.gate.max_drop:g}: the model was trained on {held_out.n_trained_on} "
            f"of {len(held_out.clips)} held-out clips ({held_out.how}), which proves nothing; "
            "name a --fold, or --data, that it was not trained on"
        )
    if plan.trains:
        plan, model = _fine_tuned(plan, data, asked, check_free)
    else:
        model = plan.forms.make(plan.allocation)
    both = None
    if held_out is not None:
        from ...bulk.compressing.before_after import measure_both
        from ...core.parallel import count_workers

        workers = count_workers(None, len(held_out.clips))
        with console.progress("measuring") as advance:

            def on_clip(done: int, n: int) -> None:
                advance(done / n, f"{done} of {n}")

            both = measure_both(before, model, held_out.clips, held_out.audio, workers, on_clip)
    content = model_to_bytes(model)
    if held_out is None:
        return Compressed(plan, model, content, both, why_not)
    n_known, proves = held_out.n_trained_on, held_out.proves
    return Compressed(plan, model, content, both, why_not, n_known, proves)


def _check_learned(data: ModelData, *, in_run: bool) -> None:
    """What a run held out is what its folder's files are measured on later."""
    n = data.n_held_out_then()
    if n and in_run:
        raise UsageError(
            f"--data: {n} of the clips to fine-tune on were held out by the run, and `wsnet "
            "evaluate` would measure the file on them; hold out the same clips, or write it "
            "elsewhere with -o"
        )
    if n:
        console.warn(
            f"{n} of the clips to fine-tune on were held out by the run; what they say of the "
            "model from now on is too good"
        )


def check_gate(compressed: Compressed, asked: Asked) -> None:
    """Refuse to hand over a model that became worse.

    Raises: GateError.
    """
    both, gate = compressed.both, asked.gate
    if both is None or not compressed.is_judged or not gate.refuses(both.difference, both.n_clips):
        return
    allowed = f"--max-drop {gate.max_drop:g}" if gate.asked else f"{gate.max_drop:g} points at most"
    raise GateError(
        f"{both.measure} falls by {-100 * both.difference:.1f} points, from "
        f"{100 * both.values[0]:.1f} to {100 * both.values[1]:.1f} %, on {both.n_clips} held-out "
        f"clips ({allowed}); nothing is written; try {_what_to_try(compressed, asked)}, or "
        "--max-drop 100 to have it all the same"
    )


def _what_to_try(compressed: Compressed, asked: Asked) -> str:
    if min(compressed.model.layer_bits) == FULL_BITS:
        return "the other --scheme"
    more = "more bits" if asked.wish.max_bytes is None else "a larger --max-kb"
    if compressed.plan.trains:
        return f"{more}, or more --epochs"
    return f"fine-tuning (leave out --no-fine-tune), or {more}" if not asked.fine_tune else more


def _held_out(data: ModelData, asked: Asked, *, must: bool) -> tuple[HeldOut | None, str]:
    """The clips to measure on, or None and why there are none.

    Where nothing hangs on it (`must`), data of a run that is gone or has changed is no error.
    """
    if not data.is_there:
        return _none_held_out("there is no data to measure on; name it with --data", asked)
    try:
        held_out = data.held_out()
    except WsnetError as error:
        if must or data.is_named:
            raise
        console.warn(f"{_NOT_MEASURED}: {error}")
        return None, str(error)
    if held_out is None:
        return _none_held_out("nothing is held out to measure on", asked)
    if not any(clip.classes for clip in held_out.clips):
        n = len(held_out.clips)
        return _none_held_out(f"none of the {n} held-out clips has a label to measure on", asked)
    return held_out, ""


def _none_held_out(why_not: str, asked: Asked) -> tuple[None, str]:
    """Say why nothing is measured, or refuse it where a gate was asked for."""
    if asked.gate.asked:
        raise UsageError(f"--max-drop {asked.gate.max_drop:g}: {why_not}")
    console.note(f"{_NOT_MEASURED}: {why_not}")
    return None, why_not


def _fine_tuned(
    plan: Plan, data: ModelData, asked: Asked, check_free: Callable[[Allocation], object]
) -> tuple[Plan, Model]:
    """Fine-tune, with fewer bits where the file would come out too large."""
    from ...learn.environment import choose_device, set_threads
    from ...learn.tuning.fine_tune import fine_tune
    from ..showing.training import ConsoleListener

    forms = plan.forms
    set_threads(asked.threads)
    device = choose_device(asked.device)
    config, settings = tuning_config(forms.model, data, asked)
    prepared = data.prepare(config)
    made: list[Model] = []

    def make(allocation: Allocation) -> int:
        try:
            check_free(allocation)
        except UsageError as error:
            if not made:
                raise
            raise UsageError(
                f"fine-tuned at {say_bits(made[-1].layer_bits)} the file is too large, and at "
                f"{say_bits(allocation)} it would be {error}"
            ) from error
        console.note(f"fine-tuning at {say_bits(allocation)}, epochs: {settings.epochs}")
        with ConsoleListener() as listener:
            model = fine_tune(
                forms.model, allocation, asked.scheme, prepared, config, settings, listener, device
            )
        made.append(model)
        return len(model_to_bytes(model))

    losses = plan.losses or ()
    allocation = fit_again(forms, asked.wish, losses, make, _margin(asked), MOST_TRIES)
    return Plan(forms, allocation, plan.losses, plan.measured, trains=True), made[-1]


def say_bits(allocation: Allocation) -> str:
    """The bits of all layers in a word or two.

    >>> say_bits((8, 8)), say_bits((8, 4))
    ('8 bits', '4 to 8 bits')
    """
    least, most = min(allocation), max(allocation)
    return f"{most} bits" if least == most else f"{least} to {most} bits"
