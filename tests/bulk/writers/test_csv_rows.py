from __future__ import annotations

import csv
import io
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsnet_cli.bulk.predicting.answers import Prediction, Score

Write = Callable[..., bytes]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_csv_by_hand(write: Write, some: list[Prediction]):
    assert write("csv", some).decode() == (
        "file,start,end,label,score,rank,status,error\n"
        "a.wav,0.000,1.235,dog,0.750000,1,ok,\n"
        "a.wav,0.000,1.235,cat,0.123457,2,ok,\n"
        "a.wav,1.000,2.500,cat,0.500000,1,ok,\n"
        "q.wav,0.000,3.000,,,,ok,\n"
        "b.wav,,,,,,error,b.wav: is empty\n"
        "loop,,,,,,skipped,loop: is a link to a folder\n"
    )


def test_csv_has_its_header_without_any_row(write: Write):
    assert write("csv", []) == b"file,start,end,label,score,rank,status,error\n"


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(TEXT.filter(bool), TEXT.filter(bool), TEXT, st.booleans()), max_size=4)
)
def test_any_name_label_and_reason_comes_back(write: Write, rows: list[tuple[str, str, str, bool]]):
    predictions = [
        Prediction(file, "ok", 0.0, 1.0, (Score(label, 0.5),))
        if good
        else Prediction(file, "error", 0.0, 0.0, (), reason)
        for file, label, reason, good in rows
    ]
    stream = io.StringIO(write("csv", predictions).decode(), newline="")
    table = list(csv.DictReader(stream, strict=True))
    assert [(r["file"], r["label"], r["error"]) for r in table] == [
        (file, label if good else "", "" if good else reason) for file, label, reason, good in rows
    ]


def test_what_a_spreadsheet_may_take_for_a_formula_is_left_as_it_is(write: Write):
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@x"]
    predictions = [Prediction(name, "ok", 0.0, 1.0, (Score("=2", 0.5),)) for name in names]
    stream = io.StringIO(write("csv", predictions).decode(), newline="")
    assert [(r["file"], r["label"]) for r in csv.DictReader(stream)] == [(n, "=2") for n in names]
