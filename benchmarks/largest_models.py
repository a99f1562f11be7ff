"""What a model may take to run that stays just within the limits of `core/networks/limits.py`.

python benchmarks/largest_models.py: for each of some networks that small files can describe, each
near a limit of its own, and for each engine: bytes of the file, memory that making the engine and
classifying a short clip take at most, and seconds. Each in a process of its own; on Linux.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hostile_child import forget_peak, memory
from usage import answer_help

from wsnet_cli.core.errors import WsnetError
from wsnet_cli.core.model import LayerWeights, Model, compress, phi_shape
from wsnet_cli.core.model_file.artifact import model_from_bytes, model_to_bytes
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import (
    Conv,
    Linear,
    MapConv,
    Mean,
    Network,
    Pool,
    ToMap,
)
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.session import Classifier

RATE = 8_000
ENGINES = ("native", "numpy")


def conv(*shape: int, pool: Pool | None = None, **sampling: object) -> Conv:
    """A convolution sampled row by row, which has few weights."""
    name = f"conv{shape[0]}-{shape[1]}"
    return Conv(name, ConvShape(*shape, sampling=Sampling(1, **sampling)), pool=pool)  # type: ignore[arg-type]


def networks() -> Iterator[tuple[str, Network, int]]:
    """Name, network, and samples of a window."""
    n = 4_095
    head = Linear("linear", LinearShape(n, n - 1, 1), scaled=True)
    yield "linear, scaled", Network((conv(1, n, 1, 1, 0), Mean(), head)), 64
    yield "filters", Network((conv(1, n, n, 1, 0), Mean())), n + 64
    yield "filters, offsets", Network((conv(1, n, n, 1, 0, offsets="learned"), Mean())), n + 64
    groups = conv(1_024, 256, 63, 1, 0, channel_factor=1_024, group_offset=1, signs=True)
    yield "groups", Network((conv(1, 1_024, 1, 1, 0), groups, Mean())), 1_024
    few = Linear("linear", LinearShape(1 << 20, 2, 1))
    wide = conv(1, 1 << 20, 1, 1, 0, pool=Pool(16, 1))
    yield "a wide time step", Network((wide, Mean(), few)), 45
    many, last = conv(1, 1 << 14, 1, 1, 0), Linear("linear", LinearShape(1 << 14, 16))
    yield "many outputs", Network((many, Mean(), last)), 1 << 11
    body = (conv(1, 2, 16, 1, 7), conv(2, 1, 16, 1, 7))
    yield "a long window", Network((*body, Mean())), 1 << 24
    maps = MapConv("map1", MapShape(1, 1 << 7, 1 << 12, 3, 3, 1, 1, 1, Sampling(1)))
    layers = (conv(1, 1 << 12, 1, 1, 0), ToMap(), maps)
    yield "maps", Network((*layers, Mean(), Linear("linear", LinearShape(1 << 7, 16)))), 64


def make_file(network: Network, n_samples: int) -> bytes:
    """An 8-bit file of small random weights."""
    rng, weights = np.random.default_rng(0), []
    for layer in network.weighted:
        n_out = layer.shape.n_out
        n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
        phi = (0.01 * rng.standard_normal(phi_shape(layer))).astype(np.float32)
        ones = np.ones(n_out, np.float32) if layer.scaled else None
        offsets = np.zeros(n_offsets, np.int16) if n_offsets else None
        weights.append(LayerWeights(phi, None, ones, np.zeros(n_out, np.float32), offsets))
    audio = AudioSettings(RATE, n_samples / RATE, n_samples / RATE)
    labels = tuple(f"c{i}" for i in range(network.n_classes))
    return model_to_bytes(compress(Model(network, tuple(weights), labels, audio)))


def measure(name: str, engine: str) -> None:
    """In the child: print a row."""
    network, n_samples = next((n, size) for known, n, size in networks() if known == name)
    content = make_file(network, n_samples)
    model = model_from_bytes(content, "x")
    forget_peak()
    before, started = memory("VmRSS"), time.perf_counter()
    try:
        Classifier(model, engine).classify(np.ones(100, np.float32), RATE)
        how = ""
    except WsnetError as error:
        how = f" refused: {error}"
    seconds, more = time.perf_counter() - started, memory("VmHWM") - before
    size = f"{len(content) / 1e6:.2f} MB"
    print(f"{name:20} {engine:8} {size:>10} {more / 1e6:8.0f} MB {seconds:8.1f} s{how}")


def main() -> None:
    """Print a row for each network and engine."""
    print(f"{'':20} {'engine':8} {'file':>10} {'takes':>11} {'time':>10}")
    for name, _, _ in networks():
        for engine in ENGINES:
            subprocess.run([sys.executable, __file__, "--child", name, engine], check=True)


if __name__ == "__main__":
    answer_help(__doc__)
    if sys.argv[1:2] == ["--child"]:
        measure(sys.argv[2], sys.argv[3])
    else:
        main()
