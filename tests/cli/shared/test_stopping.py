from __future__ import annotations

import os
import signal

import pytest

from wsnet_cli.cli.shared.stopping import Terminated, stopped, terminable, uninterrupted

posix = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")


@posix
@pytest.mark.parametrize(
    ("number", "error", "code"),
    [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, Terminated, 143)],
)
def test_a_signal_waits_for_the_end_of_the_block(
    number: int, error: type[KeyboardInterrupt], code: int
):
    steps = []
    with terminable():
        before = signal.getsignal(number)
        with pytest.raises(error) as caught:  # noqa: PT012 - where it is raised is what matters
            with uninterrupted():
                signal.raise_signal(number)
                steps.append("written")
            steps.append("not reached")
        assert signal.getsignal(number) == before
    assert steps == ["written"]
    assert stopped(caught.value, "x").exit_code == code


@posix
def test_without_a_signal_nothing_changes():
    before = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
