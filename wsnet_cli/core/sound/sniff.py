"""Look at a file before the decoder does, and say what stands there instead of audio."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

from ..errors import AudioError

_HEAD_BYTES = 512

# What is often found under the name of an audio file: offset, bytes, what it is, what to do.
_CONVERT = "convert it to WAV or FLAC"
_FETCH = "fetch the real file"
_FOREIGN = (
    (0, b"version https://git-lfs", "is a git-LFS pointer, not audio", _FETCH),
    (0, b"\x00\x05\x16\x07", "is macOS side data (AppleDouble), not audio", "leave it out"),
    (0, b"PK\x03\x04", "is a ZIP archive, not audio", "unpack it"),
    (0, b"\x1f\x8b", "is a gzip archive, not audio", "unpack it"),
    (4, b"ftyp", "is an MP4/M4A file, which cannot be decoded here", _CONVERT),
    (0, b"\x1aE\xdf\xa3", "is a Matroska/WebM file, which cannot be decoded here", _CONVERT),
    (0, b"0&\xb2u", "is a WMA file, which cannot be decoded here", _CONVERT),
    (0, b"#!AMR", "is an AMR file, which cannot be decoded here", _CONVERT),
    (0, b"wvpk", "is a WavPack file, which cannot be decoded here", _CONVERT),
)


_AUDIO_MAGIC = (  # never taken for text
    *(b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"caff", b"OggS", b"fLaC", b"ID3"),
)


def read_head(path: Path, name: str) -> bytes:
    """Return the first bytes of a regular file, or of a link to one; never wait for a pipe.

    Raises:
        AudioError: `<name>: ...`, what the path leads to instead of audio as far as that can be
            told without decoding, or why it cannot be read.
    """
    with _explain_refusal(name):
        status = path.stat()  # before opening: to open a pipe waits for its writer
        kind = _irregular_kind(status.st_mode)
        if kind:
            raise AudioError(f"{name}: is {kind}; expected an audio file")
        if status.st_size == 0:
            raise AudioError(f"{name}: is empty (0 bytes); expected an audio file", "empty")
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    for offset, magic, what, advice in _FOREIGN:
        if head[offset : offset + len(magic)] == magic:
            raise AudioError(f"{name}: {what}: {advice}", "not-audio")
    if path.suffix.lower() == ".raw" and head.startswith(_AUDIO_MAGIC):
        raise AudioError(
            f"{name}: is named .raw, as if it had no header, but has one: rename it", "not-audio"
        )
    if path.suffix.lower() == ".raw":
        raise AudioError(
            f"{name}: is headerless (.raw), so its sample rate and format are unknown: {_CONVERT}",
            "not-audio",
        )
    return head


def not_audio(name: str, head: bytes, reason: str) -> AudioError:
    """Return the error for a file that the decoder refused for `reason`."""
    if _is_text(head):
        page = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        what = "an HTML or XML page" if page else "a text file"
        return AudioError(f"{name}: is {what}, not audio: {_FETCH}", "not-audio")
    kind = "damaged" if head.startswith(_AUDIO_MAGIC) else "not-audio"
    return AudioError(
        f"{name}: cannot be decoded as audio ({reason}; it starts with the bytes "
        f"{head[:4].hex(' ')}): replace it or {_CONVERT}",
        kind,
    )


@contextlib.contextmanager
def _explain_refusal(name: str) -> Iterator[None]:
    """Turn what the system says about a path into one line."""
    try:
        yield
    except FileNotFoundError as error:
        raise AudioError(f"{name}: does not exist; expected an audio file") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            f"{name}: cannot be read ({reason}): check the path and its permissions"
        ) from error


def _irregular_kind(mode: int) -> str | None:
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe, not a regular file"
    return "a device or socket, not a regular file"


def _is_marked(head: bytes) -> bool:
    """Whether a file begins as one of audio does, or is too short to tell."""
    return head.startswith(_AUDIO_MAGIC) or any(magic.startswith(head) for magic in _AUDIO_MAGIC)


def _is_text(head: bytes) -> bool:
    if _is_marked(head):
        return False
    text = head.decode("utf-8", errors="ignore")  # ignore: the cut may fall inside a letter
    whole = len(text.encode()) >= len(head) - 3
    return whole and all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in text)
