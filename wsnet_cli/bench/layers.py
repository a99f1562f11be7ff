"""What each convolution takes in the native engine, by the difference that it makes.

Windows have one channel, so a layer in the middle cannot be fed by itself. A probe feeds it: a
convolution of length 1 spreads noise over the layer's channels, the layer follows, then the mean
over time. The same probe with a layer that has one output in the layer's place is timed in the same
rounds and taken away. Differences of networks that end one layer
later would do as well, but are small against what both have in common, and drown in noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.audio import AudioSettings
from ..core.model import LayerWeights
from ..core.network import Conv, Mean, Network
from ..core.quant import Array
from ..core.sampling import ConvShape, Sampling
from ..engine.native_engine import NativeEngine
from ..engine.plan import LayerPlan
from .rounds import Advance, time_rounds
from .subjects import Subject, random_model

COUNTED_AS = {"recurrence": "recurrence"}
"""The way of `core/sampling.py` that counts a plan's way; the others are direct: folded."""
PROBE_RATE = 1_000
"""Sample rate of probes in Hz; any will do."""


@dataclass(frozen=True)
class LayerTiming:
    """One convolution of the native engine on one window.

    Args:
        layer: its name.
        way: how it was computed.
        multiply_adds: of that way, as `core/sampling.py` counts them, without idle lanes.
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

    Each is computed in the way that the plan of the whole network has for it. What a layer takes to
    hand its map on is within its time; what the mean takes over that map is too.

    Raises: EngineError: there are no compiled kernels.
    """
    network, n_samples = subject.model.network, subject.windows.shape[1]
    plans = NativeEngine(subject.model).plan
    inputs = (n_samples, *network.lengths(n_samples))[: len(plans)]
    layers = list(zip(network.convolutions, subject.model.weights, plans, inputs, strict=False))
    calls: dict[tuple[str, bool], Callable[[], Array]] = {}
    for layer, own, plan, n_inputs in layers:
        calls[layer.name, True] = probe(layer, own, plan.way, n_inputs)
        calls[layer.name, False] = probe(stand_in(layer, n_inputs), None, plan.way, n_inputs)
    timings = time_rounds(calls, n_rounds, seed, advance)
    taken = {
        layer.name: timings[layer.name, True].seconds - timings[layer.name, False].seconds
        for layer, *_ in layers
    }
    return [
        _timing(layer, plan, n_inputs, taken[layer.name] * 1e6)
        for layer, _, plan, n_inputs in layers
    ]


def stand_in(layer: Conv, n_inputs: int) -> Conv:
    """A layer that takes the same input and computes one value of it."""
    shape = layer.shape
    factor = shape.n_in // shape.condensed_channels
    sampling = Sampling(1, factor) if shape.sampling else None
    return Conv(layer.name, ConvShape(shape.n_in, 1, 1, n_inputs, 0, sampling), relu=False)


def probe(layer: Conv, own: LayerWeights | None, way: str, n_inputs: int) -> Callable[[], Array]:
    """One call of the layer, fed with noise on every channel.

    Args:
        layer: any convolution.
        own: its weights; None for random ones.
        way: of `engine/plan.py`.
        n_inputs: time steps that it gets.
    """
    n_channels = layer.shape.n_in
    feeder = Conv("feeder", ConvShape(1, n_channels, 1), scaled=False, relu=False)
    layers = (layer,) if n_channels == 1 else (feeder, replace(layer, name="probed"))
    network = Network((*layers, Mean()))
    audio = AudioSettings(PROBE_RATE, n_inputs / PROBE_RATE, n_inputs / PROBE_RATE)
    model = random_model(network, audio)
    if own is not None:
        model = replace(model, weights=(*model.weights[:-1], own))
    engine = NativeEngine(model, ways={layers[-1].name: way})
    noise = np.random.default_rng(0).standard_normal((1, n_inputs)).astype(np.float32)
    engine.logits(noise)
    return lambda: engine.logits(noise)


def _timing(
    layer: Conv, plan: LayerPlan, n_inputs: int, taken: npt.NDArray[np.float64]
) -> LayerTiming:
    low, median, high = (float(value) for value in np.percentile(taken, [25, 50, 75]))
    counted = COUNTED_AS.get(plan.way, "folded")
    return LayerTiming(
        layer.name,
        plan.way,
        layer.shape.cost(n_inputs, counted).multiply_adds,
        (low, median, high),
        plan.nanoseconds[plan.way] / 1000,
    )
