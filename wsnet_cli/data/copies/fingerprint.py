"""What a clip sounds like, 63 bits for each frame: equal for copies, whatever their level.

After J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002: the bits
are signs of differences of spectral energy over time and frequency, which survive gain, filtering,
coding and noise. Here every difference is drawn over the whole neighbourhood of a frame (a random
projection), so that 63 bits of one frame tell more, and short clips have enough of them.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from ...core.errors import ParameterError

FINGERPRINT_VERSION = 1
"""Changes whenever words of another version cannot be compared with those of this one."""

RATE = 8_000
"""Hz at which clips are compared: what lies above half of it is not heard."""

HOP = 128
"""Samples at `RATE` from one frame to the next: 16 ms."""

CODE_BITS = 63
ANCHOR = np.uint64(1 << 63)
"""The bit of a word that marks a frame by which copies are looked up."""

Words = NDArray[np.uint64]
_Frames = NDArray[np.float32]

_WINDOW = 512
_N_BANDS = 56
_BAND_EDGES_HZ = (94.0, 3_700.0)  # what an mp3 or a telephone keeps
_KNEE_HZ = 312.0  # below about this, bands are one bin of 15.6 Hz wide; above, they widen
_SLICES = 6  # of the neighbourhood of a frame, each of two frames: 192 ms in all
_EXTREME_FRAMES = 3  # an anchor is the loudest or softest of the frames this far to both sides
_FEW_ANCHORS = 12  # with fewer, as in most clips below a second, all frames are anchors
_FLOOR = 10 ** (-50 / 20)  # amplitude, of the loudest frame; noise at 20 dB has long covered it
_STILL = 0.01  # a neighbourhood that changes less than this says nothing: a steady tone
# Frames taken at once: few enough that BLAS starts no threads for a product of matrices, and that
# the allocator serves their arrays from memory it has at hand.
_CHUNK = 64
_BLOCK_S = 64  # a whole number of frames
_MARGIN_S = 2


def fingerprint(samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> Words:
    """Return one word for each 16 ms: 63 bits of sound, and in the highest whether it is an anchor.

    A copy of the sound at another level or rate, through a codec, with some noise or cut elsewhere
    has words that differ in few bits, if compared at the right offset. A word is 0 where there is
    nothing to tell: silence, a steady tone, more than 50 dB under the loudest frame of the minute.
    Long recordings are taken in blocks of 64 s; memory beyond the samples themselves is bounded.

    Args:
        samples: mono, [n_samples], finite, in any unit: a gain, be it negative, changes nothing.
            A memory map is read block by block.
        sample_rate: Hz, >= 1.

    Returns: uint64, one word for each 16 ms begun and one more at most: 500 bytes a second. The
        same samples give the same words on one machine; another numpy may turn a bit here or there
        that is near to neither side.
    Raises: ParameterError: the samples are not one channel, or the rate is not positive.

    >>> fingerprint(np.zeros(8000, np.float32), 8000).any()
    np.False_
    """
    if samples.ndim != 1 or sample_rate < 1:
        raise ParameterError(
            f"samples of shape {samples.shape} at {sample_rate} Hz; expected one channel and a rate"
        )
    block, margin = _BLOCK_S * sample_rate, _MARGIN_S * sample_rate
    words = []
    for start in range(0, max(1, len(samples)), block):
        first = max(0, start - margin)
        part = samples[first : start + block + margin]
        skip = (start - first) * RATE // (sample_rate * HOP)
        of_part = _words(at_common_rate(part, sample_rate))[skip:]
        is_last = start + block >= len(samples)
        words.append(of_part if is_last else of_part[: _BLOCK_S * RATE // HOP])
    return np.concatenate(words)


def at_common_rate(
    samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int
) -> NDArray[np.float32]:
    """Return a clip at `RATE`, float32, good enough to compare."""
    signal = samples.astype(np.float32, copy=False)
    if sample_rate == RATE or not len(signal):
        return signal
    resampled: NDArray[np.float32] = soxr.resample(signal, sample_rate, RATE, quality="LQ")
    return resampled


def bits_set(words: Words) -> NDArray[np.uint8]:
    """Return how many bits are set in each word.

    >>> bits_set(np.uint64([0, 5, 2**64 - 1])).tolist()
    [0, 2, 64]
    """
    counts: NDArray[np.uint8]
    if hasattr(np, "bitwise_count"):
        counts = np.bitwise_count(words)
        return counts
    in_bytes = np.ascontiguousarray(words)[..., None].view(np.uint8)
    counts = _set_in_byte()[in_bytes].sum(axis=-1, dtype=np.uint8)
    return counts


def _words(signal: NDArray[np.float32]) -> Words:
    frames = _spectra(signal)
    energy = frames.sum(axis=1)
    changes, strength = _changes(frames)
    bits = np.zeros((len(frames), 64), np.bool_)
    moves = np.square(changes).mean(axis=1) > _STILL**2 * strength
    live = moves & (energy > _FLOOR * energy.max())
    bits[:, 0] = _anchors(energy, live)
    bits[:, 1:] = changes > 0
    words = np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)
    words[~live] = 0
    return words


def _spectra(signal: NDArray[np.float32]) -> _Frames:
    """Return amplitudes [n_frames, 56] in bands, frame k centred at sample k * HOP."""
    around = np.zeros(len(signal) + _WINDOW, np.float32)
    around[_WINDOW // 2 : _WINDOW // 2 + len(signal)] = signal
    frames = _windows(around, 1 + len(signal) // HOP, _WINDOW, HOP)
    amplitudes = np.empty((len(frames), _N_BANDS), np.float32)
    edges = _edges()
    for first in range(0, len(frames), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        spectra = np.fft.rfft(frames[chunk] * _hann())[:, : edges[-1]]
        power = np.square(spectra.real) + np.square(spectra.imag)
        in_bands = np.add.reduceat(power, edges[:-1], axis=1)
        np.sqrt(in_bands, out=amplitudes[chunk], casting="same_kind")
    return amplitudes


def _changes(frames: _Frames) -> tuple[_Frames, _Frames]:
    """Return the projections [n_frames, 63], and the power [n_frames] that each was drawn from."""
    n_frames, half = len(frames), _SLICES  # in frames: half of the slices, two frames each
    n_chunks = -(-n_frames // _CHUNK)
    around = np.zeros((n_chunks * _CHUNK + 2 * half, frames.shape[1]), np.float32)
    around[half : half + n_frames] = frames
    slices = around[:-1] + around[1:]
    power = np.square(slices).sum(axis=1)
    changes = np.zeros((n_chunks, _CHUNK, CODE_BITS), np.float32)
    strength = np.zeros(n_frames, np.float32)
    for number, kernel in enumerate(_kernels()):
        first = 2 * number
        chunks = slices[first : first + n_chunks * _CHUNK].reshape(n_chunks, _CHUNK, -1)
        changes += chunks @ kernel
        strength += power[first : first + n_frames]
    return changes.reshape(-1, CODE_BITS)[:n_frames], strength


def _anchors(energy: _Frames, live: NDArray[np.bool_]) -> NDArray[np.bool_]:
    extremes = (_is_extreme(energy) | _is_extreme(-energy)) & live
    # Of a few, those that a cut leaves alone may be none.
    return live if np.count_nonzero(extremes) < _FEW_ANCHORS else extremes


def _is_extreme(energy: _Frames) -> NDArray[np.bool_]:
    around = np.full(len(energy) + 2 * _EXTREME_FRAMES, -np.inf, np.float32)
    around[_EXTREME_FRAMES : _EXTREME_FRAMES + len(energy)] = energy
    near = _windows(around, len(energy), 2 * _EXTREME_FRAMES + 1, 1)
    is_largest: NDArray[np.bool_] = near.argmax(axis=1) == _EXTREME_FRAMES
    return is_largest


def _windows(array: NDArray[np.float32], n_windows: int, size: int, hop: int) -> _Frames:
    # sliding_window_view checks more, and takes longer than all that is done with a short clip.
    step = array.strides[0]
    return np.lib.stride_tricks.as_strided(
        array, (n_windows, size), (hop * step, step), writeable=False
    )


@cache
def _set_in_byte() -> NDArray[np.uint8]:
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    counts: NDArray[np.uint8] = bits.sum(axis=1, dtype=np.uint8)
    return counts


@cache
def _hann() -> NDArray[np.float64]:
    return np.hanning(_WINDOW + 1)[:-1]


@cache
def _edges() -> NDArray[np.int64]:
    """Return the first bin of each band, and the bin after the last [57]: wider with pitch."""
    low, high = np.log1p(np.array(_BAND_EDGES_HZ) / _KNEE_HZ)
    edges_hz = _KNEE_HZ * np.expm1(np.linspace(low, high, _N_BANDS + 1))
    return np.rint(edges_hz * _WINDOW / RATE).astype(np.int64)


@cache
def _kernels() -> NDArray[np.float32]:
    """Return random signs [slices, bands, bits], free of what is constant in time or in pitch.

    Free of what is constant in time, the bits do not hear a filter; from SHAKE-256, they are the
    same under every numpy.
    """
    count = _SLICES * _N_BANDS * CODE_BITS
    stream = hashlib.shake_256(b"wsnet fingerprint 1").digest(count // 8)
    bits = np.unpackbits(np.frombuffer(stream, np.uint8)).reshape(_SLICES, _N_BANDS, CODE_BITS)
    signs = 2.0 * bits - 1.0
    signs -= signs.mean(axis=0, keepdims=True)
    signs -= signs.mean(axis=1, keepdims=True)
    return signs.astype(np.float32)
