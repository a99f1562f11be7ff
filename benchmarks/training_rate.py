"""Clips a second of whole training steps, data included: sampled, dense and narrow networks.

python benchmarks/training_rate.py DATA [--rounds N] [--threads 1,2] [--no-plain] [--json FILE]

DATA is ESC-10 or any other data set. Each round takes one step of every network, with the released
pools and with pools everywhere, by the fused layers and by torch alone, in an order that is drawn
anew; ratios are within a round. Batches are made when they are wanted, by the same thread, so that
their whole cost is in the step; with more than one thread `wsnet train` makes them meanwhile.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from wsnet_cli.bench.machine import describe_machine
from wsnet_cli.bench.rounds import Timing, paired_ratio, time_rounds
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.learn.feeding.batches import Feed
from wsnet_cli.learn.modules.fused import torch_alone
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.run.prepared import PreparedData, find_data, prepare_data
from wsnet_cli.learn.training.trainer import Trainer

NETWORKS = {
    "sampled, S = 2": "esc10-wsnet-fast",
    "sampled, default": "esc10-wsnet",
    "dense": "esc10-dense",
    "narrow": "esc10-narrow",
}
POOLS = ("released", "every-layer")
WAYS: dict[str, Callable[[], Any]] = {"fused": nullcontext, "torch": torch_alone}
FED = "sampled, S = 2"
"""Whose feed is timed by itself; all four hear the same."""


class Key(NamedTuple):
    """What is timed: a step of a network, or making its batch (way "feed")."""

    network: str
    pools: str
    way: str


Timings = dict[Key, Timing]


def make_step(config: Config, data: PreparedData, way: str) -> Callable[[], object]:
    """A call that trains for one step."""
    torch.manual_seed(0)
    n_samples = audio_settings(config.audio).window_samples
    network = build_network(config.network, len(data.dataset.labels), n_samples)
    model = WaveformClassifier(network, config.network.dropout)
    trainer = Trainer(model, config.train, data.feed(config), torch.device("cpu"))

    def step() -> None:
        with WAYS[way]():
            trainer.run_epoch(lambda: True)

    return step


def make_feeding(feed: Feed) -> Callable[[], object]:
    """A call that makes the next batch."""

    def batches() -> Iterator[object]:
        for epoch in range(10**9):
            for step in range(feed.n_batches):
                yield feed.batch(epoch, step)

    return batches().__next__


def make_calls(data: PreparedData, ways: list[str]) -> dict[Key, Callable[[], object]]:
    """Everything that is timed."""
    calls: dict[Key, Callable[[], object]] = {}
    for pools in POOLS:
        for name, preset in NETWORKS.items():
            config = load_config(preset, (f"network.pooling={pools}",))
            for way in ways:
                calls[Key(name, pools, way)] = make_step(config, data, way)
            if name == FED:
                calls[Key(name, pools, "feed")] = make_feeding(data.feed(config))
    return calls


@contextmanager
def threads_of_torch(n: int) -> Iterator[None]:
    """So many, and then as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def ratio(slow: Timing, fast: Timing) -> dict[str, float]:
    """How many times more clips a second `fast` takes, round by round."""
    found = paired_ratio(slow.seconds, fast.seconds)
    return {"median": found.median, "low": found.low, "high": found.high}


def summarise(timings: Timings, batch_size: int) -> dict[str, Any]:
    """Rates in clips a second, ratios of rates, shares of feeding."""
    ways = [way for way in WAYS if Key("dense", "released", way) in timings]
    steps = {key: t for key, t in timings.items() if key.way != "feed"}
    report: dict[str, Any] = {
        "clips_per_second": [
            {**key._asdict(), "median": batch_size / timing.median_s}
            for key, timing in steps.items()
        ],
        "ratios": [],
        "feeding": [],
    }
    for pools in POOLS:
        for name in NETWORKS:
            for way in ways:
                own = timings[Key(name, pools, way)]
                for other in ("dense", "narrow"):
                    found = ratio(timings[Key(other, pools, way)], own)
                    report["ratios"].append(
                        {"of": name, "to": other, "pools": pools, "way": way, **found}
                    )
            if len(ways) == 2:
                found = ratio(
                    timings[Key(name, pools, "torch")], timings[Key(name, pools, "fused")]
                )
                report["ratios"].append(
                    {"of": name, "to": name, "pools": pools, "way": "fused to torch", **found}
                )
            feed, step = timings[Key(FED, pools, "feed")], timings[Key(name, pools, ways[0])]
            share = float(np.median(feed.seconds / step.seconds))
            report["feeding"].append({"network": name, "pools": pools, "share": share})
    return report


def show(report: dict[str, Any], threads: int) -> None:
    """The rates as a table, with what they are to the dense network's."""
    print(f"\n{threads} thread{'s' * (threads > 1)}: clips a second; times dense of the same way")
    print(f"{'network':18}{'pools':13}{'way':8}{'clips/s':>9}{'feeding':>9}  to dense (range)")
    ratios = {(r["of"], r["to"], r["pools"], r["way"]): r for r in report["ratios"]}
    shares = {(f["network"], f["pools"]): f["share"] for f in report["feeding"]}
    for row in report["clips_per_second"]:
        name, pools, way = row["network"], row["pools"], row["way"]
        own = ratios[name, "dense", pools, way]
        share = f"{shares[name, pools]:9.1%}" if way == "fused" else " " * 9
        print(
            f"{name:18}{pools:13}{way:8}{row['median']:9.0f}{share}"
            f"  {own['median']:.2f} ({own['low']:.2f} to {own['high']:.2f})"
        )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--no-plain", action="store_true", help="leave torch alone out")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    config = load_config(NETWORKS[FED])
    data = prepare_data(find_data(given.data), config, "1")
    ways = ["fused"] if given.no_plain else list(WAYS)
    document: dict[str, Any] = {
        "machine": describe_machine(),
        "rounds": given.rounds,
        "batch_size": config.train.batch_size,
        "threads": {},
    }
    for threads in map(int, given.threads.split(",")):
        with threads_of_torch(threads):
            timings = time_rounds(make_calls(data, ways), given.rounds)
        report = summarise(timings, config.train.batch_size)
        document["threads"][str(threads)] = report
        show(report, threads)
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
