from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.measures.predictions import (
    ClipKey,
    Prediction,
    Predictions,
    read_predictions,
    write_predictions,
)

words = st.text(st.characters(codec="utf-8"), max_size=9)
OLD = b"clip,start_s,end_s,content,label,predicted,score\n"
rows = st.builds(
    Prediction,
    st.builds(ClipKey, words, words, words, words),
    words,
    words,
    st.integers(0, 10**6).map(lambda n: n / 10**6),
    words.map(lambda word: word or None),
)


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    several = tuple(draw(st.lists(rows, max_size=5)))
    labels = tuple(draw(st.lists(words, max_size=4, unique=True)))
    if not labels:
        return Predictions(several)
    score = st.floats(0, 1, width=32)
    scores = arrays.arrays(np.float32, (len(several), len(labels)), elements=score)
    return Predictions(several, labels, draw(scores))


def test_the_bytes(tmp_path: Path):
    first = Prediction(ClipKey("a,b.wav", "0.5", "", "ab@0.5-"), "dog", "cat", 0.5, "g")
    second = Prediction(ClipKey("c.wav", "", "", "cd"), "cat", "cat", 1 / 3)
    scores = np.float32([[0.5, 0.1], [1 / 3, 1e-9]])
    write_predictions(tmp_path, Predictions((first, second), ("cat", "a,dog"), scores))
    assert (tmp_path / "predictions.csv").read_bytes() == (
        b'clip,start_s,end_s,content,label,predicted,score,group,score:cat,"score:a,dog"\n'
        b'"a,b.wav",0.5,,ab@0.5-,dog,cat,0.500000,g,0.5,0.1\n'
        b"c.wav,,,cd,cat,cat,0.333333,,0.33333334,1e-09\n"
    )
    assert [p.is_right for p in read_predictions(tmp_path).rows] == [False, True]


@given(predictions())
@settings(deadline=None, max_examples=200)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, several: Predictions
) -> None:
    folder = tmp_path_factory.mktemp("run")
    write_predictions(folder, several)
    found = read_predictions(folder)
    assert (found.rows, found.labels) == (several.rows, several.labels)
    if several.scores is None:
        assert found.scores is None
    else:
        assert found.scores is not None
        assert found.scores.dtype == np.float32
        assert np.array_equal(found.scores, several.scores)


def test_files_of_older_versions_are_read(tmp_path: Path):
    (tmp_path / "predictions.csv").write_bytes(OLD + b"a.wav,0.5,,c,x,y,0.25\n")
    found = read_predictions(tmp_path)
    assert found.rows == (Prediction(ClipKey("a.wav", "0.5", "", "c"), "x", "y", 0.25),)
    assert (found.labels, found.scores) == ((), None)


def test_columns_of_later_versions_are_passed_over(tmp_path: Path):
    header = OLD.strip() + b",group,score:x,score:y,later\n"
    (tmp_path / "predictions.csv").write_bytes(header + b"a.wav,,,c,x,y,0.75,,0.25,0.75,?\n")
    found = read_predictions(tmp_path)
    assert found.labels == ("x", "y")
    assert found.scores is not None
    assert found.scores.tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"clip,label\na,b\n",
        OLD + b"a,,,c,x,y\n",
        OLD + b"a,,,c,x,y,z\n",
        OLD + b"a,,,c,x,y,nan\n",
        OLD + b"a,,,c,x,y,1.1\n",
        OLD + b"a,,,c,x,y,1,more\n",
        OLD.strip() + b",score:x\na,,,c,x,y,1,1\n",
        OLD.strip() + b",group,score:x\na,,,c,x,y,1,,-1\n",
        OLD.strip() + b",group,score:x\na,,,c,x,y,1,,\n",
        OLD + b"\xff,,,c,x,y,1\n",
    ],
)
def test_damage_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "predictions.csv").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"predictions\.csv: is damaged; expected"):
        read_predictions(tmp_path)


def test_an_unfinished_run_is_told(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"holds no predictions\.csv; expected a finished run"):
        read_predictions(tmp_path)
