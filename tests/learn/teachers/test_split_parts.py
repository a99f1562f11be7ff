"""The parts of a run's clips, as split.csv has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.learn.teachers.split_parts import Parts, read_parts

SPLIT = """clip,label,part,start_s,end_s,content
a.wav,x,train,,,aa
b.wav,x,test,,,bb
c.wav,x,validation,,,cc
d.wav,x,unused,,,dd
e.wav,x,unreadable,,,
f.wav,x,test,,,aa
"""


def test_parts_by_content(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(SPLIT)
    assert read_parts(tmp_path) == Parts(
        frozenset({"aa"}), frozenset({"cc"}), frozenset({"aa", "bb"})
    )


@pytest.mark.parametrize("text", [None, "", "nonsense", '"', "\xff", "part,content\ntrain\n"])
def test_what_tells_nothing_is_no_part(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "split.csv").write_text(text, encoding="latin-1")
    assert read_parts(tmp_path) == Parts()
