from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wsnet_cli.core import locate
from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.describe import (
    describe_model_file,
    describe_preset,
    list_presets,
    list_runs,
    list_shipped,
)
from wsnet_cli.core.errors import ArtifactError, ConfigError, UsageError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network
from wsnet_cli.core.networks.sampling import WAYS, ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings


def test_the_rows_of_a_model(small_model: Model, small_model_file: Path):
    table = describe_model_file(small_model_file)
    assert [(r.name, r.kind, r.filters, r.sampling) for r in table.rows] == [
        ("conv1", "conv", "1 to 4, length 16/4, pool 2/2", "S 2 C 1"),
        ("conv2", "conv", "4 to 6, length 8/2", "S 4 C 2 D 2"),
        ("linear", "linear", "6 to 3", "S 2"),
    ]
    # As in the test of the ledger: condensed filters, the 1x1 of D = 2, multipliers and biases.
    assert [r.n_weights for r in table.rows] == [22, 132, 10]
    assert [r.n_bytes for r in table.rows] == [4 * (22 + 8), 4 * (132 + 12), 4 * (10 + 3)]
    network = small_model.network
    assert table.n_weights == network.n_weights == 164
    assert table.compactness == network.n_dense_parameters / network.n_parameters
    n_samples = small_model.audio.window_samples
    for way in WAYS:
        costs = [cost.multiply_adds for cost in network.costs(n_samples, way)]
        assert [row.multiply_adds[way] for row in table.rows] == costs
        assert table.total_multiply_adds[way] == sum(costs)
    assert len(set(table.total_multiply_adds.values())) > 1, "the ways must differ"


def test_the_facts_of_a_model(small_model_file: Path):
    facts = describe_model_file(small_model_file).facts
    assert facts["labels"] == "class-0, class-1, class-2"
    assert facts["audio"] == "8,000 Hz"
    assert facts["windows"] == "0.1 s every 0.05 s"
    # conv1: 16 samples, then hops of 4; pool 2/2: 1 hop more; conv2 over 8 values 8 samples apart.
    assert facts["receptive field"] == f"{16 + 4 + 7 * 8:,} samples (0.009 s)"
    assert facts["weights"] == "32-bit"
    assert facts["file"] == f"{small_model_file.stat().st_size:,} bytes"
    assert facts["made with seed"] == "0"


def test_bits_by_layer_calibration_and_ledger(small_model: Model, tmp_path: Path):
    calibration = Calibration(1.5, (0.25, 0.5, 0.125), 0.3, 0.01)
    model = replace(compress(small_model, (8, 4, 6)), calibration=calibration)
    save_model(tmp_path / "x.wsnet", model)
    table = describe_model_file(tmp_path / "x.wsnet")
    assert table.facts["weights"] == "8, 4, 6 bits, by layer"
    assert table.facts["temperature"] == "1.5"
    assert table.facts["thresholds"] == "class-0 0.25, class-1 0.5, class-2 0.125"
    assert table.facts["unknown below"] == "0.3, false-alarm rate 0.01"
    # Of each part so many bits a weight, whole bytes: conv2 has 60 of Phi and 72 of the 1x1.
    n_bytes = [22 + 2 * 8, 60 // 2 + 72 // 2 + 2 * 12, -(-10 * 6 // 8) + 2 * 3]
    assert [row.n_bytes for row in table.rows] == n_bytes
    assert table.ledger
    assert table.ledger.n_file_bytes == (tmp_path / "x.wsnet").stat().st_size
    assert describe_preset("demo", 3).ledger is None


def test_compressed_weights_take_a_byte_and_constants_two(small_model: Model, tmp_path: Path):
    save_model(tmp_path / "q8.wsnet", compress(small_model))
    table = describe_model_file(tmp_path / "q8.wsnet")
    assert [r.n_bytes for r in table.rows] == [22 + 2 * 8, 132 + 2 * 12, 10 + 2 * 3]
    assert table.n_bytes == sum(r.n_bytes for r in table.rows)
    assert table.facts["weights"] == "8-bit"


def test_json_holds_the_whole_table(small_model_file: Path):
    table = describe_model_file(small_model_file)
    values = json.loads(json.dumps(table.as_json(), allow_nan=False))
    assert values["multiply_adds"] == table.total_multiply_adds
    assert [layer["name"] for layer in values["layers"]] == [row.name for row in table.rows]


def test_a_file_that_is_no_model(tmp_path: Path):
    (tmp_path / "x.wsnet").write_text("text")
    with pytest.raises(ArtifactError, match=r"x\.wsnet"):
        describe_model_file(tmp_path / "x.wsnet")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_for_so_many_classes(name: str):
    ten, hundred = describe_preset(name, 10), describe_preset(name, 100)
    assert ten.facts["classes"] == "10"
    assert ten.rows[:-1] == hundred.rows[:-1]
    assert ten.rows[-1].n_weights < hundred.rows[-1].n_weights
    sampled = any(row.sampling != "dense" for row in ten.rows)
    assert (ten.compactness > 1) == sampled


def test_a_preset_that_is_not_there_or_cannot_be_built(tmp_path: Path):
    with pytest.raises(UsageError, match="esc10-dens: no such preset"):
        describe_preset("esc10-dens", 10)
    bad = tmp_path / "bad.yaml"
    bad.write_text("audio:\n  hop_s: 9\n")
    with pytest.raises(ConfigError, match=r"audio\.hop_s = 9"):
        describe_preset(str(bad), 10)


def test_what_ships_is_listed_whatever_lies_here(
    small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(locate, "shipped_folder", lambda: tmp_path / "shipped")
    save_model(tmp_path / "shipped" / "one.wsnet", small_model)
    usual = list_shipped()
    monkeypatch.chdir(tmp_path)
    Path("one").mkdir()
    assert list_shipped() == usual
    Path("one/model.wsnet").write_text("text")
    assert list_shipped() == usual
    assert usual[0]["bits"] == 32


def test_lists(small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert [entry["preset"] for entry in list_presets()] == list(preset_names())
    monkeypatch.setattr(locate, "shipped_folder", lambda: tmp_path / "shipped")
    assert list_shipped() == []
    size = save_model(tmp_path / "shipped" / "one.wsnet", small_model)
    entry = {"bytes": size, "bits": 32, "labels": "class-0, class-1, class-2"}
    assert list_shipped() == [{"model": "one", **entry}]
    assert list_runs(tmp_path / "runs") == []
    for name in ("b", "a", "damaged", "job/fold-1", "sweep/dense/seed-0", "no-run"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "no-run":
            (tmp_path / "runs" / name / "config.yaml").touch()
    save_model(tmp_path / "runs" / "b" / "model.wsnet", small_model)
    (tmp_path / "runs" / "damaged" / "model.wsnet").write_text("text")
    none = {"bytes": None, "bits": None, "labels": "no finished model"}
    runs = tmp_path / "runs"
    assert list_runs(runs) == [
        {"run": str(runs / "a"), **none},
        {"run": str(runs / "b"), **entry},
        {"run": str(runs / "damaged"), **none},
        {"run": str(runs / "job" / "fold-1"), **none},
        {"run": str(runs / "sweep" / "dense" / "seed-0"), **none},
    ]


def test_irregular_windows_signs_and_scales_are_told_and_counted(make_model, tmp_path: Path):
    first = Conv("conv1", ConvShape(1, 4, 8, 2, 4, Sampling(4, 1, 2, "learned")))
    second = Conv("conv2", ConvShape(4, 6, 4, 1, 0, Sampling(2, 2, 1, "random", 3, True)))
    linear = Linear("linear", LinearShape(6, 3, 2), scaled=True)
    dense = Linear("linear", LinearShape(6, 3), scaled=True)
    audio = AudioSettings(8_000, window_s=0.1, hop_s=0.05)
    model = make_model(Network((first, second, Mean(), linear)), audio)
    for each, size in ((model, 4), (compress(model), 1)):
        save_model(tmp_path / "x.wsnet", each)
        rows = describe_model_file(tmp_path / "x.wsnet").rows
        assert [row.sampling for row in rows] == [
            "S 4 C 1 D 2 learned offsets",
            "S 2 C 2 random offsets groups +3 signs",
            "S 2 scaled",
        ]
        constant = max(2, size)
        assert rows[0].n_bytes == size * (8 + 7 * 2 + 4 * 8) + constant * 8 + 2 * 8
        assert rows[1].n_bytes == size * (4 + 5 * 2 + 3) * 2 + constant * 12 + 2 * 6
        assert rows[2].n_bytes == size * 10 + constant * 6
        for row in rows:
            assert row.multiply_adds["recurrence"] == row.multiply_adds["folded"]
        assert rows[1].multiply_adds["folded"] == rows[1].multiply_adds["dense"]
    save_model(tmp_path / "y.wsnet", make_model(Network((first, second, Mean(), dense)), audio))
    assert describe_model_file(tmp_path / "y.wsnet").rows[2].sampling == "dense scaled"
