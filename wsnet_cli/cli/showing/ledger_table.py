"""The bytes of a model on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import console

if TYPE_CHECKING:
    from ...core.sizes.ledger import Ledger


def show_ledger(ledger: Ledger) -> None:
    """The table of bytes."""
    rows = [
        (row.what, f"{row.n_bytes:,}", f"{row.ratio:.1f}x" if row.is_whole else "")
        for row in ledger.rows
    ]
    headings = ("what", "bytes", "smaller than dense")
    console.print_table(headings, rows, numbers=(1, 2))
    kind = "" if ledger.of_released else ", a network of another kind"
    console.result(
        f"against the released SoundNet-8 (14,345,216 weights, 1401 outputs, float32{kind}): "
        f"{ledger.released_ratio:.1f}x smaller"
    )
    console.result("speed: unchanged; weights become float32 when loaded, activations stay so")


def ledger_json(ledger: Ledger) -> dict[str, object]:
    """Plain values, in the shape that docs/outputs.md documents."""
    return ledger.as_json()
