"""The scripts of results in `benchmarks/`: rows, jobs, what is kept of them, and the tables."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.configuration.config_file import dump_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ArtifactError, ConfigError, DataError, UsageError
from wsnet_cli.core.measures.metrics import wilson_interval
from wsnet_cli.core.measures.predictions import ClipKey, Prediction, Predictions, write_predictions
from wsnet_cli.core.model import compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes, save_model
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.data.packing.content import content_key
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.jobs.experiment_folder import Experiment, place_experiment
from wsnet_cli.learn.run.request import Request

ROOT = Path(__file__).parents[1]
ROWS = """
tables:
  all: {title: All, compare: [[small, big]]}
rows:
  small:
    title: Small
    data: fsdd-speakers
    config: esc10-narrow
    set: {audio.sample_rate: 8000, network.width: 0.125, train.clip_norm: null, train.drops: [0.5]}
    max_kb: 16
    teacher: big
    seeds: 2
    tables: [all]
  big:
    title: Big
    data: fsdd-speakers
    config: esc10-narrow
    set: {audio.sample_rate: 8000, audio.window_s: 0.75, network.width: 0.0625, train.epochs: 40}
    seeds: 1
    tables: [all]
"""
EPOCHS = range(1, 41)
SPEAKERS, WORDS = ("ann", "bob"), ("0", "1")
ENVIRONMENT = {
    **{"data": "fsdd", "layout": None, "pattern": None, "preset": "esc10-narrow"},
    **{"fold": "ann", "threads": 1, "device": "cpu", "wsnet": "0.1.0"},
    "packages": {"torch": "2.13.0"},
}


@pytest.fixture(scope="module")
def scripts() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import choosing_tables
        import mistakes_table
        import page_table
        import record_job
        import results_table
        import row_files
        import row_jobs
        import row_measures
        import rows_file
        import run_rows

        yield SimpleNamespace(
            choosing_table=choosing_tables.table,
            mistakes_table=mistakes_table.table,
            write_or_check=page_table.write_or_check,
            **vars(rows_file) | vars(row_jobs) | vars(row_files) | vars(row_measures),
            record_job=record_job,
            results_table=results_table,
            run_rows=run_rows,
        )
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture
def rows(scripts: Any) -> Any:
    return scripts.parse_rows(ROWS, "rows.yaml")


# ------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_kb: 16", "max_kB: 16", r"rows.yaml:10: rows.small.max_kB: unknown key; leave it out"),
        ("    data: fsdd-speakers\n", "", r"rows.yaml:5: rows.small.data is missing; add it"),
        ("seeds: 2", "seeds: 0", r"rows.small.seeds = '0'; expected greater than or equal to 1"),
        ("data: fsdd-speakers", "data: esc11", r"rows.small.data = 'esc11'; expected 'esc10', "),
        ("{audio.sample_rate: 8000, net", "{a: {b: 1}, net", r"rows.small.set.a = .* a number, te"),
        ("teacher: big", "teacher: bigger", r"rows.small.teacher: no row bigger"),
        ("teacher: big", "teacher: small", r"rows.small.teacher: small learns from itself"),
        ("    tables: [all]", "    tables: [al]", r"rows.small.tables: no table al; tables: all"),
        ("[[small, big]]", "[[small, bag]]", r"tables.all.compare: no row bag"),
        ("title: All,", "title: All, base: bag,", r"tables.all.base: bag is no row of it"),
        ("title: All,", "title: All, control: bag,", r"tables.all.control: bag is no row of it"),
        ("  small:", "  ../small:", r"rows.../small: is no name for a row"),
        ("drops: [0.5]", "drops: '[0.5'", None),
        ("drops: [0.5]", "drops: '0.5'", r"set.train.drops = '0.5': cannot be set as text"),
    ],
)
def test_rows_are_checked(scripts: Any, old: str, new: str, message: str | None):
    text = ROWS.replace(old, new, 1)
    assert text != ROWS
    if message is None:
        scripts.parse_rows(text, "rows.yaml")
        return
    with pytest.raises(ConfigError, match=message) as found:
        scripts.parse_rows(text, "rows.yaml")
    assert "\n" not in str(found.value)


def test_a_teacher_comes_first_and_along(rows: Any):
    assert rows.choose([]) == rows.choose(["small"]) == ["big", "small"]
    with pytest.raises(UsageError, match=r"^large: no such row; rows: small, big"):
        rows.choose(["large"])


def test_the_command_of_a_row(scripts: Any, rows: Any):
    (step,) = scripts.plan_row(rows, "small", None, None, None)
    asked = SimpleNamespace(device=None, jobs=None)
    words = scripts.run_rows.command_of(step, rows.rows["small"], "$DATA", asked)
    assert scripts.run_rows.shown(words) == (
        "wsnet train $DATA/fsdd --pattern '{label}_{fold}_{index}' --fold all -c esc10-narrow "
        "--set audio.sample_rate=8000 --set network.width=0.125 --set train.clip_norm=null "
        "--set 'train.drops=[0.5]' --max-kb 16 --teacher runs/big --seeds 2 --name small"
    )
    config = rows.rows["small"].read_config()
    assert (config.train.clip_norm, config.train.drops) == (None, (0.5,))
    (step,) = scripts.plan_row(rows, "big", None, 3, "ann,bob")
    assert step.options[-4:] == ("--seeds", "3", "--name", "big-folds-ann-bob")


def test_every_row_of_the_project_has_a_network(scripts: Any):
    rows = scripts.read_rows()
    for row in rows.rows.values():
        config = row.read_config()
        assert build_network(config.network, 10, audio_settings(config.audio).window_samples)


# ------------------------------------------------------------------------------------- jobs


def begin(scripts: Any, root: Path, name: str, row: Any, seeds: tuple[int, ...]) -> Path:
    config = row.read_config()
    request = Request(root / "fsdd", config, "x", name, runs=root / "runs", fold="all")
    request = replace(request, layout="pattern", pattern=row.place.options[1])
    return place_experiment(Experiment(request, SPEAKERS, seeds, "x"), force=False)


def finish(job: Path, seeds: tuple[int, ...]) -> None:
    runs = [
        {"run": f"fold-{fold}-seed-{seed}", "fold": fold, "seed": seed, "bytes": 1, "n_clips": 1}
        for fold in SPEAKERS
        for seed in seeds
    ]
    (job / "results.json").write_text(json.dumps({"runs": runs, "failed": []}))


def test_what_is_missing_of_a_row_is_planned(scripts: Any, rows: Any, tmp_path: Path):
    def plan(n_seeds: int) -> list[Any]:
        return list(scripts.plan_row(rows, "big", tmp_path, n_seeds, None))

    assert [step.resumes for step in plan(1)] == [False]
    job = begin(scripts, tmp_path, "big", rows.rows["big"], (0,))
    assert [step.options for step in plan(1)] == [("--resume", "runs/big")]
    finish(job, (0,))
    assert plan(1) == []
    (more,) = plan(3)
    assert more.options[-4:] == ("--seeds", "1,2", "--name", "big-from-1")
    finish(begin(scripts, tmp_path, "big-from-1", rows.rows["big"], (1, 2)), (1, 2))
    assert plan(3) == []


def test_seeds_that_were_trained_elsewhere_are_left_out(scripts: Any, rows: Any, tmp_path: Path):
    (more,) = scripts.plan_row(rows, "big", tmp_path, 3, None, 1)
    assert more.options[-4:] == ("--seeds", "1,2", "--name", "big-from-1")
    finish(begin(scripts, tmp_path, "big-from-1", rows.rows["big"], (1, 2)), (1, 2))
    assert list(scripts.plan_row(rows, "big", tmp_path, 3, None, 1)) == []


def test_a_job_of_other_settings_is_refused(scripts: Any, rows: Any, tmp_path: Path):
    job = begin(scripts, tmp_path, "big", rows.rows["big"], (0,))
    other = scripts.parse_rows(ROWS.replace("audio.window_s: 0.75", "train.lr: 0.5"), "rows.yaml")
    with pytest.raises(UsageError, match=r"big: was begun with audio.window_s = 0.75, and the row"):
        list(scripts.plan_row(other, "big", tmp_path, 1, None))
    wider = rows.rows["big"].model_copy(
        update={"set": {**rows.rows["big"].set, "network.width": 1}}
    )
    with pytest.raises(UsageError, match=r"was begun with network = another one"):
        scripts.check_job("big", wider, job, scripts.open_experiment(job))
    smaller = rows.rows["big"].model_copy(update={"max_kb": 16.0})
    with pytest.raises(UsageError, match=r"was begun with --max-kb 0, and the row big has 16.0"):
        scripts.check_job("big", smaller, job, scripts.open_experiment(job))


# -------------------------------------------------------------------------------- what is kept


@pytest.fixture
def job(scripts: Any, rows: Any, tmp_path: Path) -> Path:
    """A finished job of the row `big`, whose models have random weights."""
    from wsnet_cli.bench.subjects import random_model

    row = rows.rows["big"]
    job = begin(scripts, tmp_path, "big", row, (0,))
    finish(job, (0,))
    rng = np.random.default_rng(0)
    (tmp_path / "fsdd").mkdir()
    config = row.read_config()
    audio = audio_settings(config.audio)
    model = random_model(build_network(config.network, 2, audio.window_samples), audio)
    model = replace(model, labels=WORDS)
    for i, speaker in enumerate(SPEAKERS):
        run = job / f"fold-{speaker}-seed-0"
        run.mkdir()
        save_model(run / "model.wsnet", model)
        (run / "config.yaml").write_text(dump_config(config))
        (run / "env.json").write_text(json.dumps(ENVIRONMENT))
        epochs = [f"{n},{3 if n < 39 else 40 - n},{'' if n > 2 else f'0.{i * n}'}" for n in EPOCHS]
        (run / "metrics.csv").write_text("\n".join(("epoch,loss,held_out_accuracy", *epochs)))
        lines, said = ["clip,label,part,start_s,end_s,content"], []
        for name in (f"{word}_{speaker}_{n}.wav" for word in WORDS for n in range(3)):
            path = tmp_path / "fsdd" / name
            soundfile.write(path, 0.1 * rng.standard_normal(8000), 8000)
            key = content_key(scripts.record_job.FileAudio().digests([_clip(path)])[0], None, None)
            lines.append(f"{name},{name[0]},test,,,{key}")
            scores = Classifier(model).classify_file(path)
            predicted = WORDS[int(scores.argmax())]
            said.append(Prediction(ClipKey(name, "", "", key), name[0], predicted, scores.max()))
        (run / "split.csv").write_text("\n".join(lines) + "\n")
        write_predictions(run, Predictions(tuple(said)))
    return job


def _clip(path: Path) -> Any:
    return SimpleNamespace(path=path)


def test_a_job_is_kept(scripts: Any, rows: Any, job: Path, tmp_path: Path, capsys: Any):
    row, folder = rows.rows["big"], tmp_path / "o"
    folder.mkdir()
    document = scripts.record_job.record([job], "big", row, None, folder)
    scripts.write_json(folder / "big.json", document)
    assert capsys.readouterr().err.count(": 0 predictions other than") == 2
    found = scripts.read_row_file("big", "fsdd-speakers", folder)
    assert found.document == document
    assert "0_ann_0.wav" in (folder / "clips-fsdd-speakers.json").read_text()
    run = document["runs"][0]
    path = job / "fold-ann-seed-0" / "model.wsnet"
    small = len(model_to_bytes(compress(load_model(path))))
    assert run["bytes"] == {"float32": path.stat().st_size, "int8": small}
    assert (run["epochs"], run["late_loss"]) == (40, 0.5)  # the last two: 1 and 0
    assert (run["device"], found.devices, found.loss) == ("cpu", ["cpu"], 0.5)
    assert (run["wsnet"], run["torch"]) == ("0.1.0", "2.13.0")
    assert run["best_look"] == {"epoch": 1, "accuracy": 0.0}
    assert document["runs"][1]["best_look"] == {"epoch": 2, "accuracy": 0.2}
    said = [row.predicted for row in scripts.record_job.read_predictions(path.parent).rows]
    assert [WORDS[i] for i in run["float32"]] == said
    assert found.recordings().tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]
    assert document["command"].startswith("wsnet train $DATA/fsdd --pattern ")


def test_runs_of_other_seeds_are_added(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    row, record_job = rows.rows["big"], scripts.record_job
    document = record_job.record([job], "big", row, None, tmp_path)
    with pytest.raises(UsageError, match=r"big.json: is not there; expected runs to add to"):
        record_job.add_to_file(document, row, tmp_path)
    later = json.loads(json.dumps(document))
    later["config"]["train"]["seed"] = 1
    for run in later["runs"]:
        run["seed"], run["int8"] = 1, [1 - said for said in run["int8"]]
    scripts.write_json(tmp_path / "big.json", later)
    with pytest.raises(UsageError, match=r"big.json: has a seed of the jobs; expected jobs of oth"):
        record_job.add_to_file(later, row, tmp_path)
    both = record_job.add_to_file(document, row, tmp_path)
    assert both["runs"] == [*document["runs"], *later["runs"]]
    assert "--seeds 2 " in both["command"]
    scripts.write_json(tmp_path / "big.json", both)
    assert scripts.read_row_file("big", "fsdd-speakers", tmp_path).seeds == [0, 1]
    document["config"]["train"]["lr"] = 1.0
    with pytest.raises(UsageError, match=r"big.json: has another config than the jobs; expected"):
        record_job.add_to_file(document, row, tmp_path)


def test_a_job_is_measured_with_the_hop_of_its_row(
    scripts: Any, rows: Any, job: Path, tmp_path: Path
):
    def record(hop_s: float) -> Any:
        row = rows.rows["big"]
        row = row.model_copy(update={"set": {**row.set, "audio.hop_s": hop_s}})
        folder = tmp_path / str(hop_s)
        folder.mkdir()
        document = scripts.record_job.record([job], "big", row, None, folder)
        assert f"--set audio.hop_s={hop_s}" in document["command"]
        return document

    usual, denser = record(0.375), record(0.001)
    assert (usual["config"]["audio"]["hop_s"], denser["config"]["audio"]["hop_s"]) == (0.375, 0.001)
    model = load_model(job / "fold-ann-seed-0" / "model.wsnet")
    classifier = Classifier(model, "native").recut(None, 0.001)
    files = [tmp_path / "fsdd" / f"{word}_ann_{n}.wav" for word in WORDS for n in range(3)]
    assert denser["runs"][0]["float32"] == [
        int(classifier.classify_file(path).argmax()) for path in files
    ]


def test_a_job_of_changed_clips_is_not_kept(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    soundfile.write(tmp_path / "fsdd" / "0_bob_1.wav", np.ones(4000), 8000)
    with pytest.raises(DataError, match=r"0_bob_1.wav: is gone or has changed since training"):
        scripts.record_job.record([job], "big", rows.rows["big"], None, tmp_path)
    with pytest.raises(UsageError, match="not every fold once for each seed"):
        scripts.record_job.record([job, job], "big", rows.rows["big"], None, tmp_path)


def test_a_job_without_a_fold_is_not_kept(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    runs = json.loads((job / "results.json").read_text())
    runs["runs"] = [run for run in runs["runs"] if run["fold"] != "bob"]
    (job / "results.json").write_text(json.dumps(runs))
    with pytest.raises(UsageError, match="do not hold out every fold of the data; they lack bob"):
        scripts.record_job.record([job], "big", rows.rows["big"], None, tmp_path)


def test_a_run_of_fewer_epochs_is_not_kept(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    path = job / "fold-bob-seed-0" / "metrics.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="bob-seed-0: trained 39 epochs, and the row has 40"):
        scripts.record_job.record([job], "big", rows.rows["big"], None, tmp_path)


def test_another_model_than_spoke_is_not_kept(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    run = job / "fold-bob-seed-0"
    said = scripts.record_job.read_predictions(run).rows
    other = tuple(replace(row, predicted=WORDS[1 - WORDS.index(row.predicted)]) for row in said)
    write_predictions(run, Predictions(other))
    with pytest.raises(DataError, match="its model is not the one whose predictions"):
        scripts.record_job.record([job], "big", rows.rows["big"], None, tmp_path)


# ------------------------------------------------------------------------------ what it says


def row_file(scripts: Any, int8: dict[tuple[str, int], list[int]]) -> Any:
    """Four clips of class 0: two of fold 1, of one recording, and two of fold 2."""
    clips = scripts.ClipList(
        ("a", "b"), ("p", "q", "r", "s"), (0, 0, 0, 0), ("1", "2", "1", "2"), ("x", "y", "x", "z")
    )
    looks = {"1": 0.5, "2": 1.0}
    runs = [
        {"fold": fold, "seed": seed, "int8": said, "float32": said, "bytes": {"int8": 10 + seed}}
        | {"best_look": {"epoch": 1, "accuracy": looks[fold]}, "late_loss": looks[fold]}
        | {"device": "cuda" if seed else "cpu"}
        for (fold, seed), said in int8.items()
    ]
    document = {"row": "big", "data": "esc10", "runs": runs}
    document |= {"parameters": 1234, "multiply_adds": 2_500_000}
    return scripts.RowFile(document, clips)


def test_predictions_find_their_clips(scripts: Any):
    found = row_file(
        scripts, {("2", 0): [0, 1], ("1", 0): [0, 0], ("1", 1): [1, 0], ("2", 1): [0, 0]}
    )
    assert found.right("int8").tolist() == [[True, True, True, False], [False, True, True, True]]
    assert found.recordings().tolist() == [0, 1, 0, 2]
    assert found.largest("int8") == 11
    assert (found.devices, found.loss) == (["cpu", "cuda"], 0.75)
    assert scripts.best_look(found) == 0.75
    accuracy = scripts.accuracy_of(found.right("int8"), found.recordings())
    assert (accuracy.mean, accuracy.of_seeds, accuracy.spread) == (0.75, (0.75, 0.75), 0.0)


def test_clips_of_one_recording_widen_the_interval(scripts: Any):
    right = np.repeat(np.random.default_rng(0).random(50) < 0.8, 8)[np.newaxis]

    def width(recordings: np.ndarray) -> float:
        low, high = scripts.accuracy_of(right, recordings).interval
        return float(high - low)

    together = width(np.repeat(np.arange(50), 8))
    assert together == pytest.approx(width(np.arange(400)) * 8**0.5, rel=0.15)


def test_where_all_are_right_the_interval_still_has_a_width(scripts: Any):
    found = scripts.accuracy_of(np.ones((2, 300), np.bool_), np.repeat(np.arange(100), 3))
    assert found.interval == wilson_interval(100, 100)


def test_where_few_are_wrong_the_interval_ends_below_one(scripts: Any):
    """Three wrong of 300: drawing again meets none of them one time in twenty."""
    right = np.ones((1, 300), np.bool_)
    right[0, :3] = False
    found = scripts.accuracy_of(right, np.arange(300))
    assert found.interval == wilson_interval(297, 300)
    right[0, :11] = False
    assert scripts.accuracy_of(right, np.arange(300)).interval != wilson_interval(289, 300)


def test_a_few_speakers_are_drawn_again_however_few_clips_are_wrong(scripts: Any):
    right = np.ones((1, 300), np.bool_)
    right[0, :30] = False  # of the first of six
    low, high = scripts.accuracy_of(right, np.repeat(np.arange(6), 50)).interval
    assert 0.7 <= low < 0.9 < high == 1.0


def test_rows_are_compared_on_the_clips_of_both(scripts: Any):
    first = row_file(scripts, {("1", 0): [0, 0], ("2", 0): [1, 1]})
    second = row_file(scripts, {("1", 0): [1, 0]})
    found, n_clips = scripts.compare_rows(first, second, "int8")
    assert (n_clips, found.difference, found.accuracies) == (2, 0.5, (1.0, 0.5))
    whole = row_file(scripts, {("1", 0): [1, 0], ("2", 0): [0, 0]})
    found, n_clips = scripts.compare_rows(first, whole, "int8", ["1"])
    assert (n_clips, found.difference) == (2, -1.0)
    with pytest.raises(DataError, match="held out no clip both"):
        scripts.compare_rows(row_file(scripts, {("2", 0): [1, 1]}), second, "int8")


def test_the_table_says_what_the_files_say(scripts: Any, rows: Any):
    both = {("1", 0): [0, 0], ("2", 0): [0, 1]}
    files = {
        "small": row_file(scripts, both),
        "big": row_file(scripts, {("1", 0): [1, 0], ("2", 0): [1, 1]}),
    }
    table = scripts.results_table
    page = "x\n<!-- table all: begin -->\nformer\n<!-- table all: end -->\ny\n"
    made = table.fill(page, rows, files, {"small": 1.234})
    assert made.startswith("x\n<!-- table all: begin -->\n### All\n")
    assert made.endswith("\n<!-- table all: end -->\ny\n")
    assert "former" not in made
    assert "| Small ([small](results/small.json)) | 1,234 | 10 B | 1153015.2x |" in made
    assert "| 2.5 | 1.23 | 75.00 | 75.00 (" in made
    assert "| - | 1 x 2, cpu | 0.750 | 75.00 |" in made
    assert "| small minus big | +50.00 (" in made
    assert table.fill(made, rows, files, {"small": 1.234}) == made
    assert "None of its rows" in table.fill(page, rows, {}, {})
    one = table.fill(page, rows, {"small": files["small"]}, {})
    assert "minus" not in one
    assert "Not trained or not recorded yet: `big`." in one
    rows.rows["big"] = rows.rows["big"].model_copy(update={"chosen_on": ("1",)})
    assert "| small minus big, without fold 1 | +50.00 (" in table.fill(page, rows, files, {})
    with pytest.raises(ConfigError, match="has no place for a table; add the lines <!-- table all"):
        table.fill("x", rows, files, {})


def test_rows_are_told_against_the_base_of_their_table(scripts: Any):
    rows = scripts.parse_rows(ROWS.replace("title: All,", "title: All, base: big,"), "rows.yaml")
    both = {("1", 0): [0, 0], ("2", 0): [0, 1]}
    files = {
        "small": row_file(scripts, both),
        "big": row_file(scripts, {("1", 0): [1, 0], ("2", 0): [1, 1]}),
    }
    lines = scripts.choosing_table("all", rows, files, {"small": 1.5}).splitlines()
    assert lines[2] == "| Big | 10 B | - | 0.750 | 25.00 | the base | 1 |"
    assert lines[3].startswith("| Small | 10 B | 1.50 | 0.750 | 75.00 | +50.00 (")
    assert len(lines) == 4
    assert "not been recorded" in scripts.choosing_table("all", rows, {"small": files["small"]}, {})


def test_runs_of_like_devices_are_told_apart(scripts: Any):
    """Seed 0 was trained on a CPU, seed 1 on a GPU."""
    cpu = {("1", 0): [1, 1], ("2", 0): [1, 1]}
    both = row_file(scripts, {**cpu, ("1", 1): [0, 0], ("2", 1): [0, 0]})
    one = row_file(
        scripts, {("1", 0): [0, 0], ("2", 0): [0, 0], ("1", 1): [0, 0], ("2", 1): [0, 0]}
    )
    for run in one.document["runs"]:
        run["device"] = "cpu"
    pairs = scripts.results_table.pair_rows(("a", "b"), both, one, ())
    assert [row[:1] + row[2:4] for row in pairs] == [
        ["a minus b", "2 and 2", "4"],
        ["a minus b, cpu alone", "1 and 1", "4"],
    ]
    assert [row[1][:6] for row in pairs] == ["-50.00", "-100.0"]
    assert len(scripts.results_table.pair_rows(("b", "b"), one, one, ())) == 1
    rows = scripts.parse_rows(ROWS.replace("title: All,", "title: All, base: big,"), "rows.yaml")
    line = scripts.choosing_table("all", rows, {"small": both, "big": one}, {}).splitlines()[3]
    assert "| -100.00 (-100.00 to -100.00), cpu alone | 2 |" in line


def test_rows_are_compared_by_the_seeds_that_both_have(scripts: Any):
    """Seed 1 is wrong everywhere, and only one of the rows has it."""
    right = {("1", 0): [0, 0], ("2", 0): [0, 0]}
    two = row_file(scripts, {**right, ("1", 1): [1, 1], ("2", 1): [1, 1]})
    for pair in ((two, row_file(scripts, right)), (row_file(scripts, right), two)):
        (line,) = scripts.results_table.pair_rows(("a", "b"), *pair, ())
        assert line[:4] == ["a minus b", "+0.00 (+0.00 to +0.00)", "1 and 1", "4"]
    other = row_file(scripts, {("1", 2): [0, 0], ("2", 2): [0, 0]})
    assert scripts.of_like_seeds(two, other) == (two, other)


def test_no_devices_are_like_without_whole_seeds(scripts: Any):
    alike = scripts.of_like_devices
    gpu = row_file(scripts, {("1", 1): [0, 0], ("2", 1): [0, 0]})
    cpu = row_file(scripts, {("1", 0): [0, 0], ("2", 0): [0, 0]})
    assert alike(gpu, cpu) is None
    cut = row_file(scripts, {("1", 0): [0, 0], ("2", 0): [0, 0]})
    cut.document["runs"][0]["device"] = "cuda"  # of one seed, a fold on each
    assert alike(cut, cpu) is None
    assert cut.folds == ["1", "2"]


def test_rows_are_told_against_the_one_without_sampling(scripts: Any):
    text = ROWS.replace("title: All,", "title: All, base: big, control: small,")
    rows = scripts.parse_rows(text, "rows.yaml")
    files = {
        "small": row_file(scripts, {("1", 0): [0, 0], ("2", 0): [0, 1]}),
        "big": row_file(scripts, {("1", 0): [1, 0], ("2", 0): [1, 1]}),
    }
    lines = scripts.choosing_table("all", rows, files, {}).splitlines()
    assert lines[0].endswith("| points (95 %) | against the narrow one (95 %) | seeds |")
    assert "| the base | -50.00 (" in lines[2]
    assert lines[3].endswith(") | - | 1 |")


def test_mistakes_by_hand(scripts: Any):
    """Clips p and r are of class a, q and s of b; p and r lie in fold 1, q and s in fold 2."""
    first = row_file(scripts, {("1", 0): [0, 0], ("2", 0): [1, 0]})
    first = replace(first, clips=replace(first.clips, classes=(0, 1, 0, 1)))
    second = replace(
        first, document=row_file(scripts, {("1", 0): [0, 1], ("2", 0): [1, 0]}).document
    )
    lines = scripts.mistakes_table({"one": first, "other": second}).splitlines()
    assert lines[2:] == [
        "| b | 2 | 50.0 | 50.0 | 50.0 | a 50.0 % |",
        "| a | 2 | 75.0 | 100.0 | 50.0 | b 25.0 % |",
        "",
        # p and q are right in both, s in none; r has a vote for either class.
        "Of 4 clips, 2 are right in all 2 trainings (five folds each) and 1 in none. "
        "A training is right on 62.50 % of them, the vote of all on 62.50 %. "
        "Of 3 mistakes, 100.0 % take one of the first 2 classes above for another of them.",
    ]


def test_a_damaged_file_of_a_row_is_refused(scripts: Any, tmp_path: Path):
    assert scripts.read_row_file("big", "esc10", tmp_path) is None
    found = row_file(scripts, {("1", 0): [0, 0]})
    scripts.write_json(tmp_path / "clips-esc10.json", found.clips.as_json())
    assert scripts.read_clips("esc10", tmp_path) == found.clips
    scripts.write_json(tmp_path / "big.json", found.document)
    assert scripts.read_row_file("big", "esc10", tmp_path) == found
    scripts.write_json(tmp_path / "bag.json", found.document)
    with pytest.raises(ArtifactError, match=r"bag.json: is damaged or of another row"):
        scripts.read_row_file("bag", "esc10", tmp_path)


@pytest.mark.parametrize("said", [[0, 0, 0], [0], [], [0, 2], [0, -1], None])
def test_predictions_that_do_not_fit_are_refused(scripts: Any, said: Any, tmp_path: Path):
    found = row_file(scripts, {("1", 0): [0, 0], ("2", 0): [0, 0], ("1", 1): [0, 0]})
    scripts.write_json(tmp_path / "clips-esc10.json", found.clips.as_json())
    runs = found.document["runs"]
    if said is not None:
        runs.pop()
        runs[0]["int8"] = said  # else a run is missing
    scripts.write_json(tmp_path / "big.json", found.document)
    with pytest.raises(ArtifactError, match=r"big.json: is damaged or of another row"):
        scripts.read_row_file("big", "esc10", tmp_path)


def test_a_file_of_other_settings_is_told(scripts: Any, rows: Any, job: Path, tmp_path: Path):
    row, check = rows.rows["big"], scripts.results_table.check_settings
    document = scripts.record_job.record([job], "big", row, None, tmp_path)
    found = scripts.RowFile(document, scripts.read_clips("fsdd-speakers", tmp_path))
    check("big", row, found)
    for key, value in (("audio.hop_s", 0.25), ("train.lr", 0.5)):
        other = row.model_copy(update={"set": {**row.set, key: value}})
        with pytest.raises(ConfigError, match=f"big.json: was recorded with {key} = "):
            check("big", other, found)
    document["command"] += " --seed 3"
    with pytest.raises(ConfigError, match=r"was recorded with `wsnet train .* --seed 3`, and rows"):
        check("big", row, found)


def test_a_time_of_another_network_or_hop_is_not_shown(scripts: Any, tmp_path: Path):
    found = row_file(scripts, {("1", 0): [0, 0]})
    found.document["config"] = {"audio": {"hop_s": 0.5}}
    table = scripts.results_table
    timed = {"timed": table.what_is_timed(found), "ms": 1.5}
    other = {**timed, "timed": {**timed["timed"], "hop_s": 0.25}}
    scripts.write_json(tmp_path / "t.json", {"rows": {"a": timed, "b": other, "c": timed}})
    files = {"a": found, "b": found}
    assert table.read_times(files, tmp_path / "t.json") == {"a": 1.5}


@pytest.mark.parametrize(
    "page", ["x", "<!-- t: begin -->\n", "<!-- t: end -->\n<!-- t: begin -->\n"]
)
def test_a_page_without_a_place_is_left_alone(scripts: Any, page: str, tmp_path: Path):
    (tmp_path / "x.md").write_text(page)
    with pytest.raises(ConfigError, match="has no place for a table; add the lines"):
        scripts.write_or_check(tmp_path / "x.md", "t", "table")
    assert (tmp_path / "x.md").read_text() == page
    (tmp_path / "x.md").write_text("a\n<!-- t: begin -->\nold\n<!-- t: end -->\nb\n")
    assert scripts.write_or_check(tmp_path / "x.md", "t", "new") == 0
    assert (tmp_path / "x.md").read_text() == "a\n<!-- t: begin -->\nnew\n<!-- t: end -->\nb\n"


def test_a_row_of_the_runs_of_another_trains_nothing(
    scripts: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
):
    more = "  finer:\n    title: F\n    data: fsdd-speakers\n    config: esc10-narrow\n"
    (tmp_path / "rows.yaml").write_text(f"{ROWS}{more}    runs_of: big\n")
    words = ["run_rows.py", "data", "jobs", "finer", "--rows", str(tmp_path / "rows.yaml")]
    monkeypatch.setattr(sys, "argv", [*words, "--list"])
    assert scripts.run_rows.main() == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "finer: nothing to train, it is of the runs of big\n")
    with pytest.raises(ConfigError, match=r"rows.finer.runs_of: no row bag"):
        scripts.parse_rows(f"{ROWS}{more}    runs_of: bag\n", "rows.yaml")


def test_written_values_are_json_with_short_lists_on_a_line(scripts: Any, tmp_path: Path):
    value = {"a": [1, 2], "b": {"c": [{"d": []}, {}]}, "e": [[1], [2]], "f": None, "g": "ä"}
    scripts.write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert ' "a": [1,2],\n' in text


def test_the_readme_compares_what_the_rows_say(scripts: Any):
    files = scripts.read_recorded(scripts.read_rows())
    sampled = files["soundnet-64kb-3s"]

    def cells(name: str) -> str:
        found = files[name]
        accuracy = scripts.accuracy_of(found.right("int8"), found.recordings())
        low, high = (100 * bound for bound in accuracy.interval)
        return (
            f"{100 * accuracy.mean:.2f} % ({low:.1f} to {high:.1f}) | {found.largest('int8'):,} |"
        )

    text = (ROOT / "README.md").read_text("utf-8")
    assert f"| sampled (`esc10-wsnet-64kb`) | {cells('soundnet-64kb-3s')} |\n" in text
    for words, name in (
        ("plain, narrow, of as many bytes", "soundnet-narrow-64kb-3s"),
        ("dense", "soundnet-dense-3s"),
    ):
        found, n_clips = scripts.compare_rows(sampled, files[name], "int8")
        low, high = (100 * bound for bound in found.interval)
        ahead = f"{100 * found.difference:.2f} points ({low:.2f} to {high:.2f})"
        assert n_clips == 400
        assert f"| {words} | {cells(name)} {ahead} |\n" in text


def test_the_page_says_what_was_reached_as_the_rows_do(scripts: Any):
    files = scripts.read_recorded(scripts.read_rows())
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    aims = text.split("## What was aimed at")[1].split("\n## ")[0]
    for name in ("soundnet-64kb-3s", "maps-131kb", "maps-16kb", "digits-16kb"):
        found = files[name]
        accuracy = scripts.accuracy_of(found.right("int8"), found.recordings())
        low, high = (100 * bound for bound in accuracy.interval)
        (line,) = (line for line in aims.splitlines() if f"| `{name}` |" in line)
        assert f"{100 * accuracy.mean:.2f} % ({low:.1f} to {high:.1f})" in line
        assert f"{found.largest('int8'):,} bytes" in line


ENDS = re.compile(r"([-+]?\d+\.\d\d) to ([-+]\d+\.\d\d)")
"""The ends of an interval in points, as tables and sentences have them."""


def test_sentences_have_the_intervals_of_the_tables():
    """A row against another is the same with its signs turned."""
    known: set[tuple[float, float]] = set()
    sentences: dict[str, list[str]] = {}
    for page in ("results.md", "choosing.md"):
        sentences[page] = []
        for line in (ROOT / "docs" / page).read_text("utf-8").splitlines():
            if line.startswith("|"):
                for low, high in ENDS.findall(line):
                    known |= {(float(low), float(high)), (-float(high), -float(low))}
            else:
                sentences[page].append(line)
    # An interval may go over the end of a line.
    said = ENDS.findall(" ".join(part.strip() for part in sentences["choosing.md"]))
    assert len(said) > 8
    moved = re.search(
        r"rows moved by ([-+.\d]+) to ([-+.\d]+) points", "\n".join(sentences["choosing.md"])
    )
    assert moved
    assert [ends for ends in said if (float(ends[0]), float(ends[1])) not in known] == [
        moved.groups()
    ]


def test_what_8_bits_cost_is_what_the_rows_say(scripts: Any):
    costs = [
        100 * float(found.right("int8").mean() - found.right("float32").mean())
        for found in scripts.read_recorded(scripts.read_rows()).values()
    ]
    text = (ROOT / "docs" / "choosing.md").read_text("utf-8")
    assert f"rows moved by {min(costs):+.2f} to {max(costs):+.2f} points" in text
