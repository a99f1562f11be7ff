"""Which files a prediction writes, and writing them from answers, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import UsageError
from ...core.files import (
    TEMPORARY_SUFFIX,
    atomic_stream,
    exists,
    is_folder,
    remove_stale,
    temporary_prefix,
)
from ..predicting.answers import OK, Answer, predictions_of
from ..writers.formats import FORMATS, make_writer
from ..writers.writer import Counts, Facts
from .safe_names import MirroredNames

STEM = "predictions"
"""Name of the files in a folder that holds several formats."""

Answers = Callable[[], Iterable[Answer]]
"""All answers in order; may be called several times."""


@dataclass(frozen=True)
class Output:
    """A file, or a folder with a file for each recording.

    Args:
        format: one of `FORMATS`.
        path: of the file or folder.
        is_folder: which of them.
    """

    format: str
    path: Path
    is_folder: bool


def plan_outputs(formats: Sequence[str], out: Path, n_inputs: int) -> list[Output]:
    """Say what is written where.

    With several formats `out` is a folder. With one it is the file; or, if each recording gets a
    file of its own and there are several or `out` is a folder already, the folder of these.

    Raises:
        UsageError: `out` is a folder where it should be a file, or the reverse.
    """
    if len(formats) > 1:
        _check_folder(out)
        return [_in_folder(out, name) for name in formats]
    (name,) = formats
    if FORMATS[name].per_recording and (n_inputs > 1 or is_folder(out)):
        _check_folder(out)
        return [Output(name, out, True)]
    if is_folder(out):
        raise UsageError(f"-o {out}: is a folder; expected a file's name")
    return [Output(name, out, False)]


def check_replaceable(outputs: Iterable[Output]) -> None:
    """Raise UsageError if something is there already."""
    for output in outputs:
        if _is_there(output):
            raise UsageError(
                f"-o {output.path}: exists; give another name, or --force to write over it"
            )


def write_outputs(
    outputs: Iterable[Output], answers: Answers, names: Sequence[str], facts: Facts, counts: Counts
) -> list[Output]:
    """Write all outputs, but the file of one recording that could not be read.

    Returns: those that were written.

    Raises:
        FileError: the system refuses; what an output held before is still there, whole.
        ModuleNotFoundError: a format's package is not installed.
    """
    written = []
    for output in outputs:
        if output.is_folder:
            _write_folder(output, answers(), names, facts, counts)
        elif FORMATS[output.format].per_recording and any(a.status != OK for a in answers()):
            continue  # there is one input at most
        else:
            _write_file(output.path, output.format, answers(), facts, counts)
        written.append(output)
    return written


def files_of_others(output: Output, answers: Iterable[Answer], names: Sequence[str]) -> list[Path]:
    """What lies in a folder of a file for each recording, named as these are, and is none of them.

    They may be of an earlier run over other recordings, or of another program: nobody can tell.

    Args:
        output: a folder, written.
        answers: that it was written from.
        names: of all inputs.
    """
    own = {path for _, path in _files_of(output, answers, names)}
    found = (
        Path(parent, name)
        for parent, _, files in os.walk(output.path)
        for name in files
        if name.endswith(FORMATS[output.format].suffix) and not name.startswith(".")
    )
    return sorted(path for path in found if path not in own)


def remove_leftovers(outputs: Iterable[Output], files: Iterable[Path] = ()) -> None:
    """Delete what a killed run has left half-written beside its outputs and further files."""
    for output in outputs:
        if output.is_folder:
            for parent, _, _ in os.walk(output.path):
                remove_stale(Path(parent))
        else:
            _remove_parts(output.path)
    for file in files:
        _remove_parts(file)


def _remove_parts(path: Path) -> None:
    pattern = f"{temporary_prefix(path)}*{TEMPORARY_SUFFIX}"
    for part in path.parent.glob(_escaped(pattern)):
        part.unlink(missing_ok=True)


def _escaped(pattern: str) -> str:
    """Brackets in a file's name are no pattern."""
    return pattern.replace("[", "[[]")


def _write_file(
    path: Path,
    format_: str,
    answers: Iterable[Answer],
    facts: Facts,
    counts: Counts,
    *,
    sync: bool = True,
) -> None:
    with atomic_stream(path, sync=sync) as stream:
        writer = make_writer(format_, stream, facts)
        for answer in answers:
            for prediction in predictions_of(answer, facts.labels, facts.hit):
                writer.add(prediction)
        writer.end(counts)


def _write_folder(
    output: Output, answers: Iterable[Answer], names: Sequence[str], facts: Facts, counts: Counts
) -> None:
    """A file for each input that could be read. Without a sync for each: the journal is there."""
    output.path.mkdir(parents=True, exist_ok=True)
    for answer, path in _files_of(output, answers, names):
        _write_file(path, output.format, [answer], facts, counts, sync=False)
    if hasattr(os, "sync"):
        os.sync()


def _files_of(
    output: Output, answers: Iterable[Answer], names: Sequence[str]
) -> Iterator[tuple[Answer, Path]]:
    """The answers of what could be read, and the file of each in a folder."""
    places, suffix = MirroredNames(names), FORMATS[output.format].suffix
    for answer in answers:
        if answer.status == OK:
            place = output.path / places.place(answer.name)
            yield answer, place.with_name(place.name + suffix)


def _in_folder(folder: Path, format_: str) -> Output:
    if FORMATS[format_].per_recording:
        return Output(format_, folder / format_, True)
    return Output(format_, folder / f"{STEM}{FORMATS[format_].suffix}", False)


def _check_folder(out: Path) -> None:
    if exists(out) and not is_folder(out):
        raise UsageError(f"-o {out}: is a file; expected a folder for several files")


def _is_there(output: Output) -> bool:
    if output.is_folder:
        return is_folder(output.path) and any(_visible(output.path))
    return os.path.lexists(output.path)


def _visible(folder: Path) -> Iterator[str]:
    """Names in a folder, without those of journals, locks and parts."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield entry.name
