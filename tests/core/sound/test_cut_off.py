from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import pytest
from corpus.compressed import by_library, mp3, without_count
from corpus.containers import RATE_80_BITS, aiff, au
from corpus.every import every_file
from corpus.odd import OddFile, chirp
from corpus.riff import chunk, data, fmt, wave
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound import mpeg
from wsnet_cli.core.sound.cut_off import LOOSE_BYTES, is_cut_off
from wsnet_cli.core.sound.decode import open_audio

TONE = chirp()
LONG = chirp(200_000)

CUT = {
    *("data-size-too-large.wav", "cut-half-way.wav", "cut-inside-a-sample.wav"),
    *("au-too-long.au", "au-cut.au", "aiff-cut.aiff"),
    *("vorbis-cut.ogg", "opus-cut.opus", "mp3-cut.mp3"),
}
"""Of the corpus, by what was done to them."""

RF64_SIZES = struct.pack("<QQQI", 2**20, 2 * len(TONE), len(TONE), 0)
RF64 = wave(
    chunk(b"ds64", RF64_SIZES), fmt(), data(TONE)[:4] + b"\xff" * 4 + data(TONE)[8:], magic=b"RF64"
)

WHOLE = {
    "wav": wave(fmt(), data(TONE)),
    "wav-behind-a-note": wave(fmt(), chunk(b"LIST", bytes(333)), data(TONE)),
    "rf64": RF64,
    "aiff": aiff(TONE, len(TONE), RATE_80_BITS),
    "aiff-by-the-library": by_library(TONE, "AIFF", "FLOAT"),
    "wav-big-endian": by_library(TONE, "WAV", "PCM_16", endian="BIG"),
    "wav-ms-adpcm": by_library(LONG, "WAV", "MS_ADPCM"),
    "wav-gsm": by_library(LONG, "WAV", "GSM610"),
    "au": au(TONE, 2 * len(TONE)),
    "vorbis": by_library(LONG, "OGG", "VORBIS"),
    "opus": by_library(LONG, "OGG", "OPUS"),
    "mp3": mp3(n=80_000),
    "mp3-vbr": mp3(mode="VARIABLE", n=80_000),
}
OGG = ("vorbis", "opus")


def answer(folder: Path, content: bytes) -> bool:
    (folder / "a.bin").write_bytes(content)
    return is_cut_off(folder / "a.bin")


@pytest.mark.parametrize("file", [f for f in every_file() if f.readable], ids=lambda f: f.name)
def test_of_the_corpus_those_are_cut_off_that_were_made_so(file: OddFile, tmp_path: Path) -> None:
    assert is_cut_off(file.write(tmp_path)) is (file.name in CUT)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.6, 0.98))
def test_wherever_a_file_is_cut_that_is_found(
    kind: str, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, content = tmp_path_factory.getbasetemp(), WHOLE[kind]
    assert not answer(folder, content)
    assert not answer(folder, content + b"more")
    cut = int(share * len(content))
    assume(not (kind in OGG and content[cut:].startswith(b"OggS")))  # whole pages tell nothing
    assert answer(folder, content[:cut])


@pytest.mark.parametrize("kind", OGG)
def test_of_ogg_all_but_whole_pages_are_found(kind: str, tmp_path: Path) -> None:
    content = WHOLE[kind]
    last = content.rindex(b"OggS")
    found = [answer(tmp_path, content[: last + n]) for n in range(40)]
    assert found == [False] + 39 * [True]


@pytest.mark.parametrize(
    ("where", "size_at", "order"), [("wav", 40, "<"), ("aiff", 42, ">"), ("au", 8, ">")]
)
def test_some_bytes_too_many_are_the_writers_way(
    where: str, size_at: int, order: str, tmp_path: Path
) -> None:
    whole = WHOLE[where]
    (size,) = struct.unpack_from(f"{order}I", whole, size_at)
    assert size in (2 * len(TONE), 2 * len(TONE) + 8)

    def with_size(n: int) -> bytes:
        changed = bytearray(whole)
        struct.pack_into(f"{order}I", changed, size_at, n)
        return bytes(changed)

    assert not answer(tmp_path, with_size(size + LOOSE_BYTES))
    assert answer(tmp_path, with_size(size + LOOSE_BYTES + 1))
    of_its_own = {"wav": (0x7FFF_0000,), "aiff": (0x7F00_0000 - 4, 0x7F00_0008), "au": ()}
    for size in (0, 2**32 - 1, *of_its_own[where]):
        assert not answer(tmp_path, with_size(size)), "who wrote it could not go back"


def test_an_mp3_may_be_a_hundredth_short_of_its_count(tmp_path: Path) -> None:
    whole = WHOLE["mp3"]
    assert not answer(tmp_path, whole[: -int(0.008 * len(whole))])
    assert answer(tmp_path, whole[: -int(0.012 * len(whole))])
    assert not answer(tmp_path, without_count(whole)[: len(whole) // 2]), "nothing was promised"
    assert mpeg._counted_bytes(BytesIO(whole), 0) == len(whole)


def test_pages_that_are_whole_are_taken_for_the_whole(tmp_path: Path) -> None:
    content = WHOLE["vorbis"]
    start = content.rindex(b"OggS")
    assert not answer(tmp_path, content[:start])
    for n in (4, 26, 27, 28):  # within the last page's header and its list of sizes
        assert answer(tmp_path, content[: start + n]), n


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF", b".snd", b".snd" + bytes(8)),
        *(b"OggX", b"ID3", b"\xff", b"\xff\xfb\x90\x00", b"fLaC" + bytes(99), b"text"),
        b"FORM\0\0\0\0AIFF" + b"note\0\0\0\0" * 1_001 + b"SSND\0\1\0\0",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_sound_promises_none(content: bytes, tmp_path: Path) -> None:
    assert not answer(tmp_path, content)


def test_a_file_that_is_gone_is_not_cut_off(tmp_path: Path) -> None:
    assert not is_cut_off(tmp_path / "none.wav")


def test_a_cut_flac_is_left_to_the_decoder(tmp_path: Path) -> None:
    content = by_library(LONG, "FLAC", "PCM_16")
    assert not answer(tmp_path, content[: 3 * len(content) // 4])
    with pytest.raises(AudioError, match="cut short"), open_audio(tmp_path / "a.bin") as decoder:
        list(decoder.blocks())
