"""Time the rows that have been recorded in the native engine: python benchmarks/row_times.py.

python benchmarks/row_times.py [ROUNDS] writes docs/results/times.json: for each row the median
milliseconds of one clip (5 s of noise; 1 s for FSDD), cut into its windows and classified by one
thread, over ROUNDS (100) rounds in which every row runs once, in an order drawn anew. Weights are
random: time does not depend on them. Nothing else should run meanwhile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from results_table import TIMES, what_is_timed
from row_files import RowFile, read_recorded, write_json
from rows_file import Row, read_rows
from usage import answer_help

from wsnet_cli.bench.machine import describe_machine
from wsnet_cli.bench.rounds import Timing, time_rounds
from wsnet_cli.bench.subjects import random_model
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.sound.windows import clip_windows
from wsnet_cli.engine.session import Classifier

N_ROUNDS = 100


def make_call(row: Row, found: RowFile) -> tuple[Callable[[], object], int]:
    """What classifies one clip of the row's length, and how many windows that has."""
    config = Config.model_validate_json(json.dumps(found.document["config"]))
    audio = audio_settings(config.audio)
    network = build_network(config.network, len(found.clips.labels), audio.window_samples)
    model = random_model(network, audio)
    n = round(row.place.clip_s * audio.sample_rate)
    samples = (0.1 * np.random.default_rng(0).standard_normal(n)).astype(np.float32)
    classifier = Classifier(model, "native", threads=1)
    return partial(classifier.classify, samples, audio.sample_rate), len(
        clip_windows(samples, audio)
    )


def describe(row: Row, found: RowFile, n_windows: int, timing: Timing) -> dict[str, Any]:
    """One row of the file."""
    return {
        "timed": what_is_timed(found),
        "clip_s": row.place.clip_s,
        "windows": n_windows,
        "ms": round(1000 * timing.median_s, 4),
        "quartiles_ms": [round(1000 * s, 4) for s in timing.quartiles_s],
    }


def main() -> None:
    """Measure and write."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else N_ROUNDS
    whole = read_rows()
    rows, files, calls, windows = whole.rows, read_recorded(whole), {}, {}
    for name, file in files.items():
        calls[name], windows[name] = make_call(rows[name], file)
        calls[name]()
    timings = time_rounds(calls, n_rounds)
    document = {
        "machine": describe_machine(),
        "rounds": n_rounds,
        "rows": {
            name: describe(rows[name], files[name], windows[name], timings[name]) for name in calls
        },
    }
    write_json(TIMES, document)
    print(f"written: {TIMES}", file=sys.stderr)


if __name__ == "__main__":
    answer_help(__doc__)
    main()
