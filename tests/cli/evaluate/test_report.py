from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from wsnet_cli.cli.evaluate.report import say_calibration
from wsnet_cli.core.calibrating.calibration import Calibration

FILES = {"confusion.csv", "metrics.json", "per_class.csv", "predictions.csv", "report.html"}


def text_of(page: Path) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.read_text("utf-8")).split())


def test_a_page_lies_beside_the_files_that_it_shows(wsnet, model: str, tones: Path):
    outcome = wsnet("evaluate", model, tones, "--report", "out", "--json")
    assert outcome.code == 0
    assert {path.name for path in Path("out").iterdir()} == FILES
    assert json.loads(Path("out/metrics.json").read_text()) == outcome.document
    assert f"report: {Path('out/report.html').absolute()}" in outcome.stderr
    text = text_of(Path("out/report.html"))
    assert f"accuracy {100 * outcome.document['accuracy']:.1f} %" in text
    assert "Evaluation of tone.wsnet 21 clips of tones" in text
    assert re.search(r"[\d.]+ ms a clip in this evaluation: 21 clips in [\d.]+ s", text)
    n_wrong = outcome.document["n_clips"] - outcome.document["n_right"]
    page = Path("out/report.html").read_text("utf-8")
    assert page.count("<audio") == page.count("<article") == n_wrong > 0


def test_nothing_is_written_over_unasked(wsnet, model: str, tones: Path):
    Path("out").mkdir()
    Path("out/report.html").write_text("mine")
    refused = wsnet("evaluate", model, tones, "--report", "out")
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.error.startswith("--report out: holds report.html already")
    assert [path.name for path in Path("out").iterdir()] == ["report.html"]
    assert wsnet("evaluate", model, tones, "--report", "out", "--force").code == 0
    assert Path("out/report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "taken"), "--report taken: is a file; expected a folder"),
        (("--report", "out", "--against", "esc10"), "--report and --against: expected one of them"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    wsnet, model: str, arguments: tuple[str, ...], message: str
):
    Path("taken").write_text("")
    outcome = wsnet("evaluate", model, "nowhere", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(message)
    assert not Path("out").exists()


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_the_light_install_says_at_once_what_is_missing(
    wsnet, model: str, monkeypatch: pytest.MonkeyPatch, package: str
):
    monkeypatch.setattr(
        "wsnet_cli.cli.shared.light.find_spec", lambda name: None if name == package else name
    )
    outcome = wsnet("evaluate", model, "nowhere", "--report", "out")
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.error.startswith(f"this command needs {package}, which the light install")


def test_clips_that_cannot_be_read_are_named_on_the_page(wsnet, model: str, tones: Path):
    (tones / "low" / "0.wav").write_text("no audio")
    assert wsnet("evaluate", model, tones, "--report", "out").code == 3
    text = text_of(Path("out/report.html"))
    assert "1 more clip could not be read and count in nothing here" in text
    assert "low/0.wav: is a text file, not audio" in text


def test_both_folders_get_the_same_files(wsnet, model: str, tones: Path):
    assert wsnet("evaluate", model, tones, "-o", "a", "--report", "b").code == 0
    for path in Path("a").iterdir():
        assert path.read_bytes() == (Path("b") / path.name).read_bytes()
    assert {path.name for path in Path("a").iterdir()} == FILES - {"report.html"}


def test_a_run_is_shown_on_what_it_held_out(wsnet, trained):
    assert wsnet("evaluate", trained.run, "--report", "out").code == 0
    document = json.loads(Path("out/metrics.json").read_text())
    text = text_of(Path("out/report.html"))
    title = f"Evaluation of {trained.run.name} {document['n_clips']} clips that its run held out"
    assert title in text


@pytest.fixture
def job(trained) -> Path:
    """Two seeds over the same held-out clips, in one folder."""
    runs = []
    for seed in (0, 1):
        name = f"seed-{seed}"
        shutil.copytree(trained.run, Path("job") / name)
        runs.append({"run": name, "fold": None, "seed": seed, "bytes": 1_000, "n_clips": 7})
    Path("job/results.json").write_text(json.dumps({"runs": runs, "failed": []}))
    return Path("job")


def test_several_runs_have_a_page_with_sounds(wsnet, job: Path):
    outcome = wsnet("evaluate", job, "--report", "out", "--json")
    assert outcome.code == 0, outcome.stderr
    page = Path("out/report.html").read_text("utf-8")
    text = text_of(Path("out/report.html"))
    assert "Evaluation of job what 2 runs over folds and seeds said of held-out clips" in text
    assert text.count("seed-0, the first of 2 runs") == 2
    assert "The model stores" not in text
    measures = outcome.document["measures"]
    assert f"accuracy {100 * measures['accuracy']:.1f} %" in text
    assert "2 of 2 times" in text
    assert page.count("<audio") == page.count("<article") > 0
    assert re.search(r"[\d.]+ ms for a window of 0.6 s, the median of 30 of noise", text)


def test_runs_whose_data_is_gone_are_shown_in_silence(wsnet, job: Path, trained):
    shutil.rmtree(trained.data)
    assert wsnet("evaluate", job, "--report", "out").code == 0
    page = Path("out/report.html").read_text("utf-8")
    assert "<audio" not in page
    assert page.count("No sound: ") == page.count("<article") > 0
    assert "no such file or folder; expected a data set" in page


def test_what_a_model_stores_is_said():
    stored = Calibration(1.25, (0.5, 0.25), 0.625, 0.015)
    temperature, unknown, thresholds = say_calibration(stored, ("cat", "dog"))
    assert "a temperature of 1.25" in temperature
    assert "62.5 %, below which a clip is unknown. When it was chosen, 1.5 % of" in unknown
    assert "cat 50.0 %, dog 25.0 %" in thresholds
    (nothing,) = say_calibration(Calibration(), ("cat", "dog"))
    assert nothing == "The model stores no temperature and no thresholds."
