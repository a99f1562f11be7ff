"""Streams as recorders and players write them, against the same sound in a file."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AudioError, FileError, ParameterError
from wsnet_cli.core.sound.audio import read_audio
from wsnet_cli.core.sound.pcm import PcmFormat
from wsnet_cli.core.sound.pipe import END_SLACK_S, open_pipe

RATE = 8_000


class Arriving(io.RawIOBase):
    """Bytes that arrive in pieces, each asked for only once the one before is used up."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self.pieces:
            return 0
        n = min(len(buffer), len(self.pieces[0]))
        buffer[:n] = self.pieces[0][:n]
        self.pieces[0] = self.pieces[0][n:]
        if not self.pieces[0]:
            self.pieces.pop(0)
        return n


def noise(n: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    return 0.2 * np.random.default_rng(seed).standard_normal((n, n_channels)).clip(-4, 4)


def content(sound: np.ndarray, form: str = "WAV", subtype: str | None = "PCM_16") -> bytes:
    stream = io.BytesIO()
    sf.write(stream, sound, RATE, subtype, format=form)
    return stream.getvalue()


def with_size(wav: bytes, size: int) -> bytes:
    """A plain WAV whose header says another size of its sound."""
    at = wav.index(b"data") + 4
    return wav[:at] + struct.pack("<I", size) + wav[at + 4 :]


def hear(
    data: bytes | list[bytes],
    rate: int = RATE,
    channel: int | None = None,
    raw: PcmFormat | None = None,
) -> np.ndarray:
    stream = io.BufferedReader(Arriving(data if isinstance(data, list) else [data]))
    with open_pipe(stream, raw) as sound:
        return np.concatenate(list(sound.open(rate, channel)()))


def by_file(data: bytes, folder: Path, rate: int = RATE, channel: int | None = None) -> np.ndarray:
    (folder / "a").write_bytes(data)
    return read_audio(folder / "a", sample_rate=rate, channel=channel)[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sound")


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_samples_are_those_of_the_file_however_they_arrive(
    folder: Path, data: st.DataObject
) -> None:
    subtype = data.draw(
        st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
    )
    n_channels = data.draw(st.integers(1, 3))
    form = data.draw(st.sampled_from(["WAV", "WAVEX", "RF64"]))
    wav = content(noise(data.draw(st.integers(1, 700)), n_channels), form, subtype)
    cuts = data.draw(st.lists(st.integers(0, len(wav)), max_size=15).map(sorted))
    pieces = [wav[a:b] for a, b in zip([0, *cuts], [*cuts, len(wav)], strict=True)]
    rate = data.draw(st.sampled_from([RATE, 16_000, 5_000]))
    channel = data.draw(st.none() | st.integers(1, n_channels))
    found = hear(pieces, rate, channel)
    assert np.array_equal(found, by_file(wav, folder, rate, channel))


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3", "AIFF", "AU", "CAF"])
def test_other_formats_are_kept_until_the_end_and_then_read(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    data = content(noise(20_000), form, None)
    expected = by_file(data, tmp_path)
    with open_pipe(io.BufferedReader(Arriving([data[:7], data[7:]]))) as sound:
        assert not sound.live
        (kept,) = tmp_path.glob("wsnet-*")
        for _ in range(2):
            assert np.array_equal(np.concatenate(list(sound.open(RATE, None)())), expected)
    assert not kept.exists()


def test_compressed_wav_is_kept_too(tmp_path: Path) -> None:
    data = content(noise(5_000), "WAV", "MS_ADPCM")
    assert np.array_equal(hear(data), by_file(data, tmp_path))


def test_raw_samples() -> None:
    sound = (noise(500, 2) * 20_000).astype(">i2")
    raw = PcmFormat(RATE, "s16be", 2)
    expected = sound.astype(np.float32).mean(axis=1) / 32_768
    found = hear([sound.tobytes()[:33], sound.tobytes()[33:]], raw=raw)
    assert found == pytest.approx(expected, abs=1e-7)
    assert hear(sound.tobytes(), channel=2, raw=raw).tolist() == (sound[:, 1] / 32_768).tolist()


# ---------------------------------------------------------------------------- where it ends


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x80000000])
def test_a_size_that_nobody_knew_means_until_the_end(size: int, tmp_path: Path) -> None:
    wav = content(noise(1_000))
    assert np.array_equal(hear(with_size(wav, size)), by_file(wav, tmp_path))


@pytest.mark.parametrize("size", [2, 51, 1_000])
def test_a_size_that_is_too_small_does_not_end_the_sound(size: int, tmp_path: Path) -> None:
    wav = content(noise(1_000))
    assert np.array_equal(hear(with_size(wav, size)), by_file(wav, tmp_path))


@pytest.mark.parametrize("tail", [b"", b"\0", b"junk", b"LIST\x04\0\0\0abcd" * 20_000])
@pytest.mark.parametrize("n", [999, 1_000])
def test_what_follows_the_sound_is_read_and_not_heard(n: int, tail: bytes, tmp_path: Path) -> None:
    """One byte a sample: an odd size is padded."""
    wav = content(noise(n), subtype="PCM_U8")
    arriving = Arriving([wav + tail])
    with open_pipe(io.BufferedReader(arriving)) as sound:
        found = np.concatenate(list(sound.open(RATE, None)()))
    assert np.array_equal(found, by_file(wav, tmp_path))
    assert arriving.pieces == []


def test_a_stream_that_ends_early_was_cut(tmp_path: Path) -> None:
    wav = content(noise(2 * RATE))
    n_missing = round(END_SLACK_S * RATE)
    found = hear(wav[: -2 * n_missing])
    assert np.array_equal(found, by_file(wav, tmp_path)[:-n_missing])
    with pytest.raises(
        AudioError,
        match=r"^standard input: ended at 1\.900 s, where its header promises 2\.000 s; the str",
    ):
        hear(wav[: -2 * n_missing - 2])


def test_a_cut_stream_is_heard_up_to_there() -> None:
    wav = content(noise(2 * RATE))[: -3 * RATE]
    heard = []

    def listen() -> None:
        with open_pipe(io.BytesIO(wav)) as sound:
            for block in sound.open(RATE, None)():
                heard.append(len(block))

    with pytest.raises(AudioError, match="was cut short"):
        listen()
    assert sum(heard) == RATE // 2


def test_a_frame_that_is_not_whole_is_left_out() -> None:
    wav = with_size(content(noise(100, 2)), 0)
    assert len(hear(wav[:-1])) == 99
    assert len(hear(wav[:-3])) == 99
    assert len(hear(wav + b"\0\0\0")) == 100


# ------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", r"^standard input: is empty \(0 bytes\)"),
        (b"hello\n", r"^standard input: is a text file, not audio"),
        (b"\x01\x02\x03\x04" * 9, r"^standard input: cannot be decoded as audio \("),
        (content(noise(9))[:30], r"^standard input: cannot be decoded as audio \("),
        (content(noise(0)), r"^standard input: holds no samples; expected at least one"),
        (content(noise(1))[:-1], r"^standard input: holds no samples"),
        (
            content(np.array([0, np.nan]), subtype="FLOAT"),
            r"^standard input: sample 1 \(0\.000 s, channel 1\) is nan; expected finite values",
        ),
    ],
    # The bytes would do as names, but for the time that libsndfile writes into them.
    ids=["empty", "text", "bytes", "cut header", "no samples", "cut sample", "not a number"],
)
def test_what_is_no_sound_is_said_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(AudioError, match=said) as caught:
        hear(data)
    assert "\n" not in str(caught.value)


def test_a_channel_that_is_not_there_is_refused() -> None:
    for form in ("WAV", "FLAC"):
        data = content(noise(9, 2), form)
        with pytest.raises(
            AudioError, match=r"standard input: has 2 channels, and channel 3 was asked for"
        ):
            hear(data, channel=3)


def test_a_live_stream_is_read_once() -> None:
    with open_pipe(io.BytesIO(content(noise(9)))) as sound:
        assert sound.live
        open_blocks = sound.open(RATE, None)
        list(open_blocks())
        with pytest.raises(ParameterError, match="standard input: was read already"):
            list(open_blocks())


def test_what_cannot_be_read_or_kept_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            raise OSError(21, "Is a directory")

    with (
        pytest.raises(AudioError, match=r"standard input: cannot be read \(Is a directory\)"),
        open_pipe(io.BufferedReader(Refusing())),
    ):
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with (
        pytest.raises(FileError, match=r"standard input: cannot be kept in .*none \(No such file"),
        open_pipe(io.BytesIO(b"fLaC")),
    ):
        pass


# ------------------------------------------------------------------------- as it comes, no more


def test_blocks_come_before_more_bytes_are_asked_for() -> None:
    wav = with_size(content(noise(300)), 0)
    arriving = Arriving([wav[:44], wav[44:244], wav[244:245], wav[245:444], wav[444:]])
    with open_pipe(io.BufferedReader(arriving)) as sound:
        sizes = []
        left = []
        for block in sound.open(RATE, None)():
            sizes.append(len(block))
            left.append(len(arriving.pieces))
    assert sizes == [100, 100, 100]
    assert left == [3, 1, 0]


def test_memory_does_not_follow_the_length_of_the_stream() -> None:
    class Endless(io.RawIOBase):
        n_left = 20_000_000

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:
            n = min(len(buffer), self.n_left)
            self.n_left -= n
            return n

    def peak(raw: PcmFormat | None, start: list[bytes]) -> int:
        class Joined(Endless):
            def readinto(self, buffer: memoryview) -> int:
                return Arriving.readinto(head, buffer) if head.pieces else super().readinto(buffer)

        head = Arriving(start)
        tracemalloc.start()
        try:
            with open_pipe(io.BufferedReader(Joined()), raw) as sound:
                for _ in sound.open(RATE, None)():
                    pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(PcmFormat(RATE), []) < 1_000_000
    assert peak(None, [with_size(content(noise(9)), 0)]) < 1_000_000


def test_a_pipe_of_the_system_is_read_while_it_is_written() -> None:
    """Each second is heard before the next is written: a handshake that would hang otherwise."""
    receiving, sending = os.pipe()
    with os.fdopen(sending, "wb", buffering=0) as out, os.fdopen(receiving, "rb") as stream:
        second = content(noise(RATE))[44:]
        out.write(with_size(content(noise(0)), 0xFFFFFFFF))
        with open_pipe(stream) as sound:
            blocks: Iterator[np.ndarray] = sound.open(RATE, None)()
            for _ in range(3):
                out.write(second)
                n_heard = 0
                while n_heard < RATE:
                    n_heard += len(next(blocks))
                assert n_heard == RATE
            out.close()
            assert list(blocks) == []
