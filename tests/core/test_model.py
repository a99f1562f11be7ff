"""Models of any bits in memory: what compressing does to them, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.configuration.config import NetworkConfig
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import Model, compress, cut_last_convolution, real
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.quant import BITS, SCHEMES, QuantizedTensor, from_half, quantize, to_half
from wsnet_cli.core.sound.audio import AudioSettings


def same_numbers(one: Model, other: Model) -> bool:
    return all(
        [real(p).tobytes() for p in a.parts] == [real(p).tobytes() for p in b.parts]
        and a.bias.tobytes() == b.bias.tobytes()
        for a, b in zip(one.weights, other.weights, strict=True)
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bits", BITS)
def test_every_part_is_rounded_by_itself(small_model: Model, bits: int, scheme: str) -> None:
    small = compress(small_model, bits, scheme)
    assert (small.bits, small.layer_bits) == (bits, (bits,) * 3)
    assert (small_model.bits, small_model.layer_bits) == (32, (32,) * 3)
    for own, before in zip(small.weights, small_model.weights, strict=True):
        for part, real_part in zip(own.parts, before.parts, strict=True):
            assert isinstance(part, QuantizedTensor)
            expected = quantize(real(real_part), bits, scheme)
            assert part.codes.tolist() == expected.codes.tolist()
            assert (part.scale, part.offset) == (expected.scale, expected.offset)
            assert part.scheme == scheme
        assert own.bias.tobytes() == from_half(*to_half(before.bias)).tobytes()


def test_layers_of_different_bits(small_model: Model) -> None:
    small = compress(small_model, (8, 4, 6))
    assert (small.bits, small.layer_bits) == (8, (8, 4, 6))
    assert compress(small_model, [4, 4, 5]).bits == 5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_compressing_never_adds_bits_and_again_changes_nothing(
    small_model: Model, scheme: str
) -> None:
    mixed = compress(small_model, (8, 4, 6), scheme)
    for bits in BITS:
        less = compress(mixed, bits, "symmetric")
        assert less.layer_bits == tuple(min(bits, own) for own in (8, 4, 6))
        assert same_numbers(compress(less, bits), less)
        assert same_numbers(compress(less, 8, "min-max"), less)
    assert same_numbers(compress(mixed), mixed)


def test_bits_that_do_not_fit_are_refused(small_model: Model) -> None:
    with pytest.raises(ParameterError, match=r"^bits of 2 layers; expected 3$"):
        compress(small_model, (8, 8))
    with pytest.raises(ParameterError, match=r"^bits = 7; expected one of"):
        compress(small_model, 7)
    small = compress(small_model, (8, 4, 6))
    with pytest.raises(ParameterError, match=r"^bits = 6; expected 32, or the most of a layer, 8$"):
        replace(small, bits=6)
    with pytest.raises(ParameterError, match=r"^bits = 8; expected 32, or the most of a layer, 32"):
        replace(small_model, bits=8)


def test_calibration_survives_compressing_and_fits_the_labels(small_model: Model) -> None:
    calibration = Calibration(1.5, (0.2, 0.3, 0.4), 0.25, 0.01)
    calibrated = replace(small_model, calibration=calibration)
    assert compress(calibrated, 4).calibration == calibration
    with pytest.raises(ParameterError, match=r"^2 thresholds for 3 labels$"):
        replace(small_model, calibration=Calibration(thresholds=(0.5, 0.5)))
    named = replace(small_model, labels=("a", "unknown", "b"), calibration=Calibration(2.0))
    with pytest.raises(ParameterError, match=r"^a label 'unknown' beside thresholds; expected a"):
        replace(named, calibration=Calibration(unknown=0.5))


def test_the_model_without_its_last_convolution_keeps_no_more_than_it_can(
    make_model: Callable[..., Model],
) -> None:
    network = build_network(NetworkConfig(head="conv8", width=0.05), 3, 220_000)
    audio = AudioSettings(20_000, window_s=11.0, hop_s=11.0)
    model = replace(make_model(network, audio), calibration=Calibration(thresholds=(0.1, 0.2, 0.3)))
    small = compress(model, (*[4] * 7, 8))
    cut = cut_last_convolution(small)
    assert cut is not None
    assert (cut.bits, cut.layer_bits) == (4, (4,) * 7)
    assert cut.calibration == Calibration()
    assert np.array_equal(real(cut.weights[0].phi), real(small.weights[0].phi))
