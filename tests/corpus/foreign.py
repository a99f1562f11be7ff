"""Files that are no audio, under the name of audio."""

from __future__ import annotations

import io
import json
import random
import zipfile

from .broken_wav import NOT_DECODED
from .odd import OddFile, Refused

LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.wav", b"RIFF")
    return stream.getvalue()


def foreign() -> list[OddFile]:
    """What is really found in folders of audio."""
    page = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"
    movie = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + bytes(400)
    random_bytes = random.Random(0).randbytes(5_000)
    contents = {
        "empty.wav": (b"", "is empty (0 bytes)"),
        "empty.mp3": (b"", "is empty (0 bytes)"),
        "text.wav": (b"This is no audio.\n", "is a text file, not audio"),
        "text.mp3": (b"This is no audio.\n" * 400, "is a text file, not audio"),
        "text-bom.wav": ("\ufeffKein Ton, aber Umlaute: äöü\n".encode(), "is a text file"),
        "text-utf16.wav": ("no audio\n".encode("utf-16"), NOT_DECODED),
        "page.wav": (page, "is an HTML or XML page"),
        "page.mp3": (b"\n\n  " + page, "is an HTML or XML page"),
        "page-bom.ogg": (b"\xef\xbb\xbf" + page, "is an HTML or XML page"),
        "error.wav": (json.dumps({"error": 404}).encode(), "is a text file, not audio"),
        "lfs-pointer.wav": (LFS, "is a git-LFS pointer"),
        "lfs-pointer.flac": (LFS, "is a git-LFS pointer"),
        "archive.wav": (_zip(), "is a ZIP archive"),
        "compressed.wav": (b"\x1f\x8b\x08\0" + bytes(60), "is a gzip archive"),
        "._side-data.wav": (b"\0\x05\x16\x07\0\2\0\0" + bytes(100), "is macOS side data"),
        "side-data.wav": (b"\0\x05\x16\x07\0\2\0\0" + bytes(100), "is macOS side data"),
        "movie.m4a": (movie, "is an MP4/M4A file"),
        "movie.wav": (movie, "is an MP4/M4A file"),
        "matroska.wav": (b"\x1aE\xdf\xa3" + bytes(100), "is a Matroska/WebM file"),
        "windows-media.wav": (b"0&\xb2u\x8ef\xcf\x11" + bytes(100), "is a WMA file"),
        "telephone.wav": (b"#!AMR\n" + bytes(100), "is an AMR file"),
        "wavpack.wav": (b"wvpk" + bytes(100), "is a WavPack file"),
        "adts.aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(100), NOT_DECODED),
        "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(100), NOT_DECODED),
        "document.wav": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(99), NOT_DECODED),
        "midi.wav": (b"MThd\0\0\0\6\0\0\0\1\0\x60" + bytes(50), NOT_DECODED),
        "noise.wav": (random_bytes, NOT_DECODED),
        "noise.mp3": (random_bytes, NOT_DECODED),
        "noise.flac": (random_bytes, NOT_DECODED),
        "zeros.wav": (bytes(5_000), NOT_DECODED),
        "zeros.mp3": (bytes(5_000), NOT_DECODED),
        "zeros.ogg": (bytes(5_000), NOT_DECODED),
        "one-byte.wav": (b"\0", NOT_DECODED),
        "headerless.raw": (bytes(5_000), "is headerless (.raw)"),
        "HEADERLESS.RAW": (random_bytes, "is headerless (.raw)"),
    }
    return [OddFile(name, c, Refused(phrase)) for name, (c, phrase) in contents.items()]
