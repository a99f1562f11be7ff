"""The process of one run among several: its request comes on stdin, its progress goes to stdout.

The request is one line of JSON. From then on stdin says nothing; its end, which is also what the
parent's death brings, asks to stop: as a signal would, after a step, when all is saved. Signals ask
for the same. Answers are lines of JSON, told by `Message`.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import asdict
from time import monotonic
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, TypedDict

from ...core.errors import Interrupted, WsnetError
from ..run.listener import SilentListener

if TYPE_CHECKING:
    from pathlib import Path

    from ...core.networks.network import Network
    from ...core.sound.audio import AudioSettings
    from ..run.prepared import PreparedData
    from ..training.trainer import EpochRow

TELL_EVERY_S = 0.1
"""Seconds between two lines on how far a run is."""
_STOPS = (signal.SIGINT, signal.SIGTERM)


class Message(TypedDict, total=False):
    """A line of the child; each has one of these."""

    fraction: float
    """Share of the run's steps that are over, in [0, 1]."""
    epoch: dict[str, Any]
    """An `EpochRow`."""
    remark: str
    """A line for people."""
    warning: str
    """The same where it is no good news."""
    end: str
    """`finished`, `stopped` after saving, or why it failed in one line: the last message."""


class Stop:
    """Notes what asks to stop outside of training, which notes it by itself.

    Without this a second signal, as a terminal's Ctrl-C and the parent's word are together, would
    end a run that the first one made save.
    """

    def __init__(self) -> None:
        self._came = False
        for number in _STOPS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise `Interrupted` if something came."""
        if self._came:
            raise Interrupted("stopped before its first step, or after its last", 143)

    def pass_on(self) -> None:
        """Let training have what came before it listened itself."""
        if self._came:
            self._came = False
            signal.raise_signal(signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True


class Teller(SilentListener):
    """Tells the parent how far a run is."""

    def __init__(self, answers: IO[str], stop: Stop) -> None:
        self._answers = answers
        self._stop = stop
        self._told_at = 0.0

    def decoded(self, stage: str, n_done: int, n_total: int) -> None:
        """Stop here if asked to."""
        self._stop.check()

    def remark(self, line: str) -> None:
        """Tell it."""
        self.say({"remark": line})

    def warn(self, line: str) -> None:
        """Tell it."""
        self.say({"warning": line})

    def prepared(
        self, data: PreparedData, network: Network, audio: AudioSettings, folder: Path
    ) -> None:
        """Stop before the first step if asked to."""
        self._stop.check()
        if data.n_leaks:
            self.warn(f"{data.n_leaks} held-out clips are copies of clips that are trained on")

    def step(self, fraction_done: float) -> None:
        """Tell it, not too often; a stop that came just before training began is heard here."""
        self._stop.pass_on()
        if monotonic() - self._told_at >= TELL_EVERY_S:
            self._told_at = monotonic()
            self.say({"fraction": fraction_done})

    def epoch(self, row: EpochRow) -> None:
        """Tell it."""
        self.say({"epoch": asdict(row)})

    def measured(self, n_done: int, n_total: int) -> None:
        """Stop here if asked to: the run is saved."""
        self._stop.check()

    def say(self, message: Message) -> None:
        """Write a line; a parent that is gone is no reason to end before saving."""
        try:
            self._answers.write(f"{json.dumps(message)}\n")
            self._answers.flush()
        except OSError:
            pass


def main() -> None:
    """Train what stdin asks for."""
    stop = Stop()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what a library prints must not stand among our lines
        asked = _read_line()
        if asked:
            threading.Thread(target=_watch_parent, daemon=True).start()
            teller = Teller(answers, stop)
            teller.say({"end": _train(asked, teller, stop)})


def _train(asked: bytes, teller: Teller, stop: Stop) -> str:
    from pydantic import TypeAdapter

    from ..run.request import Request
    from .run_to_end import run_folder, run_to_end, wait_until_free

    request = TypeAdapter(Request).validate_json(asked)
    try:
        wait_until_free(run_folder(request), stop.check)
        run_to_end(request, teller)
    except Interrupted:
        return "stopped"
    except WsnetError as error:
        return f"failed: {error}"
    return "finished"


def _read_line() -> bytes:
    """The request; nothing if stdin ends before it does. Unbuffered, for the thread to go on."""
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(0, 1 << 16)
        if not block:
            return b""
        line += block
    return bytes(line)


def _watch_parent() -> None:
    while os.read(0, 1 << 16):
        pass
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
