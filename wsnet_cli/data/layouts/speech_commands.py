"""Google's Speech Commands, versions 1 and 2: all words, or the twelve-class task.

Source: P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition,
arXiv:1804.03209, the data set's README, and `input_data.py` of TensorFlow's speech_commands
example. A folder for each word holds `<speaker>_nohash_<n>.wav`; `validation_list.txt` and
`testing_list.txt` name the clips of these parts, one `word/file` a line, and all others are for
training; `_background_noise_` holds recordings of a minute or so.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...core.errors import AudioError, DataError
from ...core.quoting import quoted, shown
from ..clips import Clip
from ..dataset import Failure, clean_label
from .layout import Findings
from .paths import Root
from .rows import text_lines
from .walk import audio_files, sub_folders

PART_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
NOISE_FOLDER = "_background_noise_"
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
"""The ten words of the twelve-class task."""
UNKNOWN, SILENCE = "unknown", "silence"

_SHARE = 0.1  # of the commands of a part: input_data.py's unknown_ and silence_percentage
_SPANS = {"train": (0.0, 0.8), "validation": (0.8, 0.9), "test": (0.9, 1.0)}
_SEGMENT_S = 1.0


def read_speech_commands(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of all words, in the data set's own parts; a speaker is a group.

    Raises:
        DataError: a list is damaged; with the line.
    """
    folders = sub_folders(root, found.skipped)
    if NOISE_FOLDER in folders:
        found.notes.append(
            f"left out {NOISE_FOLDER} (--layout speech-commands-12 makes the class silence of it)"
        )
    return _word_clips(root, folders, found)


def read_speech_commands_12(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of the twelve-class task: ten commands, `unknown` and `silence`.

    In each part, `unknown` is a tenth as many clips of the other words as there are commands,
    those with the lowest hash of their name; the source takes as many by a seeded shuffle.
    `silence` is as many segments of one second of the background noise, evenly spaced, with an
    overlap where there is less noise than that: the first 80 % of every recording give those to
    train on, the next 10 % those to validate on, the last 10 % those to test on, so no sound is in
    two parts. (The source draws its segments anew in every step, without such a division.)

    Raises:
        DataError: a list is damaged, with the line, or a folder is not there.
    """
    folders = sub_folders(root, found.skipped)
    needed = (*COMMANDS, NOISE_FOLDER)
    missing = [folder for folder in needed if folder not in folders]
    if missing:
        raise DataError(f"{shown(root.path)}: no folder {missing[0]}; expected {', '.join(needed)}")
    others: dict[str, list[str]] = {part: [] for part in _SPANS}
    n_commands = dict.fromkeys(_SPANS, 0)
    for clip in _word_clips(root, folders, found):
        part = clip.split or "train"
        if clip.label in COMMANDS:
            n_commands[part] += 1
            yield clip
        else:
            others[part].append(clip.name)
    n_wanted = {part: math.ceil(_SHARE * n) for part, n in n_commands.items()}
    n_unknown = n_silence = 0
    for part, names in others.items():
        for name in heapq.nsmallest(n_wanted[part], names, key=_hash):
            n_unknown += 1
            yield _clip(root, name, UNKNOWN, part)
    for clip in _silence(root, found, n_wanted):
        n_silence += 1
        yield clip
    found.notes.append(
        f"{UNKNOWN}: {n_unknown} of {sum(map(len, others.values()))} clips of other words; "
        f"{SILENCE}: {n_silence} segments of {NOISE_FOLDER}"
    )


def _word_clips(root: Root, folders: list[str], found: Findings) -> Iterator[Clip]:
    part_of = _parts(root)
    for folder in folders:
        if folder.startswith("_"):
            continue
        label = None
        for name in audio_files(root, folder, found.skipped):
            label = label or _label(root, folder)
            yield _clip(root, name, label, part_of.pop(name, "train"))
    if part_of:
        found.notes.append(
            f"{len(part_of)} clips of the lists are not there, such as {quoted(min(part_of))}"
        )


def _parts(root: Root) -> dict[str, str]:
    """Read which clips are for validation and for testing."""
    part_of: dict[str, str] = {}
    for list_name, part in PART_LISTS.items():
        path = root.own_file(list_name)
        for number, line in enumerate(text_lines(path), start=1):
            name = line.strip()
            if name and part_of.setdefault(name, part) != part:
                raise DataError(
                    f"{shown(path)}: line {number}: {quoted(name)} is in the other list too; "
                    "expected each clip in one part"
                )
    return part_of


def _clip(root: Root, name: str, label: str, part: str) -> Clip:
    speaker, sign, _ = PurePosixPath(name).stem.partition("_nohash_")
    return Clip(Path(root.path, name), name, label, split=part, group=speaker if sign else None)


def _label(root: Root, folder: str) -> str:
    try:
        return clean_label(folder)
    except DataError as error:
        raise DataError(f"{shown(root.path / folder)}: {error}; rename the folder") from None


def _hash(name: str) -> bytes:
    return hashlib.sha256(f"wsnet unknown 1 {name}".encode()).digest()


def _silence(root: Root, found: Findings, n_wanted: dict[str, int]) -> Iterator[Clip]:
    noises = []
    for name in sorted(audio_files(root, NOISE_FOLDER, found.skipped)):
        try:
            noises.append((name, _duration_s(root.path / name)))
        except AudioError as error:
            found.skipped.append(Failure(name, str(error)))
    for part, (low, high) in _SPANS.items():
        spans = [(name, low * seconds, high * seconds) for name, seconds in noises]
        for name, start_s in _evenly(spans, n_wanted[part]):
            path, end_s = Path(root.path, name), round(start_s + _SEGMENT_S, 3)
            yield Clip(path, name, SILENCE, split=part, start_s=start_s, end_s=end_s)


def _evenly(spans: list[tuple[str, float, float]], n: int) -> Iterator[tuple[str, float]]:
    """Place the starts of up to `n` segments at equal distances over all spans, to a millisecond.

    >>> list(_evenly([("a", 0.0, 3.0), ("b", 5.0, 5.5), ("c", 1.0, 3.0)], 3))
    [('a', 0.0), ('a', 1.0), ('c', 1.0)]
    """
    rooms = [(name, low, round(1000 * (high - low - _SEGMENT_S))) for name, low, high in spans]
    rooms = [(name, low, room) for name, low, room in rooms if room > 0]
    total = sum(room for _, _, room in rooms)
    places = iter([k * total // min(n, total) for k in range(min(n, total))])
    place, begun = next(places, None), 0
    for name, low, room in rooms:
        while place is not None and place < begun + room:
            yield name, round(low + (place - begun) / 1000, 3)
            place = next(places, None)
        begun += room


def _duration_s(path: Path) -> float:
    """Return a recording's length by its header.

    Raises:
        AudioError: it cannot be opened, or does not say how long it is.
    """
    from ...core.sound.decode import open_audio

    with open_audio(path) as decoder:
        if decoder.n_frames is None:
            raise AudioError(f"{decoder.name}: does not say how long it is")
        return decoder.n_frames / decoder.sample_rate
