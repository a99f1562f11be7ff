from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.tables import csv_text


def test_cells_by_hand() -> None:
    rows = [["a,b", None, 1.5], ['say "hi"', "", True], ["two\nlines", 0, -3]]
    expected = 'name,x,y\n"a,b",,1.5\n"say ""hi""",,True\n"two\nlines",0,-3\n'
    assert csv_text(["name", "x", "y"], rows) == expected


def test_header_stands_even_without_rows() -> None:
    assert csv_text(["a", "b"], []) == "a,b\n"
    assert csv_text(["é"], iter([["☃"]])) == "é\n☃\n"


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_any_text_reads_back(rows: list[list[str]]) -> None:
    text = csv_text(["a", "b"], rows)
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["a", "b"], *rows]
