from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.errors import ConfigError, DataError, TrainingError, UsageError
from wsnet_cli.core.measures.predictions import read_predictions
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.data.synthetic import KINDS, write_sound_folder
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.environment import choose_device
from wsnet_cli.learn.run.run import resume_run
from wsnet_cli.learn.training.objective import Objective

ALL_FILES = {
    *("config.yaml", "split.csv", "metrics.csv", "model.wsnet", "last.safetensors"),
    *("metrics.json", "confusion.csv", "predictions.csv", "env.json"),
}


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Name, mode and times of everything in a folder, with its content."""
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted((folder, *folder.rglob("*")))
    }


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# ------------------------------------------------------------------------------ a whole run


def test_run_writes_every_file_and_nothing_into_the_data_folder(
    train, tones: Path, tmp_path: Path
) -> None:
    before = snapshot(tones)
    result = train()
    assert result.folder.path == tmp_path / "runs" / "tiny"
    assert files_in(result.folder.path) == ALL_FILES
    assert snapshot(tones) == before
    assert files_in(tmp_path) == {"tones", "runs", "own-cache"}
    assert result.folder.model.stat().st_size == result.n_bytes


def test_files_of_a_run_agree(train, make_config, tones: Path) -> None:
    result = train()
    folder = result.folder.path
    assert load_config(str(folder / "config.yaml")) == make_config()
    parts = [row["part"] for row in rows_of(folder / "split.csv")]
    assert len(parts) == 21
    assert set(parts) == {"train", "test"}
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["n_clips"] == parts.count("test")
    assert metrics["n_clips"] == sum(map(sum, metrics["confusion"]["matrix"]))
    epochs = rows_of(folder / "metrics.csv")
    assert [row["epoch"] for row in epochs] == ["1", "2", "3"]
    # Looked at in epoch 2 as configured, and after the last; by torch there, by numpy here.
    assert [bool(row["held_out_accuracy"]) for row in epochs] == [False, True, True]
    assert float(epochs[-1]["held_out_accuracy"]) == pytest.approx(metrics["accuracy"], abs=1e-6)
    confusion = rows_of(folder / "confusion.csv")
    assert [row.pop("true") for row in confusion] == ["high", "low", "middle"]
    assert [[int(n) for n in row.values()] for row in confusion] == metrics["confusion"]["matrix"]
    read = read_predictions(folder)
    predictions = read.rows
    assert read.scores is not None
    assert read.labels == ("high", "low", "middle")
    assert np.allclose(read.scores.sum(axis=1), 1, atol=1e-6)
    assert sum(p.is_right for p in predictions) == metrics["n_right"]
    held_out = [row for row in rows_of(folder / "split.csv") if row["part"] == "test"]
    for found, row in zip(predictions, held_out, strict=True):
        assert (found.key.clip, found.key.content) == (row["clip"], row["content"])
        assert found.label == row["label"]
        assert 1 / 3 <= found.score <= 1
    environment = json.loads((folder / "env.json").read_text(encoding="utf-8"))
    assert environment["data"] == str(tones)
    assert (environment["preset"], environment["fold"]) == ("tiny", None)
    assert (environment["device"], environment["threads"]) == ("cpu", 1)
    assert environment["packages"]["torch"] == torch.__version__


def test_model_file_alone_reproduces_the_measures(train, tones: Path) -> None:
    result = train()
    model = load_model(result.folder.model)
    assert model.labels == ("high", "low", "middle")
    assert model.bits == 32
    assert (model.audio.sample_rate, model.audio.window_samples) == (8_000, 2_000)
    assert (model.audio.hop_s, model.audio.normalise) == (0.125, "rms")
    provenance = {"preset": "tiny", "epochs": 3, "seed": 0}
    assert provenance.items() <= dict(model.provenance).items()
    classifier = Classifier(model)
    confusion = np.zeros((3, 3), int)
    for row in rows_of(result.folder.path / "split.csv"):
        if row["part"] == "test":
            scores = classifier.classify_file(tones / row["clip"])
            confusion[model.labels.index(row["label"]), scores.argmax()] += 1
    assert confusion.tolist() == [list(row) for row in result.metrics.confusion]


def test_same_seed_gives_the_same_bytes_and_another_does_not(train) -> None:
    first, second, other = train(), train(), train("train.seed=1")
    assert [run.folder.path.name for run in (first, second, other)] == ["tiny", "tiny-2", "tiny-3"]
    for name in ALL_FILES:
        content = (first.folder.path / name).read_bytes()
        assert (second.folder.path / name).read_bytes() == content, name
    assert other.folder.model.read_bytes() != first.folder.model.read_bytes()


def test_force_reuses_the_folder(train) -> None:
    first = train()
    assert train("train.seed=1", force=True).folder == first.folder
    assert files_in(first.folder.path.parent) == {"tiny"}
    assert load_model(first.folder.model).provenance["seed"] == 1


def test_fold_none_trains_on_everything_and_measures_nothing(train) -> None:
    train()
    result = train(fold="none", force=True)
    assert result.metrics is None
    assert files_in(result.folder.path) == ALL_FILES - {
        *("metrics.json", "confusion.csv", "predictions.csv")
    }
    assert {row["part"] for row in rows_of(result.folder.path / "split.csv")} == {"train"}
    epochs = rows_of(result.folder.path / "metrics.csv")
    assert [row["held_out_accuracy"] for row in epochs] == ["", "", ""]


def test_listener_is_told_of_every_stage_in_order(train, make_listener) -> None:
    listener = make_listener()
    result = train(listener=listener)
    epoch = ["step"] * 3 + ["epoch"]
    stages = [stage for stage in listener.told if stage != "decoded"]
    assert stages == ["prepared", *epoch * 3, *["measured"] * result.metrics.n_clips]
    assert listener.told.index("prepared") == listener.told.count("decoded") > 0
    assert listener.fractions == pytest.approx([(i + 1) / 9 for i in range(9)])
    assert [row.epoch for row in listener.rows] == [1, 2, 3]


def test_unreadable_silent_and_damaged_clips_do_not_end_a_run(train, tones: Path) -> None:
    import soundfile

    (tones / "low" / "bad.wav").write_bytes(b"no sound")
    soundfile.write(tones / "low" / "silent.wav", np.zeros(3_000), 8_000)
    soundfile.write(tones / "high" / "one.wav", np.full(1, 0.5), 8_000)
    huge = np.float32(3e38) * np.sin(np.arange(3_000)).astype(np.float32)
    soundfile.write(tones / "middle" / "huge.wav", huge, 8_000, subtype="FLOAT")
    result = train(fold="none")
    parts = {row["clip"]: row["part"] for row in rows_of(result.folder.path / "split.csv")}
    assert parts.pop("low/bad.wav") == parts.pop("middle/huge.wav") == "unreadable"
    assert set(parts.values()) == {"train"}
    assert len(parts) == 21 + 2


def test_made_sounds_are_learned_from(train, tmp_path: Path) -> None:
    write_sound_folder(tmp_path / "sounds", 3, seed=0)
    result = train("train.epochs=1", source=tmp_path / "sounds")
    assert load_model(result.folder.model).labels == KINDS


def test_clips_of_one_group_are_one_recording_of_the_measures(train, tones: Path) -> None:
    names = sorted(path.relative_to(tones).as_posix() for path in tones.rglob("*.wav"))
    labels = [name.split("/")[0] for name in names]
    rows = [
        f"{name},{label},{label}{i % 7 // 2}"
        for i, (name, label) in enumerate(zip(names, labels, strict=True))
    ]
    (tones / "clips.csv").write_text("\n".join(["path,label,group", *rows]) + "\n")
    result = train(source=tones / "clips.csv")
    groups = {row["group"] for row in rows_of(result.folder.path / "predictions.csv")}
    assert result.metrics.n_recordings == len(groups) < result.metrics.n_clips


# -------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", ["nonsense", "cuda", "meta", "", "cuda:7", "mps"])
def test_device_that_is_not_here_is_refused(name: str) -> None:
    if name == "mps" and torch.backends.mps.is_available():
        pytest.skip("this machine has one")
    if name == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(UsageError, match=f"--device {name}: not available here; expected auto or"):
        choose_device(name)


def test_known_devices_are_taken() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in ("cpu", "cuda")


def test_bad_requests_leave_no_run_folder(train, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--device nonsense"):
        train(device="nonsense")
    with pytest.raises(ConfigError, match="--threads 0; expected at least 1"):
        train(threads=0)
    with pytest.raises(ConfigError, match=r"audio\.window_s: a window of 80 samples is too short"):
        train("audio.window_s=0.01", "network.pooling=released")
    with pytest.raises(UsageError, match="fold"):
        train(fold="9")
    with pytest.raises(DataError, match="none"):
        train(source=tmp_path / "none")
    with pytest.raises(UsageError, match=r"--name \.\./x: expected letters"):
        train(name="../x")
    assert not (tmp_path / "runs").exists()


def test_loss_that_is_not_finite_leaves_the_last_good_resume_file(
    train, make_listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss fails in the second step of the third epoch, long after nothing was saved."""
    expected = train(name="whole")
    listener = make_listener()

    losses = Objective.losses

    def fail_late(self: Objective, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        value = losses(self, logits, targets)
        return value * float("nan") if len(listener.fractions) == 7 else value

    with monkeypatch.context() as patch:
        patch.setattr(Objective, "losses", fail_late)
        with pytest.raises(
            TrainingError,
            match=r"loss is nan in epoch 3, step 2 \(clip [0-9]\.wav.*; the state before it is",
        ):
            train(name="broken", listener=listener)
    broken = expected.folder.path.parent / "broken"
    unwritten = {"model.wsnet", "metrics.json", "confusion.csv", "predictions.csv"}
    assert files_in(broken) == ALL_FILES - unwritten
    assert [row["epoch"] for row in rows_of(broken / "metrics.csv")] == ["1", "2"]
    after = make_listener()
    result = resume_run(broken, None, "cpu", after)
    assert len(after.fractions) == 2  # the steps that are left of the third epoch
    assert result.folder.model.read_bytes() == expected.folder.model.read_bytes()
