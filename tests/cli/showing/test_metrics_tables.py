from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.cli.showing.metrics_tables import (
    MOST_COLUMNS,
    MOST_MISTAKES,
    show_confusion,
    show_metrics,
)
from wsnet_cli.core.measures.metrics import measure


def test_a_matrix_of_many_classes_is_told_by_its_mistakes(capsys: pytest.CaptureFixture[str]):
    n = MOST_COLUMNS + 1
    matrix = 5 * np.eye(n, dtype=int)
    matrix[3, 7], matrix[60, 0], matrix[0, 60] = 4, 2, 3
    show_confusion([f"class-{i}" for i in range(n)], matrix.tolist())
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line[:1] and line[0].startswith("class-")] == [
        ["class-3", "class-7", "4"],
        ["class-0", "class-60", "3"],
        ["class-60", "class-0", "2"],
    ]
    show_confusion(["chainsaw", "b"], [[1, 2], [0, 3]])
    assert "1 chainsaw         1   2" in capsys.readouterr().out
    show_confusion(["1", "2"], [[0, 2], [0, 3]])
    assert " 1                  .   2" in capsys.readouterr().out
    show_confusion([f"class-{i}" for i in range(n)], np.ones((n, n), int).tolist())
    assert capsys.readouterr().out.count("class-") == 2 * MOST_MISTAKES


def test_what_is_not_known_is_a_dash(capsys: pytest.CaptureFixture[str]):
    show_metrics(measure([0, 0], [0, 1], ("a", "b"), recordings=np.zeros(2, np.int64)), n_seeds=2)
    shown = capsys.readouterr().out
    row, _ = [line.split() for line in shown.splitlines() if line.split()[:1] == ["b"]]
    assert row == ["b", "0.0", "-", "-", "0.0", "-", "-", "0"]
    (row,) = [line.split() for line in shown.splitlines() if line.split()[:1] == ["balanced"]]
    assert row == ["balanced", "50.0", "-", "-"]
    assert "calibration error -, negative log likelihood -, Brier score -" in shown
    assert "accuracy 50.0 % (1 of 2 answers, 2 for each clip; 95 % interval" in shown
