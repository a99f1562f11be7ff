"""Options of `wsnet predict`: what is asked and where it goes, checked before any work."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...bulk.predicting.request import CLIP, EVENTS, MAX, MEAN, WINDOWS, Request
from ...bulk.writers.embeddings import SUFFIXES as EMBEDDING_SUFFIXES
from ...bulk.writers.formats import FORMATS as PROGRAM_FORMATS
from ...core.errors import UsageError
from ...core.files import exists, is_folder, unwritable_place

TABLE = "table"
FORMATS = (TABLE, *PROGRAM_FORMATS)

_FORMAT_OF_SUFFIX = {
    known.suffix: name
    for name, known in PROGRAM_FORMATS.items()
    if known.suffix != ".txt"  # which says no format
}


@dataclass(frozen=True)
class Delivery:
    """Where the results go.

    Args:
        formats: one or more of FORMATS.
        out: file or folder; None: stdout.
        embeddings: file for features, or None.
        sort_into: folder that classified files are put into, or None.
        link: put links there, not copies.
        force: begin again, and write over what is there.
    """

    formats: tuple[str, ...]
    out: Path | None = None
    embeddings: Path | None = None
    sort_into: Path | None = None
    link: bool = False
    force: bool = False

    @property
    def is_durable(self) -> bool:
        """Whether something is written that a run which was stopped can go on with."""
        return bool(self.out or self.embeddings or self.sort_into)


def make_request(
    *,
    top_k: int | None,
    threshold: float | None,
    timeline: bool,
    window: float | None,
    hop: float | None,
    merge: bool,
    gap: float | None,
    aggregate: str | None,
    channel: int | None,
    features: bool,
    live: bool,
    no_unknown: bool = False,
) -> Request:
    """What is asked of each input.

    Windows or hops that are named, and a stream that is still being recorded, mean a timeline,
    unless it is asked to be summed up. Without a number of labels the model settles it: see
    `Request.settled`. That nothing is unknown is a threshold that everything reaches.

    Raises: UsageError: options that exclude one another, or a value out of range.
    """
    if aggregate is not None and aggregate not in (MEAN, MAX):
        raise UsageError(f"--aggregate {aggregate}; expected {MEAN} or {MAX}")
    if aggregate is not None and (timeline or merge):
        other = "--merge" if merge else "--timeline"
        raise UsageError(f"--aggregate sums up what {other} tells one by one; expected one of them")
    if gap is not None and not merge:
        raise UsageError("--gap is the longest gap that --merge closes; expected both or neither")
    if merge and features:
        raise UsageError("--embeddings are of clips or windows; expected no --merge")
    for name, value in (("--window", window), ("--hop", hop)):
        if value is not None and not 0 < value < 1e6:
            raise UsageError(f"{name} {value:g}; expected seconds, more than 0")
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"--threshold {threshold:g}; expected a score from 0 to 1")
    if threshold is not None and no_unknown:
        raise UsageError("--threshold sets the model's own aside; expected no --no-unknown beside")
    if gap is not None and not 0 <= gap < 1e9:
        raise UsageError(f"--gap {gap:g}; expected seconds, 0 or more")
    by_window = timeline or window is not None or hop is not None or live
    view = EVENTS if merge else WINDOWS if by_window and aggregate is None else CLIP
    return Request(
        view=view,
        top_k=1 if top_k is None and no_unknown else top_k,
        threshold=0.0 if no_unknown else threshold,
        aggregate=aggregate or MEAN,
        gap_s=gap or 0.0,
        window_s=window,
        hop_s=hop,
        channel=channel,
        features=features,
    )


def make_delivery(
    *,
    format_: str | None,
    json: bool,
    out: Path | None,
    embeddings: Path | None,
    sort_into: Path | None,
    link: bool,
    force: bool,
) -> Delivery:
    """Where the results go; without a format, what the name of the output says.

    Raises: UsageError: no such format, or no place for it.
    """
    if json and format_ not in (None, "json"):
        raise UsageError(f"--json and --format {format_}: expected one of them")
    formats = ("json",) if json else _read_formats(format_, out)
    _check_formats(formats, out)
    if out:
        _check_place("-o", out)
    if embeddings:
        _check_place("--embeddings", embeddings)
        _check_embeddings(embeddings)
    if sort_into:
        _check_place("--sort-into", sort_into)
    if sort_into and exists(sort_into) and not is_folder(sort_into):
        raise UsageError(f"--sort-into {sort_into}: is a file; expected a folder")
    if link and not sort_into:
        raise UsageError("--link says how --sort-into puts files there; expected both or neither")
    return Delivery(formats, out, embeddings, sort_into, link, force)


def check_view(request: Request, delivery: Delivery) -> None:
    """Raise UsageError where files are to be sorted by more than one label."""
    if delivery.sort_into and request.view != CLIP:
        raise UsageError(
            "--sort-into needs one label for each file; expected --aggregate mean or max beside "
            "--window and --hop, and no --timeline or --merge"
        )


def check_inputs(words: Sequence[str], names: Sequence[str], delivery: Delivery) -> None:
    """Raise UsageError where the results of such inputs could not be told apart or found again.

    Labels for Audacity name no file; and of files that are sorted into a folder among the inputs,
    the next run would find the copies too, and above them, inputs and copies would be mixed.

    Args:
        words: what the user named.
        names: the files that were found.
        delivery: where the results go.
    """
    if delivery.formats == ("audacity",) and not delivery.out and len(names) > 1:
        raise UsageError("--format audacity: labels of several files need -o and a folder")
    sort_into = delivery.sort_into
    if sort_into is None:
        return
    target = Path(os.path.realpath(sort_into))
    walked = (Path(os.path.realpath(word)) for word in words if is_folder(word))
    if any(target.is_relative_to(folder) for folder in walked):
        raise UsageError(
            f"--sort-into {sort_into}: lies among the inputs, where the next run would find what "
            "was put there; expected another folder"
        )
    if any(
        Path(os.path.realpath(folder)).is_relative_to(target)
        for folder in {os.path.dirname(name) for name in names}  # noqa: PTH120 - of many names
    ):
        raise UsageError(
            f"--sort-into {sort_into}: the inputs lie in it, where the folder of a label may be "
            "that of an input; expected another folder, or a new one in it"
        )


def _read_formats(format_: str | None, out: Path | None) -> tuple[str, ...]:
    if format_ is not None:
        return tuple(dict.fromkeys(part.strip() for part in format_.split(",")))
    name = out.name.lower() if out else ""
    named = next((f for s, f in _FORMAT_OF_SUFFIX.items() if name.endswith(s)), None)
    if out and named is None:
        raise UsageError(
            f"-o {out}: its name says no format; expected one that ends with "
            f"{', '.join(_FORMAT_OF_SUFFIX)}, or --format"
        )
    return (named or TABLE,)


def _check_formats(formats: tuple[str, ...], out: Path | None) -> None:
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"--format {name}; expected one of {', '.join(FORMATS)}")
    programs = f"{', '.join(FORMATS[1:-1])} or {FORMATS[-1]}"
    if out and TABLE in formats:
        raise UsageError(f"-o {out}: a table is for people; expected --format {programs}")
    if not out and len(formats) > 1:
        raise UsageError(f"--format {','.join(formats)}: several formats need -o and a folder")
    if not out and "parquet" in formats:
        raise UsageError("--format parquet: is not for the screen; expected -o and a file's name")
    if "parquet" in formats:
        _require_pyarrow("--format parquet")


def _check_embeddings(path: Path) -> None:
    if path.suffix not in EMBEDDING_SUFFIXES:
        raise UsageError(
            f"--embeddings {path}; expected a name that ends with {', '.join(EMBEDDING_SUFFIXES)}"
        )
    if is_folder(path):
        raise UsageError(f"--embeddings {path}: is a folder; expected a file's name")
    if path.suffix == ".parquet":
        _require_pyarrow(f"--embeddings {path}")


def _require_pyarrow(option: str) -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(f"{option}: needs pyarrow, which is not installed: pip install pyarrow")


def _check_place(option: str, path: Path) -> None:
    """Raise UsageError if no file or folder can be put there.

    With --force a device or a pipe would be replaced by a file.
    """
    if path == Path("-"):
        raise UsageError(f"{option} -: expected a name; without -o the results go to stdout")
    if exists(path) and not path.is_file() and not is_folder(path):
        raise UsageError(f"{option} {path}: is a device or a pipe; expected the name of a file")
    if exists(path.parent) and not is_folder(path.parent):
        raise UsageError(
            f"{option} {path}: {path.parent} is no folder; expected a name in a folder"
        )
    if place := unwritable_place(path if is_folder(path) else path.parent):
        raise UsageError(f"{option} {path}: {place} cannot be written to; give another place")
