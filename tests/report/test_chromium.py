"""Pages in a real browser, where one is installed: Chromium without a window.

The page lies in a frame as wide as a phone; a script beside it, not in it, says what it sees there.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.measures.evaluation import ClipResult, Evaluated
from wsnet_cli.core.sizes.ledger import Ledger, LedgerRow
from wsnet_cli.core.sound.excerpt import Excerpt
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.health.report import Columns, build_report
from wsnet_cli.report.evaluation_page import About, render_evaluation
from wsnet_cli.report.mistakes import Mistake
from wsnet_cli.report.page import render

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

needs_browser = pytest.mark.skipif(
    BROWSER is None, reason=f"pages were not opened: none of {', '.join(NAMES)} is installed"
)

FRAME = """<!DOCTYPE html><meta charset="utf-8">
<iframe id="page" style="width: WIDTHpx; height: 900px; border: 0" srcdoc="PAGE"></iframe>
<pre id="seen"></pre>
<script>
const frame = document.getElementById("page");
function look() {
  const page = frame.contentDocument, root = page.documentElement;
  const pictures = [...page.querySelectorAll("img")], sounds = [...page.querySelectorAll("audio")];
  document.getElementById("seen").textContent = JSON.stringify({
    width: root.clientWidth, needs: root.scrollWidth,
    pictures: pictures.length, drawn: pictures.filter(p => p.naturalWidth > 0).length,
    sounds: sounds.length, playable: sounds.filter(s => s.duration > 0).length,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map(e => e.name),
    letters: page.body.innerText.length,
  });
}
frame.onload = () => { look(); setInterval(look, 100); };
</script>"""


def look_at(page: str, folder: Path, width: int = 375) -> tuple[dict[str, Any], list[str]]:
    """What the browser sees of a page, and the lines of its console."""
    assert BROWSER
    frame = folder / "frame.html"
    inner = FRAME.replace("WIDTH", str(width)).replace("PAGE", html.escape(page))
    frame.write_text(inner, encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
            "--dump-dom",
            frame.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout)
    assert found, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found[1])), console


def evaluation_page(n_classes: int) -> str:
    rng = np.random.default_rng(0)
    long = "AVeryLongNameWithoutASingleSpaceInIt" * 3
    labels = tuple(f"{i} {long}</td><script>fetch('//x')</script>" for i in range(n_classes))
    truth = np.arange(6 * n_classes) % n_classes
    scores = rng.dirichlet(np.ones(n_classes), len(truth)).astype(np.float32)
    told = scores.argmax(axis=1)
    clips = tuple(
        ClipResult(f"{long}/{long}-{i}.wav", labels[t], labels[p], float(s), 1.0, fold=f"{i % 3}")
        for i, (t, p, s) in enumerate(zip(truth, told, scores.max(axis=1), strict=True))
    )
    evaluated = Evaluated(labels, clips, truth, scores)
    failed = [{"file": long, "error": f"{long}: is damaged"}]
    about = About(
        model=f"{long}.wsnet",
        data=long,
        command=f"wsnet evaluate {long} --report {long}",
        version="0.1.0",
        facts={"labels": ", ".join(labels), long: long},
        ledger=Ledger((LedgerRow("file", f"file {long}", 12_345_678, 81.0),), 4.0, True),
        speed=long,
        warnings=(long,),
    )
    document = {**evaluated.as_json(), "failed": failed}
    return render_evaluation(document, evaluated, about, hear)


def hear(mistake: Mistake, most_s: float) -> Excerpt:
    samples = np.random.default_rng(mistake.index).normal(0, 0.1, 8_000).astype(np.float32)
    return Excerpt(samples, 8_000, 3.0, 9.0, (3.25, 3.5))


def health_page() -> str:
    health = np.zeros(2, HEALTH)
    columns = Columns(str, ["cat", "dog"], [0, 1], ["train", "test"], [0, 1], health, {})
    return render(build_report(columns, about={"layout": "class folders", "split": "seeded"}))


@needs_browser
@pytest.mark.parametrize("n_classes", [2, 30])
def test_an_evaluation_opens_on_a_phone_without_error_network_or_sideways_scrolling(
    n_classes: int, tmp_path: Path
) -> None:
    seen, console = look_at(evaluation_page(n_classes), tmp_path)
    assert console == []
    assert seen["fetched"] == []
    assert seen["needs"] <= seen["width"] <= 375
    assert seen["drawn"] == seen["pictures"] > 3
    assert seen["playable"] == seen["sounds"] > 3
    assert seen["letters"] > 1_000


@needs_browser
def test_a_health_report_opens_without_error_and_network(tmp_path: Path) -> None:
    seen, console = look_at(health_page(), tmp_path)
    assert console == []
    assert seen["fetched"] == []
    assert seen["letters"] > 100


@needs_browser
def test_the_looking_would_see_what_is_wrong(tmp_path: Path) -> None:
    wide = '<div style="width: 500px">wide</div>'
    page = f'<img src="http://127.0.0.1:9/a.png">{wide}<script>console.error("seen")</script>'
    seen, console = look_at(page, tmp_path)
    assert any("seen" in line for line in console)
    assert seen["fetched"] == ["http://127.0.0.1:9/a.png"]
    assert seen["needs"] >= 500 > seen["width"]
    assert (seen["pictures"], seen["drawn"]) == (1, 0)
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    _, console = look_at(policy + page, tmp_path)
    assert any("Content Security Policy" in line for line in console)
