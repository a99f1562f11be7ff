"""The reference engine: a model in numpy, in plain sight.

Convolutions are computed directly on the folded input, by one matrix product per block of outputs,
so that the unfolded copy of the input stays small whatever the clip's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..core.model import LayerWeights, Model, real
from ..core.networks.filters import sampled_rows
from ..core.networks.network import Conv, Flatten, Layer, Linear, MapConv, Mean, Pool, ToMap
from ..core.networks.sampling import ConvShape
from ..core.quant import Array
from .numpy_maps import MapStep
from .numpy_parts import (
    NO_POOL,
    expand_filters,
    fold_channels,
    max_pool,
    rows_in_blocks,
    rows_of_a_block,
)
from .windows import check_windows

__all__ = ["NumpyEngine", "convolve", "expand_filters", "fold_channels", "max_pool"]


class NumpyEngine:
    """Runs the network of a model on windows of audio.

    Args:
        model: float32 or 8-bit; codes are expanded to float32 once, here.
    """

    name = "numpy"

    def __init__(self, model: Model) -> None:
        self.network = model.network
        self._steps: list[Callable[[Array], Array]] = []
        self._last = 0  # step with weights
        weights = iter(model.weights)
        for number, layer in enumerate(model.network.layers):
            if isinstance(layer, Conv | MapConv | Linear):
                self._last = number
            self._steps.append(_step(layer, weights))

    def logits(self, windows: Array) -> Array:
        """Logits of each window.

        Args:
            windows: [n_windows, n_samples] float32, normalised as the model wants it.

        Returns: [n_windows, n_classes] float32.
        Raises: ParameterError: as `check_windows`.
        """
        return self.embed(windows)[0]

    def embed(self, windows: Array) -> tuple[Array, Array]:
        """Logits and features of each window, as `engines.Engine` says. Raises: as `logits`."""
        check_windows(self.network, windows)
        n = len(windows)
        logits = np.empty((n, self.network.n_classes), np.float32)
        features = np.empty((n, self.network.n_features), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # `calibrating.scores` looks at it
            for i, window in enumerate(windows.astype(np.float32, copy=False)):
                logits[i], features[i] = self._run(window)
        return logits, features

    def _run(self, window: Array) -> tuple[Array, Array]:
        values = taken = window[np.newaxis, :]
        for number, step in enumerate(self._steps):
            if number == self._last:
                taken = values
            values = step(values)
        return values, _mean(taken) if taken.ndim > 1 else taken


def _step(layer: Layer, weights: Iterator[LayerWeights]) -> Callable[[Array], Array]:
    if isinstance(layer, ToMap):
        return lambda values: values[np.newaxis]
    if isinstance(layer, Mean | Flatten):
        return _mean if isinstance(layer, Mean) else _flatten
    own = next(weights)
    if isinstance(layer, Linear):
        return _LinearStep(layer, own)
    return _ConvStep(layer, own) if isinstance(layer, Conv) else MapStep(layer, own)


class _ConvStep:
    """[M, T] to [N, T''], T'' after pooling; no map is ever whole before it is pooled."""

    def __init__(self, layer: Conv, own: LayerWeights) -> None:
        self._layer = layer
        self._kernel = expand_filters(real(own.phi), layer.shape, own.offsets)
        self._pointwise = None if own.pointwise is None else real(own.pointwise)
        self._multiplier = own.multiplier
        self._bias = own.bias

    def __call__(self, values: Array) -> Array:
        pool = self._layer.pool or NO_POOL
        return convolve(values, self._kernel, self._layer.shape, pool, self._finish)

    def _finish(self, out: Array) -> Array:
        if self._pointwise is not None:
            out = self._pointwise @ out
        if self._multiplier is not None:
            out *= self._multiplier[:, np.newaxis]
        out += self._bias[:, np.newaxis]
        if self._layer.pool:
            out = max_pool(out, self._layer.pool)
        if self._layer.relu:
            np.maximum(out, 0, out=out)
        return out


class _LinearStep:
    """[n_in] to [n_out]."""

    def __init__(self, layer: Linear, own: LayerWeights) -> None:
        self._rows = np.ascontiguousarray(sampled_rows(real(own.phi), layer.shape))
        self._multiplier = own.multiplier
        self._bias = own.bias
        self._relu = layer.relu

    def __call__(self, values: Array) -> Array:
        out = self._rows @ values
        if self._multiplier is not None:
            out *= self._multiplier
        out += self._bias
        return np.maximum(out, 0) if self._relu else out


def _mean(values: Array) -> Array:
    """Over time, and over bands where there are any: [N, ...] to [N]."""
    steps = tuple(range(1, values.ndim))
    out: Array = values.mean(axis=steps, dtype=np.float64).astype(np.float32)
    return out


def _flatten(values: Array) -> Array:
    return values.reshape(-1)


def convolve(
    values: Array,
    kernel: Array,
    shape: ConvShape,
    pool: Pool = NO_POOL,
    finish: Callable[[Array], Array] = lambda out: out,
) -> Array:
    """Convolve [M, T] with the rows of `expand_filters` to [D*N, T'], block by block.

    Args:
        values: [M, T] float32, T at least `shape.input_length(pool.input_length(1))`.
        kernel: what `expand_filters` returns.
        shape: geometry of the layer.
        pool: of the rows that `finish` needs at a time: blocks overlap by what its windows do.
        finish: what becomes of a block; takes [D*N, rows], gives [N, pool.output_length(rows)].
    """
    folded = fold_channels(values, shape.folded_channels, signs=shape.signs)
    padded = np.pad(folded, ((0, 0), (shape.padding, shape.padding)))
    n_rows = (padded.shape[1] - shape.length) // shape.stride + 1
    n_outputs = pool.output_length(n_rows)
    most = rows_of_a_block(kernel.shape[1], shape.n_sampled)
    block = max(1, pool.output_length(most))

    def make(first: int, n: int) -> Array:
        start, n_samples = first * shape.stride, (n - 1) * shape.stride + shape.length
        out: Array = np.matmul(kernel, _unfold(padded[:, start : start + n_samples], shape))
        return out

    done = []
    for start in range(0, n_outputs, block):
        n_rows = pool.input_length(min(block, n_outputs - start))
        done.append(finish(rows_in_blocks(make, start * pool.stride, n_rows, most)))
    return np.concatenate(done, axis=1)


def _unfold(padded: Array, shape: ConvShape) -> Array:
    """One column of M* x L taps for each output."""
    view = np.lib.stride_tricks.sliding_window_view(padded, shape.length, axis=1)
    taps: Array = view[:, :: shape.stride].transpose(0, 2, 1)
    return taps.reshape(-1, taps.shape[2])
