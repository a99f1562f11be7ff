from __future__ import annotations

import base64
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_outline import Outline

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.measures.evaluation import ClipResult, Evaluated
from wsnet_cli.core.sizes.ledger import Ledger, LedgerRow
from wsnet_cli.core.sound.excerpt import Excerpt
from wsnet_cli.report import evaluation_page
from wsnet_cli.report.evaluation_page import (
    MOST_SHOWN,
    About,
    render_evaluation,
    write_evaluation_page,
)
from wsnet_cli.report.mistakes import Mistake

RATE = 8_000
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "a\nb\x00\x1b[31m",
    "gnp.\u202ewav",
    "\udcff",
    "$\\frac{1}{$",
    "</style></svg><b>bold</b>",
]


def evaluation(labels: list[str], n: int = 40, share_right: float = 0.7) -> Evaluated:
    rng = np.random.default_rng(0)
    truth = np.arange(n) % len(labels)
    scores = rng.random((n, len(labels)), np.float32)
    scores[np.arange(n), truth] += (rng.random(n) < share_right) * 1.0
    scores /= scores.sum(axis=1, keepdims=True)
    told = scores.argmax(axis=1)
    clips = tuple(
        ClipResult(
            f"{NASTY[i % len(NASTY)]}/{i}.wav",
            labels[truth[i]],
            labels[told[i]],
            float(scores[i].max()),
            1.0,
            fold=f"{i % 2}",
        )
        for i in range(n)
    )
    return Evaluated(tuple(labels), clips, truth, scores)


def several_labels(n: int = 30) -> Evaluated:
    rng = np.random.default_rng(0)
    truth = rng.random((n, 3)) < 0.5
    scores = (0.6 * truth + 0.4 * rng.random((n, 3))).astype(np.float32)
    scores[0] = 1 - scores[0]
    names = np.array(["cat", "dog", "owl"])
    clips = tuple(
        ClipResult(
            f"{i}.wav", ";".join(names[truth[i]]), ";".join(names[scores[i] >= 0.5]), 0.9, 1.0
        )
        for i in range(n)
    )
    return Evaluated(("cat", "dog", "owl"), clips, truth, scores)


LEDGER = Ledger(
    (
        LedgerRow("dense", "dense network, float32", 1_000_000, 1.0),
        LedgerRow("file", "model file on disk", 12_345, 81.0),
    ),
    4_648.2,
    False,
)
ABOUT = About(
    model="bird.wsnet",
    data="40 clips",
    command="wsnet evaluate bird.wsnet birds/ --report out/",
    version="0.1.0",
    facts={"audio": "8,000 Hz"},
    ledger=LEDGER,
    speed="1.5 ms a clip.",
)


def document_of(evaluated: Evaluated, **more: Any) -> dict[str, Any]:
    return {"model": "bird.wsnet", **evaluated.as_json(), "failed": [], **more}


def noise(mistake: Mistake, most_s: float) -> Excerpt:
    samples = np.random.default_rng(mistake.index).normal(0, 0.1, RATE).astype(np.float32)
    return Excerpt(samples, RATE, 0.0, 1.0, (0.25, 0.5))


def silent(mistake: Mistake, most_s: float) -> Excerpt:
    raise AudioError(f"{mistake.clip.file}: does not exist; <b>expected</b> an audio file")


def page_of(
    evaluated: Evaluated,
    listen: Any = silent,
    about: About = ABOUT,
    pictures: bool = False,
    **more: Any,
) -> str:
    """The page, as a rule without its figures, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        if not pictures:
            patch.setattr(evaluation_page, "draw_pictures", lambda *_: {})
        return render_evaluation(document_of(evaluated, **more), evaluated, about, listen)


def text_of(page: str) -> str:
    return " ".join(Outline(page).text.split())


@pytest.fixture(scope="module")
def nasty_page() -> str:
    about = replace(
        ABOUT,
        model=NASTY[0],
        data=NASTY[1],
        command=f"wsnet evaluate '{NASTY[0]}'",
        facts=dict.fromkeys(NASTY, NASTY[7]),
        speed=NASTY[2],
        warnings=tuple(NASTY),
        calibration=tuple(NASTY),
    )
    failed = [{"file": name, "error": f"{name}: is damaged"} for name in NASTY]
    return page_of(evaluation(NASTY), noise, about, pictures=True, failed=failed)


def test_whatever_stands_in_a_name_is_text(nasty_page: str) -> None:
    outline = Outline(nasty_page)
    assert not {"script", "b", "i", "iframe", "object", "link", "a"} & set(outline.tags)
    assert outline.tags.count("h1") == 1
    for name in NASTY[:3]:
        assert name in outline.text
    for shown in (r"a\nb\x00\x1b[31m", r"gnp.\u202ewav", r"\udcff"):
        assert shown in outline.text
    assert all(sign.isprintable() or sign == "\n" for sign in nasty_page)
    assert not [name for _tag, name, _value in outline.attributes if name.startswith("on")]


def test_the_page_needs_nothing_from_elsewhere(nasty_page: str) -> None:
    outline = Outline(nasty_page)
    sources = [value for _t, name, value in outline.attributes if name in ("src", "href")]
    assert len(sources) > 2 * 8
    assert all(str(value).startswith("data:") for value in sources)
    policy = [v for _t, name, v in outline.attributes if name == "content" and "none" in str(v)]
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
    ]
    assert "url(" not in nasty_page
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", nasty_page)
    assert len(pictures) == 3
    for picture in pictures:
        svg = base64.b64decode(picture, validate=True).decode()
        assert "<script" not in svg
        assert not re.search(r"href=\"(?!#)(?!data:)", svg)


def test_the_page_can_be_read_aloud(nasty_page: str) -> None:
    outline = Outline(nasty_page)
    assert ("html", "lang", "en") in outline.attributes
    assert outline.tags.count("table") == outline.tags.count("caption") >= 5
    headings = sum(1 for tag, name, _v in outline.attributes if (tag, name) == ("th", "scope"))
    assert headings == outline.tags.count("th")
    hidden = sum(1 for tag, name, _v in outline.attributes if (tag, name) == ("svg", "aria-hidden"))
    assert hidden == outline.tags.count("svg")
    words = [v for tag, name, v in outline.attributes if (tag, name) == ("img", "alt")]
    assert len(words) == outline.tags.count("img")
    assert all(words)
    spoken = [v for tag, name, v in outline.attributes if (tag, name) == ("audio", "aria-label")]
    assert len(spoken) == outline.tags.count("audio") > 0


def test_the_numbers_are_those_of_the_document() -> None:
    evaluated = evaluation(["cat", "dog", "owl"])
    document = document_of(evaluated)
    changed = {**document, "accuracy": 0.12345, "calibration_error": 0.0678, "n_right": 1_234}
    text = " ".join(Outline(render_evaluation(changed, evaluated, ABOUT, silent)).text.split())
    assert "accuracy 12.3 %" in text
    assert "calibration error 6.8 %" in text
    assert f"negative log likelihood {document['negative_log_likelihood']:.3f}" in text
    assert f"Brier score {document['brier_score']:.3f}" in text
    assert "1,234 right" in text
    for row in document["per_class"]:
        keys = ("precision", "recall", "f1", "auroc", "average_precision")
        rates = [f"{100 * row[key]:.1f}" for key in keys]
        assert f"{row['label']} {' '.join(rates)} {row['support']}" in text
    for fold in document["folds"]:
        assert f"{fold['fold']} {fold['n_clips']} {100 * fold['accuracy']:.1f} %" in text
        ends = f"{100 * fold['macro_f1']:.1f} % {100 * fold['calibration_error']:.1f} %"
        assert ends in text
    for point in document["threshold_curve"]:
        share = f"{100 * point['share']:.1f} %"
        assert f"{100 * point['threshold']:.1f} % {point['n_told']} {share}" in text
    assert "model file on disk 12,345 81.0x" in text
    assert "1.5 ms a clip." in text
    assert ABOUT.command in text


def test_classes_stand_by_their_f1_the_lowest_first() -> None:
    evaluated = evaluation(["cat", "dog", "owl"])
    page = page_of(evaluated)
    rows = sorted(document_of(evaluated)["per_class"], key=lambda row: row["f1"])
    places = [page.index(f'<th scope="row">{row["label"]}</th>') for row in rows]
    assert places == sorted(places)


def test_bars_are_as_long_as_their_rates_and_show_their_intervals() -> None:
    evaluated = evaluation(["cat", "dog"])
    document = document_of(evaluated)
    document["per_class"][0].update(recall=0.375, recall_interval=[0.25, 0.5])
    page = render_evaluation(document, evaluated, ABOUT, silent)
    assert '<rect class="p2" width="37.50%" height="100%"/>' in page
    assert '<line x1="25.00%" x2="50.00%" y1="50%" y2="50%"/>' in page


def test_mistakes_can_be_heard_and_seen() -> None:
    evaluated = evaluation(["cat", "dog", "owl"])
    outline = Outline(page_of(evaluated, noise))
    n = int((~evaluated.right).sum())
    assert 3 < n <= MOST_SHOWN
    assert outline.tags.count("audio") == outline.tags.count("article") == n
    assert f"All {n} mistakes, the most certain first" in " ".join(outline.text.split())


def test_a_mistake_without_a_sound_says_why() -> None:
    page = page_of(evaluation(["cat", "dog", "owl"]), silent)
    outline = Outline(page)
    assert "audio" not in outline.tags
    assert "does not exist; <b>expected</b> an audio file" in outline.text


def test_no_more_mistakes_are_shown_than_are_promised() -> None:
    evaluated = evaluation(["cat", "dog", "owl"], n=200, share_right=0.2)
    asked: list[float] = []

    def listen(mistake: Mistake, most_s: float) -> Excerpt:
        asked.append(mistake.score)
        raise AudioError("gone")

    n = int((~evaluated.right).sum())
    assert f"The {MOST_SHOWN} most certain of {n} mistakes" in text_of(page_of(evaluated, listen))
    assert len(asked) == MOST_SHOWN
    assert asked == sorted(asked, reverse=True)


def test_sounds_stop_where_the_page_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_page, "MOST_BYTES", 150_000)
    page = page_of(evaluation(["cat", "dog", "owl"]), noise)
    outline = Outline(page)
    assert 0 < outline.tags.count("audio") < outline.tags.count("article")
    assert "left out: sounds of this page are 0.15 MB at most" in outline.text
    uris = re.findall(r'src="(data:(?:audio|image/png)[^"]+)"', page)
    assert sum(map(len, uris)) <= 150_000


def test_a_cut_clip_says_which_seconds_it_shows() -> None:
    def piece(mistake: Mistake, most_s: float) -> Excerpt:
        assert most_s == evaluation_page.MOST_SECONDS
        return Excerpt(np.zeros(2 * RATE, np.float32), RATE, 12.0, 60.0, (12.5, 13.5))

    page = page_of(evaluation(["cat", "dog"]), piece)
    assert "Seconds 12.0 to 14.0 of 60.0" in text_of(page)
    assert re.search(r'<rect x="[\d.]+" y="-1" width="[\d.]+"', page)


def test_a_model_of_several_labels_has_a_page() -> None:
    text = text_of(page_of(several_labels(), noise, pictures=True))
    assert "mean average precision" in text
    assert "all labels right" in text
    assert "What was taken for what" not in text
    assert re.search(r"(cat|dog|owl) (missed|told) at [\d.]+ %", text)


@pytest.mark.parametrize("n", [2, 100])
def test_few_and_many_classes_have_pages(n: int) -> None:
    evaluated = evaluation([f"class-{i}" for i in range(n)], n=3 * n)
    page = page_of(evaluated, silent, pictures=True)
    text = text_of(page).replace("\N{SOFT HYPHEN}", "")
    assert ("no. class precision" in text) == (n == 100)
    assert len(page) < 500_000


def test_without_scores_there_is_a_page_without_what_they_tell() -> None:
    evaluated = replace(evaluation(["cat", "dog"]), scores=None)
    text = text_of(page_of(evaluated, noise, pictures=True))
    assert "accuracy" in text
    assert "calibration error" not in text
    assert "What scores are worth" not in text
    assert "\N{EN DASH}" in text  # AUROC is not known


def test_a_page_without_mistakes_says_so() -> None:
    text = text_of(page_of(evaluation(["cat", "dog"], n=4, share_right=1.0)))
    assert "None: every clip is right." in text
    assert "could not be read" not in text


def test_clips_that_could_not_be_read_are_named() -> None:
    failed = [{"file": f"{i}.wav", "error": f"{i}.wav: is damaged"} for i in range(250)]
    text = text_of(page_of(evaluation(["cat", "dog"]), failed=failed))
    assert "250 more clips could not be read and count in nothing here" in text
    assert "199.wav: is damaged" in text
    assert "200.wav: is damaged" not in text
    assert "And 50 more." in text


def test_background_files_that_could_not_be_read_are_no_clips() -> None:
    failed = [{"file": "rain.wav", "error": "rain.wav: is damaged"}]
    background = {
        **{"n_files": 1, "n_clips": 2, "n_false_alarms": 1, "false_alarm_rate": 0.5},
        **{"false_alarms_per_hour": 3.0, "curve": [], "failed": failed},
    }
    document = {**document_of(evaluation(["cat", "dog"])), "background": background}
    page = render_evaluation(
        {**document, "failed": failed}, evaluation(["cat", "dog"]), ABOUT, silent
    )
    assert text_of(page).count("rain.wav: is damaged") == 1
    assert "Background files that could not be read" in text_of(page)
    assert "count in nothing here" not in text_of(page)


def test_what_is_true_of_one_of_several_models_says_so() -> None:
    evaluated = evaluation(["cat", "dog"])
    one_of = "fold-1-seed-0, the first of 3 runs"
    about = replace(ABOUT, one_of=one_of)
    text = text_of(render_evaluation(document_of(evaluated), evaluated, about, silent))
    assert f"Bytes of {one_of}, and" in text
    assert f"The model of {one_of}" in text


def test_what_is_told_and_false_alarms_stand_on_the_page() -> None:
    background = {
        "n_clips": 200,
        "n_false_alarms": 3,
        "false_alarms_per_hour": 21.6,
        "false_alarm_rate": 0.015,
        "failed": [{"file": "b.wav", "error": "b.wav: is empty"}],
        "curve": [{"threshold": t / 10, "false_alarm_rate": 1 - t / 10} for t in range(10)],
    }
    told = {"n_told": 30, "share": 0.75, "n_right": 29, "accuracy": 29 / 30}
    about = replace(ABOUT, unknown=0.625, calibration=("Temperature 1.25.",))
    more = {"told": told, "background": background}
    page = page_of(evaluation(["cat", "dog"]), silent, about, pictures=True, **more)
    text = text_of(page)
    assert "told, with thresholds 75.0 % 30 clips; 96.7 % of them right" in text
    assert "false alarms 1.5 % 3 of 200 background clips 21.6 an hour" in text
    assert "Temperature 1.25." in text
    assert "Background files that could not be read b.wav: b.wav: is empty" in text
    assert "Clips that could not be read" not in text
    drawn = [base64.b64decode(p).decode() for p in re.findall(r"svg\+xml;base64,([^\"]+)", page)]
    assert any("false alarms" in svg and "stored: 62.5 %" in svg for svg in drawn)


def test_the_same_evaluation_makes_the_same_bytes(tmp_path: Path) -> None:
    evaluated = evaluation(["cat", "dog"])
    for name in ("a.html", "b.html"):
        path = tmp_path / name
        write_evaluation_page(path, document_of(evaluated), evaluated, ABOUT, noise)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_bytes().startswith(b"<!DOCTYPE html>\n<html lang")


def test_without_matplotlib_the_import_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from wsnet_cli.cli.shared.light import HEAVY_PACKAGES

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("wsnet_cli.report")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError) as caught:
        from wsnet_cli.report.evaluation_page import render_evaluation  # noqa: F401
    assert caught.value.name in HEAVY_PACKAGES
