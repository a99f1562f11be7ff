from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.bench.layers import probe, stand_in, time_layers
from wsnet_cli.bench.subjects import Subject, random_model
from wsnet_cli.core.model import Model
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, MapConv, Mean, Network, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings


def test_every_convolution_has_a_row(small_subject: Subject, native: None):
    rows = [timing.as_json() for timing in time_layers(small_subject, 2)]
    assert [row["layer"] for row in rows] == ["conv1", "conv2"]
    convolutions = small_subject.model.network.convolutions
    inputs = (800, *small_subject.model.network.lengths(800))
    for row, layer, n_inputs in zip(rows, convolutions, inputs, strict=False):
        counted = "recurrence" if row["way"] == "recurrence" else "folded"
        share = 0.75 if row["way"] == "fast-fir" else 1
        direct = layer.shape.cost(n_inputs, counted).multiply_adds
        assert row["multiply_adds"] == round(direct * share)
        low, high = row["quartiles_us"]
        assert low <= row["median_us"] <= high
        assert row["estimated_us"] > 0
        if row["multiply_adds_ns"] is not None:
            rate = row["multiply_adds"] / row["median_us"] / 1000
            assert row["multiply_adds_ns"] == pytest.approx(rate, rel=0.05, abs=0.01)


def test_a_stand_in_takes_the_same_input_and_computes_one_value():
    layer = Conv("conv2", ConvShape(12, 6, 8, 2, 4, Sampling(4, 3, 2)))
    other = stand_in(layer, 50)
    assert (other.shape.n_in, other.shape.condensed_channels) == (12, 4)
    assert (other.shape.output_length(50), other.shape.n_out) == (1, 1)
    assert stand_in(Conv("conv1", ConvShape(1, 6, 8)), 50).shape.sampling is None


@pytest.mark.parametrize("index", [0, 1])
def test_a_probe_runs_the_layer_with_its_weights(index: int, small_model: Model, native: None):
    layer, own = small_model.network.convolutions[index], small_model.weights[index]
    found = probe([(layer, "time-lanes")], 100, own)()
    assert found.shape == (1, layer.shape.n_out)
    assert np.abs(found).max() > 0
    assert not np.allclose(found, probe([(layer, "time-lanes")], 100)())


def test_a_probe_hands_the_map_on(small_model: Model, native: None):
    first, second = small_model.network.convolutions
    taker = stand_in(second, first.output_length(100))
    found = probe([(first, "time-lanes"), (taker, "filter-lanes")], 100, small_model.weights[0])()
    assert found.shape == (1, 1)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(2, 2, 1, "learned"), Sampling(1, 2)),
        (Sampling(2, 2, signs=True), Sampling(1, 2, signs=True)),
        (Sampling(2, 2, group_offset=3), Sampling(1, 1)),
        (Sampling(2, 2, group_offset=3, signs=True), Sampling(1, 1)),
    ],
)
def test_a_stand_in_takes_its_input_as_the_layer_does(sampling: Sampling, expected: Sampling):
    layer = Conv("conv2", ConvShape(4, 6, 8, 1, 0, sampling))
    taken = stand_in(layer, 50)
    assert taken.shape.sampling == expected
    assert taken.shape.folded_channels == layer.shape.folded_channels
    for each in (layer, taken):
        assert np.isfinite(probe([(each, "filter-lanes")], 50)()).all()


MAP = MapConv("map2", MapShape(6, 8, 5, 3, 3, 1, 1, 1, Sampling(3, 2)), band_pool=2)


def test_a_stand_in_for_maps_takes_the_same_input_and_computes_one_value():
    other = stand_in(MAP, 50)
    assert isinstance(other, MapConv)
    assert (other.shape.n_in, other.shape.condensed_channels, other.shape.n_bands) == (6, 3, 5)
    assert (other.shape.output_length(50), other.n_out_bands, other.shape.n_out) == (1, 1, 1)
    assert stand_in(MAP, 3).shape.stride == 5


def test_a_probe_of_maps_runs_the_layer_with_its_weights(native: None):
    model = random_model(
        Network((Conv("conv1", ConvShape(1, 5, 1)), ToMap(), *_widening(), MAP, Mean())),
        AudioSettings(1_000, 0.1, 0.1),
    )
    own = model.weights[-1]
    found = probe([(MAP, "filter-lanes")], 40, own)()
    assert found.shape == (1, 8)
    assert not np.allclose(found, probe([(MAP, "filter-lanes")], 40)())
    behind = stand_in(MapConv("map3", MapShape(8, 1, 2, 1, 1)), 40)
    assert probe([(MAP, "filter-lanes"), (behind, "filter-lanes")], 40, own)().shape == (1, 1)


def _widening() -> tuple[MapConv, ...]:
    return (MapConv("map1", MapShape(1, 6, 5, 1, 1)),)


def test_a_probe_hands_channels_on_as_bands(native: None):
    front, taker = Conv("conv1", ConvShape(1, 5, 3)), MapConv("map1", MapShape(1, 1, 5, 1, 1))
    assert probe([(front, "time-lanes"), (taker, "filter-lanes")], 40)().shape == (1, 1)
