from __future__ import annotations

from collections.abc import Callable

import pytest

from wsnet_cli.core.architectures import build_network
from wsnet_cli.core.audio import AudioSettings
from wsnet_cli.core.config import NetworkConfig
from wsnet_cli.core.ledger import is_soundnet8, make_ledger
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.network import Conv, Linear, Mean, Network
from wsnet_cli.core.sampling import ConvShape, LinearShape

SOUNDNET8_WEIGHTS = (
    *(1 * 16 * 64, 16 * 32 * 32, 32 * 64 * 16, 64 * 128 * 8),
    *(128 * 256 * 4, 256 * 512 * 4, 512 * 1024 * 4),
)
"""Inputs times outputs times length of conv1 to conv7: the released network's table."""


def rows(model: Model, n_file_bytes: int) -> list[tuple[str, int]]:
    return [(row.what, row.n_bytes) for row in make_ledger(model, n_file_bytes).rows]


def test_a_small_sampled_model_by_hand(small_model: Model):
    # conv1: 1 to 4, length 16, S 2; conv2: 4 to 6, length 8, S 4, C 2, D 2; linear: 6 to 3, S 2.
    n_weights = (3 * 2 + 16) * 1 + (11 * 2 + 8) * 2 + 6 * 12 + (2 * 2 + 6)
    n_constants = 2 * 4 + 2 * 6 + 3
    dense = 4 * (16 * 4 + 4 * 8 * 6 + 6 * 3 + n_constants)
    assert rows(small_model, 1_000) == [
        ("dense network, float32", dense),
        ("sampled network, float32", 4 * (n_weights + n_constants)),
        ("model file on disk", 1_000),
    ]
    assert rows(compress(small_model), 1_000) == [
        ("dense network, float32", dense),
        ("sampled network, float32", 4 * (n_weights + n_constants)),
        ("8-bit weights", n_weights),
        ("multipliers and biases, 16-bit", 2 * n_constants),
        ("model file on disk", 1_000),
    ]


def test_a_dense_model_has_no_row_for_sampling(make_model: Callable[..., Model]):
    network = Network((Conv("c", ConvShape(1, 2, 5, 1)), Mean(), Linear("l", LinearShape(2, 2))))
    model = make_model(network, AudioSettings(8_000, window_s=0.1, hop_s=0.1))
    assert [what for what, _ in rows(model, 9)] == ["dense network, float32", "model file on disk"]


def test_ratios_are_to_the_dense_network(small_model: Model):
    ledger = make_ledger(compress(small_model), 500)
    assert ledger.rows[0].ratio == 1
    for row in ledger.rows:
        assert row.ratio == pytest.approx(ledger.rows[0].n_bytes / row.n_bytes)
    assert ledger.released_ratio is None


@pytest.mark.parametrize("head", ["mean-linear", "conv8"])
@pytest.mark.parametrize("sampling", [None, {"stride": 2, "channel_factor": 8}])
def test_the_released_soundnet8_is_the_other_denominator(
    make_model: Callable[..., Model], head: str, sampling: dict[str, int] | None
):
    config = NetworkConfig.model_validate({"head": head, "sampling": sampling})
    network = build_network(config, 10, 220_000)  # conv8 needs 209,374 samples
    assert is_soundnet8(network)
    model = make_model(network, AudioSettings(20_000, window_s=11.0, hop_s=11.0))
    ledger = make_ledger(compress(model), 200_000)
    assert ledger.released_ratio == pytest.approx(4 * 14_345_216 / 200_000)
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
    found = {row.what: row.n_bytes for row in make_ledger(compress(model), 1).rows}
    assert found["places of filters, 16-bit"] == 2 * n_filters
    sampled = 4 * (network.n_weights + network.n_constants) + 2 * n_filters
    assert found["sampled network, float32"] == sampled
