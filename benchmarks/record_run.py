"""Keep what a finished run showed: python benchmarks/record_run.py RUN NAME "COMMAND".

Writes docs/results/NAME.json: the command, the configuration, bytes, and the predictions of the
float32 model and of its 8-bit file for every held-out clip, from which all measures follow.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from wsnet_cli.bulk.evaluate import evaluate_clips
from wsnet_cli.bulk.labelled import held_out_clips
from wsnet_cli.core.artifact import load_model, model_to_bytes
from wsnet_cli.core.config_file import load_config
from wsnet_cli.core.files import write_text_atomic
from wsnet_cli.core.model import Model, compress
from wsnet_cli.engine.session import Classifier

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"


def measure_model(model: Model, model_path: Path) -> dict[str, Any]:
    """Bytes, bits and the prediction of every held-out clip."""
    clips, audio = held_out_clips(model_path)
    outcome = evaluate_clips(Classifier(model), clips, audio=audio)
    return {
        "bits": model.bits,
        "bytes": len(model_to_bytes(model)),
        "parameters": model.network.n_parameters,
        "dense_parameters": model.network.n_dense_parameters,
        "multiply_adds": sum(
            cost.multiply_adds for cost in model.network.costs(model.audio.window_samples, "folded")
        ),
        "predictions": [[clip.file, clip.label, clip.predicted] for clip in outcome.clips],
    }


def main() -> None:
    """Evaluate a run at 32 and 8 bits and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("command")
    arguments = parser.parse_args()
    path = arguments.run / "model.wsnet"
    model = load_model(path)
    with (arguments.run / "metrics.csv").open(encoding="utf-8") as stream:
        epochs = list(csv.DictReader(stream))
    document = {
        "command": arguments.command,
        "config": load_config(str(arguments.run / "config.yaml")).model_dump(),
        "labels": list(model.labels),
        "split": model.provenance["split"],
        "last_epoch": epochs[-1],
        "float32": measure_model(model, path),
        "int8": measure_model(compress(model), path),
    }
    target = RESULTS / f"{arguments.name}.json"
    write_text_atomic(target, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
