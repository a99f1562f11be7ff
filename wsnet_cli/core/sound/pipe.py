"""Sound from standard input: WAV and plain samples as they come, all else once it is there.

A recorder's sound must be heard while it is recorded, so what has a plain form is decoded here,
byte by byte as it arrives; libsndfile wants to seek or to fill its buffers first. What has none
(FLAC, Ogg, MP3, compressed WAV, ...) is kept in a temporary file until the stream ends, and then
read like any other file.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import AudioError, FileError, ParameterError
from .audio import read_blocks
from .pcm import PcmFormat
from .resampling import resample_blocks
from .samples import Samples, check_channel, to_mono
from .stream import OpenBlocks
from .wav_stream import looks_like_chunk, read_wav_header

OpenAt = Callable[[int, int | None], OpenBlocks]
"""`open(sample_rate, channel)`, channel counted from 1, None for the average of all."""

STANDARD_INPUT = "standard input"

END_SLACK_S = 0.1
"""How much earlier than its header promises a stream may end: a player that decodes an MP3 file
promises its length in whole milliseconds and frames."""

_CHUNK_BYTES = 2**16  # what a pipe holds on most systems


@dataclass(frozen=True)
class PipedSound:
    """A stream that is ready to be read.

    Args:
        name: for messages.
        live: whether its samples are given as they arrive, and once; else it has been kept in a
            file and can be read like one.
        open: gives what `Classifier.hear` and `hear_windows` take. AudioError: there is no such
            channel; of a file that was kept, only when it is read.
    """

    name: str
    live: bool
    open: OpenAt


@contextlib.contextmanager
def open_pipe(
    stream: io.BufferedIOBase, raw: PcmFormat | None = None, name: str = STANDARD_INPUT
) -> Iterator[PipedSound]:
    """Begin to read sound from a pipe: waits for its header, or for its end where it must be kept.

    Read as it comes: `raw` samples, and WAV (RIFF or RF64) with samples of a plain form: 8, 16, 24
    or 32 bits, 32- or 64-bit floats, A-law or mu-law. The size of the sound in a WAV header is
    believed where it can be true, and else the end of the stream is the end of the sound:

    - 0, or UNKNOWN_SIZE and more: whoever wrote it did not know.
    - The stream goes on after it with what cannot be a further chunk: the size was too small.
    - The stream ends up to END_SLACK_S before it: the size was an estimate.

    Bytes of a frame that is not whole at the end are left out: a recorder was stopped. A block is
    given for whatever has arrived, so that nothing waits for samples to come, except that changing
    the sample rate looks some 0.1 s ahead.

    Args:
        stream: with `read1`, such as `sys.stdin.buffer`.
        raw: how its samples are written, where it has no header.
        name: of the stream, for messages.

    Raises:
        AudioError: on reading: no audio, no samples, values that are not finite, or a cut stream.
        FileError: the temporary file cannot be written.
        ParameterError: the blocks of a live stream are asked for again.
    """
    source = _Source(stream, name)
    if raw is not None:
        source.forget()
        yield PipedSound(name, True, _open_once(source, raw, None))
        return
    header = read_wav_header(source)
    if header is not None:
        source.forget()
        pcm = PcmFormat(header.sample_rate, header.encoding, header.n_channels)
        yield PipedSound(name, True, _open_once(source, pcm, header.n_bytes))
        return
    with _kept(source) as path:
        yield PipedSound(name, False, _open_kept(path, name))


class _Source:
    """A stream, and what was read of it until `forget`."""

    def __init__(self, stream: io.BufferedIOBase, name: str) -> None:
        self.name = name
        self.seen: bytearray | None = bytearray()
        self._stream = stream

    def some(self, n: int) -> bytes:
        """What has arrived, at most `n` bytes; waits for one; nothing at the end only."""
        try:
            data = self._stream.read1(n)
        except OSError as error:
            raise AudioError(f"{self.name}: cannot be read ({error.strerror})") from error
        if self.seen is not None:
            self.seen += data
        return data

    def read(self, n: int) -> bytes:
        """`n` bytes; fewer at the end only."""
        parts = bytearray()
        while len(parts) < n and (data := self.some(n - len(parts))):
            parts += data
        return bytes(parts)

    def rest(self) -> Iterator[bytes]:
        """Whatever comes, as it comes."""
        while data := self.some(_CHUNK_BYTES):
            yield data

    def forget(self) -> bytes:
        """Give what was read so far, and keep nothing from now on."""
        seen, self.seen = self.seen or b"", None
        return bytes(seen)


def _open_once(source: _Source, pcm: PcmFormat, n_bytes: int | None) -> OpenAt:
    begun: list[bool] = []

    def blocks(sample_rate: int, channel: int | None) -> Iterator[Samples]:
        if begun:
            raise ParameterError(f"{source.name}: was read already; it can be read once only")
        begun.append(True)
        mono = _mono_blocks(source, pcm, n_bytes, channel)
        yield from resample_blocks(mono, pcm.sample_rate, sample_rate)

    def open_at(sample_rate: int, channel: int | None = None) -> OpenBlocks:
        check_channel(channel, pcm.n_channels, source.name)
        return partial(blocks, sample_rate, channel)

    return open_at


def _mono_blocks(
    source: _Source, pcm: PcmFormat, n_bytes: int | None, channel: int | None
) -> Iterator[Samples]:
    position, cut = 0, b""
    for arrived in _sound(source, pcm, n_bytes):
        data = cut + arrived
        n_whole = len(data) - len(data) % pcm.frame_bytes
        cut = data[n_whole:]
        if n_whole:
            block = pcm.decode(data[:n_whole])
            yield to_mono(block, channel, source.name, pcm.sample_rate, position)
            position += len(block)
    if position == 0:
        raise AudioError(f"{source.name}: holds no samples; expected at least one", "empty")


def _sound(source: _Source, pcm: PcmFormat, n_bytes: int | None) -> Iterator[bytes]:
    """The bytes of the sound, as `open_pipe` says where it ends."""
    if n_bytes is None:
        yield from source.rest()
        return
    n_read = 0
    while n_read < n_bytes:
        data = source.some(min(_CHUNK_BYTES, n_bytes - n_read))
        if not data:
            _check_end(source.name, pcm, n_read, n_bytes)
            return
        n_read += len(data)
        yield data
    n_padding = n_bytes % 2
    after = source.read(n_padding + 8)
    if len(after) == n_padding + 8 and not looks_like_chunk(after[n_padding:]):
        yield after
        yield from source.rest()
    for _ in source.rest():  # so that the writer need not end with a broken pipe
        pass


def _check_end(name: str, pcm: PcmFormat, n_read: int, n_bytes: int) -> None:
    second = pcm.frame_bytes * pcm.sample_rate
    if n_bytes - n_read > END_SLACK_S * second:
        raise AudioError(
            f"{name}: ended at {n_read / second:.3f} s, where its header promises "
            f"{n_bytes / second:.3f} s; the stream was cut short",
            "damaged",
        )


@contextlib.contextmanager
def _kept(source: _Source) -> Iterator[Path]:
    """The whole stream in a temporary file."""
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wsnet-")))
            path = folder / "sound"
            with path.open("wb") as out:
                out.write(source.forget())
                for data in source.rest():
                    out.write(data)
        except OSError as error:
            raise FileError(
                f"{source.name}: cannot be kept in {tempfile.gettempdir()} ({error.strerror}), as "
                "all but WAV and raw samples must be: send WAV, or set TMPDIR to a folder with room"
            ) from error
        yield path


def _open_kept(path: Path, name: str) -> OpenAt:
    def open_at(sample_rate: int, channel: int | None = None) -> OpenBlocks:
        return partial(read_blocks, path, sample_rate=sample_rate, channel=channel, name=name)

    return open_at
