"""What each convolution takes in the native engine, by the difference that it makes.

Windows have one channel, so a layer in the middle cannot be fed by itself. A probe feeds it: a
convolution of length 1 spreads noise over the layer's channels, the layer follows, and one that
takes its map as the next layer would but computes a single value of it. The same without the layer
is timed in the same rounds and taken away. Differences of networks that end one layer later would
do as well, but are small against what both have in common, and drown in noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.model import LayerWeights
from ..core.networks.maps import MapShape
from ..core.networks.network import Conv, Layer, MapConv, Mean, Network, ToMap
from ..core.networks.sampling import ConvShape, Sampling
from ..core.quant import Array
from ..core.sound.audio import AudioSettings
from ..engine.native_engine import NativeEngine
from ..engine.plan import LayerPlan
from .rounds import Advance, time_rounds
from .subjects import Subject, random_model

COUNTED_AS = {"recurrence": "recurrence"}
"""The way of `core/networks/sampling.py` that counts a plan's way; others are direct: folded."""
SHARE_OF_FAST_FIR = {Conv: 3 / 4, MapConv: 2 / 3}
"""Of the direct products, where two outputs come from three filters of half the length; of maps,
from four of a third."""
PROBE_RATE = 1_000
"""Sample rate of probes in Hz; any will do."""


@dataclass(frozen=True)
class LayerTiming:
    """One convolution of the native engine on one window.

    Args:
        layer: its name.
        way: how it was computed.
        multiply_adds: of that way, as `core/networks/sampling.py` counts them, without idle lanes.
        microseconds: quartile, median, quartile over rounds.
        estimated: microseconds by the plan.
    """

    layer: str
    way: str
    multiply_adds: int
    microseconds: tuple[float, float, float]
    estimated: float

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        low, median, high = self.microseconds
        rate = self.multiply_adds / (1000 * median) if median > 0 else None
        return {
            "layer": self.layer,
            "way": self.way,
            "multiply_adds": self.multiply_adds,
            "median_us": round(median, 2),
            "quartiles_us": [round(low, 2), round(high, 2)],
            "multiply_adds_ns": None if rate is None else round(rate, 2),
            "estimated_us": round(self.estimated, 2),
        }


def time_layers(
    subject: Subject,
    n_rounds: int,
    seed: int = 0,
    advance: Advance = lambda share, words: None,
) -> list[LayerTiming]:
    """Time every convolution of a subject in the native engine, one window, one thread.

    Each is computed in the way that the plan of the whole network has for it. What it takes to hand
    the map on is within a layer's time; for the last layer that is the mean over time.

    Raises: EngineError: there are no compiled kernels.
    """
    network, n_samples = subject.model.network, subject.windows.shape[1]
    plans = NativeEngine(subject.model).plan
    lengths = (n_samples, *network.lengths(n_samples))
    calls: dict[tuple[str, bool], Callable[[], Array]] = {}
    # One value, by the way that reads no more for it: a fast filter is as long as its stride.
    takers = [
        (stand_in(layer, n_inputs), "filter-lanes")
        for layer, n_inputs in zip(network.convolutions, lengths, strict=False)
    ]
    for i, (layer, plan) in enumerate(zip(network.convolutions, plans, strict=True)):
        behind = takers[i + 1 : i + 2]
        own = subject.model.weights[i]
        calls[layer.name, True] = probe([(layer, plan.way), *behind], lengths[i], own)
        calls[layer.name, False] = probe([takers[i]], lengths[i])
    timings = time_rounds(calls, n_rounds, seed, advance)
    rows = []
    for layer, plan, n_inputs in zip(network.convolutions, plans, lengths, strict=False):
        taken = timings[layer.name, True].seconds - timings[layer.name, False].seconds
        rows.append(_timing(layer, plan, n_inputs, taken * 1e6))
    return rows


def stand_in(layer: Conv | MapConv, n_inputs: int) -> Conv | MapConv:
    """A layer that takes the same input and computes one value of it."""
    shape = layer.shape
    factor = shape.n_in // shape.folded_channels
    if isinstance(shape, MapShape):
        own = Sampling(1, factor, signs=shape.signs) if shape.sampling else None
        stride = max(n_inputs, shape.n_bands)
        single = MapShape(shape.n_in, 1, shape.n_bands, 1, 1, stride, sampling=own)
        return MapConv(layer.name, single, relu=False)
    sampling = Sampling(1, factor, signs=shape.signs and factor > 1) if shape.sampling else None
    return Conv(layer.name, ConvShape(shape.n_in, 1, 1, n_inputs, 0, sampling), relu=False)


def probe(
    layers: Sequence[tuple[Conv | MapConv, str]], n_inputs: int, own: LayerWeights | None = None
) -> Callable[[], Array]:
    """One call of these layers, the first fed with noise on every channel.

    Args:
        layers: convolutions that follow each other, each with its way (`engine/plan.py`).
        n_inputs: time steps that the first gets.
        own: weights of the first; None for random ones. The others' are random.
    """
    chain = [layer for layer, _ in layers]
    feeders = _feeders(chain[0])
    fed = [*feeders, *chain]
    first_map = next((i for i, layer in enumerate(fed) if isinstance(layer, MapConv)), None)
    if first_map is not None:
        fed.insert(first_map, ToMap())
    audio = AudioSettings(PROBE_RATE, n_inputs / PROBE_RATE, n_inputs / PROBE_RATE)
    model = random_model(Network((*fed, Mean())), audio)
    if own is not None:
        weights = list(model.weights)
        weights[len(feeders)] = own
        model = replace(model, weights=tuple(weights))
    engine = NativeEngine(model, ways={layer.name: way for layer, way in layers})
    noise = np.random.default_rng(0).standard_normal((1, n_inputs)).astype(np.float32)
    engine.logits(noise)
    return lambda: engine.logits(noise)


def _feeders(layer: Conv | MapConv) -> list[Layer]:
    """What spreads one channel over those that a layer takes; of a map, over bands and maps."""
    shape = layer.shape
    n_channels = shape.n_bands if isinstance(shape, MapShape) else shape.n_in
    spread = Conv("feeder", ConvShape(1, n_channels, 1), scaled=False, relu=False)
    if isinstance(shape, MapShape):
        wider = MapShape(1, shape.n_in, shape.n_bands, 1, 1)
        return [spread, MapConv("map-feeder", wider, scaled=False, relu=False)]
    return [spread] if n_channels > 1 else []


def _timing(
    layer: Conv | MapConv, plan: LayerPlan, n_inputs: int, taken: npt.NDArray[np.float64]
) -> LayerTiming:
    low, median, high = (float(value) for value in np.percentile(taken, [25, 50, 75]))
    cost = layer.shape.cost(n_inputs, COUNTED_AS.get(plan.way, "folded"))
    share = SHARE_OF_FAST_FIR[type(layer)] if plan.way == "fast-fir" else 1
    return LayerTiming(
        layer.name,
        plan.way,
        round(cost.multiply_adds * share),
        (low, median, high),
        plan.nanoseconds[plan.way] / 1000,
    )
