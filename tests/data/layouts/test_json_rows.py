from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.json_rows import NAME, NUMBER, TEXT, json_rows

KINDS = {"path": TEXT, "label": TEXT, "fold": NAME, "start": NUMBER}


def rows(folder: Path, content: str) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    path = folder / "list.jsonl"
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    notes: list[str] = []
    found = [(row.number, dict(row.cells)) for row in json_rows(path, ("path",), KINDS, notes)]
    return found, notes


def test_values_become_cells(tmp_path: Path) -> None:
    content = '{"path": "a.wav", "label": "no", "fold": 3, "start": 0.25}\n\n \n{"path":"b"}'
    found, notes = rows(tmp_path, content)
    assert found == [
        (1, {"path": "a.wav", "label": "no", "fold": "3", "start": "0.25"}),
        (4, {"path": "b"}),
    ]
    assert notes == []


def test_null_is_as_good_as_absent_and_other_keys_are_noted(tmp_path: Path) -> None:
    content = '{"path": "a", "fold": null, "mood": [1, {"x": 2}]}\n{"path": "b", "size": 3}\n'
    found, notes = rows(tmp_path, content)
    assert found == [(1, {"path": "a"}), (2, {"path": "b"})]
    assert notes == ["list.jsonl: ignored keys: 'mood, size'"]


PROBLEMS = {
    '{"path": "a"} x': "not valid JSON: Extra data at sign 15",
    '{"path": "a"': "not valid JSON: Expecting",
    "{'path': 'a'}": "not valid JSON: Expecting property name",
    '["a"]': r"'\[\"a\"\]'; expected an object",
    "3": "'3'; expected an object",
    '{"path": "a", "path": "b"}': "key 'path' stands there twice",
    '{"path": "a", "x": {"y": 1, "y": 2}}': "key 'y' stands there twice",
    "{}": "no key 'path'; expected path in every row",
    '{"path": null}': "no key 'path'",
    '{"path": 7}': "path is '7'; expected text in quotes",
    '{"path": ["a"]}': r"path is '\[\"a\"\]'; expected text",
    '{"path": "a", "label": true}': "label is 'true'; expected text",
    '{"path": "a", "fold": true}': "fold is 'true'; expected text or a whole number",
    '{"path": "a", "fold": 1.0}': "fold is '1.0'; expected text or a whole number",
    '{"path": "a", "start": "1"}': "start is '\"1\"'; expected a number",
    '{"path": "a", "start": false}': "start is 'false'; expected a number",
    '{"path": "a", "start": NaN}': "NaN; expected a number",
    '{"path": "a", "start": -Infinity}': "-Infinity; expected a number",
    '{"path": "a", "start": ' + "9" * 5000 + "}": "not valid JSON: Exceeds the limit",
    '{"path": "a", "lable": "b"}': r"unknown key 'lable'; did you mean 'label'\?",
    '{"path": "a", "Label": "b"}': r"unknown key 'Label'; did you mean 'label'\?",
    "[" * 100_000: "not valid JSON: nested too deeply",
    '{"path": "a\nb"}': "not valid JSON: Invalid control character|Unterminated",
}


@pytest.mark.parametrize("line", PROBLEMS, ids=lambda line: line[:30])
def test_a_problem_is_told_in_one_line_with_its_row(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match=rf"list\.jsonl: row 2: {PROBLEMS[line]}") as caught:
        rows(tmp_path, f'{{"path": "first"}}\n{line}\n')
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < len(str(tmp_path)) + 300


def test_a_file_with_very_many_keys_is_noted_in_short(tmp_path: Path) -> None:
    lines = "".join(f'{{"path": "a", "{i}": 1}}\n' for i in range(5000))
    _, notes = rows(tmp_path, lines)
    assert len(notes[0]) < 150
