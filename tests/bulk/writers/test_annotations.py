"""Audacity labels and Raven selection tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from wsnet_cli.bulk.predicting.answers import Prediction, Score

Write = Callable[..., bytes]
ODD = Prediction("x/odd\t.wav", "ok", 0.5, 1.0, (Score("tab\there\nand line", 1.0),))


def test_audacity_by_hand(write: Write, some: list[Prediction]):
    assert write("audacity", some).decode() == (
        "0.000000\t1.234560\tdog\n0.000000\t1.234560\tcat\n1.000000\t2.500000\tcat\n"
    )
    assert write("audacity", []) == b""


def test_a_label_with_tabs_stays_one_field(write: Write):
    (line,) = write("audacity", [ODD]).decode().splitlines()
    assert line.split("\t") == ["0.500000", "1.000000", "tab\\there\\nand line"]


def test_raven_by_hand(write: Write, some: list[Prediction]):
    table = list(csv.DictReader(io.StringIO(write("raven", some).decode()), delimiter="\t"))
    assert table[0] == {
        "Selection": "1",
        "View": "Spectrogram 1",
        "Channel": "1",
        "Begin Time (s)": "0.000",
        "End Time (s)": "1.235",
        "Low Freq (Hz)": "0.0",
        "High Freq (Hz)": "8000.0",
        "Begin File": "a.wav",
        "Begin Path": "a.wav",
        "File Offset (s)": "0.000",
        "Label": "dog",
        "Score": "0.750000",
    }
    assert [row["Selection"] for row in table] == ["1", "2", "3"]
    assert [row["Label"] for row in table] == ["dog", "cat", "cat"]


def test_only_hits_are_annotated(write: Write):
    scores = (Score("unknown", 0.4, False), Score("cat", 0.3, False), Score("hen", 0.2))
    some = [Prediction("a.wav", "ok", 0.0, 1.0, scores)]
    assert write("audacity", some).decode() == "0.000000\t1.000000\then\n"
    (row,) = csv.DictReader(io.StringIO(write("raven", some).decode()), delimiter="\t")
    assert (row["Selection"], row["Label"]) == ("1", "hen")


def test_raven_has_its_header_without_rows_and_the_channel_that_was_heard(write: Write):
    assert write("raven", []).decode().splitlines()[0].startswith("Selection\tView\tChannel\t")
    (row,) = csv.DictReader(io.StringIO(write("raven", [ODD], 3).decode()), delimiter="\t")
    assert row["Channel"] == "3"
    assert (row["Begin File"], row["Begin Path"]) == ("odd\\t.wav", "x/odd\\t.wav")
    assert row["Label"] == "tab\\there\\nand line"
