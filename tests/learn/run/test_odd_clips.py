"""Clips that spoil a loss unseen: silence, opposite channels, constants, huge values."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.errors import TrainingError
from wsnet_cli.core.model import real

RATE = 8_000
LEFT_OUT = ("infinite.wav", "huge.wav", "nan.wav")


def odd_clips(folder: Path) -> None:
    """One of each, in a class of the data."""
    tone = np.sin(2 * np.pi * 500 * np.arange(RATE // 2) / RATE).astype(np.float32)
    clips = {
        "silence.wav": np.zeros_like(tone),
        "opposite.wav": np.stack([tone, -tone], axis=1),
        "constant.wav": np.full_like(tone, 0.5),
        "infinite.wav": np.where(np.arange(len(tone)) == 100, np.inf, tone),
        "nan.wav": np.where(np.arange(len(tone)) == 100, np.nan, tone),
        "huge.wav": np.float32(3e38) * tone,
    }
    for name, samples in clips.items():
        soundfile.write(folder / name, samples.astype(np.float32), RATE, subtype="FLOAT")


def test_losses_and_weights_stay_finite(train, tones: Path) -> None:
    odd_clips(tones / "low")
    result = train("augment.noise_snr_db=[0, 10]", "train.repeats=2", fold="none")
    with (result.folder.path / "metrics.csv").open(newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    for layer in result.model.weights:
        for numbers in (real(layer.phi), layer.multiplier, layer.bias):
            assert numbers is None or np.isfinite(numbers).all()
    with (result.folder.path / "split.csv").open(newline="") as file:
        parts = {Path(row["clip"]).name: row["part"] for row in csv.DictReader(file)}
    assert {name for name, part in parts.items() if part == "unreadable"} == set(LEFT_OUT)


def test_a_rate_that_is_far_too_high_ends_in_one_line_and_a_state_that_can_be_read(
    train, tmp_path: Path
) -> None:
    from wsnet_cli.core.model_file.container import read_container, unpack

    with pytest.raises(TrainingError, match=r"the (loss|gradient) is .* in epoch 1, step \d+"):
        train("train.lr=1e30", "train.warmup_epochs=0", "train.epochs=5", name="wild")
    path = tmp_path / "runs" / "wild" / "last.safetensors"
    arrays, _ = unpack(read_container(path, "a resume file"), str(path))
    weights = [array for name, array in arrays.items() if name.startswith(("model.", "average."))]
    assert all(np.isfinite(array).all() for array in weights)
