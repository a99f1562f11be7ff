"""The pages of docs/ say what the code does: names, keys, columns, defaults, sizes and examples."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.testing import CliRunner

import wsnet_cli
from wsnet_cli.bench.child import ONE_THREAD
from wsnet_cli.bulk.evaluating.evaluation_files import CLASS_HEADER, LABEL_HEADER
from wsnet_cli.bulk.evaluating.side_by_side import CHANGED_HEADER
from wsnet_cli.bulk.writers.csv_rows import CSV_HEADER
from wsnet_cli.bulk.writers.embeddings import INDEX_COLUMNS
from wsnet_cli.bulk.writers.raven import RAVEN_HEADER
from wsnet_cli.cli.app import app
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.yamlfile import load_yaml
from wsnet_cli.core.errors import AUDIO_FAULTS
from wsnet_cli.core.locate import find_shipped
from wsnet_cli.core.measures.metrics import measure
from wsnet_cli.core.measures.multi_label_metrics import measure_labels
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes, oldest_format, save_model
from wsnet_cli.core.model_file.artifact_header import describe
from wsnet_cli.core.model_file.artifact_numbers import Form, stored_forms
from wsnet_cli.core.model_file.container import DIGEST_NAME, pack
from wsnet_cli.core.quant import BITS, SCHEMES, to_half
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.data.health.findings import FINDINGS
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.health.report import Columns, build_report
from wsnet_cli.engine.engines import missing_reason
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.jobs.jobs import Job
from wsnet_cli.learn.jobs.jobs import Outcome as JobOutcome
from wsnet_cli.learn.jobs.run_to_end import find_finished, run_folder, run_to_end
from wsnet_cli.learn.run.listener import SilentListener

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = Path(wsnet_cli.__file__).parent
PAGES = [*sorted(DOCS.glob("*.md")), *(p for p in [ROOT / "README.md"] if p.exists())]


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def section(page: str, heading: str, level: int = 2) -> str:
    """What stands between a heading and the next one of any level."""
    signs = "#" * level
    return re.split(r"^#+ ", text_of(page).split(f"\n{signs} {heading}\n")[1], flags=re.M)[0]


def table_after(text: str, marker: str) -> list[list[str]]:
    """The cells of the table that follows a marker, without its heading."""
    assert text.count(marker) == 1, marker
    lines = text.split(marker)[1].lstrip().split("\n\n")[0].splitlines()
    assert lines[1].startswith("|---"), marker
    # A line may end the table's paragraph, such as an end marker.
    rows = [line for line in lines[2:] if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def names_in(text: str, marker: str) -> list[str]:
    """What stands in backticks in the first column of the table after a marker."""
    return [row[0].strip("`") for row in table_after(text, marker)]


# ------------------------------------------------------------------------------------- links


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    without_code = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", without_code, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path):
    found = re.findall(r"\]\(\s*([^)\s]+)\s*\)", page.read_text(encoding="utf-8"))
    for link in found:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


# ------------------------------------------------------------------------------ architecture


def test_the_map_names_every_module_and_no_other():
    named = set(re.findall(r"`((?:\w+/)*\w+\.py)`", text_of("architecture.md")))
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    packages = {name for name in files if re.fullmatch(r"(\w+/)+__init__\.py", name)}
    assert files - packages - named == set()
    assert {name for name in named if not (PACKAGE / name).is_file()} == set()
    assert all((PACKAGE / name).read_text("utf-8").count('"""') == 2 for name in packages)


def test_the_map_names_every_file_of_the_kernels():
    rows = table_after(text_of("architecture.md"), "([how they work](engine.md)):")
    files = {path.name for path in (PACKAGE / "engine" / "kernels").iterdir()}
    assert {row[0].strip("`") for row in rows} == files


def test_every_module_has_one_row_of_its_own():
    rows = re.findall(r"^\| `((?:\w+/)+\w+\.py)` \|", text_of("architecture.md"), flags=re.M)
    assert len(rows) == len(set(rows))


def test_the_diagram_shows_the_imports_that_there_are():
    diagram = re.search(r"```\n(cli .*?)```", text_of("architecture.md"), re.S)
    assert diagram
    shown = dict(re.findall(r"^(\w+) +-> (.+)$", diagram[1], flags=re.M))
    packages = set(shown)
    for package, targets in shown.items():
        found: set[str] = set()
        for path in (PACKAGE / package).rglob("*.py"):
            up = r"\." * len(path.relative_to(PACKAGE).parts)
            pattern = rf"^ *from {up}(\w+)"
            found |= set(re.findall(pattern, path.read_text("utf-8"), flags=re.M)) & packages
        assert found == set(targets.split(", ")) - {"nothing"}, package


def test_the_folders_and_dependencies_are_those_there_are():
    folders = [row[0].strip("`") for row in table_after(text_of("architecture.md"), "## Folders")]
    assert all((ROOT / name).is_dir() for name in folders)
    project = (ROOT / "pyproject.toml").read_text("utf-8").split("dependencies = [")[1]
    wanted = re.findall(r'^  "([\w-]+)', project.split("\n]")[0], flags=re.M)
    found = [row[0] for row in table_after(text_of("architecture.md"), "## Dependencies")]
    assert found == wanted


# ----------------------------------------------------------------------------- configuration


def schema(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its default; a section that may be null is a key too."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        parts = [field.annotation, *get_args(field.annotation)]
        if get_origin(field.annotation) is dict:
            yield key, field.default
            key, parts = f"{key}.<layer>", list(get_args(parts[2]))
        sections = [p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)]
        if not sections:
            yield key, field.default
        if type(None) in parts and sections:
            yield key, field.default
        for inner in sections:
            yield from schema(inner, f"{key}.")


def test_every_configuration_key_stands_with_its_default():
    rows = table_after(text_of("training.md"), "<!-- config: begin -->")
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows}
    assert len(documented) == len(rows)
    expected = dict(schema(Config))
    assert list(documented) == list(expected)
    for key, default in expected.items():
        if default is PydanticUndefined:
            assert documented[key] == "required", key
        else:
            plain = list(default) if isinstance(default, tuple) else default
            assert load_yaml(f"x: {documented[key]}", key).value == {"x": plain}, key


def test_the_schema_walk_finds_what_it_should():
    keys = dict(schema(Config))
    assert keys["network.sampling"] is None
    assert keys["network.sampling.layers.<layer>.stride"] is PydanticUndefined
    assert keys["train.seed"] == 0
    assert "train" not in keys


# ------------------------------------------------------------------------------ what is written


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """The dotted path of every value; lists are `[]`, empty ones too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield f"{path}[]" if isinstance(value, list) else path


def assert_documented(document: Any, marker: str, **nested: str) -> None:
    """The document has the keys of the table after `<!-- keys: marker -->`, all and no others.

    `nested` says which table describes the object at a key.
    """
    keys = names_of(marker)
    for key, inner in nested.items():
        keys.remove(key)
        keys += [f"{key}.{name}" for m in inner.split(",") for name in names_of(m)]
    patterns = [re.sub(r"<\w+>", ".+", re.sub(r"([\[\]])", r"\\\1", key)) for key in keys]
    # A list that may be null is a leaf without brackets where it is.
    found = {p if p in keys or f"{p}[]" not in keys else f"{p}[]" for p in leaves(document)}
    unknown = {p for p in found if not any(re.fullmatch(k, p) for k in patterns)}
    missing = {k for k in patterns if not any(re.fullmatch(k, p) for p in found)}
    assert (unknown, missing) == (set(), set())


def names_of(marker: str) -> list[str]:
    page = "leaks.md" if marker == "leaks" else "outputs.md"
    return names_in(text_of(page), f"<!-- keys: {marker} -->")


def columns_of(marker: str) -> list[str]:
    return names_in(text_of("outputs.md"), f"<!-- columns: {marker} -->")


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.stderr
    return result.stdout


def run_json(*arguments: object, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


@pytest.fixture
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tone_model_file(tone_model: Model, in_own_folder: Path) -> Path:
    save_model(Path("tone.wsnet"), tone_model)
    return Path("tone.wsnet")


def test_measures_are_documented():
    scores = np.float32([[0.6, 0.3, 0.1], [0.5, 0.4, 0.1]])
    assert_documented(measure([0, 1], [0, 0], ["a", "b", "c"], scores).as_json(), "measures")
    truth, scores = np.eye(2, dtype=bool), np.eye(2, dtype=np.float32)
    several = measure_labels(truth, scores, ["a", "b"]).as_json()
    assert_documented(several, "measures of several labels")


def test_predictions_are_documented(tone_model_file: Path, tones: Path):
    Path("empty.wav").touch()
    inputs = ("predict", tones / "low", "empty.wav", "-m", tone_model_file)
    document = run_json(*inputs, code=3)
    results = document.pop("results")
    assert_documented({**document, "results": []}, "predict")
    assert_documented({**results[0], **results[-1]}, "predict result")
    lines = run(*inputs, "--format", "jsonl", code=3).splitlines()
    assert [json.loads(line) for line in lines] == results
    header = run(*inputs, "--format", "csv", code=3).splitlines()[0]
    assert header.split(",") == list(CSV_HEADER) == columns_of("predict --format csv")
    header = run(*inputs, "--format", "raven", code=3).splitlines()[0]
    assert header.split("\t") == list(RAVEN_HEADER) == columns_of("predict --format raven")
    run(*inputs, "--embeddings", "e.npy", code=3)
    header = Path("e.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == list(INDEX_COLUMNS) == columns_of("predict --embeddings")


def test_evaluation_is_documented(tone_model_file: Path, tones: Path):
    (tones / "low" / "empty.wav").touch()
    rows = [f"{p.relative_to(tones).as_posix()},{p.parent.name}" for p in tones.rglob("*.wav")]
    text = "".join(f"{row},{i % 2}\n" for i, row in enumerate(rows))
    (tones / "manifest.csv").write_text(f"path,label,fold\n{text}")
    document = run_json("evaluate", tone_model_file, tones, code=3)
    run("evaluate", tone_model_file, tones, "-o", "out", code=3)
    page = section("outputs.md", "`evaluate -o DIR`", level=3)
    assert {p.name for p in Path("out").iterdir()} == set(names_in(page, "with `--force` only.\n"))
    header = Path("out/per_class.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == columns_of("per_class.csv") == list(CLASS_HEADER)
    assert columns_of("per_class.csv of several labels") == list(LABEL_HEADER)
    beside = {key: document.pop(key) for key in ("hop_s", "folds", "failed")}
    assert_documented(beside, "evaluate failures")
    assert document.pop("model") == str(tone_model_file)
    assert_documented(document, "measures")


def test_compression_is_documented(tone_model_file: Path, tones: Path):
    words = ("--bits", "mixed", "--no-fine-tune", "--data", tones, "--max-drop", "100")
    document = run_json("compress", tone_model_file, *words)
    found = document["comparison"]
    keys = ("clip", "start_s", "end_s", "label", "before", "after")
    found["changed"] = found["changed"] or [dict.fromkeys(keys)]
    found["failed"] = [{"file": "low/empty.wav", "error": "why"}]
    assert_documented(document, "compress", comparison="compress comparison")
    assert document["layers"][0].keys() == {"layer", "weights", "bits", "losses"}


def test_thresholds_and_false_alarms_are_documented(tone_model: Model, tones: Path, in_own_folder):
    save_model(Path("cal.wsnet"), replace(tone_model, calibration=Calibration(unknown=0.5)))
    (tones / "low" / "empty.wav").touch()
    document = run_json("evaluate", "cal.wsnet", tones, "--background", tones, code=3)
    assert_documented(document["told"], "evaluate told")
    assert_documented(document["background"], "evaluate background")


def test_calibration_is_documented(tone_model_file: Path, tones: Path):
    (tones / "low/1.wav").write_bytes(b"")
    options = ("--background", tones / "high", "--max-false-alarms", 50)
    document = run_json("calibrate", tone_model_file, tones, *options, code=3)
    nested = {"told": "evaluate told", "unknown": "calibrate unknown"}
    assert_documented(document, "calibrate", **nested)


def test_facts_are_documented(tone_model_file: Path):
    document = run_json("info", tone_model_file)
    of_file = {"ledger", "released_soundnet8_ratio", "of_released_soundnet8"}
    assert of_file <= {name.split("[")[0] for name in names_of("compress")}
    assert of_file <= set(document)
    assert_documented({k: v for k, v in document.items() if k not in of_file}, "info model")
    document = run_json("info", "demo", "--engine")
    assert_documented({"engine": document.pop("engine")}, "info engine")
    assert_documented(document, "info model")
    assert_documented(run_json("doctor"), "doctor")
    assert_documented(run_json("cache"), "cache")


def test_lists_are_documented(tone_model_file: Path, monkeypatch: pytest.MonkeyPatch):
    Path("runs/one").mkdir(parents=True)
    Path("runs/one/config.yaml").touch()
    monkeypatch.setattr("wsnet_cli.core.locate.shipped_folder", lambda: Path.cwd())
    assert_documented(run_json("info"), "info list")


def test_the_measurement_is_documented(tone_model_file: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in ONE_THREAD.items():  # measured in this process
        monkeypatch.setenv(name, value)
    if missing_reason() is not None:
        pytest.skip("the compiled engine was not built: no C compiler")
    document = run_json("bench", tone_model_file, "--peers", "native", "--rounds", "2", "--layers")
    document["left_out"] = [{"subject": "tone.wsnet", "peer": "torch", "reason": "why"}]
    assert_documented(document, "bench")


TINY = (
    *("audio.sample_rate=8000", "audio.window_s=0.25", "network.width=0.0625"),
    *("network.architecture=soundnet8", "network.pooling=every-layer", "network.sampling=null"),
    *("train.batch_size=8", "train.epochs=1"),
)


def test_a_dry_run_is_documented(in_own_folder: Path, tones: Path):
    options = [word for setting in TINY for word in ("-s", setting)]
    assert_documented(run_json("train", tones, *options, "--dry-run"), "train --dry-run")


def test_a_run_is_documented(in_own_folder: Path, tones: Path):
    options = [word for setting in TINY for word in ("-s", setting)]
    document = run_json("train", tones, *options, "--threads", "1")
    run("compress", document["run"])
    run("calibrate", document["run"], tones)
    assert_documented(document, "train", metrics="measures")
    folder = Path(document["run"])
    page = section("outputs.md", "The run folder")
    assert {p.name for p in folder.iterdir()} == set(names_in(page, "wrote there.\n"))
    for name in ("split.csv", "metrics.csv", "predictions.csv"):
        header = (folder / name).read_text("utf-8").splitlines()[0]
        scores = ",".join(f"score:{label}" for label in ("high", "low", "middle"))
        assert header.replace(scores, "score:<label>").split(",") == columns_of(name)
    assert_documented(json.loads((folder / "env.json").read_text("utf-8")), "env.json")
    assert_documented(json.loads((folder / "metrics.json").read_text("utf-8")), "measures")
    header = (folder / "confusion.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == ["true", "high", "low", "middle"]


def test_several_runs_are_documented(in_own_folder: Path, tones: Path):
    options = [word for setting in TINY for word in ("-s", setting)]
    document = run_json("train", tones, *options, "--seeds", "0,", "--name", "several")
    folder = Path(document.pop("job"))
    assert document == json.loads((folder / "results.json").read_text("utf-8"))
    document["failed"] = [{"run": "seed-1", "error": "why"}]
    assert_documented(document, "results.json")
    page = section("outputs.md", "Several runs")
    assert {p.name for p in folder.iterdir()} == {*names_in(page, "and:\n"), "seed-0"}
    header = (folder / "results.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == columns_of("results.csv")
    pooled = run_json("evaluate", folder)
    measures = pooled.pop("measures")
    assert pooled.pop("model") == str(folder)
    pooled["failed"] = document["failed"]
    assert pooled == document
    assert measures.pop("folds") == []
    assert names_of("evaluate several runs") == ["measures"]
    assert_documented(measures, "measures")
    predictions = folder / "seed-0" / "predictions.csv"
    Path("other").mkdir()
    text = predictions.read_text("utf-8")
    text = re.sub(r"(\w+),\w+,(0\.\d{6}),", r"\1,\1,\2,", text)
    Path("other/predictions.csv").write_text(text, encoding="utf-8", newline="\n")
    compared = run_json("evaluate", folder, "--against", "other", "-o", "out")
    assert compared.pop("failed") == []
    compared["failed"] = [{"file": "a.wav", "error": "why"}]
    assert_documented(compared, "evaluate --against")
    header = Path("out/changed.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == columns_of("changed.csv") == list(CHANGED_HEADER)


def test_a_sweep_is_documented(in_own_folder: Path, tones: Path, monkeypatch: pytest.MonkeyPatch):
    def run_here(jobs: list[Job], *_: object) -> list[JobOutcome]:
        for job in jobs:
            run_to_end(job.request, SilentListener())
        return [JobOutcome(job.name, find_finished(run_folder(job.request))) for job in jobs]

    monkeypatch.setattr("wsnet_cli.learn.jobs.sweep.run_jobs", run_here)
    settings = [*TINY, "network.sampling.stride=2", "network.width=0.25"]
    options = [word for setting in settings for word in ("-s", setting)]
    document = run_json("sweep", tones, *options, "--kb", "8")
    folder = Path(document.pop("sweep"))
    assert Path(document.pop("picture")) == folder / "frontier.svg"
    assert document == json.loads((folder / "frontier.json").read_text("utf-8"))
    document["failed"] = [{"run": "dense/seed-0", "error": "why"}]
    document["left_out"] = [{"point": "narrow-8kb", "reason": "why"}]
    assert_documented(document, "frontier.json")
    page = section("outputs.md", "A sweep")
    networks = {"sampled-8kb", "narrow-8kb", "dense"}
    assert {p.name for p in folder.iterdir()} == {*names_in(page, "networks lie:\n"), *networks}
    header = (folder / "frontier.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == columns_of("frontier.csv")
    measures = json.loads((folder / "dense" / "seed-0" / "metrics.q8.json").read_text("utf-8"))
    assert_documented(measures, "measures")


def test_the_demo_is_documented(in_own_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wsnet_cli.cli.demo.CLIPS_PER_KIND", 2)
    monkeypatch.setattr("wsnet_cli.cli.demo.UNHEARD_PER_KIND", 1)
    monkeypatch.setattr(
        "wsnet_cli.core.configuration.config_file.load_config",
        lambda name: load_config(name, ("train.epochs=1",)),
    )
    document = run_json("demo")
    assert (document["evaluation"].pop("folds"), document["evaluation"].pop("failed")) == ([], [])
    assert_documented(document, "demo", evaluation="measures")


def test_prepared_folders_are_documented(in_own_folder: Path, tones: Path):
    shutil.copy(tones / "low" / "0.wav", tones / "low" / "copy.wav")
    (tones / "low" / "empty.wav").touch()
    (tones / "low" / "out.wav").symlink_to("/outside.wav")
    rows = [p for p in sorted(tones.rglob("*.wav")) if p.name != "out.wav"]
    text = "".join(
        f"{p.relative_to(tones).as_posix()},{p.parent.name},{i % 2},g{i // 2}\n"
        for i, p in enumerate(rows)
    )
    (tones / "manifest.csv").write_text(f"path,label,fold,group\n{text}")
    command = ("prepare", tones, "-o", "out", "--rate", "8000")
    assert_documented(run_json(*command, "--dry-run"), "prepare --dry-run")
    document = run_json(*command, "--report", code=3)
    report = document.pop("report")
    assert_documented({**document, "report": None}, "prepare")
    assert report == json.loads(Path("out/report.json").read_text("utf-8"))
    leaks = report.pop("leaks")
    leaks["between"] = leaks["between"] or [{"parts": ["a"], "clusters": 1}]
    assert_documented(leaks, "leaks")
    page = section("outputs.md", "The prepared folder")
    visible = {p.name for p in Path("out").iterdir() if not p.name.startswith(".")}
    assert visible == {name.strip("/") for name in names_in(page, "was stopped.\n")}
    assert_documented(json.loads(Path("out/prepared.json").read_text("utf-8")), "prepared.json")
    header = Path("out/clips.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",") == columns_of("clips.csv")


def test_a_prepared_multi_label_set_is_documented(in_own_folder: Path, tones: Path):
    rows = [p.relative_to(tones).as_posix() for p in sorted(tones.rglob("*.wav"))]
    labels = ("low", "high;low", "")
    text = "".join(f"{name},{labels[i % 3]}\n" for i, name in enumerate(rows))
    (tones / "manifest.csv").write_text(f"path,label\n{text}")
    run("prepare", tones, "-o", "out", "--rate", "8000")
    marker = json.loads(Path("out/prepared.json").read_text("utf-8"))
    (more,) = names_of("prepared.json of a multi-label set")
    assert marker.pop(more) is True
    assert_documented(marker, "prepared.json")


def test_the_health_report_is_documented():
    health = np.zeros(2, HEALTH)
    health["duration_s"], health["n_channels"] = 1.0, 1
    failures = {1: ("empty", "is empty")}
    columns = Columns("{}.wav".format, ["a"], [0, 0], ["train"], [0, 0], health, failures)
    about = {"layout": "class folders", "split": "none"}
    document = build_report(columns, about=about, left_out=[("x.txt", "is text")])
    document["findings"] = [row for row in document["findings"] if row["examples"]]
    assert_documented(document, "report.json")


def test_the_thresholds_and_kinds_of_the_health_report_stand_on_its_page():
    page = text_of("data-health.md")
    assert names_in(page, "## Findings") == [finding.name for finding in FINDINGS]
    kinds = {row[0].strip("`"): row[1] for row in table_after(page, "## Refused files")}
    assert kinds == AUDIO_FAULTS
    fields = re.findall(r"`(\w+)`", " ".join(r[0] for r in table_after(page, "decoding again):")))
    assert tuple(fields) == HEALTH.names


# ---------------------------------------------------------------------------- the model file


def code_of(heading: str) -> dict[str, Any]:
    """What the example below a heading of format.md defines."""
    block = re.search(r"```python\n(.*?)```", section("format.md", heading), re.S)
    assert block
    names: dict[str, Any] = {}
    exec(block[1], names)
    return names


@given(data=st.data(), bits=st.sampled_from([32, *BITS]), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_reader_and_the_writer_of_the_page_work(
    data: Any, bits: int, seed: int, networks: Any, make_model: Callable[..., Model]
):
    network, n_window = data.draw(networks)
    hop = data.draw(st.integers(1, n_window))
    normalise = data.draw(st.sampled_from(["rms", "none"]))
    rate = 1_000
    audio = AudioSettings(rate, n_window / rate, hop / rate, normalise, 0.01)
    words = st.text(st.characters(codec="utf-8"), min_size=1)
    n = network.n_classes
    labels = data.draw(st.lists(words, min_size=n, max_size=n, unique=True))
    model = replace(make_model(network, audio, seed), labels=tuple(labels))
    model = replace(
        model,
        multi_label=data.draw(st.booleans()),
        calibration=Calibration(data.draw(st.sampled_from([1.0, 0.4, 3.0]))),
    )
    if bits != 32:
        n_layers = len(model.weights)
        each = [bits, *data.draw(st.lists(st.sampled_from(BITS), min_size=n_layers))]
        model = compress(model, each[:n_layers], data.draw(st.sampled_from(SCHEMES)))
    rng = np.random.default_rng(seed)
    clip = np.zeros(data.draw(st.integers(1, 3 * n_window)), np.float32)
    clip[len(clip) // 4 :] = rng.uniform(-1, 1, len(clip) - len(clip) // 4)
    expected = Classifier(model).classify(clip, rate)

    reader, writer = code_of("A reader"), code_of("A writer")
    for form, own in stored_forms(model):  # every form, not only the smallest
        version = max(oldest_format(model), 1 if form.coding == "plain" else 3)
        content = pack(own, {"format": version, **describe(model, form)})
        found = reader["scores"](content, clip)
        assert tuple(found) == model.labels
        np.testing.assert_allclose(list(found.values()), expected, atol=1e-4)
        document, tensors = reader["read_file"](content)
        del tensors[DIGEST_NAME]
        assert writer["write_file"](document, tensors) == content
        assert_written(writer, model, form, own)
    assert model_to_bytes(model) in {
        pack(own, {"format": version, **describe(model, form)})
        for version in (1, 2, 3, 4)
        for form, own in stored_forms(model)
    }


def assert_written(
    writer: dict[str, Any], model: Model, form: Form, tensors: dict[str, Any]
) -> None:
    """The page's functions for codes and constants give what wsnet writes."""
    if form.coding != "plain":
        parts = [part for own in model.weights for part in own.parts]
        codes, bits = [part.codes.ravel() for part in parts], [part.bits for part in parts]
        assert writer[form.coding](codes, bits) == tensors["codes"].tobytes()
        if tensors["constants"].dtype == np.uint8:
            constants = [
                to_half(array)[0]
                for own in model.weights
                for array in (own.multiplier, own.bias)
                if array is not None
            ]
            assert writer["planes"](np.concatenate(constants)) == tensors["constants"].tobytes()


def test_the_reader_of_the_page_refuses_changed_bytes(small_model: Model):
    content = bytearray(model_to_bytes(small_model))
    content[-40] ^= 1
    with pytest.raises(ValueError, match="cut or altered"):
        code_of("A reader")["read_file"](bytes(content))


def test_the_measured_sizes_are_those_of_today(monkeypatch: pytest.MonkeyPatch):
    """But for coded numbers, which another version of zlib may code a little differently."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")  # as where it is run as a script
    script = runpy.run_path(str(ROOT / "benchmarks" / "file_sizes.py"))
    columns = script["columns"](load_model(find_shipped("esc10")))
    page = section("format.md", "Measured sizes")
    rows = table_after(page, "(`python benchmarks/file_sizes.py`):")
    cells = [[cell.strip("*").replace(",", "") for cell in row[1:]] for row in rows]
    shown = [[int(cell or 0) for cell in column] for column in zip(*cells, strict=True)]
    assert len(rows) == len(script["PARTS"]) + 2
    for column, expected in zip(shown, columns.values(), strict=True):
        assert column == pytest.approx(expected, rel=0.01)
        uncoded = [0, 2, 5, 7]
        assert [column[i] for i in uncoded] == [expected[i] for i in uncoded]
