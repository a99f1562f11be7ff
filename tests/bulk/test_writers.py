from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.bulk.predict import Prediction, Score
from wsnet_cli.bulk.writers import CSV_HEADER, WRITERS, count_failed, to_csv, to_json, to_jsonl

GOOD = Prediction("a.wav", "ok", 1.23456, (Score("dog", 0.75), Score("cat", 0.1234567)))
BAD = Prediction("b.wav", "error", 0.0, (), "b.wav: is empty")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def test_csv_by_hand():
    assert to_csv([GOOD, BAD], "m") == (
        "file,start,end,label,score,rank,status,error\n"
        "a.wav,0.000,1.235,dog,0.750000,1,ok,\n"
        "a.wav,0.000,1.235,cat,0.123457,2,ok,\n"
        "b.wav,,,,,,error,b.wav: is empty\n"
    )


def test_csv_has_its_header_without_any_row():
    assert to_csv([], "m") == ",".join(CSV_HEADER) + "\n"


def test_json_by_hand():
    assert json.loads(to_json([GOOD, BAD], "some model")) == {
        "model": "some model",
        "results": [
            {
                "file": "a.wav",
                "status": "ok",
                "start": 0.0,
                "end": 1.235,
                "predictions": [
                    {"label": "dog", "score": 0.75},
                    {"label": "cat", "score": 0.123457},
                ],
            },
            {"file": "b.wav", "status": "error", "error": "b.wav: is empty"},
        ],
        "summary": {"inputs": 2, "ok": 1, "failed": 1},
    }


def test_jsonl_holds_the_results_of_json_a_line_each():
    lines = to_jsonl([GOOD, BAD], "m").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(to_json([GOOD, BAD], "m"))["results"]


def test_failures_are_counted():
    assert (count_failed([]), count_failed([GOOD]), count_failed([BAD, GOOD, BAD])) == (0, 0, 2)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(TEXT.filter(bool), TEXT.filter(bool), TEXT, st.booleans()), max_size=4),
)
def test_any_name_label_and_reason_comes_back(rows: list[tuple[str, str, str, bool]]):
    predictions = [
        Prediction(file, "ok", 1.0, (Score(label, 0.5),))
        if good
        else Prediction(file, "error", 0.0, (), reason)
        for file, label, reason, good in rows
    ]
    table = list(csv.DictReader(io.StringIO(to_csv(predictions, "m"), newline=""), strict=True))
    assert [(r["file"], r["label"], r["error"]) for r in table] == [
        (file, label if good else "", "" if good else reason) for file, label, reason, good in rows
    ]
    for result, (file, label, reason, good) in zip(
        json.loads(to_json(predictions, "m"))["results"], rows, strict=True
    ):
        assert result["file"] == file
        assert (result["predictions"][0]["label"] == label) if good else result["error"] == reason
    lines = to_jsonl(predictions, "m").split("\n")
    assert len(lines) == len(rows) + 1


@pytest.mark.parametrize("write", [to_json, to_jsonl])
def test_what_json_cannot_hold_is_not_written(write: Callable[..., str]):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write([Prediction("a.wav", "ok", 1.0, (Score("dog", math.nan),))], "m")


def test_every_writer_ends_its_text_with_a_newline():
    for write in WRITERS.values():
        assert write([GOOD], "m").endswith("\n")
