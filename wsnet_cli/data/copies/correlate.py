"""Whether two clips hold one sound: their correlation, with loud frequencies held back."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fingerprint import HOP, RATE

SAME_SOUND = 0.85
"""The least correlation of two copies.

From FSDD: copies with noise at 20 dB or through an mp3 have 0.86 and more, nearly all 0.93; two
recordings of one word by one speaker have 0.83 and less.
"""

LEAST_DETAIL = 20.0
"""The least `detail` at which that correlation says anything: tones are all alike."""

SURELY_SAME = 0.98
LEAST_DETAIL_IF_SURE = 6.0
"""What copies of few frequencies have; FSDD's most similar words have 0.96, and a tone 5.1."""

_SHORTEST_S = 0.1
_BAND_HZ = 100.0
_NEARLY_SILENT = 1e-4  # of the loudest band's power: added where a spectrum is divided by it
_CUT = 1e-5  # of the loudest band's power: less was taken away by a filter
_REACH = 2 * HOP  # samples to both sides of the offset that is asked about
_FAR = 16  # samples; a peak further off is looked at once more, with the overlap moved
_TAPS = 16
_STEPS = 8  # to a sample

Signal = NDArray[np.float32]
Spectrum = NDArray[np.complex128]


class Agreement(NamedTuple):
    """How far two clips agree.

    `correlation` lies in [0, 1]; `lag` is where the second clip starts within the first, in samples
    at `RATE`; `detail` is how many independent numbers agree, about: 2 for a tone, thousands for
    seconds of noise.
    """

    correlation: float
    lag: float
    detail: float

    @property
    def is_same_sound(self) -> bool:
        """Whether this is no chance: much agrees, or it agrees almost wholly."""
        if self.correlation >= SURELY_SAME:
            return self.detail >= LEAST_DETAIL_IF_SURE
        return self.correlation >= SAME_SOUND and self.detail >= LEAST_DETAIL


NOTHING = Agreement(0.0, 0.0, 0.0)


def agreement(first: Signal, second: Signal, lag: int) -> Agreement:
    """Compare two clips where they overlap, the second starting about `lag` samples into the first.

    The normalised cross-correlation over the overlap, of either sign, largest within 32 ms of
    `lag`, in steps of an eighth of a sample. Before it, each spectrum is divided by the square root
    of its own amplitude in bands of 100 Hz: raw, the fundamental of a voice outweighs all else, and
    two words by one speaker reach 0.96; made all white, faint bands that noise has covered count
    like the rest. Bands that one of the two lacks (50 dB under its loudest) are left out. Where
    this does not suffice, the raw correlation at the same lag is returned if it reaches
    `SURELY_SAME`: an alarm in noise is a few loud frequencies.

    Args:
        first: [n] at `RATE`.
        second: [m] at `RATE`.
        lag: samples, of either sign.

    Returns: `NOTHING` where the overlap is below 0.1 s or half of the shorter clip, or silent.
    """
    best = _overlapping(first, second, lag)
    if abs(best.lag - lag) > _FAR and best.correlation > SAME_SOUND / 2:
        again = _overlapping(first, second, round(best.lag))
        best = max(best, again)
    return best


def agreement_anywhere(first: Signal, second: Signal) -> Agreement:
    """Compare two clips at the lag, whatever it is, at which they have most in common.

    For sounds that repeat, where fingerprints agree at more lags than one. Otherwise as
    `agreement`.
    """
    if not (len(first) and len(second)):
        return NOTHING
    found = _correlate(first, second, max(len(first), len(second)))
    return _overlapping(first, second, round(found.lag))


def _overlapping(first: Signal, second: Signal, lag: int) -> Agreement:
    ours, theirs = first[max(lag, 0) :], second[max(-lag, 0) :]
    n_both = min(len(ours), len(theirs))
    if n_both < max(_SHORTEST_S * RATE, min(len(first), len(second)) / 2):
        return NOTHING
    found = _correlate(ours[:n_both], theirs[:n_both], _REACH)
    return found._replace(lag=found.lag + lag)


def _correlate(first: Signal, second: Signal, reach: int) -> Agreement:
    """Return the largest normalised correlation at lags of up to `reach` samples."""
    n_longer = max(len(first), len(second))
    n_fft = _fast_size(n_longer + reach + 2 * _TAPS)
    width = max(1, round(_BAND_HZ * n_fft / RATE))
    ours, our_bands = _spectrum(first, n_fft, width)
    theirs, their_bands = _spectrum(second, n_fft, width)
    if not (our_bands.any() and their_bands.any()):
        return NOTHING
    our_bands /= our_bands.max()
    their_bands /= their_bands.max()
    both_have = (our_bands > _CUT) & (their_bands > _CUT)
    our_gains = both_have * (our_bands + _NEARLY_SILENT) ** -0.25
    their_gains = both_have * (their_bands + _NEARLY_SILENT) ** -0.25
    raw = ours * theirs.conj(), _norm(ours, theirs)
    ours *= np.repeat(our_gains, width)[: len(ours)]
    theirs *= np.repeat(their_gains, width)[: len(theirs)]
    cross, norm = ours * theirs.conj(), _norm(ours, theirs)
    if not norm:
        return NOTHING
    correlation, lag = _peak(np.fft.irfft(cross, n_fft) * (n_fft / 2 / norm), reach)
    independent = 2 * n_longer / n_fft  # share of the bins
    found = Agreement(min(1.0, correlation), lag, independent * _n_equal(cross))
    if found.correlation > SAME_SOUND / 4 and not found.is_same_sound:
        of_raw = min(1.0, abs(_at_lag(raw[0], lag, n_fft)) / raw[1])
        if of_raw >= SURELY_SAME:
            return found._replace(correlation=of_raw)
    return found


def _norm(ours: Spectrum, theirs: Spectrum) -> float:
    return float(np.sqrt(_power(ours).sum() * _power(theirs).sum()))


def _at_lag(cross: Spectrum, lag: float, n_fft: int) -> float:
    turns = np.exp(2j * np.pi / n_fft * lag * np.arange(len(cross)))
    return float((cross * turns).real.sum())


def _n_equal(cross: Spectrum) -> float:
    """Return how many bins of equal size would vary as these do."""
    size = np.abs(cross)
    return float(size.sum() ** 2 / np.square(size).sum())


def _spectrum(signal: Signal, n_fft: int, width: int) -> tuple[Spectrum, NDArray[np.float64]]:
    """Return the spectrum, and its mean power in bands of `width` bins."""
    spectrum = np.fft.rfft(signal.astype(np.float64), n_fft)
    spectrum[0] = spectrum[-1] = 0.0  # an offset is no sound
    bands = np.zeros(-(-len(spectrum) // width) * width)
    bands[: len(spectrum)] = _power(spectrum)
    return spectrum, bands.reshape(-1, width).mean(axis=1)


def _power(spectrum: Spectrum) -> NDArray[np.float64]:
    power: NDArray[np.float64] = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


def _peak(correlations: NDArray[np.float64], reach: int) -> tuple[float, float]:
    """Return the largest size within `reach` of lag 0, between samples too, and its lag."""
    near = np.concatenate([correlations[-reach - _TAPS :], correlations[: reach + _TAPS + 1]])
    inside = np.abs(near[_TAPS:-_TAPS])
    at = int(inside.argmax())
    finer = np.abs(_between() @ near[at : at + 2 * _TAPS + 1])
    step = int(finer.argmax())
    return float(finer[step]), at - reach + (step - _STEPS // 2) / _STEPS


@cache
def _between() -> NDArray[np.float64]:
    """Return the weights [9, 33] of band-limited interpolation, half a sample to both sides."""
    taps = np.arange(-_TAPS, _TAPS + 1)
    offsets = np.arange(-_STEPS // 2, _STEPS // 2 + 1)[:, None] / _STEPS - taps
    fade = np.cos(np.pi / 2 * offsets / (_TAPS + 1)) ** 2
    weights: NDArray[np.float64] = np.sinc(offsets) * fade
    return weights


def _fast_size(least: int) -> int:
    """Return an even number >= least without prime factors above 5."""
    power = 1 << (least - 1).bit_length()
    return min(size for size in (power, power * 5 // 8, power * 3 // 4) if size >= least)
