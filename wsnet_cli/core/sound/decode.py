"""Turn one audio file into blocks of mono samples, or say in one line why that cannot be done.

Decoding is native code (libsndfile) that is fed files from anywhere, so nothing it says is taken
on trust: no length from a header ever sizes an array, names never choose the decoder, and what
comes out is checked for values that no recording holds.

Files are read from front to back without ever seeking between blocks. The decoder's usual
block-wise reading seeks after each block, which makes damaged FLAC files fail that would decode
whole (and the reverse) and shifts MP3 and Opus samples; without those seeks the samples do not
depend on the size of the blocks.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AudioError, ParameterError
from ..quoting import shown
from .mpeg import Pipe, find_extent
from .native_noise import silence_native
from .ogg import is_chained
from .samples import Samples, check_channel, check_header, to_mono
from .sniff import not_audio, read_head

BLOCK_SAMPLES = 2**16
"""Values decoded at a time, over all channels, whatever a header promises: 256 KiB of float32,
which stay in the processor's cache on their way through mixing and resampling (with 1 MiB that
takes 1.2 times as long)."""

RANGE_SLACK_S = 0.05
"""How far an asked-for end may lie past the end of a file: annotation tools round their times."""

_UNKNOWN_FRAMES = 2**62  # a stream without a stated length reports 2**63 - 1 frames

# Only these subtypes come with an exact number of frames; for the others (MPEG, ADPCM, ...) the
# header or its reader estimates one, up to some 4,000 times too high.
_EXACT_LENGTH = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW", "ALAC_", "VORBIS", "OPUS")
# Only in these does a seek land on the very sample asked for.
_EXACT_SEEK = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")


class Decoder:
    """An open audio file: its rate, its channels, and its samples as mono blocks.

    Made by `open_audio`. Its blocks can be asked for once.

    Attributes:
        name: the path as messages show it, on one line.
        sample_rate: of the file, in Hz, MIN_FILE_RATE..MAX_FILE_RATE.
        n_channels: 1..MAX_CHANNELS.
        n_frames: what the header promises where it is to be believed, else None.
    """

    def __init__(self, native: Any, name: str, pipe: Pipe | None = None) -> None:
        self.name = name
        self.sample_rate = int(native.samplerate)
        self.n_channels = int(native.channels)
        subtype = str(native.subtype)
        exact = subtype.startswith(_EXACT_LENGTH) and native.frames < _UNKNOWN_FRAMES
        self.n_frames: int | None = int(native.frames) if exact else None
        self._seeks = exact and subtype.startswith(_EXACT_SEEK)
        self._noisy = subtype.startswith("MPEG")
        self._native = native
        self._pipe = pipe

    def blocks(
        self,
        start_s: float | None = None,
        end_s: float | None = None,
        channel: int | None = None,
        observe: Callable[[Samples], None] | None = None,
    ) -> Iterator[Samples]:
        """Yield the samples from `start_s` to `end_s` as one channel, in order.

        Args:
            start_s: seconds from the start of the file, >= 0; None = its start.
            end_s: seconds, > start_s; None = the end of the file.
            channel: the one to take, counted from 1; None: the average of all.
            observe: is shown each block [n, n_channels] before it is mixed, checked, not to keep.

        Yields: float32 [n], n >= 1, |x| <= MAX_AMPLITUDE; together at least one sample.

        Raises:
            AudioError: decoding stops before the promised end, a sample is not finite or absurdly
                large (in the channels asked for), there is no sample at all, the range lies
                outside the file, or it has fewer channels than `channel`.
            ParameterError: start_s or end_s is not a time, the range is empty, or channel < 1.
        """
        check_channel(channel, self.n_channels, self.name)
        first, last = self._frame_range(start_s, end_s)
        shape = (max(1, BLOCK_SAMPLES // self.n_channels), self.n_channels)
        buffer = np.empty(shape, np.float32)
        position = self._skip_to(first)
        while last is None or position < last:
            wanted = len(buffer) if last is None else min(len(buffer), last - position)
            n_read = self._read(buffer[:wanted], position)
            if n_read == 0:
                self._check_end(position, first, last)
                return
            n_before = min(max(0, first - position), n_read)
            position += n_read
            if n_before < n_read:
                kept = buffer[n_before:n_read]
                mono = to_mono(kept, channel, self.name, self.sample_rate, position - len(kept))
                if observe:
                    observe(kept)
                yield mono
                if self.n_channels == 1:  # what was yielded is a view of this one
                    buffer = np.empty(shape, np.float32)

    def _frame_range(self, start_s: float | None, end_s: float | None) -> tuple[int, int | None]:
        for field, value in (("start_s", start_s), ("end_s", end_s)):
            if value is not None and not 0 <= value < 1e9:
                raise ParameterError(f"{field} = {value}; expected seconds >= 0 (at most 1e9)")
        if end_s is not None and end_s <= (start_s or 0.0):
            raise ParameterError(f"end_s = {end_s}; expected more than start_s = {start_s or 0.0}")
        first = int((start_s or 0.0) * self.sample_rate + 0.5)
        if end_s is None:
            return first, None
        return first, max(first + 1, int(end_s * self.sample_rate + 0.5))

    def _skip_to(self, first: int) -> int:
        """Move to `first` if a seek is exact; return the position in frames reached."""
        if first == 0 or not self._seeks or first >= (self.n_frames or 0):
            return 0
        for target in (first, 0):  # files whose seek fails may still decode from the start
            with contextlib.suppress(RuntimeError, ValueError, OSError):
                if self._native.seek(target) == target:
                    return target
        raise self._stopped(first, "it cannot be reached")

    def _read(self, out: Samples, position: int) -> int:
        try:
            with silence_native(self._noisy):
                return len(self._native.read(out=out))
        except (RuntimeError, ValueError, OSError) as error:
            with contextlib.suppress(RuntimeError, ValueError, OSError):
                position = int(self._native.tell())
            raise self._stopped(position, error) from error

    def _stopped(self, position: int, reason: object) -> AudioError:
        return AudioError(
            f"{self.name}: decoding stopped at {position / self.sample_rate:.3f} s (sample "
            f"{position}; {_reason(reason)}); the file is damaged or cut short: replace it",
            "damaged",
        )

    def _check_end(self, position: int, first: int, last: int | None) -> None:
        """Judge the end of the file, reached at `position` before `last`."""
        if self._pipe and self._pipe.error:
            raise self._stopped(position, self._pipe.error)
        if self.n_frames is not None and position < self.n_frames:
            raise self._stopped(position, f"the header promises {self.n_frames} samples")
        if position == 0:
            raise AudioError(f"{self.name}: holds no samples; expected at least one", "empty")
        slack = RANGE_SLACK_S * self.sample_rate
        if position <= first or (last is not None and position < last - slack):
            end = "the end" if last is None else f"{last / self.sample_rate:.3f} s"
            raise AudioError(
                f"{self.name}: the range from {first / self.sample_rate:.3f} s to {end} is not "
                f"inside the file, which lasts {position / self.sample_rate:.3f} s",
                "out-of-range",
            )


@contextlib.contextmanager
def open_audio(
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes], name: str | None = None
) -> Iterator[Decoder]:
    """Open an audio file for decoding; its contents, not its name, decide how it is read.

    Only regular files (or links to them) are opened, so that a pipe or a device cannot block.
    While MP3 is decoded the process's stderr (descriptor 2) is silenced around each native call,
    because libmpg123 writes its complaints straight to it; what other threads
    write there in those moments is lost, and a process forked in one of them stays silent.

    Args:
        path: of the file.
        name: what messages call it; None: the path.

    Raises:
        AudioError: the path does not lead to a readable audio file; the message says what it
            leads to instead and what to do.
    """
    location = os.fsdecode(path)
    name = shown(location) if name is None else name
    head = read_head(Path(location), name)
    with contextlib.ExitStack() as opened:
        native = opened.enter_context(_open_native(location, name, head))
        pipe: Pipe | None = None
        if str(native.subtype).startswith("MPEG"):
            native, pipe = _whole_mpeg(opened, native, Path(location))
        if native.format == "RAW":  # no header found, so libsndfile guesses from the suffix
            raise not_audio(name, head, "no header of an audio format")
        if native.format == "OGG" and is_chained(Path(location)):
            raise AudioError(
                f"{name}: holds several Ogg streams in a row, of which only the first can be "
                "decoded: convert it to WAV or FLAC",
                "not-audio",
            )
        check_header(name, native.channels, native.samplerate)
        yield Decoder(native, name, pipe)


def _open_native(location: str, name: str, head: bytes) -> Any:
    """Open by path, as bytes on POSIX so that names need not be UTF-8.

    Not as a stream: that misses MP3 behind a junk prefix, and on damaged files exceptions in its
    callbacks are printed instead of raised.
    """
    sound_file = _sequential_sound_file()
    noisy = head[:3] == b"ID3" or head[:1] == b"\xff" or location.lower().endswith(".mp3")
    source = location if os.name == "nt" else os.fsencode(location)
    try:
        with silence_native(noisy):
            return sound_file(source)
    except (RuntimeError, ValueError, TypeError, OSError) as error:
        raise not_audio(name, head, _reason(error)) from error


def _whole_mpeg(opened: contextlib.ExitStack, native: Any, path: Path) -> tuple[Any, Pipe | None]:
    """Open an MP3 again, as a pipe, where the decoder takes it for shorter than it is."""
    with contextlib.suppress(OSError):
        extent = find_extent(path)
        if extent and native.frames < extent.n_samples:
            pipe = Pipe(path, extent.start, extent.end)
            opened.callback(pipe.close)
            with contextlib.suppress(RuntimeError, ValueError, TypeError), silence_native(True):
                piped = _sequential_sound_file()(pipe.descriptor, closefd=False)
                return opened.enter_context(piped), pipe
    return native, None


@functools.cache
def _sequential_sound_file() -> Any:
    """Make a soundfile.SoundFile that never seeks by itself (it asks `seekable` whether it may)."""
    import soundfile

    return type("SequentialSoundFile", (soundfile.SoundFile,), {"seekable": lambda _self: False})


def _reason(error: object) -> str:
    """Return libsndfile's words without the prefix that repeats the path, or better ones."""
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    if "not exist" in text or "not recognised" in text:
        # For an MP3 without one good frame libsndfile says that the file does not exist.
        return "no audio format was recognised"
    if "SF_INFO struct" in text or "nspecified internal" in text:
        return "its header is incomplete or contradicts itself"
    return shown(text)
