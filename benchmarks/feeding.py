"""What making batches takes beside a training step, by itself and with each part of a recipe.

python benchmarks/feeding.py DATA [PRESET [ROUNDS]] [--threads N]

The training part of DATA, decoded through the cache, and a preset's network (esc10-wsnet). In each
round every recipe makes a few batches, and the network takes a few steps on batches that are there
already; then it trains with batches made when they are wanted, and with batches made ahead by one
thread. Medians over the rounds; shares are of the median step, all within this process.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

import torch

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.learn.feeding.batches import Batch, Feed
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.run.prepared import PreparedData, find_data, prepare_data
from wsnet_cli.learn.training.trainer import Trainer

N_BATCHES = 4
PARTS = {
    "as the preset has it": {},
    "unmixed, at its own pace": {"mixing": "none", "rescale": 1.0},
    "unmixed": {"mixing": "none"},
    "mixup": {"mixing": "mixup"},
    "all windows mixed": {"mixing_share": 1.0},
    "white noise": {"noise_snr_db": (0.0, 30.0)},
}


class Kept:
    """A feed whose batches are made before they are asked for."""

    def __init__(self, feed: Feed) -> None:
        self._batches = [feed.batch(0, step) for step in range(min(N_BATCHES, feed.n_batches))]
        self.n_batches = 1 << 30

    def n_rows(self, step: int) -> int:
        """Windows of a batch."""
        return len(self.batch(0, step).windows)

    def batch(self, epoch: int, step: int, rank: int = 0, n_ranks: int = 1) -> Batch:
        """One of those that are there."""
        return self._batches[step % len(self._batches)]


def make_trainer(config: Config, data: PreparedData, feed: object, workers: int) -> Trainer:
    """A trainer at its start, with its first steps, which are slower, behind it."""
    n_samples = audio_settings(config.audio).window_samples
    network = build_network(config.network, len(data.dataset.labels), n_samples)
    torch.manual_seed(0)
    model = WaveformClassifier(network, config.network.dropout)
    trainer = Trainer(
        model,
        config.train,
        feed,  # type: ignore[arg-type]
        torch.device("cpu"),
        workers=workers,
    )
    take_steps(trainer, 2)
    return trainer


def take_steps(trainer: Trainer, n: int) -> None:
    """Train for so many steps."""
    taken = 0

    def enough() -> bool:
        nonlocal taken
        taken += 1
        return taken >= n

    while taken < n:
        trainer.run_epoch(enough)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds for each of the batches or steps that `work` makes."""
    start = perf_counter()
    work()
    return 1000 * (perf_counter() - start) / N_BATCHES


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("preset", nargs="?", default="esc10-wsnet")
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    config = load_config(given.preset, ["train.evaluate_every=0"])
    data = prepare_data(find_data(given.data), config, None)
    feed = data.feed(config)
    feeds = {
        name: replace(feed, augment=feed.augment.model_copy(update=part))
        for name, part in PARTS.items()
    }
    trainers = {
        "a step": make_trainer(config, data, Kept(feed), 0),
        "a step that makes its batch": make_trainer(config, data, feed, 0),
        "a step whose batch was made ahead": make_trainer(config, data, feed, 1),
    }
    for each in feeds.values():  # clips are measured when they are first asked for
        for step in range(each.n_batches):
            each.batch(0, step)

    def make_batches(each: Feed, epoch: int) -> None:
        for step in range(N_BATCHES):
            each.batch(epoch, step % each.n_batches)

    times: dict[str, list[float]] = {name: [] for name in (*feeds, *trainers)}
    for number in range(given.rounds):
        for name, each in feeds.items():
            times[name].append(timed(partial(make_batches, each, 1 + number)))
        for name, trainer in trainers.items():
            times[name].append(timed(partial(take_steps, trainer, N_BATCHES)))
    for trainer in trainers.values():
        trainer.close()
    step_ms = statistics.median(times["a step"])
    print(f"{given.preset}, batches of {feed.batch_size}, {given.threads} threads of torch")
    for name, values in times.items():
        ms = statistics.median(values)
        print(f"{name:36s} {ms:8.2f} ms {ms / step_ms:7.1%}")


if __name__ == "__main__":
    main()
