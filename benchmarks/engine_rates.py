"""The constants of the engine's cost model (wsnet_cli/engine/plan.py), fitted to this machine.

python benchmarks/engine_rates.py [ROUNDS]: times layers of many geometries in every way and with
every instruction set, rounds interleaved, and fits

    nanoseconds = products / rate + values * overhead

by least squares of the relative error. Prints the constants and how far off the model is.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np
from usage import answer_help

from wsnet_cli.core.model import LayerWeights, Model, phi_shape
from wsnet_cli.core.networks.network import Conv, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.library import load_library
from wsnet_cli.engine.native_engine import NativeEngine
from wsnet_cli.engine.plan import WAYS, layer_work

N_SAMPLES = 40_000
GEOMETRIES = tuple(
    ConvShape(1, n_out, length, 2, length // 2, Sampling(step))
    for n_out, length, step in itertools.product((8, 16, 32, 64), (32, 64, 256), (2, 4, 8))
)
"""One input channel: a layer with M columns and L taps does what one with 1 and L * M does."""


@dataclass(frozen=True)
class Sample:
    """One measured layer: what it does by the model's count, and how long it took."""

    products: float
    values: float
    nanoseconds: float


def engine_for(shape: ConvShape, isa: str, way: str) -> NativeEngine:
    """An engine that runs this one layer in this way."""
    network = Network((Conv("conv1", shape, pool=Pool(8, 8)), Mean()))
    layer = network.convolutions[0]
    rng = np.random.default_rng(0)
    phi = rng.standard_normal(phi_shape(layer)).astype(np.float32)
    ones = np.ones(shape.n_out, np.float32)
    audio = AudioSettings(20_000, N_SAMPLES / 20_000, N_SAMPLES / 20_000)
    labels = tuple(str(i) for i in range(shape.n_out))
    model = Model(network, (LayerWeights(phi, None, ones, 0 * ones),), labels, audio)
    return NativeEngine(model, isa=isa, ways={"conv1": way})


def measure(isa: str, way: str, n_rounds: int) -> list[Sample]:
    """Every geometry, its best time of interleaved rounds."""
    lanes = load_library().lanes(load_library().isas.index(isa))
    engines = [engine_for(shape, isa, way) for shape in GEOMETRIES]
    window = np.random.default_rng(1).standard_normal((1, N_SAMPLES)).astype(np.float32)
    times: list[list[int]] = [[] for _ in engines]
    for _ in range(n_rounds):
        for engine, own in zip(engines, times, strict=True):
            started = perf_counter_ns()
            engine.logits(window)
            own.append(perf_counter_ns() - started)
    samples = []
    for engine, own in zip(engines, times, strict=True):
        layer = engine.network.convolutions[0]
        work = layer_work(layer, N_SAMPLES, engine.plan[0].block, way, lanes)
        samples.append(Sample(work.products, work.values, min(own)))
    return samples


def fit(samples: list[Sample]) -> tuple[float, float]:
    """(multiply-adds a nanosecond, nanoseconds a value), both >= 0."""
    rows = np.array([[s.products / s.nanoseconds, s.values / s.nanoseconds] for s in samples])
    slope, overhead = np.linalg.lstsq(rows, np.ones(len(rows)))[0]
    if overhead < 0:
        slope, overhead = 1 / float(np.mean(rows[:, 0])), 0.0
    return 1 / float(slope), float(overhead)


def main() -> None:
    """Measure, fit and print."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    for isa in load_library().isas:
        for way in WAYS:
            samples = measure(isa, way, n_rounds)
            rate, overhead = fit(samples)
            off = [(s.products / rate + s.values * overhead) / s.nanoseconds for s in samples]
            print(
                f"{isa:9} {way:13} {rate:6.1f} multiply-adds/ns, {overhead:.3f} ns/value; estimate "
                f"over time: median {statistics.median(off):.2f}, {min(off):.2f} to {max(off):.2f}"
            )


if __name__ == "__main__":
    answer_help(__doc__)
    main()
