"""The table of docs/results.md that says which classes the networks of one table take for others.

python benchmarks/mistakes_table.py          writes it between its markers
python benchmarks/mistakes_table.py --check  fails if the page holds another

Of all rows of the table `sizes` of benchmarks/rows.yaml that have files, in 8 bits.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from page_table import write_or_check
from results_table import PAGE, markdown
from row_files import ClipList, Ints, RowFile, read_recorded
from rows_file import read_rows
from usage import answer_help

from wsnet_cli.core.errors import WsnetError

TABLE, FORM = "sizes", "int8"
MOST_NAMED = 3
"""Classes that a class is most often taken for."""
N_HARDEST = 4
"""Classes, those of the lowest recall, whose mistakes among each other are counted."""


def table(files: Mapping[str, RowFile]) -> str:
    """Recall of each class, the lowest first, and what all trainings together say.

    Args:
        files: of rows that held out all clips of one data set, at least one.
    """
    clips = next(iter(files.values())).clips
    truth = np.array(clips.classes)
    said = {name: file.predicted(FORM) for name, file in files.items()}
    everything = np.concatenate(list(said.values()))
    right = everything == truth
    order = sorted(range(len(clips.labels)), key=lambda c: float(right[:, truth == c].mean()))
    headings = ("class", "clips", "all", *(f"`{name}`" for name in said), "most often taken for")
    rows = [class_cells(c, clips, everything, said) for c in order]
    words = (
        together(everything, truth, len(clips.labels)),
        among(order[:N_HARDEST], everything, truth),
    )
    return f"{markdown(headings, rows)}\n\n{' '.join(words)}"


def class_cells(c: int, clips: ClipList, everything: Ints, said: Mapping[str, Ints]) -> list[str]:
    """The row of a class: recall in per cent by all trainings, then by those of each row."""
    own = np.array(clips.classes) == c
    found = [100 * float((one[:, own] == c).mean()) for one in (everything, *said.values())]
    return [
        clips.labels[c],
        f"{int(own.sum())}",
        *(f"{recall:.1f}" for recall in found),
        taken_for(c, everything[:, own], clips.labels),
    ]


def taken_for(c: int, predicted: Ints, labels: tuple[str, ...]) -> str:
    """The labels that a class is most often taken for, with the share of its clips."""
    shares = np.bincount(predicted.ravel(), minlength=len(labels)) / predicted.size
    shares[c] = 0
    first = np.argsort(-shares, kind="stable")[:MOST_NAMED]
    return ", ".join(f"{labels[k]} {100 * shares[k]:.1f} %" for k in first if shares[k])


def together(predicted: Ints, truth: Ints, n_labels: int) -> str:
    """How many clips all trainings have right, and none, and how often their vote is right."""
    n_trainings, n_clips = predicted.shape
    n_right = (predicted == truth).sum(axis=0)
    votes = np.apply_along_axis(np.bincount, 0, predicted, minlength=n_labels)
    # Of labels with as many votes each is taken as often.
    of_truth = votes[truth, np.arange(n_clips)]
    best = votes.max(axis=0)
    vote = float(((of_truth == best) / (votes == best).sum(axis=0)).mean())
    return (
        f"Of {n_clips} clips, {int((n_right == n_trainings).sum())} are right in all "
        f"{n_trainings} trainings (five folds each) and {int((n_right == 0).sum())} in none. "
        f"A training is right on {100 * n_right.mean() / n_trainings:.2f} % of them, "
        f"the vote of all on {100 * vote:.2f} %."
    )


def among(classes: list[int], predicted: Ints, truth: Ints) -> str:
    """How many mistakes take one of these classes for another of them."""
    wrong = predicted != truth
    inside = wrong & np.isin(predicted, classes) & np.isin(truth, classes)
    share = 100 * inside.sum() / max(wrong.sum(), 1)
    return (
        f"Of {int(wrong.sum())} mistakes, {share:.1f} % take one of the first {len(classes)} "
        "classes above for another of them."
    )


def main() -> int:
    """Write or check it; the exit code."""
    rows = read_rows()
    recorded = read_recorded(rows)
    files = {name: recorded[name] for name in rows.of_table(TABLE) if name in recorded}
    return write_or_check(PAGE, "mistakes", table(files))


if __name__ == "__main__":
    answer_help(__doc__)
    try:
        sys.exit(main())
    except WsnetError as error:
        sys.exit(f"error: {error}")
