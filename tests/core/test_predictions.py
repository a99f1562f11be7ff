from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.predictions import ClipKey, Prediction, read_predictions, write_predictions

words = st.text(st.characters(codec="utf-8"), max_size=9)
predictions = st.builds(
    Prediction,
    st.builds(ClipKey, words, words, words, words),
    words,
    words,
    st.integers(0, 10**6).map(lambda n: n / 10**6),
)


def test_the_bytes(tmp_path: Path):
    first = Prediction(ClipKey("a,b.wav", "0.5", "", "ab@0.5-"), "dog", "cat", 0.5)
    second = Prediction(ClipKey("c.wav", "", "", "cd"), "cat", "cat", 1 / 3)
    write_predictions(tmp_path, [first, second])
    assert (tmp_path / "predictions.csv").read_bytes() == (
        b"clip,start_s,end_s,content,label,predicted,score\n"
        b'"a,b.wav",0.5,,ab@0.5-,dog,cat,0.500000\n'
        b"c.wav,,,cd,cat,cat,0.333333\n"
    )
    assert [p.is_right for p in read_predictions(tmp_path)] == [False, True]


@given(st.lists(predictions, max_size=5))
@settings(deadline=None)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, several: list):
    folder = tmp_path_factory.mktemp("run")
    write_predictions(folder, several)
    assert read_predictions(folder) == several


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"clip,label\na,b\n",
        b"clip,start_s,end_s,content,label,predicted,score\na,,,c,x,y\n",
        b"clip,start_s,end_s,content,label,predicted,score\na,,,c,x,y,z\n",
        b"clip,start_s,end_s,content,label,predicted,score\n\xff,,,c,x,y,1\n",
    ],
)
def test_damage_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "predictions.csv").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"predictions\.csv: is damaged; expected"):
        read_predictions(tmp_path)


def test_an_unfinished_run_is_told(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"holds no predictions\.csv; expected a finished run"):
        read_predictions(tmp_path)
