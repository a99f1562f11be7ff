"""What bits for each layer are worth against the same bits everywhere, by rounding alone.

python benchmarks/mixed_bits.py RUN...: for each run, the files with 6, 5 and 4 bits everywhere, and
beside each the best mixed ones of at most as many bytes: bits given by sensitivity, which is
measured on training clips, and by the error of the weights. Prints bytes, held-out accuracy, and
the mean divergence of the scores of held-out clips from the float32 model's, in thousandths of a
nat, summed over all runs in the last rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wsnet_cli.bulk.before_after import measure_both
from wsnet_cli.bulk.sensitivity import choose_windows, measure_sensitivity
from wsnet_cli.cli.compress_data import DataOptions, ModelData
from wsnet_cli.core.artifact import load_model
from wsnet_cli.core.bit_choice import Wish, choose_bits
from wsnet_cli.core.layer_forms import LayerForms

WAYS = ("everywhere", "by weights", "by sensitivity")


def measure(run: Path) -> list[tuple[int, str, int, int, int, float]]:
    """Rows of bits, way, bytes, right clips, clips, divergence."""
    path = run / "model.wsnet"
    forms = LayerForms(model := load_model(path))
    data = ModelData(path, model, DataOptions())
    prepared = data.prepare(data.plain_config())
    train, held_out = prepared.train, data.held_out()
    assert held_out is not None
    windows = choose_windows(len(train), lambda i: prepared.packed.samples(train[i]), model.audio)
    by_scores = measure_sensitivity(forms, windows)
    rows = []
    for bits in (6, 5, 4):
        wish = Wish(max_bytes=forms.n_bytes(forms.at(bits)))
        chosen = {
            "everywhere": forms.at(bits),
            "by weights": choose_bits(forms, wish, forms.weight_errors()),
            "by sensitivity": choose_bits(forms, wish, by_scores),
        }
        for way, allocation in chosen.items():
            both = measure_both(model, forms.make(allocation), held_out.clips, held_out.audio)
            before, after = both.before.scores, both.after.scores
            assert before is not None
            assert after is not None
            p, q = (np.maximum(scores, 1e-9).astype(np.float64) for scores in (before, after))
            apart = float((p * np.log(p / q)).sum(axis=1).mean())
            right = int(both.after.right.sum())
            rows.append((bits, way, forms.n_bytes(allocation), right, both.n_clips, apart))
    return rows


def show(rows: Sequence[tuple[int, str, int, int, int, float]], n_runs: int = 1) -> None:
    """A line for each row."""
    for bits, way, n_bytes, right, n_clips, apart in rows:
        print(
            f"{bits} bits  {way:14}  {n_bytes // n_runs:8,} B  {100 * right / n_clips:5.1f} %  "
            f"{1000 * apart / n_runs:8.2f}"
        )


def main() -> None:
    """All runs, then all together."""
    found = []
    for name in sys.argv[1:]:
        print(name)
        found.append(measure(Path(name)))
        show(found[-1])
    if len(found) > 1:
        print("all, bytes and divergence as means")
        sums = [
            (*same[0][:2], *(sum(row[i] for row in same) for i in (2, 3, 4, 5)))
            for same in zip(*found, strict=True)
        ]
        show(sums, len(found))


if __name__ == "__main__":
    main()
