"""Plants copies of clips in real data and counts how many of them are found, and what else is.

    python benchmarks/near_duplicates.py ESC10_DIR FSDD_DIR [--json] [--seed N] [--per-kind N]
        [--scale N ...]

ESC10_DIR and FSDD_DIR are the data sets as published, with their folders audio, meta and
recordings. Each gets `--per-kind` (20) copies of each of five kinds, of different clips: another
gain, resampled there and back, through an mp3, shifted and cut by up to 1 s (30 % of a clip below
2 s), with white noise at 20 dB. Every copy is rounded to 16 bits. The thresholds of
likeness were chosen on FSDD; ESC-10 is the test.
A pair that was not planted is a false alarm, unless its clips are of one
recording by the column src_file of ESC-10. `--scale` makes so many clips out of those of FSDD, each
of them at several paces, every tenth a copy of the one before with noise, and tells time and
memory. Times are of the processor.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from wsnet_cli.data.copies.duplicates import Clusters, Duplicate, find_duplicates
from wsnet_cli.data.copies.fingerprint import fingerprint

ESC_RATE = 22_050
FSDD_RATE = 8_000
Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Clips:
    """Clips of a data set with the recording that each is of."""

    names: list[str]
    recordings: list[str]
    audio: list[Signal]
    rate: int


def main() -> None:
    """Look, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("esc10", type=Path)
    parser.add_argument("fsdd", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-kind", type=int, default=20)
    parser.add_argument("--scale", type=int, nargs="*", default=[])
    asked = parser.parse_args()
    fsdd = load_fsdd(asked.fsdd)
    # First, or the peak of what comes later would hide that of this.
    results: dict[str, Any] = {"scale": [scale(fsdd, n, asked.seed) for n in asked.scale]}
    esc10 = load_esc10(asked.esc10)
    for name, clips in (("FSDD", fsdd), ("ESC-10", esc10)):
        results[name] = {
            "as published": look(clips, [], asked.seed),
            "planted": look(clips, [*KINDS] * asked.per_kind, asked.seed),
        }
    if asked.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)


def load_fsdd(root: Path) -> Clips:
    """Read the digits; each is a recording of its own."""
    paths = sorted((root / "recordings").glob("*.wav")) or sorted(root.glob("*.wav"))
    audio = [soundfile.read(path, dtype="float32")[0] for path in paths]
    return Clips([p.name for p in paths], [p.name for p in paths], audio, FSDD_RATE)


def load_esc10(root: Path) -> Clips:
    """Read the clips at 22,050 Hz, with their src_file."""
    with next((root / "meta").glob("*.csv")).open(newline="") as file:
        source = {row["filename"].rsplit(".")[0]: row["src_file"] for row in csv.DictReader(file)}
    paths = sorted(p for p in (root / "audio").iterdir() if p.stem in source)
    audio = []
    for path in paths:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        audio.append(soxr.resample(samples.mean(axis=1), rate, ESC_RATE).astype(np.float32))
    return Clips([p.name for p in paths], [source[p.stem] for p in paths], audio, ESC_RATE)


# ------------------------------------------------------------------------------- copies


def another_gain(x: Signal, rate: int, rng: np.random.Generator) -> Signal:
    """Between 30 dB less and 6 dB more."""
    return x * np.float32(10 ** (rng.uniform(-30, 6) / 20))


def resampled(x: Signal, rate: int, rng: np.random.Generator) -> Signal:
    """To another rate and back: up to all above half of the band is lost."""
    between = int(rate * rng.choice([0.5, 0.7256, 1.378, 2.0]))
    back: Signal = soxr.resample(soxr.resample(x, rate, between), between, rate)
    return back


def through_mp3(x: Signal, rate: int, rng: np.random.Generator) -> Signal:
    """By libsndfile's encoder at its default quality."""
    file = io.BytesIO()
    soundfile.write(file, x * (0.5 / np.abs(x).max()), rate, format="MP3")
    file.seek(0)
    decoded: Signal = soundfile.read(file, dtype="float32")[0]
    return decoded


def shifted(x: Signal, rate: int, rng: np.random.Generator) -> Signal:
    """Start later, end earlier, or either with silence in place of what is gone."""
    longest = rate if len(x) >= 2 * rate else int(0.3 * len(x))
    by = int(rng.integers(1, longest, endpoint=True))
    silence = np.zeros(by, np.float32)
    ways = (x[by:], x[:-by], np.append(silence, x[:-by]), np.append(x[by:], silence))
    return ways[rng.integers(len(ways))]


def with_noise(x: Signal, rate: int, rng: np.random.Generator) -> Signal:
    """White noise, 20 dB below the clip."""
    noise = rng.standard_normal(len(x))
    noise *= np.sqrt(np.square(x, dtype=np.float64).mean() / np.square(noise).mean() / 100)
    return (x + noise).astype(np.float32)


KINDS: dict[str, Callable[[Signal, int, np.random.Generator], Signal]] = {
    "gain": another_gain,
    "resample": resampled,
    "mp3": through_mp3,
    "shift": shifted,
    "noise": with_noise,
}


def in_16_bits(x: Signal) -> Signal:
    """Round as a packed set does."""
    peak = float(np.abs(x).max())
    return (np.rint(x * (32767 / peak)) * (peak / 32767)).astype(np.float32) if peak else x


# ------------------------------------------------------------------------------- looking


def look(clips: Clips, kinds: Sequence[str], seed: int) -> dict[str, Any]:
    """Plant one copy for each of `kinds`, no clip twice while they last, and look for copies."""
    rng = np.random.default_rng(seed)
    of_clip = np.resize(rng.permutation(len(clips.audio)), len(kinds)).tolist()
    copies = [
        in_16_bits(KINDS[kind](clips.audio[clip], clips.rate, rng))
        for kind, clip in zip(kinds, of_clip, strict=True)
    ]
    audio = [in_16_bits(x) for x in clips.audio] + copies
    pairs, seconds = duplicates_of(audio, clips.rate)
    clusters = Clusters(len(audio))
    for pair in pairs:
        clusters.join(pair.first, pair.second)
    found = Counter(
        kind
        for number, (kind, clip) in enumerate(zip(kinds, of_clip, strict=True), len(clips.audio))
        if clusters.first(clip) == clusters.first(number)
    )
    origin = [*range(len(clips.audio)), *of_clip]
    strangers = [
        pair
        for pair in pairs
        if clips.recordings[origin[pair.first]] != clips.recordings[origin[pair.second]]
    ]
    return {
        "clips": len(audio),
        "planted": dict(Counter(kinds)),
        "found": {kind: found[kind] for kind in dict.fromkeys(kinds)},
        "pairs": len(pairs),
        "of_other_recordings": [described(pair, clips, origin) for pair in strangers],
        **seconds,
    }


def duplicates_of(audio: Sequence[Signal], rate: int) -> tuple[list[Duplicate], dict[str, float]]:
    """Return the pairs, and what they cost."""
    start = time.process_time()
    words = [fingerprint(x, rate) for x in audio]
    printed = time.process_time()
    keys = [hashlib.sha256(x.tobytes()).hexdigest() for x in audio]
    hashed = time.process_time()
    pairs = find_duplicates(
        keys, words.__getitem__, lambda clip, start, stop: audio[clip][start:stop], rate
    )
    return pairs, {
        "fingerprint_ms_per_clip": round((printed - start) / len(audio) * 1e3, 3),
        "matching_s": round(time.process_time() - hashed, 2),
    }


def described(pair: Duplicate, clips: Clips, origin: Sequence[int]) -> dict[str, Any]:
    """A pair for people."""
    return {
        "first": clips.names[origin[pair.first]],
        "second": clips.names[origin[pair.second]],
        "correlation": pair.correlation,
        "offset_s": pair.offset_s,
    }


# ------------------------------------------------------------------------------- scale


def scale(clips: Clips, n_clips: int, seed: int) -> dict[str, Any]:
    """Look among many clips, of which every tenth is a copy of the one before, with noise."""
    with tempfile.TemporaryFile() as words_file, tempfile.TemporaryFile() as audio_file:
        words, audio = Spool(words_file, np.uint64), Spool(audio_file, np.float32)
        for number in range(n_clips):
            clip = made_clip(clips, number, seed)
            audio.append(clip)
            words.append(fingerprint(clip, clips.rate))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        pairs = find_duplicates(
            [f"{number:x}" for number in range(n_clips)],
            words.read,
            lambda clip, start, stop: audio.read(clip)[start:stop],
            clips.rate,
        )
        seconds = time.process_time() - started
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    planted = {(number - 1, number) for number in range(9, n_clips, 10)}
    found = {(pair.first, pair.second) for pair in pairs}
    return {
        "clips": n_clips,
        "planted": len(planted),
        "found": len(planted & found),
        "others": len(found - planted),
        "matching_s": round(seconds, 2),
        "memory_growth_mib": round(growth, 1),
    }


def made_clip(clips: Clips, number: int, seed: int) -> Signal:
    """Return a clip of FSDD, the same one only at another pace, by 4 % or more."""
    is_copy = number % 10 == 9
    round_, clip = divmod(number - is_copy, len(clips.audio))
    pace = 0.7 * 1.04**round_
    samples: Signal = soxr.resample(clips.audio[clip][: 2 * clips.rate], pace * 8_000, 8_000)
    rng = np.random.default_rng((seed, number))
    return in_16_bits(with_noise(samples, clips.rate, rng) if is_copy else samples)


class Spool:
    """Arrays in a file, so that they take no memory."""

    def __init__(self, file: Any, dtype: Any) -> None:
        self._file = file
        self._dtype = dtype
        self._ends = [0]

    def append(self, array: NDArray[Any]) -> None:
        """Add one."""
        self._file.write(array.tobytes())
        self._ends.append(self._ends[-1] + array.nbytes)

    def read(self, number: int) -> NDArray[Any]:
        """Return one of those that were added."""
        self._file.seek(self._ends[number])
        size = self._ends[number + 1] - self._ends[number]
        return np.frombuffer(self._file.read(size), self._dtype)


def show(results: dict[str, Any]) -> None:
    """Print for people."""
    for name in ("FSDD", "ESC-10"):
        for way, result in results[name].items():
            found = ", ".join(
                f"{kind} {result['found'][kind]} of {n}" for kind, n in result["planted"].items()
            )
            print(
                f"{name}, {way}: {result['clips']} clips; found {found or 'no planted pairs'}; "
                f"{len(result['of_other_recordings'])} pairs of other recordings; fingerprint "
                f"{result['fingerprint_ms_per_clip']} ms a clip; matching {result['matching_s']} s"
            )
            for pair in result["of_other_recordings"]:
                print(f"    {pair['first']}  {pair['second']}  {pair['correlation']}")
    for result in results["scale"]:
        print(*(f"{key} {value}" for key, value in result.items()), sep="; ")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
