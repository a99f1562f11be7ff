"""A prepared folder: all that training needs of a data set, decoded, checked and divided.

    prepared.json        what it is; written last, so that a folder without it is not finished
    clips.csv            a row for every clip that was found, used or refused
    report.json          the health report; report.html shows it
    packed/<set>/        the audio, one packed set

docs/outputs.md describes the files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..core.errors import DataError
from ..core.files import atomic_stream, explain_os_errors, hash_file, write_json_atomic
from ..core.quoting import shown
from ..core.tables import csv_line
from .clips import Clip
from .dataset import DataSet
from .dividing.parts import NO_PART, Parts
from .health.findings import findings_of, judge
from .packing.packed import PackedSet

MARKER = "prepared.json"
CLIPS = "clips.csv"
REPORT = "report.json"
PAGE = "report.html"
LOCK = ".prepare.lock"
VERSION = 1

CLIP_COLUMNS = ("path", "label", "fold", "split", "group", "start", "end", "status", "kind")
MEASURE_COLUMNS = ("reason", "content", "seconds", "sample_rate", "channels", "peak", "rms")
COLUMNS = (*CLIP_COLUMNS, *MEASURE_COLUMNS, "findings")

USED, REFUSED = "used", "refused"
AGAIN = "run wsnet prepare again"
"""What helps where a file of the folder is not as it was written."""


@dataclass(frozen=True)
class Marker:
    """The content of prepared.json.

    Attributes:
        version: of this form.
        sample_rate: of the audio in Hz.
        layout: how the source was read.
        split: how the parts came about.
        set: names the packed set.
        clips: rows of clips.csv.
        clips_sha256: SHA-256 of clips.csv.
        multi_label: whether a label names any number of classes; left out where it is not so.
    """

    version: int
    sample_rate: int
    layout: str
    split: str
    set: str
    clips: int
    clips_sha256: str
    multi_label: bool = False


def is_prepared(folder: Path) -> bool:
    """Tell whether a folder says of itself that it is a prepared one."""
    return (folder / MARKER).is_file()


def is_unfinished(folder: Path) -> bool:
    """Tell whether a run that prepared into a folder has not come to its end."""
    return (folder / LOCK).is_file() and not is_prepared(folder)


def write_clips(folder: Path, dataset: DataSet, packed: PackedSet, parts: Parts) -> None:
    """Write clips.csv. Raises FileError."""
    health = packed.store.health()
    used = packed.rows[packed.rows >= 0]
    masks = np.zeros(len(health), np.uint32)
    masks[used] = judge(health[used])
    with atomic_stream(folder / CLIPS) as stream:
        stream.write(csv_line(COLUMNS).encode())
        for i, clip in enumerate(dataset.clips):
            part = "" if parts.of_clip[i] == NO_PART else parts.names[parts.of_clip[i]]
            row: dict[str, object] = {
                "path": clip.name,
                "label": clip.label,
                parts.column: part,
                "group": clip.group,
                "start": clip.start_s,
                "end": clip.end_s,
                "content": packed.content_keys[i],
            }
            if i in packed.failures:
                failure = packed.failures[i]
                row |= {"status": REFUSED, "kind": failure.kind, "reason": failure.reason}
            else:
                record = health[packed.rows[i]]
                row |= {
                    "status": USED,
                    "seconds": f"{record['duration_s']:.3f}",
                    "sample_rate": record["sample_rate"],
                    "channels": record["n_channels"],
                    "peak": f"{record['peak']:.6f}",
                    "rms": f"{record['rms']:.6f}",
                    "findings": ";".join(findings_of(int(masks[packed.rows[i]]))),
                }
            stream.write(csv_line([row.get(column) for column in COLUMNS]).encode())


def write_marker(folder: Path, dataset: DataSet, packed: PackedSet, parts: Parts) -> None:
    """Write prepared.json, which makes the folder a prepared one. Raises FileError."""
    assert packed.store.folder is not None
    with explain_os_errors("read", folder / CLIPS):
        digest = hash_file(folder / CLIPS)
    marker = Marker(
        version=VERSION,
        sample_rate=packed.sample_rate,
        layout=dataset.layout,
        split=parts.how,
        set=packed.store.folder.name,
        clips=len(dataset.clips),
        clips_sha256=digest,
        multi_label=dataset.multi_label,
    )
    values = {key: value for key, value in asdict(marker).items() if value is not False}
    write_json_atomic(folder / MARKER, values)


def read_marker(folder: Path) -> Marker:
    """Read prepared.json.

    Raises:
        DataError: it is damaged, of a newer version, or the folder was not finished.
    """
    path = folder / MARKER
    try:
        marker = Marker(**json.loads(path.read_bytes()))
        kinds = {"version": int, "sample_rate": int, "clips": int, "multi_label": bool}
        if not all(type(v) is kinds.get(k, str) for k, v in asdict(marker).items()):
            raise ValueError("a value of another type")
        if not (marker.set and set(marker.set) <= set("0123456789abcdef")):
            raise ValueError("no name of a set")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{shown(path)}: is damaged ({error}); {AGAIN}") from None
    if marker.version != VERSION:
        raise DataError(f"{shown(path)}: version {marker.version}; expected {VERSION}: {AGAIN}")
    try:
        whole = hash_file(folder / CLIPS) == marker.clips_sha256
    except OSError as error:
        raise DataError(f"{shown(folder / CLIPS)}: {error.strerror}; {AGAIN}") from None
    if not whole:
        raise DataError(f"{shown(folder)}: {CLIPS} is not the one that was written; {AGAIN}")
    return marker


def read_rows(root: Path) -> Iterator[tuple[Clip, str]]:
    """The clips that are used, and their content keys. Raises DataError."""
    path = root / CLIPS
    try:
        with explain_os_errors("read", path), path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["status"] == USED:
                    yield _clip(root, row), row["content"]
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise DataError(f"{shown(path)}: is damaged ({error}); {AGAIN}") from None


def _clip(root: Path, row: dict[str, str]) -> Clip:
    return Clip(
        path=root / row["path"],
        name=row["path"],
        label=row["label"],
        fold=row["fold"] or None,
        split=row["split"] or None,
        group=row["group"] or None,
        start_s=float(row["start"]) if row["start"] else None,
        end_s=float(row["end"]) if row["end"] else None,
    )
