from __future__ import annotations

import signal
import threading

import pytest

from wsnet_cli.learn.run.interrupt import StopSignal

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_is_noted_and_the_handlers_are_as_before(number: int, exit_code: int) -> None:
    before = [signal.getsignal(each) for each in BOTH]
    with StopSignal() as stop:
        assert stop.received is None
        assert [signal.getsignal(each) for each in BOTH] != before
        signal.raise_signal(number)
        assert stop.received == number
        assert stop.exit_code == exit_code
        assert [signal.getsignal(each) for each in BOTH] == before
    assert [signal.getsignal(each) for each in BOTH] == before


def test_second_signal_acts_at_once() -> None:
    # A process that was started in the background may have been told to ignore Ctrl-C.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _check_second_signal()
    finally:
        signal.signal(signal.SIGINT, former)


def _check_second_signal() -> None:
    with StopSignal() as stop:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert stop.received == signal.SIGINT


def test_handlers_are_as_before_without_a_signal_and_after_an_error() -> None:
    before = [signal.getsignal(each) for each in BOTH]
    with StopSignal() as stop:
        pass
    assert stop.received is None
    assert [signal.getsignal(each) for each in BOTH] == before
    with pytest.raises(ValueError, match="inside"), StopSignal():
        raise ValueError("inside")
    assert [signal.getsignal(each) for each in BOTH] == before


def test_other_threads_note_nothing() -> None:
    noted: list[int | None] = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        with StopSignal() as stop:
            assert signal.getsignal(signal.SIGINT) == before
        noted.append(stop.received)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert noted == [None]
