"""The picture of a sweep: every point, its interval, a name for each kind, on any page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from wsnet_cli.core.measures.metrics import wilson_interval
from wsnet_cli.core.sizes.frontier import DENSE, KINDS, NARROW, SAMPLED, FrontierPoint, points_of
from wsnet_cli.report.figures import DARK, GREY, INK, ORANGE, PAPER, TEAL, make_svg
from wsnet_cli.report.frontier import draw_frontier

SVG = "{http://www.w3.org/2000/svg}"


def point(kind: str, n_bytes: int, n_right: int, max_bytes: int | None = None) -> FrontierPoint:
    interval = wilson_interval(n_right, 80)
    name = f"{kind}-{n_bytes}"
    return FrontierPoint(name, kind, max_bytes, n_bytes, 9, 80, n_right / 80, interval)


POINTS = (
    point(SAMPLED, 15_900, 60, 16_000),
    point(SAMPLED, 63_100, 70, 64_000),
    point(NARROW, 15_200, 58, 16_000),
    point(NARROW, 63_900, 72, 64_000),
    point(DENSE, 2_887_944, 80),
)


def texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(found.itertext()).strip() for found in root.iter(f"{SVG}text")]


def test_kinds_are_named_at_their_largest_point_and_sizes_stand_below():
    said = texts(draw_frontier(POINTS, 80))
    for word in ("sampled 87.5 %", "narrow 90.0 %", "dense 100.0 %", "16", "64", "2,888"):
        assert said.count(word) == 1, (word, said)
    assert "accuracy on 80 held-out clips, %" in said
    assert "8-bit model file, KB (1,000 bytes)" in said


def test_every_point_is_drawn_with_its_colour():
    svg = draw_frontier(POINTS, 80).decode()
    for colour, n in ((TEAL, 2), (ORANGE, 2), (GREY, 1)):
        markers = re.findall(rf'<use [^>]*style="fill: {colour}', svg)
        # The marker, and the two caps of its interval.
        assert len(markers) == 3 * n, colour


def test_a_kind_alone_can_be_drawn():
    for found in (POINTS[:1], POINTS[2:4], POINTS[4:]):
        assert sum(kind in text for text in texts(draw_frontier(found, 80)) for kind in KINDS) == 1


def test_equal_points_give_equal_bytes():
    assert draw_frontier(POINTS, 80) == draw_frontier(POINTS, 80)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    """Source: WCAG 2.2, relative luminance and contrast ratio."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_everything_can_be_told_from_both_papers():
    for colour in (TEAL, ORANGE, GREY):
        assert min(contrast(colour, PAPER), contrast(colour, DARK[PAPER])) >= 3.6
    assert min(contrast(INK, PAPER), contrast(DARK[INK], DARK[PAPER])) >= 7


def test_ink_and_paper_follow_the_page():
    svg = make_svg((2, 2), lambda figure: figure.text(0.5, 0.5, "word")).decode()
    assert "@media screen and (prefers-color-scheme: dark)" in svg
    assert f'[style*="fill: {PAPER}"]{{fill:{DARK[PAPER]}!important}}' in svg
    assert re.search(rf'<path [^>]*style="fill: {PAPER}', svg)
    assert re.search(rf'<text style="[^"]*fill: {INK}', svg)
    ElementTree.fromstring(svg)


def test_points_are_sorted_by_size_and_told_in_full():
    assert [p.n_bytes for p in points_of(SAMPLED, POINTS[::-1])] == [15_900, 63_100]
    assert POINTS[0].as_json()["bytes"] == 15_900
    assert POINTS[4].as_json()["max_bytes"] is None
    assert POINTS[0].as_cells()[:4] == ("sampled-15900", "sampled", 16_000, 15_900)
    assert POINTS[0].as_cells()[6] == "0.750000"
    assert POINTS[0].kilobytes == 15.9
