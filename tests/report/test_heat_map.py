from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from wsnet_cli.report.heat_map import LEAST_SHADE, MOST_NAMED, MOST_NUMBERED, draw_heat_map, shades

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(found.itertext()).strip() for found in root.iter(f"{SVG}text")]


def test_every_count_and_every_name_stands_in_the_picture() -> None:
    said = texts(draw_heat_map(["cat", "dog"], [[31, 2], [0, 17]]))
    assert sorted(said) == sorted(
        ["31", "2", "17", "cat", "cat", "dog", "dog", "class", "taken for"]
    )


def test_a_cell_is_as_strong_as_its_share_of_its_row() -> None:
    found = shades(np.array([[90, 10, 0], [0, 0, 0], [0, 0, 7]]))
    assert found[0, 0] > found[0, 1] > LEAST_SHADE
    root = (shades(np.array([[75, 25], [0, 1]]))[0, 1] - LEAST_SHADE) / (1 - LEAST_SHADE)
    assert root == pytest.approx(0.25**0.5)
    assert found[2, 2] == 1
    assert (found[1] == 0).all()
    assert found[0, 2] == 0


def diagonal(n: int) -> list[list[int]]:
    return [[3 if row == column else 0 for column in range(n)] for row in range(n)]


@pytest.mark.parametrize(
    ("n", "names", "numbers"),
    [(2, True, True), (MOST_NUMBERED + 1, True, False), (MOST_NAMED + 1, False, False)],
)
def test_many_classes_are_named_by_numbers_and_their_cells_are_not(
    n: int, names: bool, numbers: bool
) -> None:
    said = texts(draw_heat_map([f"class-{i}" for i in range(n)], diagonal(n)))
    assert ("class-1" in said) == names
    assert said.count("3") == (n if numbers else 0)


@pytest.mark.parametrize("n", [100, 527, 1_200])
def test_a_picture_of_very_many_classes_stays_small(n: int) -> None:
    svg = draw_heat_map([f"class-{i}" for i in range(n)], diagonal(n))
    assert len(svg) < 120_000
    ticks = [int(word) for word in texts(svg) if word.isdigit()]
    assert 10 <= len(ticks) <= 60
    assert max(ticks) <= n


def test_whatever_stands_in_a_label_is_text(recwarn: pytest.WarningsRecorder) -> None:
    labels = ["$\\frac{x$", "<script>&", "a\x1b[2J\n\u202eb", "\u56fd\U0001f426", "long" * 40]
    svg = draw_heat_map(labels, diagonal(5))
    said = texts(svg)
    assert {"$\\frac{x$", "<script>&", r"a\x1b[2J\n\u202eb"} <= set(said)
    assert "\u56fd\U0001f426" in said
    assert max(map(len, said)) == 18
    assert not re.search(rb"<script", svg)
    assert not list(recwarn)


def test_equal_tables_give_equal_pictures() -> None:
    assert draw_heat_map(["a", "b"], diagonal(2)) == draw_heat_map(["a", "b"], diagonal(2))
