from __future__ import annotations

from typing import Any

import pytest

from wsnet_cli.report import evaluation_figures
from wsnet_cli.report.evaluation_figures import draw_pictures
from wsnet_cli.report.threshold_curve import Curve

POINTS = [
    {"threshold": 0.0, "n_told": 10, "share": 1.0, "accuracy": 0.7, "precision": 0.3, "recall": 1},
    {"threshold": 0.5, "n_told": 4, "share": 0.4, "accuracy": None, "precision": 0.9, "recall": 0},
]
ALARMS = [{"threshold": 0.25, "false_alarm_rate": 0.125, "accepted": 0.9}]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the picture of thresholds was asked to draw."""
    asked: list[Any] = []
    monkeypatch.setattr(
        evaluation_figures, "draw_thresholds", lambda *given: asked.append(given) or b""
    )
    return asked


def test_curves_are_of_the_document(drawn: list[Any]) -> None:
    document = {"threshold_curve": POINTS, "background": {"curve": ALARMS}}
    pictures = draw_pictures(document, 0.25)
    assert drawn == [
        (
            [
                Curve("right of those told", [0.0, 0.5], [0.7, None]),
                Curve("clips told", [0.0, 0.5], [1.0, 0.4]),
                Curve("false alarms", [0.25], [0.125]),
            ],
            0.25,
        )
    ]
    assert "right of those told, clips told, false alarms" in pictures["thresholds"].words


def test_of_several_labels_they_are_precision_and_recall(drawn: list[Any]) -> None:
    draw_pictures({"multi_label": True, "threshold_curve": POINTS, "background": None}, None)
    assert drawn == [
        ([Curve("recall", [0.0, 0.5], [1, 0]), Curve("precision", [0.0, 0.5], [0.3, 0.9])], None)
    ]


def test_what_is_not_known_is_not_drawn(drawn: list[Any]) -> None:
    nothing = {"threshold_curve": None, "reliability": None, "background": {"curve": ALARMS}}
    assert draw_pictures(nothing, 0.5) == {}


def test_pictures_are_told_in_words() -> None:
    confusion = {"labels": ["cat", "dog"], "matrix": [[3, 1], [0, 1_000]]}
    bins = [{"above": 0, "to": 1, "n_clips": 1_004, "score": 0.5, "accuracy": 0.999}]
    document = {"confusion": confusion, "reliability": bins, "calibration_error": 0.499}
    pictures = draw_pictures(document, None)
    assert "2 classes" in pictures["confusion"].words
    assert "1,003 of 1,004 on the diagonal" in pictures["confusion"].words
    assert "calibration error 49.9 %" in pictures["reliability"].words
