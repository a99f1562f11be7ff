"""What the reader makes of damaged audio: 20 files of different formats, 100 damages of each.

python benchmarks/fuzz_audio.py [DAMAGES]: each damaged file is read in a child process, so that a
crash or a hang of the native decoder counts as what it is. Printed for each format: how many were
refused in one line, read as if nothing had happened (the damage hit a comment or padding), read
with other samples and not a word (silent), or ended in a traceback, a signal or a time-out, which
none may. Formats with a checksum over their samples (FLAC) may be silent in 0.3 % of cases; for the
others only a digest of the whole file tells, which `wsnet prepare` keeps.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile
from usage import answer_help

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound.audio import read_audio

RATE = 16_000
SECONDS = 3
MOST_S = 10
ENDS = 4_096  # half of the damages lie this near to either end, where headers and tables are
MOST_SILENT_FLAC = 0.003
REFUSED, SAME, SILENT, TRACEBACK = "refused", "same", "silent", "traceback"
SIGNAL, TIMEOUT = "signal", "time-out"
OUTCOMES = (REFUSED, SAME, SILENT, TRACEBACK, SIGNAL, TIMEOUT)

FORMATS = {
    "wav-u8": ("WAV", "PCM_U8"),
    "wav-16": ("WAV", "PCM_16"),
    "wav-24": ("WAV", "PCM_24"),
    "wav-float": ("WAV", "FLOAT"),
    "wav-mu-law": ("WAV", "ULAW"),
    "wav-ima-adpcm": ("WAV", "IMA_ADPCM"),
    "wav-ms-adpcm": ("WAV", "MS_ADPCM"),
    "wav-gsm": ("WAV", "GSM610"),
    "rf64-16": ("RF64", "PCM_16"),
    "w64-16": ("W64", "PCM_16"),
    "aiff-16": ("AIFF", "PCM_16"),
    "au-16": ("AU", "PCM_16"),
    "caf-16": ("CAF", "PCM_16"),
    "caf-alac": ("CAF", "ALAC_16"),
    "voc-16": ("VOC", "PCM_16"),
    "flac-16": ("FLAC", "PCM_16"),
    "flac-24": ("FLAC", "PCM_24"),
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}


def write_sound(path: Path, name: str) -> None:
    """A tone and noise, in stereo but for the telephone's coding."""
    format_, subtype = FORMATS[name]
    rng = np.random.default_rng(0)
    time_s = np.arange(SECONDS * RATE) / RATE
    channels = 1 if subtype == "GSM610" else 2
    tone = 0.3 * np.sin(2 * np.pi * 440 * time_s)[:, None]
    sound = tone + 0.05 * rng.standard_normal((len(time_s), channels))
    soundfile.write(path, sound, RATE, format=format_, subtype=subtype)


def damaged(content: bytes, seed: str) -> bytes:
    """Flip one bit (half of the seeds), write over a few bytes, or cut off the end."""
    dice = random.Random(seed)  # noqa: S311 - to be made again
    near = min(ENDS, len(content) // 2)
    where = dice.choice(
        (dice.randrange(near), len(content) - 1 - dice.randrange(near))
        if dice.random() < 0.5
        else (dice.randrange(len(content)),)
    )
    kind = dice.random()
    changed = bytearray(content)
    if kind < 0.5:
        changed[where] ^= 1 << dice.randrange(8)
    elif kind < 0.8:
        changed[where : where + 9] = dice.randbytes(len(changed[where : where + 9]))
    else:
        del changed[where:]
    return bytes(changed)


def read_damaged(folder: Path, name: str, first: int, n: int) -> None:
    """In the child: print the outcome of each damage from `first` on."""
    content = (folder / name).read_bytes()
    right = read_audio(folder / name)
    path = folder / f"{name}.damaged"
    for number in range(first, n):
        path.write_bytes(damaged(content, f"{name}:{number}"))
        try:
            samples, rate = read_audio(path)
        except AudioError as error:
            told = str(error).splitlines()
            assert len(told) == 1 and told[0].startswith(f"{path}: ")  # noqa: PT018 - one promise
            outcome = REFUSED
        else:
            equal = rate == right[1] and np.array_equal(samples, right[0])
            outcome = SAME if equal else SILENT
        print(outcome, flush=True)


def fuzz(folder: Path, name: str, n: int) -> Counter[str]:
    """The outcomes of all damages of one file; a child that dies is followed by another."""
    outcomes: list[str] = []
    while len(outcomes) < n:
        child = [sys.executable, __file__, "--child", str(folder), name, str(len(outcomes)), str(n)]
        process = subprocess.Popen(child, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            stdout, stderr = process.communicate(timeout=MOST_S + n)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
        outcomes += stdout.split()
        if process.returncode:
            killed = process.returncode == -signal.SIGKILL
            how = TIMEOUT if killed else SIGNAL if process.returncode < 0 else TRACEBACK
            print(f"{name}, damage {len(outcomes)}: {how}\n{stderr}", file=sys.stderr)
            outcomes.append(how)
    return Counter(outcomes)


def main() -> None:
    """Make, damage, read, print; exit code 1 if a limit was passed."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    total: Counter[str] = Counter()
    flac: Counter[str] = Counter()
    print(f"{'format':14}" + "".join(f"{outcome:>11}" for outcome in OUTCOMES))
    with tempfile.TemporaryDirectory() as folder:
        for name in FORMATS:
            write_sound(Path(folder) / name, name)
            counts = fuzz(Path(folder), name, n)
            total += counts
            flac += counts if name.startswith("flac") else Counter()
            print(f"{name:14}" + "".join(f"{counts[o]:11}" for o in OUTCOMES), flush=True)
    print(f"{'all':14}" + "".join(f"{total[o]:11}" for o in OUTCOMES))
    n_bad = total[TRACEBACK] + total[SIGNAL] + total[TIMEOUT]
    share = flac[SILENT] / sum(flac.values())
    held = n_bad == 0 and share <= MOST_SILENT_FLAC
    print(
        f"tracebacks, signals and time-outs: {n_bad}, at most 0; silent in FLAC: {share:.1%}, "
        f"at most {MOST_SILENT_FLAC:.1%}: {'held' if held else 'NOT HELD'}"
    )
    sys.exit(not held)


if __name__ == "__main__":
    answer_help(__doc__)
    if sys.argv[1:2] == ["--child"]:
        read_damaged(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
