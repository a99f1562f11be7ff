from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.core.configuration.config import NetworkConfig
from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import model_to_bytes, plain_bytes, save_model
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.quant import SCHEMES
from wsnet_cli.core.sizes.ledger import is_soundnet8, make_ledger
from wsnet_cli.core.sound.audio import AudioSettings

PROVENANCE = {
    **{"wsnet": "0.1.0", "preset": "default", "data": "0" * 16, "split": "fold 1 of 5 held out"},
    **{"epochs": 300, "seed": 0},
}
ESC10 = (
    *("chainsaw", "clock_tick", "crackling_fire", "crying_baby", "dog"),
    *("helicopter", "rain", "rooster", "sea_waves", "sneezing"),
)
SOUNDNET8_WEIGHTS = (
    *(1 * 16 * 64, 16 * 32 * 32, 32 * 64 * 16, 64 * 128 * 8),
    *(128 * 256 * 4, 256 * 512 * 4, 512 * 1024 * 4),
)
"""Inputs times outputs times length of conv1 to conv7: the released network's table."""


@pytest.fixture(scope="module")
def wide_model(make_model: Callable[..., Model]) -> Model:
    """Enough weights for coding to win, the second layer with places of its own."""
    conv1 = Conv("conv1", ConvShape(1, 16, 16, 4, 8, Sampling(2)), pool=Pool(2, 2))
    conv2 = Conv("conv2", ConvShape(16, 48, 8, 2, 4, Sampling(4, 2, 2, offsets="learned")))
    network = Network((conv1, conv2, Mean(), Linear("linear", LinearShape(48, 20))))
    return make_model(network, AudioSettings(8_000, window_s=0.1, hop_s=0.05))


PARTS = ("weights", "constants", "places", "rest")


def rows(model: Model) -> dict[str, int]:
    ledger = make_ledger(model, model_to_bytes(model))
    return {row.part: row.n_bytes for row in ledger.rows}


def recount(content: bytes) -> dict[str, int]:
    """What a file is made of, from its bytes by docs/format.md alone."""
    start = 8 + int.from_bytes(content[:8], "little")
    table = json.loads(content[8:start])
    sizes = {
        name: entry["data_offsets"][1] - entry["data_offsets"][0]
        for name, entry in table.items()
        if name != "__metadata__"
    }
    assert start + sum(sizes.values()) == len(content)
    weights = sizes.pop("weights", 0) or sizes.pop("codes")
    found = {"weights": weights, "constants": sizes.pop("constants")}
    if "offsets" in sizes:
        found["places"] = sizes.pop("offsets")
    return found | {"rest": start + sum(sizes.values())}


def test_a_small_sampled_model_by_hand(small_model: Model):
    # conv1: 1 to 4, length 16, S 2; conv2: 4 to 6, length 8, S 4, C 2, D 2; linear: 6 to 3, S 2.
    n_weights = (3 * 2 + 16) * 1 + (11 * 2 + 8) * 2 + 6 * 12 + (2 * 2 + 6)
    n_constants = 2 * 4 + 2 * 6 + 3
    dense = 4 * (16 * 4 + 4 * 8 * 6 + 6 * 3 + n_constants)
    found = rows(small_model)
    assert tuple(found) == ("dense", "sampled", "weights", "constants", "rest", "file", "zipped")
    assert (found["dense"], found["sampled"]) == (dense, 4 * (n_weights + n_constants))
    assert (found["weights"], found["constants"]) == (4 * n_weights, 4 * n_constants)
    small = rows(compress(small_model))
    assert (small["dense"], small["sampled"]) == (dense, 4 * (n_weights + n_constants))
    assert (small["weights"], small["constants"]) == (n_weights, 2 * n_constants)


@pytest.mark.parametrize("bits", [32, 8, 6, 5, 4, (8, 4, 6)])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_row_is_what_a_recount_of_the_bytes_finds(
    wide_model: Model, tmp_path: Path, bits: Any, scheme: str
):
    model = wide_model if bits == 32 else compress(wide_model, bits, scheme)
    path = tmp_path / "x.wsnet"
    save_model(path, model)
    ledger = make_ledger(model, path.read_bytes())
    found = {row.part: row.n_bytes for row in ledger.rows}
    of_file = {part: found[part] for part in PARTS if part in found}
    assert of_file == recount(path.read_bytes())
    assert sum(of_file.values()) == found["file"] == ledger.n_file_bytes == os.stat(path).st_size
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(path, "model.wsnet")
    assert found["zipped"] == (tmp_path / "x.zip").stat().st_size
    with zipfile.ZipFile(io.BytesIO((tmp_path / "x.zip").read_bytes())) as archive:
        assert archive.read("model.wsnet") == path.read_bytes()


def test_the_words_say_how_weights_lie_in_the_file(wide_model: Model, small_model: Model):
    def words(model: Model) -> list[str]:
        return [row.what for row in make_ledger(model, model_to_bytes(model)).rows[2:4]]

    assert words(wide_model) == ["float32 weights", "multipliers and biases, float32"]
    coded = "multipliers and biases, 16-bit, Huffman-coded"
    assert words(compress(wide_model)) == ["8-bit weights, Huffman-coded", coded]
    assert words(compress(wide_model, (8, 4, 6))) == ["4- to 8-bit weights, Huffman-coded", coded]
    plain = ["8-bit weights", "multipliers and biases, 16-bit"]
    assert words(compress(small_model)) == plain


def test_a_dense_model_has_no_row_for_sampling(make_model: Callable[..., Model]):
    network = Network((Conv("c", ConvShape(1, 2, 5, 1)), Mean(), Linear("l", LinearShape(2, 2))))
    model = make_model(network, AudioSettings(8_000, window_s=0.1, hop_s=0.1))
    assert tuple(rows(model)) == ("dense", "weights", "constants", "rest", "file", "zipped")


def test_ratios_are_to_the_dense_network(small_model: Model):
    small = compress(small_model)
    ledger = make_ledger(small, model_to_bytes(small))
    assert ledger.rows[0].ratio == 1
    for row in ledger.rows:
        assert row.ratio == pytest.approx(ledger.rows[0].n_bytes / row.n_bytes)
    assert ledger.released_ratio == pytest.approx(4 * 14_345_216 / ledger.n_file_bytes)
    assert not ledger.of_released


@pytest.mark.parametrize("head", ["mean-linear", "conv8"])
@pytest.mark.parametrize("sampling", [None, {"stride": 2, "channel_factor": 8}])
def test_the_released_soundnet8_is_the_other_denominator(
    make_model: Callable[..., Model], head: str, sampling: dict[str, int] | None
):
    config = NetworkConfig.model_validate({"head": head, "sampling": sampling})
    network = build_network(config, 10, 220_000)  # conv8 needs 209,374 samples
    assert is_soundnet8(network)
    model = make_model(network, AudioSettings(20_000, window_s=11.0, hop_s=11.0))
    small = compress(model)
    content = model_to_bytes(small)
    ledger = make_ledger(small, content)
    assert ledger.of_released
    assert ledger.released_ratio == pytest.approx(4 * 14_345_216 / len(content))
    head_weights = 1024 * 10 * (8 if head == "conv8" else 1)
    constants = 2 * (16 + 32 + 64 + 128 + 256 + 512 + 1024) + 10
    expected = 4 * (sum(SOUNDNET8_WEIGHTS) + head_weights + constants)
    assert ledger.rows[0].n_bytes == expected


def test_other_networks_are_not_soundnet8(small_model: Model):
    narrow = build_network(NetworkConfig(width=0.5), 10, 30_225)
    baseline = build_network(NetworkConfig(architecture="baseline1"), 10, 30_225)
    assert [is_soundnet8(n) for n in (narrow, baseline, small_model.network)] == [False] * 3


def test_places_of_filters_have_a_line_of_their_own(make_model: Callable[..., Model]):
    sampling = {"stride": 2, "channel_factor": 8, "offsets": "learned"}
    config = NetworkConfig.model_validate({"sampling": sampling})
    network = build_network(config, 10, 30_225)
    model = make_model(network, AudioSettings(20_000, window_s=1.51125, hop_s=1.0))
    n_filters = 16 + 32 + 64 + 128 + 256 + 512 + 1024
    found = rows(compress(model))
    assert found["places"] == 2 * n_filters
    sampled = 4 * (network.n_weights + network.n_constants) + 2 * n_filters
    assert found["sampled"] == sampled


def test_a_file_of_100_k_weights_is_at_most_3_percent_over_its_payload(
    make_model: Callable[..., Model],
):
    """Its payload: codes and constants, coded or not."""
    config = parse_config("", "test", ["network.width=0.185", "network.head=mean-linear"])
    network = build_network(config.network, 10, 220_000)
    assert 95_000 < network.n_weights < 105_000
    small = compress(make_model(network, AudioSettings(20_000, window_s=11.0, hop_s=11.0)))
    small = replace(small, provenance=PROVENANCE, labels=ESC10)
    found = rows(small)
    assert found["file"] <= 1.03 * (found["weights"] + found["constants"])
    payload = network.n_weights + 2 * network.n_constants
    assert plain_bytes(small) <= 1.03 * payload
    assert found["file"] < 0.95 * payload
