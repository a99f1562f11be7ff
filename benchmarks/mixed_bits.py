"""What bits for each layer are worth against the same bits everywhere, by rounding alone.

python benchmarks/mixed_bits.py RUN... [--data DATA]: for each run, the files with 6, 5 and 4 bits
everywhere, and beside each the best mixed ones of at most as many bytes, or a tenth more (+): bits
given by sensitivity, which is measured on training clips, and by the error of the weights. Prints
bytes, held-out accuracy, and the mean divergence of the scores of held-out clips from the float32
model's, in thousandths of a nat; in the last rows that of all runs. DATA is divided by each run's
own fold; without it the runs have to be whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from wsnet_cli.bulk.clips.labelled import data_of_run
from wsnet_cli.bulk.compressing.sensitivity import choose_windows, measure_sensitivity
from wsnet_cli.cli.compress.data import DataOptions, ModelData
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.quant import Array
from wsnet_cli.core.sizes.bit_allocation import Allocation
from wsnet_cli.core.sizes.bit_choice import Wish, choose_bits
from wsnet_cli.core.sizes.layer_forms import LayerForms
from wsnet_cli.engine.session import Classifier

Row = tuple[str, str, int, int, int, float]
"""Limit, way, bytes, right clips, clips, divergence."""


def measure(run: Path, source: Path | None) -> list[Row]:
    """The rows of one run."""
    path = run / "model.wsnet"
    forms = LayerForms(model := load_model(path))
    fold = None if source is None else data_of_run(run).fold
    data = ModelData(path, model, DataOptions(source, fold=fold))
    prepared = data.prepare(data.plain_config())
    train, packed = prepared.train, prepared.packed
    clips = [packed.samples(i) for i in prepared.test]
    classes = prepared.dataset.classes[prepared.test]
    windows = choose_windows(len(train), lambda i: packed.samples(train[i]), model.audio)
    by_scores = measure_sensitivity(forms, windows)
    before = said(model, clips)
    rows = []
    for limit, way, allocation in choose_all(forms, by_scores):
        after = said(forms.make(allocation), clips)
        apart = float((before * np.log(before / after)).sum(axis=1).mean())
        right = int((after.argmax(axis=1) == classes).sum())
        rows.append((limit, way, forms.n_bytes(allocation), right, len(clips), apart))
    return rows


def said(model: Model, clips: Sequence[Array]) -> Array:
    """The scores of clips, kept above 0."""
    scores = Classifier(model).classify_batch(clips, model.audio.sample_rate)
    return np.maximum(scores, 1e-9)


def choose_all(
    forms: LayerForms, by_scores: list[list[float]]
) -> Iterator[tuple[str, str, Allocation]]:
    """Every limit, way and allocation."""
    yield "8 bits", "everywhere", forms.at(8)
    for bits in (6, 5, 4):
        same = forms.n_bytes(forms.at(bits))
        yield f"{bits} bits", "everywhere", forms.at(bits)
        for more, n_bytes in (("", same), (" +", round(1.1 * same))):
            for way, losses in (("weights", forms.weight_errors()), ("sensitivity", by_scores)):
                chosen = choose_bits(forms, Wish(max_bytes=n_bytes), losses)
                yield f"{bits} bits{more}", f"by {way}", chosen


def show(rows: Sequence[Row], n_runs: int = 1) -> None:
    """A line for each row."""
    for limit, way, n_bytes, right, n_clips, apart in rows:
        print(
            f"{limit:8}  {way:14}  {n_bytes // n_runs:8,} B  {100 * right / n_clips:5.1f} %  "
            f"{1000 * apart / n_runs:8.2f}"
        )


def main() -> None:
    """All runs, then all together."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    found: list[list[Row]] = []
    for run in arguments.runs:
        print(run, flush=True)
        found.append(measure(run, arguments.data))
        show(found[-1])
    if len(found) > 1:
        print("all; bytes and divergence are means")
        show([_together(same) for same in zip(*found, strict=True)], len(found))


def _together(same: Sequence[Row]) -> Row:
    n_bytes, right, n_clips = (sum(int(row[i]) for row in same) for i in (2, 3, 4))
    return (*same[0][:2], n_bytes, right, n_clips, sum(row[5] for row in same))


if __name__ == "__main__":
    main()
