"""`benchmarks/compression.py` and its table: folds and seeds together, by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.errors import DataError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def scripts() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import compression
        import compression_table

        yield SimpleNamespace(**vars(compression) | vars(compression_table))
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def fold(scripts: Any, name: str, before: list[int], after: list[int], n_bytes: int) -> Any:
    clips = [SimpleNamespace(file=f"{name}-{i}.wav", group=f"{name}-{i}") for i in range(4)]
    one, other = (
        SimpleNamespace(clips=clips, right=np.array(right, bool)) for right in (before, after)
    )
    values = (np.mean(before), np.mean(after))
    outcome = SimpleNamespace(before=one, after=other, values=values)
    return scripts.Fold(name, 1000, n_bytes, outcome)


@pytest.fixture
def pooled(scripts: Any) -> Any:
    first = [
        fold(scripts, "1", [1, 1, 1, 0], [1, 1, 0, 1], 300),
        fold(scripts, "2", [1, 1, 1, 1], [1, 1, 1, 1], 200),
    ]
    second = [
        fold(scripts, "1", [1, 1, 1, 0], [1, 1, 0, 0], 250),
        fold(scripts, "2", [1, 1, 1, 1], [1, 1, 1, 1], 100),
    ]
    return scripts.pool([first, second])


def test_folds_and_seeds_together(pooled: Any):
    assert (pooled["n_seeds"], pooled["n_clips"], pooled["n_recordings"]) == (2, 8, 8)
    assert (pooled["before"], pooled["after"]) == (7 / 8, 13 / 16)
    assert pooled["difference"] == -1 / 16
    low, high = pooled["difference_interval"]
    assert low < -1 / 16 < high
    # Clip 1-2 is lost by both seeds, clip 1-3 is gained by one of them.
    assert (pooled["n_lost"], pooled["n_gained"], pooled["p_value"]) == (1, 1, None)
    assert pooled["bytes"] == [300, 200, 250, 100]
    assert pooled["folds"][0] == {"fold": "1", "before": 0.75, "after": 0.625}
    assert pooled["right_after"][1] == [1, 1, 0, 0, 1, 1, 1, 1]


def test_seeds_of_other_clips_are_refused(scripts: Any):
    one = [fold(scripts, "1", [1] * 4, [1] * 4, 1)]
    other = [fold(scripts, "2", [1] * 4, [1] * 4, 1)]
    with pytest.raises(DataError, match=r"^jobs that held out other clips"):
        scripts.pool([one, other])


def test_tables_say_what_was_measured(scripts: Any, pooled: Any):
    rows = {"8": pooled, "32KB": {**pooled, "bytes": [31_000]}}
    lines = scripts.summary(rows).splitlines()
    assert lines[2] == "| float32 | 87.50 % |  | 1,000 | 1/11530 |"
    assert lines[3].startswith("| 8 bits | 81.25 % | -6.25 (")
    assert lines[3].endswith(") | 300 | 1/38434 |")
    assert lines[4].startswith("| `--max-kb 32` | 81.25 % |")
    assert lines[4].endswith("| 31,000 | 1/372 |")
    shown = scripts.whole(rows).splitlines()
    assert len(shown) == 4
    assert shown[2].startswith("| 8 | 87.50 | 81.25 | -6.25 (")
    assert shown[2].endswith("| 1 / 1 | 100 to 300 | 1/38434 | 75.0 to 62.5, 100.0 to 100.0 |")


def test_runs_of_a_job(scripts: Any, tmp_path: Path):
    runs = [{"run": "fold-1-seed-0", "fold": "1"}, {"run": "fold-2-seed-0", "fold": 2}]
    (tmp_path / "results.json").write_text(json.dumps({"runs": runs}))
    found = scripts.runs_in(tmp_path)
    assert found == [("1", tmp_path / "fold-1-seed-0"), ("2", tmp_path / "fold-2-seed-0")]
