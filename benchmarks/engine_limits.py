"""How far each layer runs from what one core can do: its multiply-adds and its memory.

python benchmarks/engine_limits.py [ROUNDS] [forms]: compiles peak.c for this machine (with $CC or
cc), times every convolution of the sampled and the dense SoundNet-8 in the native engine on 5 s at
22,050 Hz, and prints Markdown tables. A layer's floor is the longer of two times: its products at
the rate of multiply-adds in registers, and the bytes of its input, output and weights, each touched
once, at the rate of the cache that holds them. With `forms` it only times the sampled network with
regular windows against other forms of sampling, rounds interleaved.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from usage import answer_help

from wsnet_cli.bench.layers import time_layers
from wsnet_cli.bench.rounds import paired_ratio, time_rounds
from wsnet_cli.bench.subjects import Sound, Subject, make_subjects, random_model
from wsnet_cli.core.networks.network import Conv, Layer, Network
from wsnet_cli.engine.native_engine import NativeEngine

SUBJECTS = ("sampled", "dense")
"""Of the default ones of `wsnet bench`."""
FORMS: dict[str, dict[str, object]] = {
    "regular": {},
    "signs": {"signs": True},
    "learned or random offsets": {"offsets": "random"},
    "group offset 2": {"group_offset": 2},
}
"""What is changed of the sampling of every layer that can have it."""
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
        n_weights = shape.length * shape.folded_channels * shape.n_sampled
    n_outputs = layer.output_length(n_inputs) * shape.n_out
    return 4 * (n_inputs * shape.folded_channels + n_outputs + n_weights)


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


def reform(layer: Layer, form: dict[str, object]) -> Layer:
    """The same layer with another form of sampling, as far as it has groups for it."""
    if not isinstance(layer, Conv) or layer.shape.sampling is None:
        return layer
    groups = layer.shape.sampling.channel_factor > 1
    fitting = {key: value for key, value in form.items() if groups or key == "offsets"}
    sampling = replace(layer.shape.sampling, **fitting)  # type: ignore[arg-type]
    return replace(layer, shape=replace(layer.shape, sampling=sampling))


def show_forms(subject: Subject, n_rounds: int) -> None:
    """One table: a window in each form of sampling."""
    calls = {}
    for name, form in FORMS.items():
        layers = tuple(reform(layer, form) for layer in subject.model.network.layers)
        engine = NativeEngine(random_model(Network(layers), subject.model.audio))
        engine.logits(subject.windows)
        calls[name] = lambda engine=engine: engine.logits(subject.windows)
    timings = time_rounds(calls, n_rounds)
    print("| sampling | ms | of regular |")
    print("|---|---|---|")
    for name, timing in timings.items():
        ratio = paired_ratio(timing.seconds, timings["regular"].seconds)
        spread = f"({ratio.low:.2f} to {ratio.high:.2f})"
        print(f"| {name} | {1000 * np.median(timing.seconds):.2f} | {ratio.median:.2f}x {spread} |")


def main() -> None:
    """Measure and print."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    if "forms" in sys.argv[2:]:
        show_forms(make_subjects(("esc10-wsnet-fast",), Sound(seconds=5.0))[0], n_rounds)
        return
    peak = measure_peak()
    for name, rate in peak.items():
        print(f"{name}: {rate:.1f} a nanosecond")
    for subject in make_subjects((), Sound()):
        if subject.name in SUBJECTS:
            show(subject, peak, n_rounds)


if __name__ == "__main__":
    answer_help(__doc__)
    main()
