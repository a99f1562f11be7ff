from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from wsnet_cli.report import threshold_curve
from wsnet_cli.report.reliability import draw_reliability
from wsnet_cli.report.threshold_curve import Curve, draw_thresholds

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: bytes) -> set[str]:
    root = ElementTree.fromstring(svg)
    return {"".join(found.itertext()).strip() for found in root.iter(f"{SVG}text")}


def bins(*rates: float | None) -> list[dict[str, Any]]:
    width = 1 / len(rates)
    return [
        {
            "above": i * width,
            "to": (i + 1) * width,
            "n_clips": 0 if rate is None else 10 + i,
            "score": None if rate is None else (i + 0.5) * width,
            "accuracy": rate,
        }
        for i, rate in enumerate(rates)
    ]


def test_a_dot_stands_for_every_bin_that_has_clips() -> None:
    drawn = [draw_reliability(bins(*rates)) for rates in [(None, 0.2, 1.0), (None, None, 1.0)]]
    assert len(drawn[0]) > len(drawn[1])
    dots = [svg.count(b"<use ") for svg in drawn]
    assert dots[0] - dots[1] == 1
    assert {"clips", "clips that are right, %", "score, %"} <= texts(drawn[0])
    assert "decisions that are right, %" in texts(draw_reliability(bins(0.5), "decisions"))


def test_no_clip_at_all_is_an_empty_picture() -> None:
    assert "score, %" in texts(draw_reliability(bins(None, None)))


@pytest.mark.parametrize("stored", [None, 0.625])
def test_curves_are_named_and_so_is_the_stored_threshold(stored: float | None) -> None:
    curves = [Curve("told", [0, 0.5, 0.99], [1, 0.4, 0]), Curve("right", [0, 0.5], [0.8, None])]
    said = texts(draw_thresholds(curves, stored))
    assert {"told", "right"} <= said
    assert ("stored: 62.5 %" in said) == (stored is not None)


def test_lines_stand_at_per_cents(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure()
    monkeypatch.setattr(threshold_curve, "make_svg", lambda _size, paint, **_: paint(figure))
    draw_thresholds([Curve("told", [0.25, 0.5], [0.75, None])], 0.625)
    curve, stored = figure.axes[0].lines
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([25], [75])
    assert list(stored.get_xdata()) == [62.5, 62.5]


def test_equal_values_give_equal_pictures() -> None:
    curves = [Curve("told", [0, 1], [1, 0])]
    assert draw_thresholds(curves) == draw_thresholds(curves)
    assert draw_reliability(bins(0.5)) == draw_reliability(bins(0.5))
