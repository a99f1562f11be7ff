"""JSON: one document, written while it comes; and JSON lines: its results, one on each line."""

from __future__ import annotations

import json
from typing import Any

from ..predicting.answers import OK, Prediction
from .writer import Counts, Facts, Write

_INDENT = 2


class JsonWriter:
    """One document: the model, the results, and how many inputs there were.

    Its text is that of `json.dumps(document, indent=2)`, byte for byte. Of a multi-label model it
    says so.
    """

    def __init__(self, write: Write, facts: Facts) -> None:
        self._write = write
        self._n_results = 0
        several = '  "multi_label": true,\n' if facts.multi_label else ""
        write(f'{{\n  "model": {_dump(facts.model)},\n{several}  "results": [')

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        inner = "\n" + " " * 2 * _INDENT
        text = _dump(as_json(prediction), _INDENT).replace("\n", inner)
        self._write(f"{',' if self._n_results else ''}{inner}{text}")
        self._n_results += 1

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""
        self._write("\n  ]" if self._n_results else "]")
        summary = _dump(vars(counts), _INDENT).replace("\n", "\n" + " " * _INDENT)
        self._write(f',\n  "summary": {summary}\n}}\n')


class JsonLinesWriter:
    """One object on each line, and nothing else."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def add(self, prediction: Prediction) -> None:
        """As `Writer.add`."""
        self._write(_dump(as_json(prediction)) + "\n")

    def end(self, counts: Counts) -> None:
        """As `Writer.end`."""


def as_json(p: Prediction) -> dict[str, Any]:
    """A prediction as plain values, in the shape that docs/outputs.md documents."""
    if p.status != OK:
        return {"file": p.file, "status": p.status, "error": p.error}
    return {
        "file": p.file,
        "status": p.status,
        "start": round(p.start_s, 3),
        "end": round(p.end_s, 3),
        "predictions": [{"label": s.label, "score": round(s.score, 6)} for s in p.scores],
    }


def _dump(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
