"""What was asked of a model's bits, and the bits of each layer that answer it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import GateError
from ..model import compress
from ..model_file.artifact import model_to_bytes
from ..quant import BITS, SCHEMES
from .bit_allocation import Allocation, Choice, best_allocations, choose
from .frontier import KB
from .layer_forms import LayerForms

MIXED_BITS = 5
"""Bits of a weight on average, where they are to be mixed and no size is given."""

Losses = Sequence[Sequence[float]]
"""For each weighted layer, what it loses at each of the numbers of bits that it can have."""


@dataclass(frozen=True)
class Wish:
    """What was asked: one of the three.

    Args:
        bits: of every layer.
        mixed: `MIXED_BITS` on average, spent where they matter.
        max_bytes: of the file, with as many bits as fit.
    """

    bits: int | None = None
    mixed: bool = False
    max_bytes: int | None = None

    @property
    def is_of_layers(self) -> bool:
        """Whether layers may get different bits, so that it matters what each would lose."""
        return self.bits is None


def answers_as_is(forms: LayerForms, wish: Wish) -> bool:
    """Whether the most bits that the model can have, 8 or what it has already, are an answer."""
    if wish.bits is not None:
        return forms.at(wish.bits) == forms.most
    if wish.max_bytes is not None:
        return forms.n_bytes(forms.most) <= wish.max_bytes
    return _weight_bits(forms, forms.most) <= MIXED_BITS * forms.model.network.n_weights


def choose_bits(forms: LayerForms, wish: Wish, losses: Losses, spare: int = 0) -> Allocation:
    """The bits of each layer.

    A larger `max_bytes` never gives a larger sum of losses, and the file is never above it.

    Args:
        forms: of the model.
        wish: what was asked.
        losses: by which bits are spent, where layers may differ.
        spare: bytes that the file shall stay below `max_bytes`, where it can.

    Raises:
        GateError: not even the fewest bits fit.
    """
    if wish.bits is not None:
        return forms.at(wish.bits)
    if answers_as_is(forms, wish) and not spare:
        return forms.most
    if wish.max_bytes is None:
        limit = MIXED_BITS * forms.model.network.n_weights
        choices = _nominal(forms, losses)
        chosen = choose(best_allocations(choices), limit, lambda bits: _weight_bits(forms, bits))
        return chosen or forms.least
    if forms.n_bytes(forms.least) > wish.max_bytes:
        raise too_large(forms, wish.max_bytes, forms.n_bytes(forms.least))
    allocations = best_allocations(forms.choices(losses))
    return choose(allocations, wish.max_bytes - spare, forms.n_bytes) or forms.least


def too_large(forms: LayerForms, max_bytes: int, n_bytes: int, how: str = "") -> GateError:
    """That the fewest bits everywhere take `n_bytes`, which is too many, `how` they came about.

    It names the ways that give a smaller file of the same network: the other schemes and, where
    something was done after rounding, rounding alone.
    """
    least = f"{min(forms.least)} bits everywhere"
    ways = []
    if how and forms.n_bytes(forms.least) < n_bytes:
        ways.append(f"with --no-fine-tune {_in_kb(forms.n_bytes(forms.least))}")
    for scheme in SCHEMES:
        rounded = len(model_to_bytes(compress(forms.model, min(BITS), scheme)))
        if scheme != forms.scheme and rounded < n_bytes:
            ways.append(f"with --scheme {scheme}{', rounded,' if how else ''} {_in_kb(rounded)}")
    return GateError(
        f"--max-kb {max_bytes / KB:g}: {least} take {n_bytes:,} bytes{how}; the smallest file of "
        f"this network is {_in_kb(n_bytes)} by --scheme {forms.scheme}"
        f"{''.join(f', {way}' for way in ways)}; a smaller network is made by "
        f"wsnet train --max-kb {max_bytes / KB:g}"
    )


def _in_kb(n_bytes: int) -> str:
    """Never less than it is."""
    return f"{math.ceil(n_bytes / KB * 10) / 10:g} KB"


def fit_again(
    forms: LayerForms,
    wish: Wish,
    losses: Losses,
    make: Callable[[Allocation], int],
    margin: int,
    most_tries: int,
) -> Allocation:
    """Bits whose file fits where it is known only after it is made, as fine-tuning changes codes.

    Each try leaves room for what making the one before it added to the size that was expected, and
    `margin`, so it is smaller; the last takes the fewest bits.

    Args:
        forms: of the model.
        wish: what was asked.
        losses: by which bits are spent.
        make: makes the file of some bits and tells its size; the last call is that of the result.
        margin: bytes.
        most_tries: at least 1.

    Raises:
        GateError: not even the fewest bits fit.
    """
    spare = 0 if wish.max_bytes is None else margin
    for left in reversed(range(most_tries)):
        allocation = choose_bits(forms, wish, losses, spare) if left else forms.least
        n_bytes = make(allocation)
        if wish.max_bytes is None or n_bytes <= wish.max_bytes:
            return allocation
        if allocation == forms.least:
            break
        spare = n_bytes - forms.n_bytes(allocation) + margin
    assert wish.max_bytes is not None
    raise too_large(forms, wish.max_bytes, n_bytes, " after fine-tuning")


def _weight_bits(forms: LayerForms, allocation: Allocation) -> int:
    layers = forms.model.network.weighted
    return sum(w.shape.n_weights * bits for w, bits in zip(layers, allocation, strict=True))


def _nominal(forms: LayerForms, losses: Losses) -> list[list[Choice]]:
    """What each layer can have, with what its bits take before they are coded."""
    return [
        [Choice(bits, w.shape.n_weights * bits, loss) for bits, loss in zip(own, lost, strict=True)]
        for w, own, lost in zip(forms.model.network.weighted, forms.bits, losses, strict=True)
    ]
