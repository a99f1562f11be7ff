from __future__ import annotations

import os
import threading

import pytest

from wsnet_cli.core.sound.native_noise import silence_native


def test_stderr_comes_back_when_the_last_of_several_threads_is_done(
    capfd: pytest.CaptureFixture[str],
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with silence_native(True):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    with silence_native(True):
        os.write(2, b"lost\n")
    os.write(2, b"lost as well\n")
    leave.set()
    thread.join()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_a_closed_stderr_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", refuse)
    with silence_native(True):
        pass
