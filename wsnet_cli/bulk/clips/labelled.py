"""Which labelled clips a model is measured on: those of some data, or what its run held out."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import DataError, WsnetError
from ...core.quoting import quoted
from ...core.run_files import ENVIRONMENT, SPLIT
from ...core.split_file import SplitRow, read_split
from ...data.dataset import Clip, DataSet
from ...data.layouts.known import load_dataset
from ...data.packing.content import file_digest
from .clip_audio import ClipAudio, audio_of

PARTS = ("train", "test", "validation")
"""Parts of a split, what was learned from first: a copy of it is no evidence. Others come last."""


@dataclass(frozen=True)
class RunData:
    """Data of a run: where it was, its layout and pattern (None in old runs), the fold held out."""

    source: Path
    layout: str | None
    pattern: str | None
    fold: str | None


def clips_of_data(
    source: Path,
    fold: str | None,
    layout: str | None = None,
    pattern: str | None = None,
    on_read: Callable[[DataSet], None] | None = None,
    parts: Sequence[str] = ("test", "validation"),
) -> tuple[Clip, ...]:
    """The clips of a data set that a model is to be measured on.

    Those of the fold that is named; else, where the data set says which clips are for testing,
    those (for validation, if none is for testing), as training would hold them out; else all.

    Args:
        source: a data folder or manifest.
        fold: the name of a fold of it, or None.
        layout: the layout to read it by, or None to find out.
        pattern: the naming scheme of its files, or None.
        on_read: told what was read, before a part of it is chosen.
        parts: of a split that the data set has, of which the first that has clips is taken.

    Raises:
        UsageError: no such layout, or the pattern makes no sense.
        DataError: the data cannot be used, has no such fold, or has a split without such a part.
    """
    dataset = load_dataset(source, layout, pattern)
    if on_read:
        on_read(dataset)
    if fold is None:
        return _first_part(dataset, source, parts)
    clips = tuple(clip for clip in dataset.clips if clip.fold == fold)
    if not clips:
        folds = ", ".join(dataset.folds) or "none"
        raise DataError(f"{source}: no fold {fold}; its folds: {folds}")
    return clips


def _first_part(dataset: DataSet, source: Path, parts: Sequence[str]) -> tuple[Clip, ...]:
    for part in parts:
        clips = tuple(clip for clip in dataset.clips if clip.split == part)
        if clips:
            return clips
    if any(clip.split for clip in dataset.clips):
        raise DataError(
            f"{source}: its split has no {' or '.join(parts)} part; expected one, or DATA of "
            "nothing but clips that were not trained on"
        )
    return dataset.clips[:]


def has_split(folder: Path) -> bool:
    """Whether it is the folder of a run, which tells what was trained on."""
    return (folder / SPLIT).is_file()


def n_trained_on(
    model_path: Path, clips: Sequence[Clip], audio: ClipAudio, part: str = "train"
) -> int:
    """How many of the clips the run that a model file lies in was trained on, wholly or in part.

    With another `part` of the run, such as "test": how many are of that.

    Files are compared by content, whatever their names. 0 if the model lies in no run or the run's
    split cannot be read; a clip that cannot be read does not count.
    """
    folder = model_path.parent
    if not has_split(folder):
        return 0
    heard: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    try:
        for row in _split_of_run(folder):
            if row.part == part:
                digest = file_digest(row.content)
                start_s, end_s = float(row.start_s or 0), float(row.end_s or math.inf)
                heard[digest].append((start_s, end_s))
    except (WsnetError, ValueError):
        return 0
    digests = audio.digests(clips)
    return sum(
        _overlaps(clip, heard.get(digest, [])) for clip, digest in zip(clips, digests, strict=True)
    )


def _overlaps(clip: Clip, parts: Iterable[tuple[float, float]]) -> bool:
    clip_start_s = clip.start_s or 0.0
    clip_end_s = math.inf if clip.end_s is None else clip.end_s
    return any(start_s < clip_end_s and clip_start_s < end_s for start_s, end_s in parts)


def held_out_clips(model_path: Path) -> tuple[tuple[Clip, ...], ClipAudio]:
    """The held-out part of the run that a model file lies in, as it was while training.

    Returns: the clips, and where their audio comes from.

    Raises:
        DataError: it lies in no run, the run held nothing out, its data is gone or has changed.
    """
    return _clips_of_part(
        model_path,
        "test",
        f"{model_path}: lies in no run folder, so nothing was held out for it; "
        "give the DATA to evaluate on",
        f"{model_path.parent}: the run held nothing out; give the DATA to evaluate on",
    )


def validation_clips(model_path: Path) -> tuple[tuple[Clip, ...], ClipAudio]:
    """The clips that the run kept to choose an epoch by; never those that it held out.

    Returns: the clips, and where their audio comes from.

    Raises:
        DataError: it lies in no run, the run kept none, its data is gone or has changed.
    """
    return _clips_of_part(
        model_path,
        "validation",
        f"{model_path}: lies in no run folder, so it has no validation part; "
        "give DATA that it was not trained on",
        f"{model_path.parent}: the run has no validation part; give DATA that it was not trained "
        "on, or train with --set train.validation=0.15",
    )


def _clips_of_part(
    model_path: Path, part: str, if_no_run: str, if_none: str
) -> tuple[tuple[Clip, ...], ClipAudio]:
    folder = model_path.parent
    if not has_split(folder):
        raise DataError(if_no_run)
    run = data_of_run(folder)
    source = run.source
    rows = [row for row in _split_of_run(folder) if row.part == part]
    if not rows:
        raise DataError(if_none)
    dataset = load_dataset(source, run.layout, run.pattern)
    clips = {identity_of(clip): clip for clip in dataset.clips}
    chosen: list[Clip] = []
    for row in rows:
        clip = clips.get(row.identity)
        if clip is None:
            words = "held-out" if part == "test" else part
            raise DataError(f"{source}: {row.clip} of the {words} part is gone; restore it")
        _check_label(clip, row.label, source)
        chosen.append(clip)
    audio = audio_of(source)
    for clip, row, digest in zip(chosen, rows, audio.digests(chosen), strict=True):
        _check_unchanged(clip, digest, row.content, source)
    return tuple(chosen), audio


def held_out_identities(folder: Path) -> set[tuple[str, str, str]]:
    """The clips that a run held out, as `identity_of` tells them.

    Raises:
        DataError: split.csv is damaged.
    """
    return {row.identity for row in _split_of_run(folder) if row.part == "test"}


def parts_by_content(folder: Path) -> dict[str, str]:
    """The part of a run that each content key was in; the first of PARTS where copies differ.

    Raises:
        DataError: split.csv is damaged.
    """
    parts: dict[str, str] = {}
    for row in _split_of_run(folder):
        key, part = row.content, row.part
        if key and (key not in parts or _place(part) < _place(parts[key])):
            parts[key] = part
    return parts


def _place(part: str) -> int:
    return PARTS.index(part) if part in PARTS else len(PARTS)


def identity_of(clip: Clip) -> tuple[str, str, str]:
    """Name, start and end of a clip, as split.csv has them."""
    start, end = ("" if value is None else str(value) for value in (clip.start_s, clip.end_s))
    return (clip.name, start, end)


def _split_of_run(folder: Path) -> list[SplitRow]:
    return read_split(folder, "give the DATA to evaluate on")


def data_of_run(folder: Path) -> RunData:
    """Where the data of a run was, and how it was read and divided.

    Raises:
        DataError: its env.json is missing or does not say so.
    """
    try:
        values = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
        how = values.get("layout"), values.get("pattern"), values.get("fold")
        if not all(isinstance(word, str | None) for word in how):
            raise TypeError("not text")
        return RunData(Path(values["data"]), *how)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{folder}: env.json does not say where the data was; give the DATA to evaluate on"
        ) from error


def leaks_of_run(folder: Path) -> list[str]:
    """What was warned of when a run began: models that it learns from know what it held out."""
    try:
        lines = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))["leaks"]
        return [line for line in lines if isinstance(line, str)]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # of an earlier version, or no run


def _check_label(clip: Clip, label: str, source: Path) -> None:
    """What a run said of itself was measured with the labels of that time."""
    if clip.label != label:
        raise DataError(
            f"{source}: {clip.name} is labelled {quoted(clip.label)}, and was {quoted(label)} when "
            "the run was trained; give the DATA to evaluate on what is there now"
        )


def _check_unchanged(clip: Clip, digest: str, content: str, source: Path) -> None:
    """A held-out clip whose bytes differ could be one that the model was trained on."""
    if digest and content and not content.startswith(digest):
        raise DataError(
            f"{source}: {clip.name} has changed since training; "
            "give the DATA to evaluate on what is there now"
        )
