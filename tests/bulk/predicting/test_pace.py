from __future__ import annotations

import pytest

from wsnet_cli.bulk.predicting.pace import Pace


@pytest.mark.parametrize(
    ("wall_s", "n_files", "audio_s", "text"),
    [
        (8.0, 400, 5.0, "50 files a second, 250x real time"),
        (100.0, 400, 5.0, "4.0 files a second, 20x real time"),
        (1.0, 3, 0.0, "3.0 files a second, 0.0x real time"),
        (2.0, 2, 3_600.0, "1.0 files a second, 3,600x real time"),
        (2.0, 19, 1.0, "9.5 files a second, 9.5x real time"),
    ],
)
def test_rates_are_those_of_the_clock(wall_s: float, n_files: int, audio_s: float, text: str):
    now = [5.0]
    pace = Pace(lambda: now[0])
    for _ in range(n_files):
        pace.add(audio_s)
    now[0] += wall_s
    assert str(pace) == text
    assert (pace.n_files, pace.audio_s) == (n_files, n_files * audio_s)


def test_a_clock_that_stands_still_is_no_error():
    assert str(Pace(lambda: 1.0)) == "0.0 files a second, 0.0x real time"
