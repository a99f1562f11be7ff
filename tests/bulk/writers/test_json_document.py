from __future__ import annotations

import io
import json
import math
from collections.abc import Callable

import pytest

from wsnet_cli.bulk.predicting.answers import Prediction, Score
from wsnet_cli.bulk.writers.formats import make_writer
from wsnet_cli.bulk.writers.writer import Counts, Facts

Write = Callable[..., bytes]


def test_json_by_hand(write: Write, some: list[Prediction]):
    dog, cat = {"label": "dog", "score": 0.75}, {"label": "cat", "score": 0.123457}
    assert json.loads(write("json", some)) == {
        "model": "some model",
        "results": [
            {
                "file": "a.wav",
                "status": "ok",
                "start": 0.0,
                "end": 1.235,
                "predictions": [dog, cat],
            },
            {
                **{"file": "a.wav", "status": "ok", "start": 1.0, "end": 2.5},
                "predictions": [{"label": "cat", "score": 0.5}],
            },
            {"file": "q.wav", "status": "ok", "start": 0.0, "end": 3.0, "predictions": []},
            {"file": "b.wav", "status": "error", "error": "b.wav: is empty"},
            {"file": "loop", "status": "skipped", "error": "loop: is a link to a folder"},
        ],
        "summary": {"inputs": 5, "ok": 3, "failed": 1, "skipped": 1},
    }


@pytest.mark.parametrize("n", range(6))
def test_the_text_is_that_of_the_whole_document_at_once(
    write: Write, some: list[Prediction], n: int
):
    text = write("json", some[:n]).decode()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


def test_json_lines_hold_the_results_of_json_a_line_each(write: Write, some: list[Prediction]):
    odd = Prediction("new\nline\u2028.wav", "ok", 0.0, 1.0, (Score("é\n", 0.5),))
    lines = write("jsonl", [*some, odd]).decode().removesuffix("\n").split("\n")
    results = json.loads(write("json", [*some, odd]))["results"]
    assert [json.loads(line) for line in lines] == results


def test_no_input_is_no_line(write: Write):
    assert write("jsonl", []) == b""
    assert json.loads(write("json", []))["results"] == []


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_what_json_cannot_hold_is_not_written(write: Write, format_: str):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(format_, [Prediction("a.wav", "ok", 0.0, 1.0, (Score("dog", math.nan),))])


def test_that_a_model_is_multi_label_is_said(some: list[Prediction]):
    stream = io.BytesIO()
    facts = Facts("some model", ("cat", "dog"), 16_000, multi_label=True)
    writer = make_writer("json", stream, facts)
    for prediction in some:
        writer.add(prediction)
    writer.end(Counts(inputs=5))
    document = json.loads(stream.getvalue())
    assert list(document) == ["model", "multi_label", "results", "summary"]
    assert document["multi_label"] is True
    assert stream.getvalue().decode() == json.dumps(document, indent=2) + "\n"
