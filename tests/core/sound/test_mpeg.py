from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from corpus.compressed import ID3, mp3, without_count

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound import mpeg
from wsnet_cli.core.sound.audio import read_audio
from wsnet_cli.core.sound.decode import open_audio
from wsnet_cli.core.sound.mpeg import Pipe, find_extent

RATE = 16_000
N_SAMPLES = 5 * RATE
FRAME = 576  # samples in a frame at this rate
PREFIXES = {"nothing": b"", "a tag": ID3, "junk": bytes(3_000)}


@pytest.fixture(scope="module")
def counted() -> bytes:
    return mp3(n=N_SAMPLES, mode="VARIABLE")


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_frames_are_found_where_nothing_counts_them(
    counted: bytes, prefix: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(prefix + counted + b"TAG" + bytes(125))
    assert find_extent(path) is None
    sound = without_count(counted)
    path.write_bytes(prefix + sound + b"TAG" + bytes(125))
    found = find_extent(path)
    assert found is not None
    assert (found.start, found.end) == (len(prefix), len(prefix) + len(sound))
    assert N_SAMPLES < found.n_samples <= N_SAMPLES + 4 * FRAME
    path.write_bytes((prefix + sound)[:-1])
    cut = find_extent(path)
    assert cut is not None
    assert cut.n_samples == found.n_samples - FRAME
    path.write_bytes(bytes(100_000) + b"\xff\xff" * 1_000)
    assert find_extent(path) is None


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_every_frame_has_its_length(rate: int, mode: str, tmp_path: Path) -> None:
    """A walk along wrong lengths would not arrive at the end with all samples counted."""
    path = tmp_path / "a.mp3"
    content = without_count(mp3(rate, mode, n=30_000))
    path.write_bytes(content)
    found = find_extent(path)
    assert found is not None
    assert found.end == len(content)
    assert found.n_samples % 576 == 0
    assert 30_000 <= found.n_samples <= 30_000 + 4 * 1_152


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_a_varying_bit_rate_without_a_count_is_read_to_its_end(
    counted: bytes, prefix: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(prefix + without_count(counted))
    with sf.SoundFile(path) as guessed:
        short = guessed.read(dtype="float32")
    assert len(short) < 0.75 * N_SAMPLES, "the decoder has learnt to read such files"
    samples, _ = read_audio(path)
    assert N_SAMPLES <= len(samples) <= N_SAMPLES + 4 * FRAME
    assert np.array_equal(samples[: len(short)], short)
    for n_bytes in (1, 100, 9_000):
        path.write_bytes((prefix + without_count(counted))[:-n_bytes])
        assert len(samples) > len(read_audio(path)[0]) > len(samples) - N_SAMPLES // 2


def test_files_that_were_joined_are_read_to_the_end_of_the_last(
    counted: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(counted + ID3 + counted)
    assert sf.info(path).frames == N_SAMPLES
    samples, _ = read_audio(path)
    assert 2 * N_SAMPLES <= len(samples) <= 2 * N_SAMPLES + 8 * FRAME
    path.write_bytes(counted)
    assert len(read_audio(path)[0]) == N_SAMPLES


def test_what_is_not_read_to_its_end_leaves_no_thread_and_no_descriptor(
    counted: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(without_count(counted) * 20)
    before = (threading.active_count(), sorted(os.listdir("/dev/fd")))
    for _ in range(5):
        with open_audio(path) as decoder:
            next(decoder.blocks())
    assert (threading.active_count(), sorted(os.listdir("/dev/fd"))) == before


def test_a_file_that_stops_to_be_readable_is_told_of(
    counted: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(without_count(counted))

    class Broken(Pipe):
        @property
        def error(self) -> OSError | None:
            return OSError(5, "Input/output error")

        @error.setter
        def error(self, _: OSError | None) -> None:
            pass

    monkeypatch.setattr("wsnet_cli.core.sound.decode.Pipe", Broken)
    with pytest.raises(AudioError, match=r"decoding stopped at 5\.\d+ s .*Input/output error"):
        read_audio(path)


def test_a_pipe_gives_a_part_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpeg, "_CHUNK_BYTES", 7)
    content = bytes(range(256)) * 4
    (tmp_path / "a").write_bytes(content)
    pipe = Pipe(tmp_path / "a", 100, 1_000)
    found = b""
    while chunk := os.read(pipe.descriptor, 50):
        found += chunk
    pipe.close()
    assert found == content[100:1_000]
    assert pipe.error is None


def test_a_pipe_tells_why_it_ended_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.FileIO):
        def read(self, _: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    (tmp_path / "a").write_bytes(b"abc")
    monkeypatch.setattr(Path, "open", lambda path, _: Failing(path))
    pipe = Pipe(tmp_path / "a", 0, 3)
    assert os.read(pipe.descriptor, 50) == b""
    assert str(pipe.error) == "[Errno 5] Input/output error"
    pipe.close()
