"""`wsnet evaluate --against`: runs compared by what they said, models on the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...core.errors import UsageError
from ...core.files import exists
from ...core.run_files import PREDICTIONS, holds_runs
from ..shared.clips import Choice, choose_clips, measure_clips, warn_known
from ..shared.exits import EXIT_SOME_FAILED
from ..shared.light import require
from ..showing import console

if TYPE_CHECKING:
    from ...bulk.evaluating.side_by_side import SideBySide
    from ...data.dataset import Failure
    from ...engine.session import Classifier

NAMED_AT_MOST = 10
"""Clips that -v names on either side; --json and changed.csv have all."""


def evaluate_against(
    first: str, second: str, choice: Choice, workers: int | None, out: Path | None, json: bool
) -> None:
    """Show how two runs, or models, differ on the same clips, and which clips changed sides."""
    from ...bulk.evaluating.evaluation_files import write_side_by_side
    from ...bulk.evaluating.side_by_side import put_side_by_side
    from ...core.locate import find_shipped

    one, other = Path(first), Path(second)
    failures: Sequence[Failure] = ()
    if choice.source is None and _has_said(one) and _has_said(other):
        found = put_side_by_side(one, other)
    else:
        for name in (first, second):
            if not exists(name):
                find_shipped(name)  # what is not there is told before what does not fit
        for folder in (one, other):
            if holds_runs(folder):
                raise UsageError(
                    f"{folder}: holds several runs, whose clips are compared with those of runs; "
                    "expected two folders of runs without DATA, or two models"
                )
        found, failures = _run_both(first, second, choice, workers)
    failed = [{"file": f.name, "error": f.reason} for f in failures]
    document = {**found.as_json(), "failed": failed}
    if out is not None:
        for path in write_side_by_side(out, document, found):
            console.note(f"written: {path.absolute()}")
    if json:
        console.print_json(document)
    else:
        show_side_by_side(found)
    if failures:
        raise typer.Exit(EXIT_SOME_FAILED)


def _has_said(folder: Path) -> bool:
    """Whether there is a folder that holds what a run said, or several."""
    return holds_runs(folder) or (folder / PREDICTIONS).is_file()


def _run_both(
    first: str, second: str, choice: Choice, workers: int | None
) -> tuple[SideBySide, Sequence[Failure]]:
    """Have two models classify the same clips."""
    require("sklearn")
    from ...bulk.evaluating.side_by_side import compare_evaluations
    from ...core.locate import find_model
    from ...engine.session import Classifier

    paths = find_model(first), find_model(second)
    models = [Classifier.load(path) for path in paths]
    _check_comparable(paths, models)
    clips, audio = choose_clips(paths[0], choice)
    for path, model in zip(paths, models, strict=True):
        if choice.source is not None or path.parent != paths[0].parent:
            warn_known(path, model, clips, audio, f"{path}: ")
    one, other = (measure_clips(model, clips, audio, workers) for model in models)
    failures = {(f.name, f.reason): f for f in (*one.failures, *other.failures)}
    names = str(paths[0]), str(paths[1])
    found = compare_evaluations(names[0], one.evaluated, names[1], other.evaluated)
    return found, tuple(failures.values())


def _check_comparable(paths: Sequence[Path], models: Sequence[Classifier]) -> None:
    """Refuse models that do not answer the same question."""
    one, other = models
    if one.multi_label != other.multi_label:
        raise UsageError(
            f"{paths[0]} and {paths[1]}: one tells a single label of each clip, the other several; "
            "expected models of one kind"
        )
    if set(one.labels) != set(other.labels):
        alone = [sorted(set(a.labels) - set(b.labels)) for a, b in ((one, other), (other, one))]
        words = "; ".join(
            f"only {path} has {', '.join(labels[:3])}{', ...' if len(labels) > 3 else ''}"
            for path, labels in zip(paths, alone, strict=True)
            if labels
        )
        raise UsageError(
            f"{paths[0]} and {paths[1]}: have other labels ({words}); expected the same"
        )


def show_side_by_side(found: SideBySide) -> None:
    """The table of the two, clips that changed sides with -v, and the difference in a line."""
    compared = found.comparison
    sides = (found.first, found.second)
    better = (compared.first_better, compared.second_better)
    rows = [
        (side.name, str(len(side.right)), f"{100 * accuracy:.1f}", str(len(clips)))
        for side, accuracy, clips in zip(sides, compared.accuracies, better, strict=True)
    ]
    console.print_table(("model", "seeds", "accuracy %", "clips better"), rows, numbers=(1, 2, 3))
    _name_changed(found.first.name, found.changed[: len(better[0])], "second_predicted")
    _name_changed(found.second.name, found.changed[len(better[0]) :], "first_predicted")
    low, high = compared.interval
    console.result(
        f"{found.first.name} minus {found.second.name} on {len(found.first.labels)} clips: "
        f"{100 * compared.difference:+.2f} points (95 % interval {100 * low:+.2f} to "
        f"{100 * high:+.2f}, over {found.n_recordings} recordings){_say_p(compared.p_value)}"
    )


def _name_changed(name: str, changed: Sequence[dict[str, Any]], other: str) -> None:
    """With -v, some clips that one has right more often, and what the other took them for."""
    for row in changed[:NAMED_AT_MOST]:
        instead = "" if row[other] is None else f" ({row['label']}, not {row[other]})"
        console.detail(f"better with {name}: {row['clip']}{instead}")
    if len(changed) > NAMED_AT_MOST:
        console.detail(f"better with {name}: {len(changed) - NAMED_AT_MOST} more")


def _say_p(p_value: float | None) -> str:
    return "" if p_value is None else f", McNemar's test p = {p_value:.3g}"
