"""A model as a torch network to train on as it is: a multiplier and a bias, and no batch norm.

The model file of a finished network has no statistics of batches any more. So fine-tuning trains
the multiplier and bias that it has (the frozen form of batch norm, with which quantization-aware
training ends: R. Krishnamoorthi, arXiv:1806.08342), and nothing that it computes differs between
training and use but dropout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import torch
from torch import nn
from torch.nn.utils import parametrize

from ...core.model import LayerWeights, Model, real
from ...core.quant import Array, QuantizedTensor
from .fake_quantization import Halved, Quantizer, quantizer
from .layers import SampledConv1d, SampledLinear
from .network import ConvBlock, LinearBlock, WaveformClassifier

FILTERS = ("phi", "pointwise")
CONSTANTS = ("multiplier", "bias")


def affine(model: Model, dropout: float = 0.0) -> WaveformClassifier:
    """The torch network of a model, whose parameters are the model's own numbers.

    Places of filters are kept: they take no gradient.

    Args:
        model: float32 or quantized; codes become the floats that they mean.
        dropout: share of a linear layer's inputs dropped while training.

    Returns: a network without batch norm, in training mode; `export` gives the same numbers back.
    """
    classifier = WaveformClassifier(model.network, dropout)
    for block, own in zip(weighted_blocks(classifier), model.weights, strict=True):
        _fill(block, own)
    return classifier


def add_fake_quantization(classifier: WaveformClassifier, small: Model) -> None:
    """From now on the network computes with quantized weights and 16-bit constants.

    Args:
        classifier: of `affine`.
        small: the quantized form of its model: bits and scheme of each tensor, and the scales to
            begin with.
    """
    for block, own in zip(weighted_blocks(classifier), small.weights, strict=True):
        inner, outer = holders(block)
        for name, codes in zip(FILTERS, own.parts, strict=False):
            assert isinstance(codes, QuantizedTensor)
            parametrize.register_parametrization(inner, name, quantizer(codes))
        for name in CONSTANTS:
            if getattr(outer, name) is not None:
                parametrize.register_parametrization(outer, name, Halved())


def export_quantized(classifier: WaveformClassifier) -> tuple[LayerWeights, ...]:
    """The numbers that a fake-quantized network computes with, as a model file holds them."""
    return tuple(map(_export, weighted_blocks(classifier)))


def _export(block: ConvBlock | LinearBlock) -> LayerWeights:
    own, (inner, _) = block.export(), holders(block)
    pointwise = None if own.pointwise is None else _codes(inner, "pointwise")
    return replace(own, phi=_codes(inner, "phi"), pointwise=pointwise)


def _codes(inner: nn.Module, name: str) -> QuantizedTensor:
    all_of_it = cast("nn.ModuleDict", inner.parametrizations)
    of_name = cast("parametrize.ParametrizationList", all_of_it[name])
    return cast("Quantizer", of_name[0]).quantized(of_name.original)


def weighted_blocks(classifier: WaveformClassifier) -> Iterator[ConvBlock | LinearBlock]:
    """The blocks with weights, in order."""
    for block in classifier.blocks:
        if isinstance(block, ConvBlock | LinearBlock):
            yield block


def holders(
    block: ConvBlock | LinearBlock,
) -> tuple[SampledConv1d | SampledLinear, ConvBlock | SampledLinear]:
    """What holds the filters of a block, and what holds its constants."""
    if isinstance(block, LinearBlock):
        return block.linear, block.linear
    return block.conv, block


def _fill(block: ConvBlock | LinearBlock, own: LayerWeights) -> None:
    inner, outer = holders(block)
    if isinstance(block, ConvBlock):
        block.norm = None
    inner.phi = _parameter(real(own.phi))
    outer.multiplier = None if own.multiplier is None else _parameter(own.multiplier)
    outer.bias = _parameter(own.bias)
    if isinstance(inner, SampledConv1d):
        inner.pointwise = None if own.pointwise is None else _parameter(real(own.pointwise))
        if inner.places is not None and own.offsets is not None:
            inner.places.load(own.offsets)
            inner.places.requires_grad_(False)


def _parameter(values: Array) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values.copy()))
