"""An evaluation as a page: one HTML file that needs no network and runs no script."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from ..core.errors import WsnetError
from ..core.files import write_text_atomic
from ..core.measures.evaluation import Evaluated
from ..core.sizes.ledger import Ledger
from ..core.sound.excerpt import Excerpt
from .embed import data_uri, encode_sound
from .evaluation_figures import draw_pictures
from .evaluation_words import columns_of, confusions, interval, rate, score, tiles
from .heat_map import MOST_NAMED
from .mistakes import Mistake, find_mistakes
from .pages import environment
from .spectrogram import spectrogram_png
from .waveform import draw

MOST_SHOWN = 24
"""Mistakes with a player, the most certain first."""
MOST_SECONDS = 6.0
"""Of a clip that can be heard; a longer one is cut around the window that decided."""
MOST_BYTES = 8_000_000
"""Of all sounds and spectrograms as they stand in the page."""
MOST_LINES = 200
"""Clips that could not be read, of those that are named."""
MOST_CONFUSIONS = 10

Listen = Callable[[Mistake, float], Excerpt]
"""Gives a piece of a mistaken clip, of at most so many seconds."""


@dataclass(frozen=True)
class About:
    """What is told of an evaluation beside its measures, all of it for people.

    Args:
        model: its name.
        data: what it was measured on.
        command: that made the page.
        version: of wsnet.
        facts: of the model, by name: what it hears, where it comes from.
        ledger: what it takes in bytes.
        speed: how long a clip took, and how that was measured.
        warnings: what a reader must know.
        calibration: the stored temperature and thresholds, in words.
        unknown: the stored least score of a label that is told; None where there is none.
        one_of: of several models, the one whose size and facts these are, for people.
    """

    model: str
    data: str
    command: str
    version: str
    facts: Mapping[str, str]
    ledger: Ledger
    speed: str
    warnings: tuple[str, ...] = ()
    calibration: tuple[str, ...] = ()
    unknown: float | None = None
    one_of: str = ""


@dataclass(frozen=True)
class Shown:
    """A mistake as it stands on the page; without a sound, why there is none."""

    mistake: Mistake
    sound: str = ""
    spectrogram: str = ""
    waveform: Markup = field(default_factory=Markup)
    seconds: float = 0.0
    cut: tuple[float, float, float] | None = None
    silence: str = ""

    @property
    def n_bytes(self) -> int:
        """Of sound and picture in the page."""
        return len(self.sound) + len(self.spectrogram) + len(self.waveform)


def write_evaluation_page(
    path: str | os.PathLike[str],
    document: Mapping[str, Any],
    evaluated: Evaluated,
    about: About,
    listen: Listen,
) -> None:
    """Write the page of `render_evaluation`, whole or not at all. Raises: FileError."""
    write_text_atomic(path, render_evaluation(document, evaluated, about, listen))


def render_evaluation(
    document: Mapping[str, Any], evaluated: Evaluated, about: About, listen: Listen
) -> str:
    """The page; the same bytes for the same values and sounds.

    Whatever stands in a name, a label or a message is text there.

    Args:
        document: what metrics.json holds: every measure on the page is taken from it. Of several
            runs, from what it holds of all together.
        evaluated: what was said of each clip: which are mistaken.
        about: what else is told.
        listen: gives the sound of a mistake; a WsnetError of it is told in its place.
    """
    document = {**document, **(document.get("measures") or {})}
    mistakes = find_mistakes(evaluated)
    facts = tiles(document)
    pairs = confusions(document)
    made = environment()
    made.filters.update(rate=rate, interval=interval, score=score)
    return made.get_template("evaluation.html").render(
        document=document,
        about=about,
        tiles=facts,
        columns=columns_of(len(facts)),
        pictures=draw_pictures(document, about.unknown),
        confusions=pairs[:MOST_CONFUSIONS],
        n_confused=sum(pair.n for pair in pairs),
        rows=_class_rows(document),
        shown=show_mistakes(mistakes[:MOST_SHOWN], listen),
        n_mistakes=len(mistakes),
        most_seconds=MOST_SECONDS,
        most_lines=MOST_LINES,
        most_named=MOST_NAMED,
        multi_label=evaluated.multi_label,
        several=any(mistake.n_heard > 1 for mistake in mistakes),
    )


def show_mistakes(mistakes: list[Mistake], listen: Listen) -> list[Shown]:
    """Make sounds and pictures of mistakes until the page is full."""
    shown: list[Shown] = []
    n_bytes = 0
    for mistake in mistakes:
        one = _show(mistake, listen)
        if n_bytes + one.n_bytes > MOST_BYTES:
            megabytes = f"{MOST_BYTES / 1e6:g} MB"
            one = Shown(mistake, silence=f"left out: sounds of this page are {megabytes} at most")
        n_bytes += one.n_bytes
        shown.append(one)
    return shown


def _show(mistake: Mistake, listen: Listen) -> Shown:
    try:
        excerpt = listen(mistake, MOST_SECONDS)
    except WsnetError as error:
        return Shown(mistake, silence=str(error))
    if not len(excerpt.samples):
        return Shown(mistake, silence="holds no samples")
    samples, rate_hz = excerpt.samples, excerpt.sample_rate
    return Shown(
        mistake,
        sound=encode_sound(samples, rate_hz).uri,
        spectrogram=data_uri("image/png", spectrogram_png(samples, rate_hz)),
        waveform=draw([samples], _mark(excerpt)),
        seconds=len(samples) / rate_hz,
        cut=None if excerpt.is_whole else (excerpt.start_s, excerpt.end_s, excerpt.duration_s),
    )


def _mark(excerpt: Excerpt) -> tuple[float, float]:
    """Where the moment lies in the piece, as shares of its length."""
    length = excerpt.end_s - excerpt.start_s
    first, last = ((at - excerpt.start_s) / length for at in excerpt.moment)
    return max(0.0, first), min(1.0, last)


def _class_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Classes with their numbers, from 1; the lowest F1 first, those that have none last."""
    rows = [{"number": i, **row} for i, row in enumerate(document["per_class"], start=1)]
    return sorted(rows, key=lambda row: (row["f1"] is None, row["f1"], row["number"]))
