from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.predicting.answers import CUT_OFF, SILENT, Answer, Hits, Segment, stamp_of
from wsnet_cli.bulk.running import answer_log
from wsnet_cli.bulk.running.answer_log import AnswerLog

NAMES = ["a.wav", "b.wav", "c.wav"]
ASKED = {"model": "0" * 64, "top_k": 2}
MakeAnswer = Callable[..., Answer]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).write_text(name)


def open_log(names: list[str] = NAMES, **changed: object) -> AnswerLog:
    options = {k: changed.pop(k) for k in ("start_over", "may_replace") if k in changed}
    return AnswerLog(Path("j"), {**ASKED, **changed}, names, **options)  # type: ignore[arg-type]


def answer(name: str, n: int = 2, features: bool = False) -> Answer:
    rng = np.random.default_rng(len(name) + n)
    starts = np.arange(n) / 3
    vectors = rng.standard_normal((n, 5)).astype(np.float32) if features else None
    hits = Hits(starts, starts + 0.7, rng.random((n, 3), np.float32), 2, 0.0, vectors)
    doubts = (SILENT, CUT_OFF)[: n % 3]
    return Answer(name, "ok", n / 7, stamp=stamp_of(name), parts=[hits], doubts=doubts)


def segments(found: Answer) -> list[tuple[object, ...]]:
    """With features as bytes, so that they can be compared."""
    return [
        (*s[:3], None if s.features is None else s.features.tobytes()) for s in found.segments()
    ]


@pytest.mark.parametrize("n", [0, 1, 3, 4, 9])
@pytest.mark.parametrize("features", [False, True])
def test_answers_come_back_as_they_were(n: int, features: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answer_log, "SEGMENTS_PER_LINE", 3)
    given = [answer(name, n, features) for name in NAMES]
    with open_log() as log:
        log.begin()
        for index in (2, 0, 1):
            log.add(index, given[index])
        for index in range(3):
            assert segments(log.read(index)) == segments(given[index])
    with open_log() as log:
        log.begin()
        assert log.n_known == 3
        for index in range(3):
            found = log.read(index)
            assert log.is_known(index)
            assert segments(found) == segments(given[index])
            assert (found.name, found.status) == (NAMES[index], "ok")
            assert found.doubts == given[index].doubts
            assert (found.duration_s, found.stamp) == (given[index].duration_s, given[index].stamp)


def test_odd_names_and_reasons_come_back():
    names = ["n\new\r.wav", "\udcff.wav", "é 😀\u2028.wav"]
    with open_log(names) as log:
        log.begin()
        for index, name in enumerate(names):
            log.add(index, Answer(name, "error", error=f"{name}: why\n"))
            assert log.read(index).name == name
            assert log.read(index).error == f"{name}: why\n"


def test_what_failed_is_tried_again():
    with open_log() as log:
        log.begin()
        log.add(0, answer("a.wav"))
        log.add(1, Answer("b.wav", "error", error="why", stamp=stamp_of("b.wav")))
        log.add(2, Answer("c.wav", "skipped", error="why"))
    with open_log() as log:
        assert [log.is_known(index) for index in range(3)] == [True, False, False]
        assert log.n_known == 1


@pytest.mark.parametrize("change", ["size", "time", "gone"])
def test_a_file_that_has_changed_is_done_again(change: str):
    with open_log() as log:
        log.begin()
        for index, name in enumerate(NAMES):
            log.add(index, answer(name))
    if change == "size":
        Path("b.wav").write_text("longer than it was")
    elif change == "time":
        os.utime("b.wav", ns=(0, 1))
    else:
        Path("b.wav").unlink()
    with open_log() as log:
        log.begin()
        assert [log.is_known(index) for index in range(3)] == [True, False, True]
        newer = Answer("b.wav", "ok", 9.0, stamp=stamp_of("b.wav"))
        log.add(1, newer)
        assert log.read(1).duration_s == 9.0
    with open_log() as log:
        assert log.read(1).duration_s == 9.0


def test_other_inputs_in_another_order_find_theirs():
    with open_log() as log:
        log.begin()
        for index, name in enumerate(NAMES):
            log.add(index, answer(name, index))
    Path("d.wav").touch()
    with open_log(["d.wav", "c.wav", "a.wav"]) as log:
        assert [log.is_known(index) for index in range(3)] == [False, True, True]
        assert segments(log.read(1)) == segments(answer("c.wav", 2))


@pytest.mark.parametrize("changed", [{"top_k": 3}, {"model": "1" * 64}, {"channel": 1}])
def test_another_request_starts_over(changed: dict[str, object]):
    with open_log() as log:
        log.begin()
        log.add(0, answer("a.wav"))
    with open_log(**changed) as log:
        assert (log.of_another_request, log.n_known) == (True, 0)
    with open_log() as log:
        assert (log.of_another_request, log.n_known) == (False, 1), "not begun: nothing changed"
    with open_log(**changed) as log:
        log.begin()
    with open_log() as log:
        assert (log.of_another_request, log.n_known) == (True, 0)


def test_starting_over_forgets_and_remembers_that_outputs_may_be_replaced():
    with open_log() as log:
        log.begin()
        log.add(0, answer("a.wav"))
        assert not log.may_replace
    with open_log(start_over=True, may_replace=True) as log:
        assert log.n_known == 0
        log.begin()
        log.add(1, answer("b.wav"))
    with open_log() as log:
        assert (log.n_known, log.may_replace) == (1, True)


def test_a_run_that_is_complete_may_replace_its_own_outputs():
    with open_log() as log:
        log.begin()
        log.add(0, answer("a.wav"))
        log.mark_complete()
    with open_log() as log:
        assert (log.n_known, log.may_replace) == (1, True)


def test_a_journal_cut_anywhere_gives_what_is_whole_and_can_be_gone_on_with():
    given = [answer(name, 2, features=True) for name in NAMES]
    with open_log() as log:
        log.begin()
        for index in range(3):
            log.add(index, given[index])
    content = Path("j").read_bytes()
    seen = set()
    for n_kept in range(len(content) + 1):
        Path("j").write_bytes(content[:n_kept])
        with open_log() as log:
            seen.add(log.n_known)
            known = log.n_known
            log.begin()
            for index in range(known, 3):
                assert not log.is_known(index)
                log.add(index, given[index])
            assert [segments(log.read(i)) for i in range(3)] == [segments(a) for a in given]
        assert Path("j").read_bytes() == content
    assert seen == {0, 1, 2, 3}


def test_a_file_that_is_no_journal_is_not_taken_for_one():
    Path("j").write_bytes(b"some text\nmore\n")
    with open_log() as log:
        assert log.n_known == 0
        log.begin()
        log.add(0, answer("a.wav"))
    with open_log() as log:
        assert log.n_known == 1


def test_segments_are_read_lazily():
    with open_log() as log:
        log.begin()
        log.add(0, answer("a.wav", 1_000))
        walk = log.read(0).segments()
        assert isinstance(next(walk), Segment)
        assert sum(1 for _ in walk) == 999
