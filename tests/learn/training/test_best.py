from __future__ import annotations

import csv

import pytest
import torch

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.core.errors import DataError
from wsnet_cli.learn.training.best import Best


def looked(*pairs: tuple[float, float]) -> Best:
    best = Best()
    for epoch, (accuracy, loss) in enumerate(pairs, start=1):
        best.look(epoch, accuracy, loss, {"w": torch.tensor([float(epoch)])})
    return best


def test_best_is_the_highest_accuracy_then_the_lowest_loss() -> None:
    assert looked((0.5, 1.0), (0.7, 2.0), (0.6, 0.1)).epoch == 2
    assert looked((0.5, 1.0), (0.5, 0.5), (0.5, 0.8)).epoch == 2
    assert looked((0.5, 1.0), (0.5, 1.0)).epoch == 1
    assert looked((0.0, 3.0)).epoch == 1
    assert float(looked((0.5, 1.0), (0.7, 2.0), (0.6, 0.1)).values["w"]) == 2


def test_a_loss_that_is_no_number_is_never_best() -> None:
    nan = float("nan")
    assert looked((0.9, nan)).epoch == 0
    assert looked((0.5, 1.0), (0.9, nan), (0.6, 2.0)).epoch == 3


def test_values_are_copies() -> None:
    values = {"w": torch.ones(1)}
    best = Best()
    best.look(1, 0.5, 1.0, values)
    values["w"] += 1
    assert float(best.values["w"]) == 1


def test_patience_by_hand() -> None:
    best = looked((0.5, 1.0), (0.4, 1.0), (0.4, 1.0))
    assert best.is_stale(TrainConfig(patience=2), 3)
    assert not best.is_stale(TrainConfig(patience=3), 3)
    assert not best.is_stale(TrainConfig(patience=0), 300)
    assert not Best().is_stale(TrainConfig(patience=1), 5)


# ------------------------------------------------------------------------------ in a whole run


def columns(run, name: str) -> list[str]:
    with (run.folder.path / name).open(newline="") as file:
        return [row["part"] if name == "split.csv" else row for row in csv.DictReader(file)]


def test_validation_is_taken_from_the_training_clips_alone(train) -> None:
    plain = train(name="plain")
    checked = train("train.validation=0.2", name="checked")
    before, after = columns(plain, "split.csv"), columns(checked, "split.csv")
    assert set(after) == {"train", "validation", "test"}
    assert [part == "test" for part in before] == [part == "test" for part in after]
    rows = columns(checked, "metrics.csv")
    assert all(row["validation_accuracy"] and row["validation_loss"] for row in rows)
    assert not any(row["validation_accuracy"] for row in columns(plain, "metrics.csv"))


def test_the_best_epoch_is_kept_and_early_stopping_says_so(train, make_listener) -> None:
    """With a rate of all but 0 nothing gets better, so the first epoch stays the best."""
    listener = make_listener()
    settings = ("train.validation=0.2", "train.patience=1", "train.epochs=9", "train.lr=1e-30")
    result = train(*settings, "train.keep=best", "train.average_decay=0", listener=listener)
    assert len(listener.rows) < 9
    assert any("was better on the validation part" in line for line in listener.remarks)
    best = max(listener.rows, key=lambda row: (row.validation_accuracy, -row.validation_loss))
    assert result.model.provenance["epochs"] == best.epoch
    assert listener.rows[-1].held_out_accuracy is not None  # the last epoch, though not the ninth


def test_a_resumed_run_knows_its_best_epoch(train, make_listener, tmp_path) -> None:
    from wsnet_cli.learn.run import running
    from wsnet_cli.learn.run.run import resume_run

    settings = ("train.validation=0.2", "train.keep=best", "train.epochs=4", "train.lr=0.02")
    whole = train(*settings, name="whole")

    def die(step: int) -> None:
        if step == 8:
            raise MemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "SAVE_EVERY_S", -1.0)
        with pytest.raises(MemoryError):
            train(*settings, name="cut", listener=make_listener(die))
    again = resume_run(tmp_path / "runs" / "cut", None, "cpu", make_listener())
    assert again.folder.model.read_bytes() == whole.folder.model.read_bytes()
    assert again.model.provenance == whole.model.provenance


def test_clips_that_are_all_of_one_unit_cannot_be_spared(tones, train) -> None:
    first = tones / "low" / "0.wav"
    for path in tones.rglob("*.wav"):
        if path.parent.name == "low":
            path.write_bytes(first.read_bytes())
    result = train("train.validation=0.2", name="one", fold="none")
    assert "validation" in columns(result, "split.csv")  # of the other two classes
    for path in tones.rglob("*.wav"):
        path.write_bytes((path.parent / "0.wav").read_bytes())
    with pytest.raises(DataError, match=r"train\.validation = 0\.2: no clip can be spared"):
        train("train.validation=0.2", name="none", fold="none")
