"""Files that someone may hand over as a model to do harm: each is refused, and nothing runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle  # noqa: TID251  hostile files are made, and refused
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SENTINEL = "executed"
"""A folder that the code in these files would make where it runs."""
DIGEST = 32

LAYERS = [{"type": "conv", "shape": [1, 2, 4, 2, 0]}, {"type": "mean"}]
AUDIO = {
    "sample_rate": 8_000,
    "window_s": 0.1,
    "hop_s": 0.1,
    "normalise": "rms",
    "trim_below": 0.0,
}
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "weights": "float32",
    "labels": ["a", "b"],
    "audio": AUDIO,
    "layers": LAYERS,
    "provenance": {},
}


class Payload:
    """Runs code where anything unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (SENTINEL,)


def container(header: bytes | str, data: bytes = b"") -> bytes:
    """Any header and data, with a right length and a right digest."""
    text = header.encode() if isinstance(header, str) else header
    body = len(text).to_bytes(8, "little") + text + data
    return body + hashlib.sha256(body).digest()


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def model(document: dict[str, Any] | str, tensors: dict[str, Any], data: bytes = b"") -> bytes:
    """A signed file of any document and any table of tensors."""
    text = document if isinstance(document, str) else json.dumps(document)
    end = len(data)
    table = {**tensors, "~sha256": entry("U8", [DIGEST], end, end + DIGEST)}
    return container(json.dumps({"__metadata__": {"wsnet": text}, **table}), data)


def _zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
    return stream.getvalue()


def _object_array() -> bytes:
    stream = io.BytesIO()
    array = np.empty(1, object)
    array[0] = Payload()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def _many_tensors(n: int) -> bytes:
    names = ",".join(f'"{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for i in range(n))
    digest = json.dumps({"~sha256": entry("U8", [DIGEST], 0, DIGEST)})[1:-1]
    return container(f'{{"__metadata__":{{"wsnet":"{{}}"}},{names},{digest}}}')


def _ten_million_tensors() -> bytes:
    """Of which no reader needs to see more than the first, and the length of the header."""
    return (600_000_000).to_bytes(8, "little") + _many_tensors(70_000)[8:] + bytes(6_000_000)


def _coded_bomb() -> bytes:
    """A network of 2^26 weights, whose codes are 64 KB of deflated zeros."""
    layers = [{"type": "mean"}, {"type": "linear", "shape": [1, 2]}]
    layers.insert(0, {"type": "conv", "shape": [1, 1, 1 << 24, 1, 0]})
    audio = {**AUDIO, "window_s": (1 << 24) / 8_000, "hop_s": 1.0}
    more = {"weights": "codes", "bits": 8, "coding": "huffman", "format": 3}
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    codes = coder.compress(bytes(1 << 24)) + coder.flush()
    constants, scales = bytes(2 * 6), bytes(4 * 6)
    data = scales + constants + codes
    table = {
        "scales": entry("F32", [6], 0, 24),
        "constants": entry("F16", [6], 24, 36),
        "codes": entry("U8", [len(codes)], 36, len(data)),
    }
    return model({**DOCUMENT, **more, "layers": layers, "audio": audio}, table, data)


HUGE = {"weights": entry("F32", [1 << 63], 0, 4), "constants": entry("F32", [4], 4, 20)}
NEGATIVE = {"weights": entry("F32", [-1], 0, 4), "constants": entry("F32", [4], 4, 20)}
OVERLAP = {"weights": entry("F32", [4], 0, 16), "constants": entry("F32", [4], 4, 20)}
CLAIMED = [{**LAYERS[0], "shape": [1, 1 << 12, 1 << 14, 1, 0]}, LAYERS[1]]

CONTENTS: dict[str, Callable[[], bytes]] = {
    "pickle": lambda: pickle.dumps(Payload()),
    "torch.save": lambda: _zipped(pickle.dumps({"weights": Payload()})),
    "object array": _object_array,
    "shape 2^63": lambda: model(DOCUMENT, HUGE, bytes(20)),
    "shape -1": lambda: model(DOCUMENT, NEGATIVE, bytes(20)),
    "overlapping tensors": lambda: model(DOCUMENT, OVERLAP, bytes(20)),
    "header of 99 MB": lambda: container(b"{" + b" " * 99_000_000 + b"}"),
    "70,000 tensors": lambda: _many_tensors(70_000),
    "10 million tensors": _ten_million_tensors,
    "zip bomb": lambda: _zipped(bytes(100_000_000)),
    "bomb in the codes": _coded_bomb,
    "4 MB of lists": lambda: container("[" + "[]," * 1_300_000 + "[]]"),
    "4 MB of objects": lambda: container('{"":[' + '{"":0},' * 560_000 + "0]}"),
    "100,000 levels": lambda: container("[" * 100_000 + "]" * 100_000),
    "100,000 layers": lambda: model({**DOCUMENT, "layers": LAYERS[:1] * 80_000}, {}),
    "2^26 weights that are not there": lambda: model({**DOCUMENT, "layers": CLAIMED}, {}),
}


def _sparse(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.truncate(1_900_000_000)


ENTRIES: dict[str, Callable[[Path], None]] = {
    "2 GB of nothing": _sparse,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "link to a folder": lambda path: path.symlink_to("/"),
    "pipe": lambda path: os.mkfifo(path),
    "folder": lambda path: path.mkdir(),
}
"""What is no file of its content, on a POSIX system."""


def write_hostile(folder: Path, which: frozenset[str] | None = None) -> dict[str, Path]:
    """Make them all, or those named; name to path."""
    made = {}
    for number, name in enumerate((*CONTENTS, *ENTRIES)):
        if which is not None and name not in which:
            continue
        path = folder / f"{number}.wsnet"
        if name in CONTENTS:
            path.write_bytes(CONTENTS[name]())
        elif os.name == "posix":
            ENTRIES[name](path)
        else:
            continue
        made[name] = path
    return made
