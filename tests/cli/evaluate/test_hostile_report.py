"""Labels that mean more than words to a page or to a formula, in an evaluation's report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

Run = Callable[..., Any]
WORDS = ("<img src=x onerror=alert(1)>", r"$\frac{a", "{{ 7 * 7 }}")


def test_a_report_shows_them_as_they_are(
    wsnet: Run, tone_model: Model, make_clip: Any, tmp_path: Path
) -> None:
    save_model(tmp_path / "x.wsnet", replace(tone_model, labels=WORDS))
    for word, hz in zip(WORDS, (300, 700, 1_500), strict=True):
        for number in range(2):
            make_clip(f"data/{word}/{number}.wav", hz=hz)
    found = wsnet("evaluate", "x.wsnet", "data", "--report", "report")
    assert found.code == 0, found.stderr
    page = Path("report/report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert not re.search(r"<script[^>]*src=|https?://(?!www\.w3\.org)", page)
    assert r"$\frac{a" in page
    told = json.loads(Path("report/metrics.json").read_text(encoding="utf-8"))
    assert {row["label"] for row in told["per_class"]} == set(WORDS)
