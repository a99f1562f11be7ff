"""What came of compressing, for people and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.sizes.gate import Gate
from ..showing import console
from ..showing.ledger_table import ledger_json, show_ledger

if TYPE_CHECKING:
    from ...bulk.compressing.before_after import BeforeAfter
    from ...core.sizes.ledger import Ledger
    from .plan import Plan
    from .run import Compressed


def show_compressed(result: Compressed, ledger: Ledger) -> None:
    """The ledger, the bits of layers where they were chosen one by one, and what was kept."""
    show_ledger(ledger)
    if result.plan.losses is not None:
        _show_layers(result.plan)
    if result.both is not None:
        _show_both(result.both)
        if not result.is_judged:
            console.result("no evidence: the model was trained on most of these clips")


def compressed_json(
    source: Path, out: Path | None, result: Compressed, ledger: Ledger, gate: Gate
) -> dict[str, Any]:
    """Plain values, in the shape that docs/outputs.md documents; `out` is None if refused."""
    plan = result.plan
    spent_by = None
    if plan.losses is not None:
        spent_by = "sensitivity" if plan.measured else "weight-error"
    return {
        "model": str(source),
        "out": None if out is None else str(out),
        "bytes": len(result.content),
        "bits": result.model.bits,
        "bits_chosen_by": spent_by,
        "fine_tuned": plan.trains,
        "layers": _layers_json(plan),
        "comparison": _comparison_json(result),
        "not_measured": result.why_not or None,
        "gate": {
            "max_drop": gate.max_drop,
            "asked": gate.asked,
            "judged": result.is_judged,
            "passed": out is not None,
        },
        **ledger_json(ledger),
    }


def _comparison_json(result: Compressed) -> dict[str, Any] | None:
    if result.both is None:
        return None
    return {**result.both.as_json(), "n_trained_on": result.n_trained_on}


def _layers_json(plan: Plan) -> list[dict[str, Any]]:
    layers = zip(plan.forms.model.network.weighted, plan.allocation, plan.forms.bits, strict=True)
    return [
        {
            "layer": layer.name,
            "weights": layer.shape.n_weights,
            "bits": bits,
            "losses": [
                {"bits": of, "loss": loss}
                for of, loss in zip(choices, plan.losses[i] if plan.losses else (), strict=False)
            ],
        }
        for i, (layer, bits, choices) in enumerate(layers)
    ]


def _show_layers(plan: Plan) -> None:
    assert plan.losses is not None
    every = sorted({bits for choices in plan.forms.bits for bits in choices})
    rows = []
    for layer, bits, choices, losses in zip(
        plan.forms.model.network.weighted,
        plan.allocation,
        plan.forms.bits,
        plan.losses,
        strict=True,
    ):
        known = dict(zip(choices, losses, strict=True))
        cells = [f"{known[of]:.5f}" if of in known else "" for of in every]
        rows.append((layer.name, f"{layer.shape.n_weights:,}", str(bits), *cells))
    headings = ("layer", "weights", "bits", *(f"loss at {bits}" for bits in every))
    console.print_table(headings, rows, numbers=range(1, len(headings)))
    how = (
        "divergence of scores from the model's, in nats a window, where this layer alone is rounded"
        if plan.measured
        else "squared error of the weights over the weights squared (no data to measure on)"
    )
    console.result(f"loss: {how}")


def _show_both(both: BeforeAfter) -> None:
    (before, after), (low, high) = both.values, both.interval
    found = both.comparison
    p_value = "" if both.p_value is None else f", McNemar p = {both.p_value:.2g}"
    console.result(
        f"{both.measure} on {both.n_clips} held-out clips: {100 * before:.1f} % before, "
        f"{100 * after:.1f} % after, after minus before {100 * both.difference:+.2f} points "
        f"(95 % interval {100 * low:+.2f} to {100 * high:+.2f}); "
        f"{len(found.second_better)} lost, {len(found.first_better)} gained{p_value}"
    )
    for one, other in both.changed:
        what = "lost" if one.is_right else "gained"
        console.detail(
            f"{what}: {one.file} ({one.label or 'none'}): {one.predicted or 'none'} before, "
            f"{other.predicted or 'none'} after"
        )
    for failure in both.failures:
        console.warn(failure.reason)
