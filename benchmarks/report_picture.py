"""The picture of an evaluation's page: three stretches of it, side by side.

python benchmarks/report_picture.py MODEL [DATA] [--fold FOLD] [-o docs/figures/report.png]
evaluates, opens the page in Chromium without a window, and takes its picture.
"""

from __future__ import annotations

import argparse
import html
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from wsnet_cli.core.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "figures" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PAGE_WIDTH, PAGE_HEIGHT, GAP = 900, 1_180, 24
"""Of a stretch of the page, and the room around it, in pixels of the page."""
SCALE = 0.6
N_COLOURS = 256
"""Of the picture: enough for spectrograms, and a third of the bytes."""
STRETCHES = ("", "What was taken for what", "The worst mistakes")
"""The headings that they begin at; the first begins at the top."""

FRAMES = """<!DOCTYPE html><meta charset="utf-8">
<style>
  body { margin: 0; padding: GAPpx; display: flex; gap: GAPpx; background: #e3e6ea; }
  iframe { width: WIDTHpx; height: HEIGHTpx; border: 0; border-radius: 8px; background: white; }
</style>
IFRAMES
<script>
  for (const frame of document.querySelectorAll("iframe")) frame.onload = () => {
    const page = frame.contentDocument;
    page.documentElement.style.overflow = "hidden";
    page.body.style.paddingBottom = "100vh";
    for (const heading of page.querySelectorAll("h2"))
      if (heading.textContent === frame.title)
        frame.contentWindow.scrollTo(0, heading.getBoundingClientRect().top - 28);
  };
</script>"""


def main() -> None:
    """Evaluate, look, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--fold")
    parser.add_argument("-o", "--out", type=Path, default=TARGET)
    given = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "wsnet_cli", "evaluate", given.model]
        command += [given.data] if given.data else []
        command += ["--fold", given.fold] if given.fold else []
        subprocess.run([*command, "--report", str(folder)], check=True)
        page = (folder / "report.html").read_text(encoding="utf-8")
        write_atomic(given.out, take_picture(browser, page, folder))


def take_picture(browser: str, page: str, folder: Path) -> bytes:
    """The stretches of a page as PNG."""
    source = html.escape(page)
    frames = [f'<iframe title="{title}" srcdoc="{source}"></iframe>' for title in STRETCHES]
    text = FRAMES.replace("GAP", str(GAP)).replace("WIDTH", str(PAGE_WIDTH))
    text = text.replace("HEIGHT", str(PAGE_HEIGHT)).replace("IFRAMES", "\n".join(frames))
    (folder / "frames.html").write_text(text, encoding="utf-8")
    width = len(STRETCHES) * (PAGE_WIDTH + GAP) + GAP
    picture = folder / "picture.png"
    subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            "--virtual-time-budget=8000",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{PAGE_HEIGHT + 2 * GAP}",
            f"--screenshot={picture}",
            (folder / "frames.html").as_uri(),
        ],
        check=True,
        capture_output=True,
    )
    with Image.open(picture) as large:
        size = (round(large.width * SCALE), round(large.height * SCALE))
        small = large.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    content = io.BytesIO()
    small.quantize(N_COLOURS).save(content, format="PNG", optimize=True)
    return content.getvalue()


if __name__ == "__main__":
    main()
