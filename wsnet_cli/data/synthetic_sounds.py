"""Ten kinds of dry sound, each a function of a random generator and a length.

They are told apart by what happens in time and by how partials relate, not by pitch or loudness:
the ranges of pitch overlap on purpose, so that a summary number of a clip does not give it away.
Everything here is at `SAMPLE_RATE`, in float64 at no particular level; `synthetic.py` adds the
room, the background and the gain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

SAMPLE_RATE = 8_000
"""Samples a second of every synthetic clip (Hz)."""

_HIGHEST_HZ = 0.45 * SAMPLE_RATE
"""Partials above this are left out, so that nothing folds back at half the sample rate."""


def alarm(rng: np.random.Generator, n_samples: int) -> Signal:
    """Beeps of one steady pitch, on and off at an even pace."""
    pace_hz = rng.uniform(3.0, 6.5)
    cycle = (_seconds(n_samples) * pace_hz + rng.uniform()) % 1.0
    edge = rng.uniform(0.02, 0.05)
    share_on = rng.uniform(0.4, 0.65)
    gate = np.clip(np.minimum(cycle, share_on - cycle) / edge, 0.0, 1.0)
    pitch_hz = np.full(n_samples, _log_uniform(rng, 700.0, 2_800.0))
    return gate * _tone(rng, pitch_hz, n_harmonics=3)


def bell(rng: np.random.Generator, n_samples: int) -> Signal:
    """One or two strikes of inharmonic partials that ring out, the higher ones sooner."""
    pitch_hz = _log_uniform(rng, 250.0, 1_300.0)
    ratios = np.array([1.0, 1.2, 1.5, 2.0, 2.67, 3.3]) * rng.uniform(0.97, 1.03, 6)
    levels = rng.uniform(0.3, 1.0, 6)
    ring_s = rng.uniform(0.25, 0.6)
    sound = np.zeros(n_samples)
    start_s = rng.uniform(0.0, 0.25)
    for _ in range(rng.integers(1, 3)):
        strike = _ringing(rng, n_samples, pitch_hz * ratios, levels, ring_s / np.sqrt(ratios))
        _add_at(sound, start_s, strike * rng.uniform(0.6, 1.0))
        start_s += rng.uniform(0.35, 0.6)
    return sound


def bird(rng: np.random.Generator, n_samples: int) -> Signal:
    """Chirps whose pitch bends fast up and down, in an uneven phrase."""
    centre_hz = _log_uniform(rng, 1_300.0, 2_600.0)
    sound = np.zeros(n_samples)
    for start_s in _uneven_starts(rng, n_samples, 0.13, 0.28):
        n_chirp = _to_samples(rng.uniform(0.06, 0.13))
        along = np.linspace(0.0, 1.0, n_chirp)
        n_bends = rng.uniform(0.8, 2.0)
        bend = np.sin(2 * np.pi * (n_bends * along + rng.uniform()))
        octaves = rng.uniform(0.3, 0.6) * bend + rng.uniform(-0.1, 0.1)
        chirp = _tone(rng, centre_hz * 2.0**octaves, n_harmonics=1) * np.sin(np.pi * along)
        _add_at(sound, start_s, chirp * rng.uniform(0.5, 1.0))
    return sound


def clicks(rng: np.random.Generator, n_samples: int) -> Signal:
    """Dry clicks of a few milliseconds at an even, quick pace."""
    interval_s = 1.0 / rng.uniform(8.0, 16.0)
    body_hz = _log_uniform(rng, 500.0, 3_000.0)
    decay_s = rng.uniform(0.001, 0.003)
    sound = np.zeros(n_samples)
    for start_s in np.arange(rng.uniform(0.0, interval_s), n_samples / SAMPLE_RATE, interval_s):
        click = _ringing(
            rng, _to_samples(0.03), np.array([body_hz]), np.ones(1), np.array([decay_s])
        )
        click += rng.standard_normal(click.size) * np.exp(-_seconds(click.size) / decay_s)
        _add_at(sound, start_s + rng.normal(0.0, 0.001), click * rng.uniform(0.8, 1.0))
    return sound


def drops(rng: np.random.Generator, n_samples: int) -> Signal:
    """Plops at uneven times, each a short ring of its own pitch that slides upwards."""
    lowest_hz = _log_uniform(rng, 350.0, 1_000.0)
    sound = np.zeros(n_samples)
    for start_s in _uneven_starts(rng, n_samples, 0.05, 0.22):
        decay_s = rng.uniform(0.012, 0.03)
        seconds = _seconds(_to_samples(6 * decay_s))
        pitch_hz = lowest_hz * rng.uniform(1.0, 2.0) * (1.0 + rng.uniform(8.0, 16.0) * seconds)
        plop = _tone(rng, pitch_hz, n_harmonics=1) * np.exp(-seconds / decay_s)
        _add_at(sound, start_s, plop * rng.uniform(0.4, 1.0))
    return sound


def engine(rng: np.random.Generator, n_samples: int) -> Signal:
    """A steady run of uneven firings, many a second, heard through two resonances."""
    firing_hz = _log_uniform(rng, 28.0, 75.0) * (1.0 + _drift(rng, n_samples, 0.06))
    turns = np.cumsum(firing_hz) / SAMPLE_RATE + rng.uniform()
    fires = np.flatnonzero(np.diff(np.floor(turns)) > 0)
    pulses = np.zeros(n_samples)
    pulses[fires] = rng.uniform(0.7, 1.0, fires.size)
    centres_hz = np.array([_log_uniform(rng, 120.0, 500.0), _log_uniform(rng, 400.0, 1_800.0)])
    body = _ringing(
        rng, _to_samples(0.05), centres_hz, rng.uniform(0.4, 1.0, 2), rng.uniform(0.002, 0.006, 2)
    )
    return convolve(pulses, body)


def knock(rng: np.random.Generator, n_samples: int) -> Signal:
    """Blows on wood at a leisurely pace: two short, low resonances and a dull thud."""
    modes_hz = _log_uniform(rng, 130.0, 420.0) * np.array([1.0, rng.uniform(1.6, 2.9)])
    decays_s = rng.uniform(0.015, 0.04, 2)
    interval_s = rng.uniform(0.17, 0.32)
    sound = np.zeros(n_samples)
    for start_s in np.arange(rng.uniform(0.0, 0.15), n_samples / SAMPLE_RATE, interval_s):
        blow = _ringing(rng, _to_samples(0.2), modes_hz, np.array([1.0, 0.6]), decays_s)
        _add_at(sound, start_s + rng.normal(0.0, 0.01), blow * rng.uniform(0.5, 1.0))
    return sound


def siren(rng: np.random.Generator, n_samples: int) -> Signal:
    """One unbroken tone that wails up and down at least twice a second."""
    wail = np.sin(2 * np.pi * (rng.uniform(2.0, 4.5) * _seconds(n_samples) + rng.uniform()))
    centre_hz = _log_uniform(rng, 450.0, 1_300.0)
    return _tone(rng, centre_hz * 2.0 ** (rng.uniform(0.3, 0.6) * wail), n_harmonics=3)


def sweep(rng: np.random.Generator, n_samples: int) -> Signal:
    """One unbroken tone that glides one way, up or down, for the whole clip."""
    octaves = np.linspace(-0.5, 0.5, n_samples) * rng.uniform(1.2, 2.2)
    centre_hz = _log_uniform(rng, 450.0, 1_600.0)
    return _tone(rng, centre_hz * 2.0 ** (rng.choice([-1.0, 1.0]) * octaves), n_harmonics=3)


def wind(rng: np.random.Generator, n_samples: int) -> Signal:
    """Noise in a broad band that swells and sinks slowly, without any pitch."""
    centre_hz = _log_uniform(rng, 200.0, 1_200.0)
    width = rng.uniform(0.6, 1.2)  # octaves from the centre to where the gain is e ** -0.5

    def band(frequencies_hz: Signal) -> Signal:
        gain: Signal = np.exp(-0.5 * (np.log2(frequencies_hz / centre_hz) / width) ** 2)
        return gain

    return (1.0 + _drift(rng, n_samples, 0.6)) * shaped_noise(rng, n_samples, band)


SOUNDS: dict[str, Callable[[np.random.Generator, int], Signal]] = {
    "alarm": alarm,
    "bell": bell,
    "bird": bird,
    "clicks": clicks,
    "drops": drops,
    "engine": engine,
    "knock": knock,
    "siren": siren,
    "sweep": sweep,
    "wind": wind,
}
"""Each kind's name and the function that makes it, in the order of the names."""


def convolve(sound: Signal, response: Signal) -> Signal:
    """Filter a clip [T] by an impulse response [R]; the result is [T], its tail cut off."""
    n_fft = _power_of_two(sound.size + response.size - 1)
    spectrum = np.fft.rfft(sound, n_fft) * np.fft.rfft(response, n_fft)
    return np.fft.irfft(spectrum, n_fft)[: sound.size]


def shaped_noise(
    rng: np.random.Generator, n_samples: int, gain_at: Callable[[Signal], Signal]
) -> Signal:
    """Make Gaussian noise [n_samples] whose spectrum follows `gain_at` of the frequency (Hz)."""
    n_fft = _power_of_two(n_samples)
    spectrum = np.fft.rfft(rng.standard_normal(n_fft))
    # The gain at 0 Hz is that of the first bin above it, so that `gain_at` may divide by it.
    frequencies_hz = np.maximum(np.fft.rfftfreq(n_fft, 1.0 / SAMPLE_RATE), SAMPLE_RATE / n_fft)
    return np.fft.irfft(spectrum * gain_at(frequencies_hz), n_fft)[:n_samples]


def _seconds(n_samples: int) -> Signal:
    return np.arange(n_samples) / SAMPLE_RATE


def _to_samples(duration_s: float) -> int:
    return round(duration_s * SAMPLE_RATE)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _tone(rng: np.random.Generator, pitch_hz: Signal, n_harmonics: int) -> Signal:
    """Harmonics of a moving pitch (Hz, a value a sample), the upper ones at random levels."""
    cycles = np.cumsum(pitch_hz) / SAMPLE_RATE
    sound = np.zeros(pitch_hz.size)
    for order in range(1, n_harmonics + 1):
        level = 1.0 if order == 1 else rng.uniform(0.0, 0.6) / order
        partial = level * np.sin(2 * np.pi * (order * cycles + rng.uniform()))
        sound += np.where(order * pitch_hz < _HIGHEST_HZ, partial, 0.0)
    return sound


def _ringing(
    rng: np.random.Generator, n_samples: int, pitches_hz: Signal, levels: Signal, decays_s: Signal
) -> Signal:
    """Struck modes: one decaying sine a pitch; a decay is the time to fall to 1 / e."""
    seconds = _seconds(n_samples)[:, None]
    waves = np.sin(2 * np.pi * (pitches_hz * seconds + rng.uniform(size=pitches_hz.size)))
    heard = np.where(pitches_hz < _HIGHEST_HZ, levels, 0.0)
    ringing: Signal = (heard * waves * np.exp(-seconds / decays_s)).sum(axis=1)
    return ringing


def _drift(rng: np.random.Generator, n_samples: int, depth: float) -> Signal:
    """A slow wave within +-depth, of 0.5 to 2 cycles a second."""
    rate_hz = rng.uniform(0.5, 2.0)
    return depth * np.sin(2 * np.pi * (rate_hz * _seconds(n_samples) + rng.uniform()))


def _uneven_starts(
    rng: np.random.Generator, n_samples: int, shortest_s: float, longest_s: float
) -> Iterator[float]:
    """Start times (s) over the whole clip, a random pause apart."""
    start_s = rng.uniform(0.0, shortest_s)
    while start_s < n_samples / SAMPLE_RATE:
        yield start_s
        start_s += rng.uniform(shortest_s, longest_s)


def _add_at(sound: Signal, start_s: float, event: Signal) -> None:
    """Mix an event into a clip in place; what hangs over the end is dropped."""
    start = max(_to_samples(start_s), 0)
    room = max(sound.size - start, 0)
    sound[start : start + event.size] += event[:room]


def _power_of_two(n_samples: int) -> int:
    # A transform at a clip's own length is several times slower where that length is a prime.
    return 1 << (n_samples - 1).bit_length()
