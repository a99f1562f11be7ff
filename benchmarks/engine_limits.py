"""How far each layer runs from what one core can do: its multiply-adds and its memory.

python benchmarks/engine_limits.py [ROUNDS]: compiles peak.c for this machine (with $CC or cc),
times every convolution of the sampled and the dense SoundNet-8 in the native engine on 5 s at
22,050 Hz, and prints Markdown tables. A layer's floor is the longer of two times: its products at
the rate of multiply-adds in registers, and the bytes of its input, output and weights, each touched
once, at the rate of the cache that holds them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from wsnet_cli.bench.layers import time_layers
from wsnet_cli.bench.subjects import Sound, Subject, make_subjects
from wsnet_cli.core.network import Conv

SUBJECTS = ("sampled", "dense")
"""Of the default ones of `wsnet bench`."""
SECOND_CACHE_BYTES = 1 << 20
"""What is larger than this is read from the third cache."""


def measure_peak() -> dict[str, float]:
    """What peak.c prints: name to rate a nanosecond."""
    source = Path(__file__).with_name("peak.c")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder, "peak"))
        flags = ["-O3", "-march=native", "-ffp-contract=fast"]
        subprocess.run([os.environ.get("CC", "cc"), *flags, source, "-o", program], check=True)
        done = subprocess.run([program], check=True, capture_output=True, text=True)
    rows = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]
    return {name: float(rate) for name, rate in rows}


def layer_bytes(layer: Conv, n_inputs: int, way: str) -> int:
    """Input, output and weights in float32; filters are expanded where lanes hold filters."""
    shape = layer.shape
    n_weights = shape.n_weights
    if way == "filter-lanes":
        n_weights = shape.length * shape.condensed_channels * shape.n_sampled
    n_outputs = layer.output_length(n_inputs) * shape.n_out
    return 4 * (n_inputs * shape.condensed_channels + n_outputs + n_weights)


def show(subject: Subject, peak: dict[str, float], n_rounds: int) -> None:
    """One table."""
    network, n_samples = subject.model.network, subject.windows.shape[1]
    inputs = (n_samples, *network.lengths(n_samples))
    rows = zip(network.convolutions, inputs, time_layers(subject, n_rounds), strict=False)
    print(f"\n{subject.name}\n")
    print("| layer | way | M multiply-adds | KB | us | multiply-adds/ns | of peak | of its floor |")
    print("|---|---|---|---|---|---|---|---|")
    for layer, n_inputs, timing in rows:
        n_bytes = layer_bytes(layer, n_inputs, timing.way)
        cache = "read 256 KiB" if n_bytes <= SECOND_CACHE_BYTES else "read 8 MiB"
        ns = 1000 * timing.microseconds[1]
        floor = max(timing.multiply_adds / peak["multiply_adds"], n_bytes / peak[cache])
        rate = timing.multiply_adds / ns
        print(
            f"| {layer.name} | {timing.way} | {timing.multiply_adds / 1e6:.2f} "
            f"| {n_bytes / 1000:,.0f} | {ns / 1000:,.0f} | {rate:.1f} "
            f"| {100 * rate / peak['multiply_adds']:.0f} % | {ns / floor:.1f}x |"
        )


def main() -> None:
    """Measure and print."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    peak = measure_peak()
    for name, rate in peak.items():
        print(f"{name}: {rate:.1f} a nanosecond")
    for subject in make_subjects((), Sound()):
        if subject.name in SUBJECTS:
            show(subject, peak, n_rounds)


if __name__ == "__main__":
    main()
