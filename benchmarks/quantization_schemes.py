"""Our symmetric 8-bit scheme against the paper's, on a trained run.

python benchmarks/quantization_schemes.py RUN prints, for each condensed filter, the signal to
quantization noise under both schemes in dB (higher is better; 6 dB is one bit), and on the run's
held-out clips what each does to the predictions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from usage import answer_help

from wsnet_cli.bulk.clips.labelled import held_out_clips
from wsnet_cli.core.model import Model, real
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.quant import Array, quantize, signal_to_noise_db
from wsnet_cli.engine.session import Classifier

SCHEMES: dict[str, Callable[[Array], Array]] = {
    "symmetric": lambda weights: quantize(weights).values(),
    "min-max": lambda weights: quantize(weights, scheme="min-max").values(),
}


def rounded(model: Model, scheme: Callable[[Array], Array]) -> Model:
    """The model with every condensed filter rounded, all else as it was."""
    weights = tuple(replace(own, phi=scheme(real(own.phi))) for own in model.weights)
    return replace(model, weights=weights)


def main() -> None:
    """Print a row per layer, then a row per scheme."""
    path = Path(sys.argv[1]) / "model.wsnet"
    model = load_model(path)
    print(f"layer     {'  '.join(f'{name:>9} dB' for name in SCHEMES)}")
    for layer, own in zip(model.network.weighted, model.weights, strict=True):
        phi = real(own.phi)
        decibels = (signal_to_noise_db(phi, scheme(phi)) for scheme in SCHEMES.values())
        print(f"{layer.name:9} {'  '.join(f'{value:12.1f}' for value in decibels)}")
    clips, _ = held_out_clips(path)
    truth = [model.labels.index(clip.label) for clip in clips]
    models = {"float32": model} | {n: rounded(model, s) for n, s in SCHEMES.items()}
    scores = {
        name: np.stack([Classifier(m).classify_file(clip.path) for clip in clips])
        for name, m in models.items()
    }
    for name, values in scores.items():
        changed = int((values.argmax(1) != scores["float32"].argmax(1)).sum())
        moved = float(np.abs(values - scores["float32"]).max())
        right = int((values.argmax(1) == truth).sum())
        print(
            f"{name}: {right} of {len(clips)} right, {changed} predictions changed, "
            f"largest change of a score {moved:.4f}"
        )


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    main()
