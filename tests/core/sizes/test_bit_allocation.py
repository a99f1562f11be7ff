from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.sizes import bit_allocation
from wsnet_cli.core.sizes.bit_allocation import Choice, best_allocations, choose, in_order

BITS = (4, 5, 6, 8)


def layer(n_weights: int, *losses: float) -> list[Choice]:
    """Choices of 4, 5, 6, 8 bits with these losses; bytes are exact."""
    return [Choice(b, n_weights * b / 8, loss) for b, loss in zip(BITS, losses, strict=True)]


@st.composite
def layers_of(draw: st.DrawFn) -> list[list[Choice]]:
    sizes = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    losses = st.lists(st.integers(0, 9), min_size=4, max_size=4)
    return [layer(8 * n, *(float(loss) for loss in draw(losses))) for n in sizes]


def bytes_of(layers: list[list[Choice]], bits: tuple[int, ...]) -> float:
    by_bits = [{c.bits: c for c in in_order(choices)} for choices in layers]
    return sum(own[b].n_bytes for own, b in zip(by_bits, bits, strict=True))


def loss_of(layers: list[list[Choice]], bits: tuple[int, ...]) -> float:
    by_bits = [{c.bits: c for c in in_order(choices)} for choices in layers]
    return sum(own[b].loss for own, b in zip(by_bits, bits, strict=True))


def test_two_layers_by_hand():
    sensitive, robust = layer(8, 9.0, 5.0, 2.0, 0.0), layer(8, 0.4, 0.3, 0.2, 0.0)
    found = best_allocations([sensitive, robust])
    # 4,4 -> 9.4; 5,4 -> 5.4; 6,4 -> 2.4; 6,5 (11 bytes) -> 2.3; 8,4 (12 bytes) -> 0.4; ...
    assert found == [(4, 4), (5, 4), (6, 4), (6, 5), (8, 4), (8, 5), (8, 6), (8, 8)]


def test_the_larger_layer_gives_up_its_bits_first_where_both_lose_the_same():
    small, large = layer(8, 3.0, 2.0, 1.0, 0.0), layer(80, 3.0, 2.0, 1.0, 0.0)
    found = best_allocations([small, large])
    assert found[-4:] == [(8, 4), (8, 5), (8, 6), (8, 8)]
    assert (6, 8) not in found


def test_more_bits_never_take_less_or_cost_more():
    ordered = in_order([Choice(8, 5.0, 0.3), Choice(4, 6.0, 0.1), Choice(6, 7.0, 0.2)])
    assert ordered == (Choice(4, 6.0, 0.3), Choice(6, 7.0, 0.3), Choice(8, 7.0, 0.3))


def test_bits_that_gain_nothing_are_not_spent_but_at_the_end():
    found = best_allocations([layer(8, 1.0, 0.0, 0.0, 0.0)])
    assert found == [(4,), (5,), (8,)]


def test_a_layer_with_one_choice_keeps_it():
    found = best_allocations([[Choice(4, 10.0, 0.5)], layer(8, 1.0, 0.5, 0.2, 0.0)])
    assert [bits[0] for bits in found] == [4] * 4
    assert best_allocations([[Choice(5, 1.0, 0.0)]]) == [(5,)]


@given(layers_of())
def test_no_allocation_beats_one_that_is_found(layers: list[list[Choice]]):
    found = best_allocations(layers)
    assert found[0] == (4,) * len(layers)
    assert found[-1] == (8,) * len(layers)
    assert len(set(found)) == len(found)
    every = [
        (bytes_of(layers, bits), loss_of(layers, bits))
        for bits in itertools.product(BITS, repeat=len(layers))
    ]
    for bits in found[1:-1]:
        own = bytes_of(layers, bits), loss_of(layers, bits)
        assert not any(
            size <= own[0] and loss <= own[1] and (size, loss) != own for size, loss in every
        )


@given(layers_of(), st.integers(0, 200))
def test_the_choice_is_the_best_that_fits(layers: list[list[Choice]], limit: int):
    chosen = choose(best_allocations(layers), limit, lambda b: math.ceil(bytes_of(layers, b)))
    fitting = [
        loss_of(layers, bits)
        for bits in itertools.product(BITS, repeat=len(layers))
        if math.ceil(bytes_of(layers, bits)) <= limit
    ]
    if chosen is None:
        assert not fitting
    else:
        assert math.ceil(bytes_of(layers, chosen)) <= limit
        assert loss_of(layers, chosen) == min(fitting)


@given(layers_of(), st.lists(st.integers(0, 250), min_size=2, max_size=6), st.randoms())
def test_a_larger_limit_never_chooses_worse_whatever_real_files_take(layers, limits, random):
    allocations = best_allocations(layers)
    real = {b: math.ceil(bytes_of(layers, b)) + random.randint(0, 30) for b in allocations}
    chosen = [choose(allocations, limit, real.__getitem__) for limit in sorted(limits)]
    for limit, bits in zip(sorted(limits), chosen, strict=True):
        assert bits is None or real[bits] <= limit
    places = [-1 if bits is None else allocations.index(bits) for bits in chosen]
    assert places == sorted(places)


def test_few_sizes_are_asked_for():
    layers = [layer(8 * n, 4.0 + n, 3.0, 2.0, 0.0) for n in range(1, 9)]
    allocations = best_allocations(layers)
    asked = []

    def size_of(bits: tuple[int, ...]) -> int:
        asked.append(bits)
        return math.ceil(bytes_of(layers, bits))

    assert len(allocations) > 50
    choose(allocations, 200, size_of)
    assert len(asked) <= 2 + math.ceil(math.log2(len(allocations)))


def test_where_there_are_too_many_the_ends_stay(monkeypatch: pytest.MonkeyPatch):
    layers = [layer(8 * n, 4.0 + n, 3.0, 2.0, 0.0) for n in range(1, 9)]
    whole = best_allocations(layers)
    monkeypatch.setattr(bit_allocation, "MOST_POINTS", 20)
    thinned = best_allocations(layers)
    assert len(thinned) <= 22 < len(whole)
    assert (thinned[0], thinned[-1]) == (whole[0], whole[-1])


@pytest.mark.parametrize(
    "choices",
    [
        [],
        [Choice(4, 1.0, 0.0), Choice(4, 2.0, 0.0)],
        [Choice(4, 1.0, math.nan)],
        [Choice(4, -1.0, 0.0)],
        [Choice(4, math.inf, 0.0)],
    ],
)
def test_choices_that_make_no_sense_are_refused(choices: list[Choice]):
    with pytest.raises(ParameterError, match="expected"):
        in_order(choices)


def test_no_layers_are_refused():
    with pytest.raises(ParameterError, match="expected one or more"):
        best_allocations([])
