"""What a folder may hold under an audio file's name that is no regular file, or a huge one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from .broken_wav import NOT_DECODED
from .odd import OddFile, Refused, Sound
from .riff import data, fmt, wave
from .wav import TONE

HUGE = 8 * 2**30


def make_socket(folder: Path | bytes, name: str | bytes) -> None:
    """A socket's name may not be long, so it is bound from its own folder."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(name)
    finally:
        os.chdir(here)


def _socket(path: Path) -> None:
    make_socket(path.parent, path.name)


def sparse(head: bytes = b"") -> Callable[[Path], None]:
    """Eight GiB that take no room."""

    def make(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, HUGE)

    return make


def link_to(target: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.symlink_to(target)

    return make


def linked_sound(path: Path) -> None:
    target = path.parent / ".target-of-a-link"
    target.write_bytes(wave(fmt(), data(TONE)))
    path.symlink_to(target.name)


def entries() -> list[OddFile]:
    """To be made on a system that has all of these (POSIX)."""
    return [
        OddFile("folder.wav", Path.mkdir, Refused("is a folder")),
        OddFile("pipe.wav", os.mkfifo, Refused("is a pipe, not a regular file")),
        OddFile("socket.wav", _socket, Refused("is a device or socket, not a regular file")),
        OddFile("zeros-for-ever.wav", link_to("/dev/zero"), Refused("is a device or socket")),
        OddFile("null.wav", link_to("/dev/null"), Refused("is a device or socket")),
        OddFile("dangling.wav", link_to("nowhere.wav"), Refused("does not exist")),
        OddFile("loop.wav", link_to("loop.wav"), Refused("Too many levels of symbolic links")),
        OddFile("link.wav", linked_sound, Sound(TONE)),
        OddFile("sparse.wav", sparse(), Refused(NOT_DECODED)),
        OddFile("sparse.mp3", sparse(), Refused(NOT_DECODED)),
        OddFile("sparse-cut-header.wav", sparse(b"RIFF\0\0\0\0WAVE"), Refused(NOT_DECODED)),
    ]
