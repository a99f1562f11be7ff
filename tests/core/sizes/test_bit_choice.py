from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsnet_cli.core.errors import GateError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import model_to_bytes
from wsnet_cli.core.sizes.bit_choice import (
    MIXED_BITS,
    Wish,
    answers_as_is,
    choose_bits,
    fit_again,
    too_large,
)
from wsnet_cli.core.sizes.layer_forms import LayerForms


@pytest.fixture(scope="module")
def forms(small_model: Model) -> LayerForms:
    return LayerForms(small_model)


def loss_of(forms: LayerForms, losses: list[list[float]], bits: tuple[int, ...]) -> float:
    pairs = zip(forms.bits, losses, bits, strict=True)
    return sum(own[choices.index(b)] for choices, own, b in pairs)


@st.composite
def losses_of(draw: st.DrawFn) -> list[list[float]]:
    """Of three layers of four choices, falling with bits as measured ones nearly do."""
    rows = st.lists(st.floats(0, 10), min_size=4, max_size=4)
    return [sorted(draw(rows), reverse=True) for _ in range(3)]


@given(losses_of(), st.lists(st.integers(900, 1_600), min_size=2, max_size=5))
def test_more_bytes_never_lose_more_and_are_never_exceeded(forms: LayerForms, losses, limits):
    found = []
    for limit in sorted(limits):
        try:
            bits = choose_bits(forms, Wish(max_bytes=limit), losses)
        except GateError:
            assert forms.n_bytes(forms.least) > limit
            assert not found
            continue
        assert forms.n_bytes(bits) <= limit
        found.append(loss_of(forms, losses, bits))
    assert found == sorted(found, reverse=True)


@given(losses_of())
def test_mixed_bits_are_at_most_five_on_average(forms: LayerForms, losses):
    bits = choose_bits(forms, Wish(mixed=True), losses)
    layers = forms.model.network.weighted
    n_bits = sum(w.shape.n_weights * b for w, b in zip(layers, bits, strict=True))
    assert n_bits <= MIXED_BITS * forms.model.network.n_weights
    assert loss_of(forms, losses, bits) <= loss_of(forms, losses, (4, 4, 4))


def test_bits_go_to_the_layer_that_needs_them(forms: LayerForms):
    calm = [0.3, 0.2, 0.1, 0.0]
    for needy in range(3):
        losses = [calm] * 3
        losses[needy] = [300.0, 200.0, 100.0, 0.0]
        wanted = tuple(8 if layer == needy else 4 for layer in range(3))
        assert choose_bits(forms, Wish(max_bytes=forms.n_bytes(wanted)), losses)[needy] == 8


def test_everything_fits_into_what_eight_bits_take(forms: LayerForms):
    losses = forms.weight_errors()
    size = forms.n_bytes((8, 8, 8))
    assert choose_bits(forms, Wish(max_bytes=size), losses) == (8, 8, 8)
    assert choose_bits(forms, Wish(max_bytes=size - 1), losses) != (8, 8, 8)
    assert answers_as_is(forms, Wish(max_bytes=size))
    assert not answers_as_is(forms, Wish(max_bytes=size - 1))


@pytest.mark.parametrize(
    ("own", "wish", "as_is"),
    [
        ((8, 8, 8), Wish(bits=8), True),
        ((8, 8, 8), Wish(bits=6), False),
        ((6, 5, 4), Wish(bits=6), True),
        ((6, 5, 4), Wish(bits=5), False),
        ((4, 4, 4), Wish(mixed=True), True),
        ((8, 8, 8), Wish(mixed=True), False),
    ],
)
def test_a_model_that_answers_already_stays_as_it_is(small_model: Model, own, wish, as_is):
    forms = LayerForms(compress(small_model, own))
    assert answers_as_is(forms, wish) == as_is
    if as_is:
        assert choose_bits(forms, wish, forms.weight_errors()) == own


# The first try is well below the limit: what it came out too large by is less than what it grew by.
@example([[0.0] * 4, [1.0, 0.0, 0.0, 0.0], [0.0] * 4], 1_000, 36)
@given(losses_of(), st.integers(1_000, 1_500), st.integers(0, 60))
def test_where_training_makes_files_larger_they_fit_in_the_end(forms, losses, limit, growth):
    tried: list[tuple[int, ...]] = []

    def make(bits: tuple[int, ...]) -> int:
        tried.append(bits)
        return forms.n_bytes(bits) + growth

    wish = Wish(max_bytes=limit)
    try:
        bits = fit_again(forms, wish, losses, make, 5, 4)
    except GateError as error:
        assert forms.n_bytes(forms.least) + growth > limit
        assert not tried or tried[-1] == forms.least
        assert ("after fine-tuning" in str(error)) == bool(tried)  # noqa: PT017
        return
    assert bits == tried[-1]
    assert forms.n_bytes(bits) + growth <= limit
    assert len(tried) <= 4
    for bits in tried[1:]:  # what the try before had grown by is left free
        assert forms.n_bytes(bits) <= max(limit - growth, forms.n_bytes(forms.least))


def test_the_last_try_takes_the_fewest_bits(forms: LayerForms):
    tried: list[tuple[int, ...]] = []
    most = forms.n_bytes((8, 8, 8)) - 1

    def make(bits: tuple[int, ...]) -> int:
        tried.append(bits)
        return most + 1 if bits != forms.least else most

    losses = forms.weight_errors()
    assert fit_again(forms, Wish(max_bytes=most), losses, make, 1, 3) == forms.least
    assert len(tried) == 3


def test_what_is_too_large_names_the_smallest_file(forms: LayerForms):
    smallest = forms.n_bytes((4, 4, 4))
    with pytest.raises(GateError) as caught:
        choose_bits(forms, Wish(max_bytes=smallest - 1), forms.weight_errors())
    assert " KB by --scheme symmetric" in str(caught.value)
    named = float(str(caught.value).split("network is ")[1].split(" KB")[0])
    assert smallest <= 1_000 * named < smallest + 100
    assert math.isclose(10 * named, round(10 * named))


def test_what_is_too_large_names_the_ways_that_give_less(small_model: Model):
    ours, theirs = (
        len(model_to_bytes(compress(small_model, 4, scheme))) for scheme in ("symmetric", "min-max")
    )
    assert ours != theirs
    larger, smaller = sorted((("symmetric", ours), ("min-max", theirs)), key=lambda way: -way[1])
    of_larger = LayerForms(small_model, larger[0])
    said = str(too_large(of_larger, 10, larger[1]))
    named = float(
        said.split(f" KB by --scheme {larger[0]}, with --scheme {smaller[0]} ")[1].split()[0]
    )
    assert smaller[1] <= 1_000 * named < smaller[1] + 100
    assert "--no-fine-tune" not in said
    assert ", with " not in str(too_large(LayerForms(small_model, smaller[0]), 10, smaller[1]))
    tuned = str(too_large(of_larger, 10, larger[1] + 50, " after fine-tuning"))
    assert f", with --no-fine-tune {math.ceil(larger[1] / 100) / 10:g} KB, " in tuned
    assert f"with --scheme {smaller[0]}, rounded, " in tuned
