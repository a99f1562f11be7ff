"""A multi-label set through every command: tones that sound together."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.model_file.artifact import load_model

TONES_HZ = {"high": 1_500, "low": 300, "middle": 700}
RATE = 8_000
SETTINGS = (
    *("audio.sample_rate=8000", "audio.window_s=0.2", "network.width=0.125"),
    *("network.pooling=every-layer", "network.sampling=null", "network.dropout=0.0"),
    *("augment.rescale=1.0", "augment.shift=0.0", "augment.mixing_until=0.5"),
    *("train.batch_size=8", "train.warmup_epochs=1", "train.average_decay=0.9", "train.lr=0.005"),
    "train.epochs=20",
)


def tone(rng: np.random.Generator, names: list[str], seconds: float = 0.5) -> np.ndarray:
    """Tones that sound together, each at a level and pitch near its own, in some noise."""
    time_s = np.arange(int(seconds * RATE)) / RATE
    sound = 0.02 * rng.standard_normal(len(time_s))
    for name in names:
        hz, level = TONES_HZ[name] * rng.normal(1, 0.02), rng.uniform(0.12, 0.2)
        sound += level * np.sin(2 * np.pi * hz * time_s + rng.uniform(0, 2 * np.pi))
    return sound


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_set(root: Path, n_clips: int = 100) -> Path:
    import soundfile

    root.mkdir()
    rng = np.random.default_rng(0)
    rows = ["path,label"]
    for i in range(n_clips):
        names = [name for name in TONES_HZ if rng.random() < 0.45]
        soundfile.write(root / f"{i:03}.wav", tone(rng, names), RATE)
        rows.append(f"{i:03}.wav,{';'.join(names)}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, wsnet) -> Path:
    """A folder with the data `set` and the finished run `runs/default`; not to be written to."""
    root = tmp_path_factory.mktemp("several")
    write_set(root / "set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSNET_CACHE", str(root / "cache"))
        patch.chdir(root)
        settings = [word for setting in SETTINGS for word in ("--set", setting)]
        outcome = wsnet("train", "set", *settings, "--threads", "1", "--json")
    assert outcome.code == 0, outcome.stderr
    (root / "train.json").write_text(outcome.stdout)
    (root / "train.txt").write_text(outcome.stderr)
    return root


@pytest.fixture
def run(made: Path) -> Path:
    """The run, in the current folder."""
    return Path(shutil.copytree(made / "runs", "runs")) / "default"


@pytest.fixture
def chord() -> str:
    """A second of low, of both low and high, and of high."""
    import soundfile

    rng = np.random.default_rng(5)
    parts = [tone(rng, names, 1.0) for names in (["low"], ["low", "high"], ["high"])]
    soundfile.write("chord.wav", np.concatenate(parts), RATE)
    return "chord.wav"


def test_training_learns_which_tones_sound_together(made: Path):
    folder = made / "runs" / "default"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert json.loads((made / "train.json").read_text())["metrics"] == metrics
    assert metrics["multi_label"] is True
    assert metrics["mean_average_precision"] > 0.9
    assert metrics["micro_f1"] > 0.8
    assert not (folder / "confusion.csv").exists()
    said = (made / "train.txt").read_text()
    assert "classes a clip" in said
    assert "loss: binary cross-entropy of each class" in said
    rows = rows_of(folder / "metrics.csv")
    assert float(rows[-1]["loss"]) < 0.6 * float(rows[0]["loss"])
    assert float(rows[-1]["held_out_accuracy"]) == pytest.approx(metrics["accuracy"])
    predictions = rows_of(folder / "predictions.csv")
    n_right = sum(row["label"] == row["predicted"] for row in predictions)
    assert n_right == metrics["n_right"]
    assert load_model(folder / "model.wsnet").multi_label


def test_evaluating_the_run_gives_its_measures(wsnet, made: Path, run: Path, check_measures):
    metrics = json.loads((run / "metrics.json").read_text())
    document = wsnet("evaluate", run, "--json").document
    assert document["model"] == str(run / "model.wsnet")
    check_measures(document, metrics)
    shown = wsnet("evaluate", run).stdout
    assert f"mAP {100 * metrics['mean_average_precision']:.1f} %, AUROC" in shown
    assert "all labels right" in shown
    assert "true \\ predicted" not in shown


def test_the_small_file_says_so_too(wsnet, run: Path):
    assert wsnet("compress", run).code == 0
    document = wsnet("evaluate", run / "model.q8.wsnet", "--json").document
    assert document["mean_average_precision"] > 0.85
    assert wsnet("info", run, "--json").document["facts"]["scores"].startswith("multi-label")


def test_clips_of_no_label_prove_nothing(wsnet, run: Path, made: Path):
    shutil.copytree(made / "set", "set")
    lines = ["path,label,split"]
    for i, row in enumerate(rows_of(Path("set/manifest.csv"))):
        lines.append(f"{row['path']},,test" if i % 2 else f"{row['path']},{row['label']},train")
    Path("set/manifest.csv").write_text("\n".join(lines) + "\n")
    shutil.copy(run / "model.wsnet", "alone.wsnet")  # outside the run, whose split would be used
    command = ("compress", "alone.wsnet", "--data", "set", "-o", "small.wsnet")
    refused = wsnet(*command, "--max-drop", 0)
    assert refused.code == 2
    why = "none of the 50 held-out clips has a label to measure on"
    assert refused.error == f"--max-drop 0: {why}"
    assert not Path("small.wsnet").exists()
    document = wsnet(*command, "--json").document
    assert (document["comparison"], document["not_measured"]) == (None, why)


def test_predict_tells_the_best_label_or_all_above_a_threshold(wsnet, run: Path, chord: str):
    command = ("predict", chord, "-m", run, "--json")
    best = wsnet(*command).document
    assert best["multi_label"] is True
    assert [len(row["predictions"]) for row in best["results"]] == [1]
    every = wsnet(*command, "--threshold", "0").document["results"][0]["predictions"]
    assert [p["label"] for p in every][2] == "middle"
    assert sum(p["score"] for p in every) > 1.05
    assert every[0] == best["results"][0]["predictions"][0]
    largest = wsnet(*command, "--aggregate", "max", "--threshold", "0.5").document["results"][0]
    assert {p["label"] for p in largest["predictions"]} >= {"high", "low"}
    limited = wsnet(*command, "--threshold", "0", "--top-k", "2").document["results"][0]
    assert limited["predictions"] == every[:2]


def test_hits_of_several_labels_overlap(wsnet, run: Path, chord: str):
    command = ("predict", chord, "-m", run, "--merge", "--threshold", "0.5", "--gap", "0.3")
    hits: dict[str, list[tuple[float, float]]] = {}
    for row in wsnet(*command, "--json").document["results"]:
        (prediction,) = row["predictions"]
        hits.setdefault(prediction["label"], []).append((row["start"], row["end"]))
    low_end = max(end for _, end in hits["low"])
    high_start = min(start for start, _ in hits["high"])
    assert low_end - high_start > 0.5
    table = wsnet(*command, "--format", "csv").stdout
    assert table.count("chord.wav") == sum(map(len, hits.values()))


def test_files_are_sorted_by_their_best_label(wsnet, run: Path, made: Path):
    names = [made / "set" / f"{i:03}.wav" for i in range(12)]
    assert wsnet("predict", *names, "-m", run, "--sort-into", "out", "--threshold", "0.5").code == 0
    labels = {row["path"]: row["label"] for row in rows_of(made / "set" / "manifest.csv")}
    placed = {path.name: path.parent.name for path in Path("out").glob("*/*.wav")}
    assert len(placed) == 12
    fitting = [
        folder in (labels[name].split(";") if labels[name] else ["_unsure"])
        for name, folder in placed.items()
    ]
    assert sum(fitting) >= 10


def test_data_with_one_label_each_can_be_evaluated(wsnet, run: Path, tones: Path):
    document = wsnet("evaluate", run, tones, "--json").document
    assert document["n_clips"] == 21
    assert [row["support"] for row in document["per_class"]] == [7, 7, 7]
    (tones / "low").rename(tones / "lowest")
    refused = wsnet("evaluate", run, tones)
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.error.startswith("the data has classes that the model does not know: lowest;")


def test_a_model_of_one_label_refuses_several(wsnet, made: Path, model: str):
    refused = wsnet("evaluate", model, made / "set")
    assert refused.code == 2
    assert refused.error.startswith("the data is multi-label, and the model tells one label of")


def test_a_prepared_set_trains_the_same(wsnet, made: Path, tiny_options: Callable[..., list[str]]):
    options = (*tiny_options("train.epochs=1"), "--threads", "1", "--json")
    prepared = wsnet("prepare", made / "set", "-o", "out", "--rate", "8000")
    assert prepared.code == 0, prepared.stderr
    documents = [wsnet("train", data, *options).document for data in (made / "set", "out")]
    assert documents[0]["metrics"] == documents[1]["metrics"]
    assert documents[1]["metrics"]["multi_label"] is True
