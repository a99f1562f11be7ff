"""Where a training step's time goes: its parts, and each layer fused and by torch alone.

python benchmarks/training_profile.py [PRESET [SETTING...]] [--rounds N] [--threads N]

The input is noise; benchmarks/training_rate.py has whole steps on data. Layers are timed one by one
on the maps that the layer before makes, forward and backward, in rounds of both ways. CPU time of
all threads, which other work on the machine changes less than the time that passes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from time import process_time

import torch
from torch import Tensor, nn

from wsnet_cli.bench.rounds import time_rounds
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.learn.modules.average import WeightAverage
from wsnet_cli.learn.modules.fused import fused_block, torch_alone
from wsnet_cli.learn.modules.network import ConvBlock, WaveformClassifier
from wsnet_cli.learn.training.objective import Objective
from wsnet_cli.learn.training.optimise import make_optimizer

N_CLASSES = 10
Call = Callable[[], object]


def make_windows(config: Config) -> Tensor:
    """A batch of noise."""
    n_samples = audio_settings(config.audio).window_samples
    return torch.randn(config.train.batch_size, n_samples)


def make_model(config: Config) -> WaveformClassifier:
    """The network of a configuration, in training."""
    n_samples = audio_settings(config.audio).window_samples
    return WaveformClassifier(build_network(config.network, N_CLASSES, n_samples))


def layer_calls(block: nn.Module, maps: Tensor, *, first: bool) -> dict[str, Call]:
    """Forward and backward of one layer, by both ways."""

    def call(plain: bool) -> object:
        own = maps.detach().requires_grad_(not first)
        with torch_alone() if plain else nullcontext():
            out = block(own)
        out.backward(torch.ones_like(out))
        return out

    return {"torch": lambda: call(True), "fused": lambda: call(False)}


def part_calls(config: Config) -> dict[str, Call]:
    """The parts of a step that are no layer, and the whole without its data."""
    model, windows = make_model(config), make_windows(config)
    optimizer = make_optimizer(model, config.train)
    average, objective = WeightAverage(model, config.train), Objective()
    targets = torch.eye(N_CLASSES)[torch.arange(len(windows)) % N_CLASSES]

    def gradients() -> None:
        optimizer.zero_grad(set_to_none=True)
        objective.losses(model(windows), targets).mean().backward()

    def plain() -> None:
        with torch_alone():
            gradients()

    gradients()
    return {
        "forward and backward, fused": gradients,
        "forward and backward, torch alone": plain,
        "optimizer": optimizer.step,
        "running average": lambda: average.update(model, 100, 1000),
    }


def show_layers(config: Config, n_rounds: int) -> None:
    """A row for each convolution."""
    print(f"{'layer':8}{'in':>16}{'out':>16}{'torch ms':>10}{'fused ms':>10}")
    model, out = make_model(config), make_windows(config).unsqueeze(1)
    for block in model.blocks:
        if not isinstance(block, ConvBlock):
            return
        calls = layer_calls(block, out, first=out.shape[1] == 1)
        timings = time_rounds(calls, n_rounds, clock=process_time)
        is_fused = fused_block(block.conv, block.norm, block.layer, out) is not None
        with torch.no_grad():
            after = block(out)
        shapes = [f"{maps.shape[1]} x {maps.shape[2]}" for maps in (out, after)]
        fused = f"{timings['fused'].median_s * 1e3:10.1f}" if is_fused else f"{'torch':>10}"
        plain = timings["torch"].median_s * 1e3
        print(f"{block.layer.name:8}{shapes[0]:>16}{shapes[1]:>16}{plain:10.1f}{fused}", flush=True)
        out = after


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="?", default="esc10-wsnet-fast")
    parser.add_argument("settings", nargs="*", help="such as network.pooling=every-layer")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    config = load_config(given.preset, given.settings)
    show_layers(config, given.rounds)
    timings = time_rounds(part_calls(config), given.rounds, clock=process_time)
    print()
    for name, timing in timings.items():
        print(f"{name:36}{timing.median_s * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
