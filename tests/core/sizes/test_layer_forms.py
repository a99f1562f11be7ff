from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsnet_cli.core.model import Model, compress, real
from wsnet_cli.core.model_file.artifact import model_to_bytes
from wsnet_cli.core.sizes.layer_forms import LayerForms


def test_the_parts_make_what_compress_makes(small_model: Model):
    forms = LayerForms(small_model)
    for bits in ((8, 6, 4), (4, 4, 5), (8, 8, 8)):
        expected = model_to_bytes(compress(small_model, bits))
        assert model_to_bytes(forms.make(bits)) == expected
        assert forms.n_bytes(bits) == len(expected)
    assert (forms.least, forms.most, forms.at(5)) == ((4,) * 3, (8,) * 3, (5,) * 3)


def test_a_layer_that_has_few_bits_keeps_them(small_model: Model):
    forms = LayerForms(compress(small_model, (8, 5, 4)))
    assert forms.bits == ((4, 5, 6, 8), (4, 5), (4,))
    assert (forms.most, forms.at(6), forms.at(4)) == ((8, 5, 4), (6, 5, 4), (4, 4, 4))
    assert model_to_bytes(forms.make(forms.most)) == model_to_bytes(forms.model)


def test_the_scheme_reaches_the_codes(small_model: Model):
    forms = LayerForms(small_model, "min-max")
    assert model_to_bytes(forms.make((5, 5, 5))) == model_to_bytes(
        compress(small_model, 5, "min-max")
    )


def test_the_noise_of_rounding_by_hand(small_model: Model):
    forms = LayerForms(small_model)
    (errors, *_), own = forms.weight_errors(), small_model.weights[0]
    rounded = real(compress(small_model, 4).weights[0].phi)
    expected = np.square(own.phi - rounded).sum() / np.square(own.phi).sum()
    assert errors[0] == pytest.approx(float(expected), rel=1e-4)
    assert errors == sorted(errors, reverse=True)


def test_the_noise_of_a_layer_is_that_of_its_filter_and_its_1x1(small_model: Model):
    own, rounded = small_model.weights[1], compress(small_model, 4).weights[1]
    assert own.pointwise is not None
    ratios = [
        np.square(before - real(after)).sum() / np.square(before).sum()
        for before, after in zip(own.parts, rounded.parts, strict=True)
    ]
    assert len(ratios) == 2
    assert LayerForms(small_model).weight_errors()[1][0] == pytest.approx(sum(ratios), rel=1e-4)


def test_a_layer_of_zeros_has_no_noise_and_no_bytes(small_model: Model):
    first, *others = small_model.weights
    silent = replace(first, phi=np.zeros_like(first.phi))
    forms = LayerForms(replace(small_model, weights=(silent, *others)))
    assert forms.weight_errors()[0] == [0.0] * 4
    choices = forms.choices(forms.weight_errors())
    assert [choice.n_bytes for choice in choices[0]] == [0.0] * 4


def test_fewer_bits_are_expected_to_take_fewer_bytes_as_files_do(small_model: Model):
    forms = LayerForms(small_model)
    for choices, layer in zip(
        forms.choices(forms.weight_errors()), small_model.network.weighted, strict=True
    ):
        sizes = [choice.n_bytes for choice in choices]
        assert sizes[0] < sizes[-1]
        assert all(c.n_bytes <= layer.shape.n_weights * c.bits / 8 for c in choices)
