from __future__ import annotations

import pytest

from wsnet_cli.cli.showing.left_out import MOST_SHOWN, warn_left_out
from wsnet_cli.data.dataset import Failure


@pytest.mark.parametrize("n_more", [0, 3])
def test_the_first_few_are_named_and_the_others_counted(
    capsys: pytest.CaptureFixture[str], n_more: int
) -> None:
    warn_left_out(Failure(f"{i}.wav", "is empty") for i in range(MOST_SHOWN + n_more))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("left out: 0.wav: is empty")
    assert len(lines) == MOST_SHOWN + (n_more > 0)
    assert lines[-1].endswith("left out: 3 more" if n_more else "left out: 19.wav: is empty")


def test_nothing_left_out_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    warn_left_out([])
    assert capsys.readouterr().err == ""
