"""`wsnet compress`: make a model small, and show what it kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...core.errors import GateError, UsageError
from ..shared import options
from ..shared.made_from import beside, check_place, check_target
from ..showing import console
from .show import compressed_json, show_compressed

if TYPE_CHECKING:
    from ...core.sizes.bit_allocation import Allocation
    from ...core.sizes.bit_choice import Wish

MIXED = "mixed"
"""What is rounded without training."""
_OWN_SUFFIX = re.compile(r"\.(?:q[4568]|mixed)$")


def compress(
    model: options.ModelArgument,
    bits: Annotated[
        str | None,
        typer.Option("--bits", metavar="8|6|5|4|mixed", help="Of each weight; default 8."),
    ] = None,
    max_kb: Annotated[
        float | None,
        typer.Option(
            "--max-kb",
            metavar="KB",
            show_default=False,
            help="As many bits as fit, where they matter most; 1 KB is 1,000 bytes.",
        ),
    ] = None,
    scheme: Annotated[
        str, typer.Option("--scheme", metavar="symmetric|min-max", help="How weights are rounded.")
    ] = "symmetric",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DATA", help="Labelled clips; default those of the run."),
    ] = None,
    layout: options.Layout = None,
    pattern: options.Pattern = None,
    fold: Annotated[
        str | None, typer.Option("--fold", help="The fold of DATA to hold out, as in train.")
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            "--max-drop",
            metavar="POINTS",
            show_default=False,
            help="Refuse if accuracy on held-out clips falls by more; default 2 points, and at "
            "least 3 clips; 100 refuses nothing.",
        ),
    ] = None,
    no_fine_tune: Annotated[
        bool, typer.Option("--no-fine-tune", help="Round only, also below 8 bits.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, show_default=False, help="Of fine-tuning; default 30."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of fine-tuning.")] = 0,
    device: options.Device = "auto",
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of torch.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Write there; default <stem>.q8.wsnet (by its bits: .q6, .q5, .q4 or .mixed) "
            "beside the model.",
        ),
    ] = None,
    json: options.Json = False,
    force: options.Force = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Write a model with fewer bits, and show what that takes in bytes and what it keeps.

    Fewer than 8 bits are fine-tuned on the training clips. Where clips are held out, accuracy on
    them is measured before and after, and a model that became much worse is not written.

    Example: wsnet compress runs/default --max-kb 40 --max-drop 1
    """
    from ...core.files import write_atomic
    from ...core.locate import find_model
    from ...core.model_file.artifact import load_model
    from ...core.sizes.gate import Gate
    from ...core.sizes.ledger import make_ledger
    from .data import DataOptions, ModelData
    from .plan import Asked, make_plan
    from .run import carry_out, check_gate, first_allocation

    wish = _wish(bits, max_kb)
    _check_scheme(scheme)
    said = DataOptions(data, layout, pattern, fold)
    said.check()
    if max_drop is not None and not 0 <= max_drop <= 100:
        raise UsageError(f"--max-drop {max_drop:g}; expected 0 to 100 points")
    _check_epochs(epochs, wish, no_fine_tune)
    gate = Gate() if max_drop is None else Gate(max_drop, asked=True)
    asked = Asked(wish, scheme, gate, not no_fine_tune, epochs, seed, device, threads)
    source = find_model(model)
    if out is not None:
        check_target(out, source, force, named=True)
    else:
        check_place(beside(source, "any", "form").parent)
    loaded = load_model(source)
    sounds = ModelData(source, loaded, said)
    plan = make_plan(loaded, sounds, asked)

    def target_of(allocation: Allocation) -> Path:
        target = out or _default_target(source, _form_of(allocation))
        check_target(target, source, force, named=out is not None)
        return target

    target_of(first_allocation(plan, asked))
    in_run = out is None or out.absolute().parent == source.absolute().parent
    result = carry_out(plan, sounds, asked, target_of, in_run=in_run)
    target = target_of(result.plan.allocation)
    ledger = make_ledger(result.model, result.content)
    refusal = None
    try:
        check_gate(result, asked)
        write_atomic(target, result.content)
    except GateError as error:
        refusal = error
    if json:
        written = None if refusal else target
        console.print_json(compressed_json(source, written, result, ledger, gate))
    else:
        show_compressed(result, ledger)
    if refusal:
        raise refusal
    console.note(f"written: {target.absolute()}")


def _wish(bits: str | None, max_kb: float | None) -> Wish:
    from ...core.quant import BITS
    from ...core.sizes.bit_choice import Wish
    from ..shared.sizes import to_bytes

    known = [*(str(number) for number in sorted(BITS, reverse=True)), MIXED]
    if bits is not None and bits not in known:
        raise UsageError(f"--bits {bits}; expected {', '.join(known[:-1])} or {known[-1]}")
    if max_kb is not None:
        if bits not in (None, MIXED):
            raise UsageError(
                f"--bits {bits}: --max-kb chooses the bits of each layer; leave one of them out"
            )
        return Wish(max_bytes=to_bytes("--max-kb", max_kb))
    return Wish(mixed=True) if bits == MIXED else Wish(bits=int(bits or 8))


def _check_scheme(scheme: str) -> None:
    from ...core.quant import SCHEMES

    if scheme not in SCHEMES:
        raise UsageError(f"--scheme {scheme}; expected {' or '.join(SCHEMES)}")


def _check_epochs(epochs: int | None, wish: Wish, no_fine_tune: bool) -> None:
    from ...core.quant import FULL_BITS

    if epochs is None:
        return
    if no_fine_tune:
        raise UsageError(f"--epochs {epochs}: --no-fine-tune trains nothing; leave one of them out")
    if wish.bits == FULL_BITS:
        raise UsageError(
            f"--epochs {epochs}: 8 bits are rounded, not fine-tuned; expected fewer --bits, or none"
        )


def _default_target(source: Path, form: str) -> Path:
    """Beside the model, named by the bits of its layers."""
    from ...core.locate import SUFFIX

    return beside(source, _OWN_SUFFIX.sub("", source.name.removesuffix(SUFFIX)), form)


def _form_of(allocation: Allocation) -> str:
    return f"q{allocation[0]}" if len(set(allocation)) == 1 else MIXED
