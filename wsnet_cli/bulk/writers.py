"""One writer per output format. Columns and keys are documented in docs/outputs.md and stable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..core.tables import csv_text
from .predict import FAILED, Prediction

CSV_HEADER = ("file", "start", "end", "label", "score", "rank", "status", "error")


def to_csv(predictions: Sequence[Prediction], model: str) -> str:
    """A row per label shown; a row without a label for each failed input."""
    return csv_text(CSV_HEADER, (row for p in predictions for row in _csv_rows(p)))


def to_json(predictions: Sequence[Prediction], model: str) -> str:
    """One document: the model, a result per input, and how many failed."""
    n_failed = count_failed(predictions)
    document = {
        "model": model,
        "results": [_as_json(p) for p in predictions],
        "summary": {
            "inputs": len(predictions),
            "ok": len(predictions) - n_failed,
            "failed": n_failed,
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_jsonl(predictions: Sequence[Prediction], model: str) -> str:
    """One JSON object per input and line."""
    return "".join(
        json.dumps(_as_json(p), ensure_ascii=False, allow_nan=False) + "\n" for p in predictions
    )


WRITERS: dict[str, Callable[[Sequence[Prediction], str], str]] = {
    "csv": to_csv,
    "json": to_json,
    "jsonl": to_jsonl,
}
"""The formats that programs read; `table` is for people and belongs to the command line."""


def count_failed(predictions: Sequence[Prediction]) -> int:
    """How many inputs could not be classified."""
    return sum(p.status == FAILED for p in predictions)


def _csv_rows(p: Prediction) -> Iterator[tuple[object, ...]]:
    if not p.scores:
        yield (p.file, None, None, None, None, None, p.status, p.error)
    for rank, score in enumerate(p.scores, start=1):
        yield (
            p.file,
            "0.000",
            f"{p.end_s:.3f}",
            score.label,
            f"{score.score:.6f}",
            rank,
            p.status,
            "",
        )


def _as_json(p: Prediction) -> dict[str, Any]:
    if p.status == FAILED:
        return {"file": p.file, "status": p.status, "error": p.error}
    predictions = [{"label": s.label, "score": round(s.score, 6)} for s in p.scores]
    return {
        "file": p.file,
        "status": p.status,
        "start": 0.0,
        "end": round(p.end_s, 3),
        "predictions": predictions,
    }
