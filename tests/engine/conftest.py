"""A float64 reference that shares no code with any engine, and the engines to hold against it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wsnet_cli.core.errors import EngineError
from wsnet_cli.core.model import LayerWeights, Model, real
from wsnet_cli.core.networks.filters import channel_signs
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, MapConv, Mean, Pool, ToMap
from wsnet_cli.core.networks.sampling import Sampling
from wsnet_cli.engine.library import load_library


def _filters(layer: Conv, own: LayerWeights) -> list[np.ndarray]:
    """All filters on all channels, each [L * M]: written out one by one, in float64."""
    shape, sampling = layer.shape, layer.shape.sampling or Sampling(layer.shape.length)
    phi = np.asarray(real(own.phi), np.float64)
    signs = channel_signs(shape.n_in, phi.shape[1]) if sampling.signs else np.ones(shape.n_in)
    filters = []
    for n in range(shape.n_out * sampling.denser):
        place = n * (sampling.stride // sampling.denser)
        place += 0 if own.offsets is None else own.offsets[n] / 256
        row, part = int(place // 1), place % 1
        groups = []
        for c in range(sampling.channel_factor):
            first = row + c * sampling.group_offset
            group = (1 - part) * phi[first : first + shape.length]
            if part:
                group = group + part * phi[first + 1 : first + 1 + shape.length]
            groups.append(group)
        filters.append((np.concatenate(groups, axis=1) * signs).ravel())
    return filters


def _convolve(values: np.ndarray, layer: Conv, own: LayerWeights) -> np.ndarray:
    """[T, M] to [T'', N]: filters expanded one by one, in float64."""
    shape, filters = layer.shape, _filters(layer, own)
    padded = np.pad(values, ((shape.padding, shape.padding), (0, 0)))
    starts = range(0, len(padded) - shape.length + 1, shape.stride)
    taps = np.stack([padded[t : t + shape.length].ravel() for t in starts])
    out = taps @ np.stack(filters).T
    if own.pointwise is not None:
        out = out @ np.asarray(real(own.pointwise), np.float64).T
    if own.multiplier is not None:
        out = out * own.multiplier.astype(np.float64)
    out = out + own.bias.astype(np.float64)
    if layer.relu:
        out = np.maximum(out, 0)
    pool = layer.pool or Pool(1, 1)
    firsts = range(0, len(out) - pool.size + 1, pool.stride)
    return np.stack([out[t : t + pool.size].max(axis=0) for t in firsts])


def _convolve_maps(values: np.ndarray, layer: MapConv, own: LayerWeights) -> np.ndarray:
    """[T, F, M] to [T'', F'', N]: each tap of every filter by itself, in float64."""
    shape, stride = layer.shape, layer.shape.stride
    step = shape.sampling.stride if shape.sampling else shape.height * shape.length
    phi = np.asarray(real(own.phi), np.float64)
    n_groups, delta = shape.n_in // phi.shape[1], 0
    signs = np.ones(shape.n_in)
    if shape.sampling:
        delta = shape.sampling.group_offset
        signs = channel_signs(shape.n_in, phi.shape[1]) if shape.sampling.signs else signs

    def tap(row: int) -> np.ndarray:
        """Of one filter, in all maps."""
        return np.concatenate([phi[row + c * delta] for c in range(n_groups)]) * signs

    padding = ((shape.padding, shape.padding), (shape.band_padding, shape.band_padding), (0, 0))
    padded = np.pad(values, padding)
    n_steps = (padded.shape[0] - shape.length) // stride + 1
    n_bands = (padded.shape[1] - shape.height) // stride + 1
    out = np.zeros((n_steps, n_bands, shape.n_out))
    for time in range(shape.length):
        for band in range(shape.height):
            row = time * shape.height + band
            weights = np.stack([tap(n * step + row) for n in range(shape.n_out)], axis=1)
            seen = padded[time::stride, band::stride][:n_steps, :n_bands]
            out += seen @ weights
    out = out if own.multiplier is None else out * own.multiplier.astype(np.float64)
    out = out + own.bias.astype(np.float64)
    if layer.relu:
        out = np.maximum(out, 0)
    pool, high = layer.pool or Pool(1, 1), layer.band_pool
    rows = [
        [
            out[t : t + pool.size, f : f + high].max(axis=(0, 1))
            for f in range(0, n_bands - high + 1, high)
        ]
        for t in range(0, n_steps - pool.size + 1, pool.stride)
    ]
    return np.asarray(rows)


def _linear(values: np.ndarray, layer: Linear, own: LayerWeights) -> np.ndarray:
    phi = np.asarray(real(own.phi), np.float64)
    step = layer.shape.sampling_stride or layer.shape.n_in
    rows = [phi[j * step : j * step + layer.shape.n_in] for j in range(layer.shape.n_out)]
    out = np.stack(rows) @ values
    out = out if own.multiplier is None else out * own.multiplier
    out = out + own.bias
    return np.maximum(out, 0) if layer.relu else out


def reference_logits(model: Model, windows: np.ndarray) -> np.ndarray:
    """The network as its paper and `core/networks/network.py` define it, in float64."""
    done = []
    for window in windows:
        values = window.astype(np.float64)[:, np.newaxis]
        weights = iter(model.weights)
        for layer in model.network.layers:
            if isinstance(layer, Conv):
                values = _convolve(values, layer, next(weights))
            elif isinstance(layer, ToMap):
                values = values[:, :, np.newaxis]
            elif isinstance(layer, MapConv):
                values = _convolve_maps(values, layer, next(weights))
            elif isinstance(layer, Mean):
                values = values.reshape(-1, values.shape[-1]).mean(axis=0)
            elif isinstance(layer, Flatten):
                values = values.T.ravel()
            else:
                values = _linear(values, layer, next(weights))
        done.append(values)
    return np.stack(done)


@pytest.fixture(scope="session")
def reference() -> Callable[[Model, np.ndarray], np.ndarray]:
    """`reference(model, windows)`: logits in float64."""
    return reference_logits


def isas() -> tuple[str, ...]:
    """The instruction sets of this machine; none where the kernels were not built."""
    try:
        return load_library().isas
    except EngineError:
        return ()


@pytest.fixture(scope="module", params=isas() or ["not built"])
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set in turn."""
    if not isas():
        pytest.skip("the compiled engine was not built: no C compiler")
    return str(request.param)
