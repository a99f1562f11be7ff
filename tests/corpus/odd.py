"""One odd file: how it is made, and what a reader must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 16_000
N_SAMPLES = 4_000
HALF_STEP_16 = 0.51 / 2**15
"""Most that rounding to 16 bits changes, and a hair."""


@dataclass(frozen=True)
class Sound:
    """What a readable file holds; known from how it was made, not from any decoder.

    Args:
        samples: the mean of its channels, [n] float64, full scale 1.0.
        rate: Hz.
        max_error: largest difference to any sample; for formats that round.
        min_snr_db: for formats that lose more than that: least ratio of signal to difference.
        more: most samples that may follow, where a format pads its last block.
        fewer: most samples that may be missing at the end; negative: so many more must follow.
        lag: most samples by which it may come late.
    """

    samples: np.ndarray
    rate: int = RATE
    max_error: float = HALF_STEP_16
    min_snr_db: float | None = None
    more: int = 0
    fewer: int = 0
    lag: int = 0

    def fault(self, found: np.ndarray, rate: int) -> str:
        """What is wrong with decoded samples, or ""."""
        if rate != self.rate:
            return f"rate {rate}, not {self.rate}"
        n = len(self.samples)
        if not n - self.fewer <= len(found) <= n + self.more + self.lag:
            return f"{len(found)} samples, not {n} (-{self.fewer} +{self.more + self.lag})"
        errors = [self._error(found[late:].astype(np.float64)) for late in range(self.lag + 1)]
        best = min(errors)
        if self.min_snr_db is None:
            return "" if best <= self.max_error else f"off by {best:.3g}"
        snr_db = -20 * np.log10(best + 1e-12)
        return "" if snr_db >= self.min_snr_db else f"{snr_db:.1f} dB, not {self.min_snr_db}"

    def _error(self, found: np.ndarray) -> float:
        n = min(len(found), len(self.samples))
        if n == 0:
            return np.inf
        difference = found[:n] - self.samples[:n]
        if self.min_snr_db is None:
            return float(np.abs(difference).max())
        power = float(np.square(self.samples[:n]).mean())
        return float(np.sqrt(np.square(difference).mean() / power))


@dataclass(frozen=True)
class Refused:
    """What the one line about an unreadable file must hold, after the file's name."""

    phrase: str


@dataclass(frozen=True)
class OddFile:
    """A file of the corpus.

    Args:
        name: its file name.
        make: its bytes, or what makes it at a path where it is no regular file.
        expected: what it holds, or why it is refused.
    """

    name: str
    make: bytes | Callable[[Path], None]
    expected: Sound | Refused

    @property
    def readable(self) -> bool:
        return isinstance(self.expected, Sound)

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        if isinstance(self.make, bytes):
            path.write_bytes(self.make)
        else:
            self.make(path)
        return path


def chirp(n: int = N_SAMPLES, level: float = 0.5) -> np.ndarray:
    """A tone that rises from 1/50 to 1/8 of the rate, so that no shift looks like another."""
    where = np.arange(n) / max(n, 1)
    cycles_per_sample = 0.02 + (0.125 - 0.02) * where / 2
    return level * np.sin(2 * np.pi * cycles_per_sample * np.arange(n))
