"""The weights of a model file into a torch network, to train on from there.

A model file holds one multiplier m and one bias b for each output channel of a convolution, where
training has batch norm with a gain, a shift and statistics. With the mean mu and the variance v of
the convolution's outputs on training windows, a gain of m * sqrt(v + eps) and a shift of b + m * mu
give the same function in evaluation, and nearly the same with the statistics of a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from ...core.errors import ParameterError
from ...core.model import LayerWeights, Model, real
from ...core.networks.network import Network
from ...core.networks.sampling import LinearShape
from ...core.quant import Array
from ...core.sound.audio import AudioSettings
from ...core.sound.windows import window_blocks
from .network import ConvBlock, LinearBlock, WaveformClassifier
from .places import FilterPlaces

MAX_WINDOWS = 512
MIN_WINDOWS = 32
MAX_SAMPLES = 16_000_000
"""Statistics are taken on so many windows, fewer where these are long, but never very few: a
channel's mean over 512 windows is off by a few hundredths of its deviation at most."""
WINDOWS_OF_A_CLIP = 4


class Clips(Protocol):
    """Decoded audio."""

    def samples(self, i: int) -> Array:
        """All of clip `i`."""


@dataclass(frozen=True)
class Head:
    """What becomes of the last layer of a model whose labels may not be those of the data.

    Args:
        rows: for each label of the data, the model's output that it goes on from, or None where
            it starts anew.
        n_before: classes of the model.
        shared: whether its rows share weights, so that all of them are given up.
    """

    rows: tuple[int | None, ...]
    n_before: int
    shared: bool = False

    @property
    def same(self) -> bool:
        """Whether the labels are the model's, in its order."""
        return self.rows == tuple(range(self.n_before))

    def say(self) -> str:
        """One line about it."""
        n, n_known = len(self.rows), sum(row is not None for row in self.rows)
        if self.same:
            return "the head is kept: the classes are the same"
        if self.shared:
            return f"the head is replaced: its classes share weights, so all {n} start anew"
        if n_known == n == self.n_before:
            return "the head is kept, its classes in the order of the data"
        return f"the head is replaced: {n_known} of {n} classes are known"


def network_for(network: Network, n_classes: int) -> Network:
    """The same network with so many logits.

    Raises:
        ParameterError: the outputs of its last layer are not its logits.
    """
    if network.n_classes == n_classes:
        return network
    head = network.weighted[-1]
    shape = replace(head.shape, n_out=n_classes)
    new = replace(head, shape=shape)  # type: ignore[arg-type]  # each kind with its own shape
    changed = Network(tuple(new if layer is head else layer for layer in network.layers))
    if changed.n_classes != n_classes:
        raise ParameterError(
            f"{head.name}: its outputs are no logits; expected a network whose head can be replaced"
        )
    return changed


def head_for(model: Model, labels: Sequence[str]) -> Head:
    """Which rows of a model's head serve a data set's labels.

    Rows that share weights cannot be told apart, so such a head is kept as it is or not at all.
    """
    index = {label: i for i, label in enumerate(model.labels)}
    head = Head(tuple(index.get(label) for label in labels), len(model.labels))
    shape = model.network.weighted[-1].shape
    sampling = shape.sampling_stride if isinstance(shape, LinearShape) else shape.sampling
    if sampling is None or head.same:
        return head
    return Head((None,) * len(labels), len(model.labels), shared=True)


def load_into(
    classifier: WaveformClassifier, model: Model, labels: Sequence[str], windows: Iterable[Array]
) -> Head:
    """Give a torch network the weights of a model; 8-bit ones as the floats that they mean.

    In evaluation it then computes what the model does, for every class that it knows. Batch norm's
    statistics are those of `windows`, so that training goes on from nearly that function.

    Args:
        classifier: of `network_for(model.network, len(labels))`; rows of its head that the model
            does not know keep their values.
        model: where to start from.
        labels: of the data, in the order of the logits.
        windows: batches [n, samples] float32 of training windows, without augmentation.

    Returns: what became of the head.
    """
    head = head_for(model, labels)
    with torch.no_grad():
        _copy(classifier, model.weights, head)
        _calibrate(classifier, windows)
    return head


def frozen(model: Model) -> WaveformClassifier:
    """A model as a torch network in evaluation mode, whose parameters take no gradient."""
    classifier = WaveformClassifier(model.network)
    with torch.no_grad():
        _copy(classifier, model.weights, head_for(model, model.labels))
    return classifier.eval().requires_grad_(False)


def calibration_windows(
    clips: Clips, numbers: Sequence[int], audio: AudioSettings
) -> Iterator[Array]:
    """Windows of clips from all over a list, a batch for each clip, as they are predicted on.

    Args:
        clips: decoded audio.
        numbers: of the training clips.
        audio: window, hop and normalisation.
    """
    n_windows = max(MIN_WINDOWS, min(MAX_WINDOWS, MAX_SAMPLES // audio.window_samples))
    n_of_clip = max(1, min(WINDOWS_OF_A_CLIP, n_windows))
    n_clips = min(len(numbers), n_windows // n_of_clip)
    for place in np.linspace(0, len(numbers) - 1, n_clips).round().astype(int):
        blocks = window_blocks(clips.samples(numbers[place]), audio, n_of_clip)
        yield from islice(blocks, 1)


def _copy(classifier: WaveformClassifier, weights: Sequence[LayerWeights], head: Head) -> None:
    """Copy all numbers; batch norm gets a mean of 0 and a variance that it takes for 1."""
    blocks = [block for block in classifier.blocks if isinstance(block, ConvBlock | LinearBlock)]
    for block, own in zip(blocks[:-1], weights[:-1], strict=True):
        _copy_layer(block, own, None)
    if not head.shared:
        _copy_layer(blocks[-1], weights[-1], None if head.same else head.rows)


def _copy_layer(
    block: ConvBlock | LinearBlock, own: LayerWeights, rows: Sequence[int | None] | None
) -> None:
    n_out = block.layer.shape.n_out
    inner = block.linear if isinstance(block, LinearBlock) else block.conv
    norm = None if isinstance(block, LinearBlock) else block.norm
    _copy_rows(inner.phi, real(own.phi), rows, n_out)
    if own.pointwise is not None:
        _copy_rows(cast("Tensor", inner.pointwise), real(own.pointwise), rows, n_out)
    if own.offsets is not None:
        cast("FilterPlaces", inner.places).load(own.offsets)
    multiplier: Tensor
    bias: Tensor
    if norm is not None:
        cast("Tensor", norm.running_mean).zero_()
        cast("Tensor", norm.running_var).fill_(1 - norm.eps)
        multiplier, bias = norm.weight, norm.bias
    else:
        plain = inner if isinstance(block, LinearBlock) else block
        multiplier, bias = cast("Tensor", plain.multiplier), cast("Tensor", plain.bias)
    if own.multiplier is not None:
        _copy_rows(multiplier, own.multiplier, rows, n_out)
    _copy_rows(bias, own.bias, rows, n_out)


def _copy_rows(
    target: Tensor, values: Array, rows: Sequence[int | None] | None, n_out: int
) -> None:
    """Copy all values, or those of some outputs of a layer whose outputs share no weights."""
    source = torch.from_numpy(np.array(values, np.float32))
    if rows is None:
        target.copy_(source)
        return
    own = target.view(n_out, -1)
    for number, row in enumerate(rows):
        if row is not None:
            own[number] = source.view(-1, own.shape[1])[row]


class _Moments:
    """Mean and variance of each channel over batches, merged in float64."""

    def __init__(self) -> None:
        self._n = 0
        self._sum = self._squares = torch.zeros(())

    def add(self, maps: Tensor) -> None:
        """Take in [B, N, ...]."""
        variance, mean = torch.var_mean(maps, [0, *range(2, maps.ndim)], correction=0)
        n, mean = maps.numel() // maps.shape[1], mean.double()
        self._n += n
        self._sum = self._sum + n * mean
        self._squares = self._squares + n * (variance.double() + mean.square())

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and variance, [N] each."""
        mean = self._sum / self._n
        return mean, (self._squares / self._n - mean.square()).clamp(min=0)


def _calibrate(classifier: WaveformClassifier, windows: Iterable[Array]) -> None:
    """Give batch norm the statistics of some windows, and keep the function.

    The function is known before the statistics are, so one pass measures all layers. A channel
    that is the same everywhere has a variance of 0, and eps keeps its gain finite.
    """
    blocks = [block for block in classifier.blocks if isinstance(block, ConvBlock) and block.norm]
    moments = [_Moments() for _ in blocks]
    hooks = [
        block.conv.register_forward_hook(lambda _conv, _inputs, out, own=own: own.add(out))
        for block, own in zip(blocks, moments, strict=True)
    ]
    classifier.eval()
    for batch in windows:
        classifier(torch.from_numpy(batch))
    for hook in hooks:
        hook.remove()
    for block, own in zip(blocks, moments, strict=True):
        norm = cast("torch.nn.BatchNorm1d", block.norm)
        mean, variance = own.result()
        gain = norm.weight.double()
        norm.bias.copy_(norm.bias.double() + gain * mean)
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        cast("Tensor", norm.running_mean).copy_(mean)
        cast("Tensor", norm.running_var).copy_(variance)
