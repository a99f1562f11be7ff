from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.configuration.config import Config, TrainConfig
from wsnet_cli.core.errors import ArtifactError, TrainingError
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.model_file.container import pack
from wsnet_cli.learn.training.checkpoint import read_checkpoint, save_checkpoint
from wsnet_cli.learn.training.trainer import EpochRow

IDENTITY = {
    "labels": ["a", "b"],
    "data": "0123",
    "threads": 1,
    "train": {"epochs": 3, "lr": 0.003, "seed": 0},
    "network": {"sampling": {"stride": 2, "layers": {"conv1": "dense"}}, "width": 1.0},
}


class FakeTrainer:
    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {"model.phi": np.float32([[1.5, -2.5]]), "count": np.array([7])}
        return arrays, {"position": {"epoch": 1, "loss_sum": 0.1 + 0.2}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    rows = [EpochRow(1, 1 / 3, 0.1, 0.5), EpochRow(2, 2 / 3, 0.2, 0.7, 0.9)]
    save_checkpoint(path, FakeTrainer(), rows, IDENTITY)  # type: ignore[arg-type]
    return path


def test_what_is_saved_is_read_back_to_the_bit(saved: Path) -> None:
    found = read_checkpoint(saved, IDENTITY)
    arrays, values = found.arrays, found.values
    assert arrays.keys() == {"model.phi", "count"}
    assert arrays["model.phi"].tolist() == [[1.5, -2.5]]
    assert arrays["model.phi"].dtype == np.float32
    assert arrays["count"].dtype == np.int64
    assert values["position"] == {"epoch": 1, "loss_sum": 0.1 + 0.2}
    assert values["rows"] == [
        vars(EpochRow(1, 1 / 3, 0.1, 0.5)),
        vars(EpochRow(2, 2 / 3, 0.2, 0.7, 0.9)),
    ]


def test_the_same_state_gives_the_same_bytes(saved: Path) -> None:
    before = saved.read_bytes()
    save_checkpoint(saved, FakeTrainer(), [EpochRow(1, 1 / 3, 0.1, 0.5)], IDENTITY)  # type: ignore[arg-type]
    assert saved.read_bytes() != before
    rows = [EpochRow(1, 1 / 3, 0.1, 0.5), EpochRow(2, 2 / 3, 0.2, 0.7, 0.9)]
    save_checkpoint(saved, FakeTrainer(), rows, IDENTITY)  # type: ignore[arg-type]
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": ["a", "c"]}, r"labels was \['a', 'b'\] and is now \['a', 'c'\]"),
        ({"data": "4567"}, "data was 0123 and is now 4567"),
        ({"threads": 2}, "threads was 1 and is now 2"),
        (
            {"train": {"epochs": 3, "lr": 0.003, "seed": 1}},
            r"train\.seed was 0 and is now 1",
        ),
        (
            {"network": {"sampling": None, "width": 1.0}},
            r"network\.sampling was \{'channel_factor': 1, .* and is now None",
        ),
        (
            {"network": {"sampling": {"stride": 2, "layers": {}}, "width": 1.0}},
            r"network\.sampling\.layers\.conv1 was dense and is now None",
        ),
        ({"new": 5}, "new was None and is now 5"),
    ],
)
def test_what_differs_is_named(change: dict[str, Any], said: str, saved: Path) -> None:
    with pytest.raises(TrainingError, match=rf"last\.safetensors: {said}; expected the same"):
        read_checkpoint(saved, {**IDENTITY, **change})


def test_more_epochs_are_let_through_and_fewer_refused(saved: Path) -> None:
    train = IDENTITY["train"]
    more = {**IDENTITY, "train": {**train, "epochs": 5}}  # type: ignore[dict-item]
    assert read_checkpoint(saved, more).epochs == 3
    fewer = {**IDENTITY, "train": {**train, "epochs": 2}}  # type: ignore[dict-item]
    with pytest.raises(TrainingError, match=r"train\.epochs was 3 and is now 2; expected as many"):
        read_checkpoint(saved, fewer)


@pytest.mark.parametrize("key", ["optimizer", "clip_norm", "distill"])
def test_a_key_that_is_younger_than_the_file_had_its_default(key: str, saved: Path) -> None:
    whole = Config(train=TrainConfig(epochs=3, lr=0.003)).model_dump(mode="json")["train"]
    assert key not in IDENTITY["train"]  # type: ignore[operator]
    assert read_checkpoint(saved, {**IDENTITY, "train": whole}).epochs == 3
    other = {"optimizer": "sgd", "clip_norm": 1.0, "distill": {"teachers": ["a.wsnet"]}}[key]
    changed = {**IDENTITY, "train": {**whole, key: other}}
    with pytest.raises(TrainingError, match=rf"train\.{key} was .* and is now"):
        read_checkpoint(saved, changed)


def test_a_younger_key_of_one_layers_sampling_had_its_default_too(saved: Path) -> None:
    sampling = {"stride": 2, "signs": False, "layers": {"conv1": "dense"}}
    assert read_checkpoint(saved, {**IDENTITY, "network": {"sampling": sampling, "width": 1.0}})
    signed = {"sampling": {**sampling, "signs": True}, "width": 1.0}
    with pytest.raises(TrainingError, match=r"network\.sampling\.signs was False and is now True"):
        read_checkpoint(saved, {**IDENTITY, "network": signed})


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such file; expected the resume file of a run"):
        read_checkpoint(tmp_path / "last.safetensors", IDENTITY)


def test_damaged_bytes_and_cuts_are_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for at in range(0, len(content), 5):
        saved.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        with pytest.raises(ArtifactError, match=r"last\.safetensors: "):
            read_checkpoint(saved, IDENTITY)
    for n in range(0, len(content), 5):
        saved.write_bytes(content[:n])
        with pytest.raises(ArtifactError, match=r"last\.safetensors: "):
            read_checkpoint(saved, IDENTITY)


@pytest.mark.parametrize("metadata", [{}, {"kind": "resume", "version": 1}, {"version": 2}])
def test_other_versions_and_kinds_are_refused(metadata: dict[str, Any], saved: Path) -> None:
    saved.write_bytes(pack({"x": np.zeros(3)}, {"identity": IDENTITY, **metadata}))
    with pytest.raises(TrainingError, match="is no resume file of this version of wsnet; start a"):
        read_checkpoint(saved, IDENTITY)


def test_model_file_is_refused(saved: Path, small_model: Model) -> None:
    save_model(saved, small_model)
    with pytest.raises(TrainingError, match="is no resume file of this version of wsnet"):
        read_checkpoint(saved, IDENTITY)
