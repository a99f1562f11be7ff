"""What measuring many clips takes: the measures alone, and `wsnet evaluate` with its files.

    python benchmarks/measures.py
    python benchmarks/measures.py --clips 100000 --classes 50

prints seconds of processor time and the peak of memory, each of a process of its own. The clips of
`evaluate` are quarters of a second, links to one file for each class, so that hardly anything but
wsnet's own work is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from sklearn import metrics as _imported_before_timing  # noqa: F401

from wsnet_cli.bench.subjects import random_model
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.core.measures.multi_label_metrics import measure_labels
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.networks.architectures import build_network

RATE = 8_000


def main() -> None:
    """Measure every part in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--part", choices=("single", "grouped", "labels", "evaluate"))
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(run_part(arguments.part, arguments.clips, arguments.classes)))
        return
    for n_clips in (1_000, arguments.clips):
        for part in ("single", "grouped", "labels", "evaluate"):
            options = ["--clips", str(n_clips), "--classes", str(arguments.classes)]
            command = [sys.executable, __file__, *options, "--part", part]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{part:9} {n_clips:7} clips, {arguments.classes} classes: "
                f"{found['seconds']:6.1f} s, {found['megabytes']:5.0f} MB"
            )


def run_part(part: str, n_clips: int, n_classes: int) -> dict[str, float]:
    """What one part takes in this process."""
    if part == "evaluate":
        return evaluate(n_clips)
    truth, scores = answers(n_clips, n_classes)
    labels = [f"class {c}" for c in range(n_classes)]
    recordings = np.arange(n_clips) // (1 if part == "single" else 2)
    start = time.process_time()
    if part == "labels":
        measure_labels(np.eye(n_classes, dtype=bool)[truth], scores, labels, recordings)
    else:
        measure(truth, scores.argmax(axis=1), labels, scores, recordings)
    return cost(time.process_time() - start, resource.RUSAGE_SELF)


def answers(n_clips: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes, and scores that are right more often than not."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, n_classes, n_clips)
    logits = 2 * rng.standard_normal((n_clips, n_classes), np.float32)
    logits[np.arange(n_clips), truth] += 5
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return truth, scores / scores.sum(axis=1, keepdims=True)


def evaluate(n_clips: int) -> dict[str, float]:
    """What the command takes, on clips that are links to ten files."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = small_model()
        save_model(folder / "model.wsnet", model)
        for c, label in enumerate(model.labels):
            (folder / "data" / label).mkdir(parents=True)
            tone = 0.3 * np.sin(2 * np.pi * 200 * (c + 1) * np.arange(RATE // 4) / RATE)
            soundfile.write(folder / f"{c}.wav", tone, RATE)
            for i in range(n_clips // len(model.labels)):
                os.link(folder / f"{c}.wav", folder / "data" / label / f"{i}.wav")
        command = [sys.executable, "-m", "wsnet_cli", "evaluate", "model.wsnet", "data"]
        subprocess.run(
            [*command, "-o", "out", "-j", "1"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return cost(spent.ru_utime + spent.ru_stime, resource.RUSAGE_CHILDREN)


def small_model() -> Model:
    """Ten classes, random weights, and windows of a quarter of a second."""
    settings = (
        *(f"audio.sample_rate={RATE}", "audio.window_s=0.25", "network.width=0.0625"),
        *("network.architecture=soundnet8", "network.pooling=every-layer"),
        "network.sampling=null",
    )
    config = load_config("default", settings)
    audio = audio_settings(config.audio)
    return random_model(build_network(config.network, 10, audio.window_samples), audio)


def cost(seconds: float, whose: int) -> dict[str, float]:
    """Seconds, and the peak of memory."""
    return {"seconds": seconds, "megabytes": resource.getrusage(whose).ru_maxrss / 1_000}


if __name__ == "__main__":
    main()
