"""Which way each convolution is computed: the cheapest by the cost model, corrected by measurement.

`core/networks/sampling.py` counts multiply-adds. A processor with vectors does not do them all
equally well: lanes stand idle where a layer has fewer filters than a vector has lanes, and every
way has work beside its products. So a way's time is estimated as

    nanoseconds = multiply_adds_with_idle_lanes / RATES + values_written * OVERHEADS

with constants that `benchmarks/engine_rates.py` fits to measured layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.errors import ParameterError
from ..core.networks.maps import MapShape
from ..core.networks.network import Conv, MapConv, Network, Pool

WAYS = ("filter-lanes", "time-lanes", "recurrence", "fast-fir")
"""Directly with vectors over filters or over time; over time by the diagonal recurrence; over time
with two outputs from three filters of half the length (of maps: over filters, from four of a third
of the taps). In the order of `wsnet_way`."""

RATES: Mapping[str, Mapping[str, float]] = {
    "avx512": {"filter-lanes": 56.0, "time-lanes": 57.0, "recurrence": 41.0, "fast-fir": 56.0},
    "avx2": {"filter-lanes": 55.0, "time-lanes": 54.0, "recurrence": 36.0, "fast-fir": 52.0},
    "baseline": {"filter-lanes": 18.0, "time-lanes": 18.0, "recurrence": 13.0, "fast-fir": 18.0},
}
"""Multiply-adds a nanosecond, by instruction set and way, on one core of an AMD EPYC (Zen 4)."""
OVERHEADS: Mapping[str, Mapping[str, float]] = {
    "avx512": {"filter-lanes": 0.25, "time-lanes": 0.21, "recurrence": 0.16, "fast-fir": 0.31},
    "avx2": {"filter-lanes": 0.26, "time-lanes": 0.22, "recurrence": 0.19, "fast-fir": 0.31},
    "baseline": {"filter-lanes": 0.41, "time-lanes": 0.36, "recurrence": 0.29, "fast-fir": 0.60},
}
"""Nanoseconds for each value before pooling: storing it, pooling it, moving it between layouts."""

BLOCK_ROWS = 4096
"""Outputs before pooling that a layer computes at a time, where its input rows are short."""
BLOCK_VALUES = 1 << 16
"""Input values of a block: a quarter of a megabyte, which stays in a core's second cache."""
BLOCK_OUTPUTS = 1 << 22
"""Outputs of a block, at most, so that layers of very many filters take no memory beyond reason."""
MAX_LANES_VALUES = 1 << 24
"""Input values between the first and the last lane, at most: with longer strides every lane would
lie so far from the next that what is read between them is out of all proportion."""


@dataclass(frozen=True)
class LayerPlan:
    """How one convolution is computed.

    Args:
        name: of the layer.
        way: one of WAYS.
        block: pooled outputs that are computed at a time.
        nanoseconds: the estimate for one window, of every way that the layer could take.
    """

    name: str
    way: str
    block: int
    nanoseconds: Mapping[str, float]

    @property
    def why(self) -> str:
        """The reason in a few words."""
        others = {way: t for way, t in self.nanoseconds.items() if way != self.way}
        if not others:
            return "the only way"
        second = min(others, key=lambda way: others[way])
        ratio = others[second] / self.nanoseconds[self.way]
        if ratio < 1:
            return f"chosen by the caller; {second} is estimated {1 / ratio:.1f}x faster"
        return f"estimated {ratio:.1f}x faster than {second}"


def make_plan(
    network: Network, n_samples: int, isa: str, lanes: int, ways: Mapping[str, str] | None = None
) -> tuple[LayerPlan, ...]:
    """Plan every convolution of a network for windows of `n_samples`.

    Args:
        network: the layers.
        n_samples: of a window, at least `network.min_samples`.
        isa: a key of RATES.
        lanes: floats in a vector.
        ways: layer name to way, for layers that are not to take the cheapest.

    Raises: ParameterError: a way that the layer does not have, or a layer that is not there.
    """
    wanted = dict(ways or {})
    unknown = set(wanted) - {layer.name for layer in network.convolutions}
    if unknown:
        raise ParameterError(f"ways: {sorted(unknown)[0]}: no such convolution")
    inputs = (n_samples, *network.lengths(n_samples))
    return tuple(
        _plan_layer(layer, n_in, isa, lanes, wanted.get(layer.name))
        for layer, n_in in zip(network.convolutions, inputs, strict=False)
    )


def _plan_layer(
    layer: Conv | MapConv, n_samples: int, isa: str, lanes: int, wanted: str | None
) -> LayerPlan:
    block = _block(layer)
    possible = [way for way in WAYS if _is_possible(layer, way, lanes)]
    times = {}
    for way in possible:
        work = layer_work(layer, n_samples, block, way, lanes)
        times[way] = work.products / RATES[isa][way] + work.values * OVERHEADS[isa][way]
    if wanted is not None and wanted not in times:
        raise ParameterError(f"ways: {layer.name}: {wanted}; expected one of {', '.join(possible)}")
    way = wanted or min(times, key=lambda way: times[way])
    return LayerPlan(layer.name, way, block, times)


def _is_possible(layer: Conv | MapConv, way: str, lanes: int) -> bool:
    if way == "filter-lanes":
        return True
    if isinstance(layer, MapConv):
        return way == "fast-fir" and layer.shape.length == 3 and layer.shape.stride == 1
    between = lanes * _input_step(layer) * layer.shape.folded_channels
    return between <= MAX_LANES_VALUES and (way != "recurrence" or layer.shape.has_way(way))


def _input_step(layer: Conv | MapConv) -> int:
    """Input rows between two pooled outputs."""
    return layer.shape.stride * (layer.pool.stride if layer.pool else 1)


def _block(layer: Conv | MapConv) -> int:
    """Pooled outputs at a time, so that a block's input fits a cache, whatever the window."""
    pool_stride = layer.pool.stride if layer.pool else 1
    n_bands = layer.shape.n_bands if isinstance(layer, MapConv) else 1
    n_out_bands = layer.shape.n_out_bands if isinstance(layer, MapConv) else 1
    values = _input_step(layer) * layer.shape.folded_channels * n_bands
    outputs = layer.shape.n_sampled * n_out_bands
    rows = min(BLOCK_ROWS // pool_stride, BLOCK_VALUES // values, BLOCK_OUTPUTS // outputs)
    return max(1, rows)


@dataclass(frozen=True)
class Work:
    """What a way does for one window: products with idle lanes, and values before pooling."""

    products: int
    values: int


def layer_work(layer: Conv | MapConv, n_samples: int, block: int, way: str, lanes: int) -> Work:
    """Count the work of a convolution on `n_samples` of input.

    Args:
        layer: the convolution.
        n_samples: of its input.
        block: pooled outputs at a time.
        way: one of WAYS that the layer has.
        lanes: floats in a vector.
    """
    pool, n_pooled = layer.pool or Pool(1, 1), layer.output_length(n_samples)
    if isinstance(layer, MapConv):
        return _map_work(layer.shape, pool.input_length(n_pooled), way, lanes)
    shape = layer.shape
    if way == "filter-lanes":
        n_rows, n_filters = pool.input_length(n_pooled), _round_up(shape.n_sampled, lanes)
        products = n_rows * shape.length * shape.folded_channels * n_filters
        if shape.pointwise_shape:
            products += n_rows * shape.n_sampled * _round_up(shape.n_out, lanes)
        return Work(products, n_rows * n_filters)
    sizes = [min(block, n_pooled - start) for start in range(0, n_pooled, block)]
    chunks = [pool.input_length(-(-n // lanes)) for n in sizes]  # rows of one lane
    n_values = lanes * sum(chunks) * shape.n_sampled
    if way == "fast-fir":
        half = -(-shape.length // (2 * shape.stride)) * shape.stride * shape.folded_channels
        steps = sum(3 * -(-n_rows // 2) + 1 for n_rows in chunks)  # of A one more than of B and D
        products = lanes * steps * half * shape.n_sampled
        if shape.pointwise_shape:
            products += n_values * shape.n_out
        return Work(products, n_values)
    counted = "folded" if way == "time-lanes" else "recurrence"
    costs = [shape.cost(shape.input_length(n_rows), counted) for n_rows in chunks]
    return Work(lanes * sum(cost.multiply_adds for cost in costs), n_values)


def _map_work(shape: MapShape, n_rows: int, way: str, lanes: int) -> Work:
    n_row_values = shape.n_out_bands * _round_up(shape.n_out, lanes)
    n_columns = n_rows * shape.length  # of taps, for all rows together
    if way == "fast-fir":
        n_columns = 4 * (n_rows // 2) + 3 * (n_rows % 2)
    n_taps = n_columns * shape.height * shape.folded_channels
    return Work(n_row_values * n_taps, n_row_values * n_rows)


def _round_up(n: int, unit: int) -> int:
    return -(-n // unit) * unit
