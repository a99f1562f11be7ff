"""Every way of storing the numbers of a model, and which one is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import Model, compress, real
from wsnet_cli.core.model_file.artifact import (
    model_from_bytes,
    model_to_bytes,
    oldest_format,
    plain_bytes,
)
from wsnet_cli.core.model_file.artifact_header import describe
from wsnet_cli.core.model_file.artifact_numbers import HUFFMAN, PACKED, PLAIN, Form, stored_forms
from wsnet_cli.core.model_file.container import pack, unpack
from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.quant import BITS, SCHEMES, QuantizedTensor
from wsnet_cli.core.sound.audio import AudioSettings

BITS_OF_LAYERS = [*BITS, (8, 4, 6), (4, 4, 8)]
CALIBRATION = Calibration(2.5, (0.1, 0.2, 0.3), 0.15, 0.02)


@pytest.fixture(scope="module")
def wide_model(make_model: Callable[..., Model]) -> Model:
    """Enough weights for coding to win at any bits."""
    conv1 = Conv("conv1", ConvShape(1, 16, 16, 4, 8, Sampling(2)), pool=Pool(2, 2))
    conv2 = Conv("conv2", ConvShape(16, 48, 8, 2, 4, Sampling(4, 2, 2)))
    network = Network((conv1, conv2, Mean(), Linear("linear", LinearShape(48, 3))))
    return make_model(network, AudioSettings(8_000, window_s=0.1, hop_s=0.05))


def numbers_of(model: Model) -> list[bytes]:
    arrays = [
        array
        for own in model.weights
        for array in (*map(real, own.parts), own.multiplier, own.bias)
        if array is not None
    ]
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", BITS_OF_LAYERS)
def test_every_form_is_the_same_model_and_the_smallest_is_written(
    wide_model: Model, bits: Any, scheme: str
) -> None:
    model = replace(compress(wide_model, bits, scheme), calibration=CALIBRATION)
    files = []
    for form, tensors in stored_forms(model):
        content = pack(tensors, {"format": 3, **describe(model, form)})
        found = model_from_bytes(content, "x")
        assert numbers_of(found) == numbers_of(model)
        assert (found.layer_bits, found.calibration) == (model.layer_bits, CALIBRATION)
        files.append(content)
    assert len(files) == (5 if scheme == "symmetric" and bits == 8 else 4)
    assert model_to_bytes(model) == min(files, key=len)
    assert plain_bytes(model) == len(files[0]) > len(model_to_bytes(model))


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_network_of_any_bits_comes_back_bit_for_bit(
    networks: st.SearchStrategy[tuple[Network, int]],
    make_model: Callable[..., Model],
    data: st.DataObject,
) -> None:
    network, n_samples = data.draw(networks)
    audio = AudioSettings(8_000, n_samples / 8_000, n_samples / 16_000)
    model = make_model(network, audio, data.draw(st.integers(0, 99)))
    n_layers = len(model.weights)
    bits = data.draw(st.lists(st.sampled_from(BITS), min_size=n_layers, max_size=n_layers))
    model = compress(model, bits, data.draw(st.sampled_from(SCHEMES)))
    content = model_to_bytes(model)
    found = model_from_bytes(content, "x")
    assert numbers_of(found) == numbers_of(model)
    assert found.layer_bits == tuple(bits)
    assert model_to_bytes(found) == content
    assert model_to_bytes(compress(found, bits)) == content
    assert len(content) <= plain_bytes(model)


@pytest.mark.parametrize("bits", BITS_OF_LAYERS)
def test_coding_wins_where_there_are_enough_weights(wide_model: Model, bits: Any) -> None:
    model = compress(wide_model, bits)
    tensors, header = unpack(model_to_bytes(model), "x")
    assert (header["format"], header["weights"], header["coding"]) == (3, "codes", HUFFMAN)
    assert header["bits"] == (list(bits) if isinstance(bits, tuple) else bits)
    assert tensors["codes"].dtype == np.uint8
    parts = [part for own in model.weights for part in own.parts]
    codes = [part.codes.ravel() for part in parts if isinstance(part, QuantizedTensor)]
    entropy = 0.0
    for part in codes:
        counts = np.unique(part, return_counts=True)[1]
        entropy -= np.sum(counts * np.log2(counts / part.size)) / 8
    assert entropy < tensors["codes"].size < 1.03 * entropy + 150


def test_a_small_model_is_packed_and_an_8_bit_one_of_the_oldest_format(small_model: Model) -> None:
    tensors, header = unpack(model_to_bytes(compress(small_model)), "x")
    assert (header["format"], header["weights"]) == (1, "int8")
    assert "bits" not in header
    tensors, header = unpack(model_to_bytes(compress(small_model, 4)), "x")
    assert (header["format"], header["weights"], header["bits"]) == (3, "codes", 4)
    assert not {"coding", "scheme"} & set(header)
    network = small_model.network
    assert tensors["codes"].nbytes == network.n_weights / 2
    assert tensors["constants"].dtype == np.float16
    _, header = unpack(model_to_bytes(compress(small_model, 4, "min-max")), "x")
    assert header["scheme"] == "min-max"


def test_of_two_forms_of_one_size_the_plainer_is_written(small_model: Model) -> None:
    forms = [form for form, _ in stored_forms(compress(small_model))]
    assert [form.coding for form in forms] == [PLAIN, PACKED, PACKED, HUFFMAN, HUFFMAN]
    assert forms[0] == Form((8, 8, 8))


def test_what_makes_a_model_of_format_3(small_model: Model) -> None:
    small = compress(small_model)
    assert [oldest_format(model) for model in (small_model, small)] == [1, 1]
    for model in (
        compress(small_model, (8, 8, 6)),
        compress(small_model, 8, "min-max"),
        replace(small, calibration=Calibration(1.1)),
        replace(small_model, calibration=Calibration(1.0, None, 0.5)),
    ):
        assert oldest_format(model) == 3
        assert unpack(model_to_bytes(model), "x")[1]["format"] == 3
