from __future__ import annotations

import struct
from pathlib import Path

import pytest
import soundfile as sf
from corpus.compressed import by_library
from corpus.odd import chirp

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound.audio import read_audio
from wsnet_cli.core.sound.ogg import is_chained

FIRST, LATER, LAST = 2, 0, 4


def page(flags: int, n_bytes: int = 300) -> bytes:
    sizes = [255] * (n_bytes // 255) + [n_bytes % 255]
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 1, 0, 0, len(sizes))
    return head + bytes(sizes) + bytes(n_bytes)


@pytest.mark.parametrize(
    ("flags", "chained"),
    [
        ([FIRST, LATER, LAST], False),
        ([FIRST, FIRST, LATER, LATER, LAST], False),
        ([FIRST, LATER, LAST, FIRST, LAST], True),
        ([FIRST, LATER, FIRST], True),
        ([FIRST], False),
        ([], False),
    ],
)
def test_a_stream_that_begins_after_another_is_found(
    flags: list[int], chained: bool, tmp_path: Path
) -> None:
    content = b"".join(page(f, 100 + 777 * i) for i, f in enumerate(flags))
    for cut in (0, 1, 20):
        (tmp_path / "a.ogg").write_bytes(content + b"x" * cut)
        assert is_chained(tmp_path / "a.ogg") is chained


@pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
def test_joined_files_are_refused_and_single_ones_are_not(coding: str, tmp_path: Path) -> None:
    one = by_library(chirp(100_000), "OGG", coding)
    (tmp_path / "a.ogg").write_bytes(one)
    assert len(read_audio(tmp_path / "a.ogg")[0]) == 100_000
    (tmp_path / "a.ogg").write_bytes(one + one)
    assert sf.info(tmp_path / "a.ogg").frames == 100_000, "the decoder has learnt to read the rest"
    with pytest.raises(AudioError, match="several Ogg streams in a row, of which only the first"):
        read_audio(tmp_path / "a.ogg")
