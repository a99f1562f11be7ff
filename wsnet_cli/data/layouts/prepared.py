"""Prepared folders: their clips, and the audio of these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from ...core.quoting import shown
from ..clips import Clip
from ..dataset import DataSet
from ..packing.cache import packed_folder
from ..packing.integrity import is_whole
from ..packing.pack_job import clip_key
from ..packing.packed import PackedSet
from ..packing.store import is_of_another_version, open_store
from ..packing.store_index import KEY_BYTES
from ..prepared_folder import AGAIN, read_marker, read_rows
from .layout import Findings, read_clips
from .paths import Root

TITLE = "prepared"


def read_prepared(root: Root, found: Findings) -> Iterator[Clip]:
    """Yield the clips of a prepared folder that are used, with the parts that were chosen.

    Raises:
        DataError: as `read_marker`.
    """
    marker = read_marker(root.path)
    found.notes.append(f"prepared from {marker.layout}; {marker.split}")
    found.multi_label = marker.multi_label
    yield from (clip for clip, _ in read_rows(root.path))


def open_prepared(folder: Path, sample_rate: int | None = None) -> tuple[DataSet, PackedSet]:
    """Read the clips of a prepared folder, and open their audio.

    Args:
        folder: a prepared one.
        sample_rate: that the audio must have, Hz; None takes what there is.

    Raises:
        DataError: as `read_marker`; or the audio has another rate, is damaged or is not there.
    """
    marker = read_marker(folder)
    if sample_rate is not None and marker.sample_rate != sample_rate:
        raise DataError(
            f"{shown(folder)}: prepared at {marker.sample_rate} Hz; expected {sample_rate}: "
            f"prepare it with --rate {sample_rate}, or --set audio.sample_rate={marker.sample_rate}"
        )
    dataset = read_clips(Root(folder), TITLE, read_prepared)
    place = packed_folder(folder) / marker.set
    store = open_store(place, marker.sample_rate)
    contents = _contents(dataset)
    keys = b"".join(clip_key(marker.sample_rate, content) for content in contents)
    rows = np.full(len(contents), -1, np.int32)
    if store is not None:
        rows = store.rows(np.frombuffer(keys, np.uint8).reshape(-1, KEY_BYTES))
    if store is None and is_of_another_version(place):
        raise DataError(
            f"{shown(folder)}: its audio is kept in a form of another version of wsnet; {AGAIN}"
        )
    if store is None or (rows < 0).any() or not is_whole(store):
        raise DataError(f"{shown(folder)}: its audio is damaged or gone; {AGAIN}")
    return dataset, PackedSet(marker.sample_rate, {}, contents, None, rows, store)


def _contents(dataset: DataSet) -> list[str]:
    """The content keys in the clips' order."""
    places: dict[tuple[str, float | None, float | None], str] = {}
    for clip, content in read_rows(dataset.root):
        places[clip.name, clip.start_s, clip.end_s] = content
    return [places[clip.name, clip.start_s, clip.end_s] for clip in dataset.clips]
