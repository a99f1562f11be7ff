from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, Linear, MapConv, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine import plan
from wsnet_cli.engine.native_engine import NativeEngine
from wsnet_cli.engine.native_filters import filters_by_band, mix_filters
from wsnet_cli.engine.numpy_engine import NumpyEngine

OF_THE_LARGEST = 1e-5
"""Largest error of a logit, relative to the largest logit: float32 sums of thousands of terms."""
CANCELLED = 0.3
"""Random networks have logits of about 1; where all are smaller, larger terms have cancelled."""
AUDIO = AudioSettings(8_000, window_s=0.1, hop_s=0.05)


def noise(n_windows: int, n_samples: int) -> np.ndarray:
    rng = np.random.default_rng(n_samples)
    return rng.standard_normal((n_windows, n_samples)).astype(np.float32)


def error(found: np.ndarray, expected: np.ndarray, at_least: float = 1e-30) -> float:
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), at_least))


@settings(deadline=None, max_examples=60)
@given(
    n_bands=st.integers(1, 30),
    n_in=st.sampled_from([1, 2, 3, 4, 8, 16]),
    n_out=st.integers(1, 70),
    factor=st.sampled_from([1, 2, 3, 8]),
    height=st.integers(1, 4),
    length=st.just(3) | st.integers(1, 4),
    stride=st.just(1) | st.integers(1, 2),
    pool=st.sampled_from([None, Pool(2, 2), Pool(3, 1), Pool(1, 4)]),
    band_pool=st.integers(1, 3),
    n_steps=st.integers(0, 120),
    later=st.integers(0, 2),
    block=st.sampled_from([1, 3, 4096]),
)
def test_wide_layers_cross_every_edge_of_a_tile(
    n_bands: int, n_in: int, n_out: int, factor: int, height: int, length: int, stride: int,
    pool: Pool | None, band_pool: int, n_steps: int, later: int, block: int,
    isa: str, make_model, reference,
) -> None:  # fmt: skip
    """Filters, bands and groups that fill vectors and tiles just so, nearly, or by one too many."""
    height = min(height, n_bands + 2)
    n_last = n_out - n_out % factor or factor  # summed in groups by the layer after it
    first = MapConv("map1", MapShape(1, n_in, n_bands, 1, 1), relu=False)
    later = min(later, height * length) if n_in > 1 else 0
    sampling = Sampling(min(2, height * length), n_in, group_offset=later, signs=later > 1)
    shape = MapShape(n_in, n_last, n_bands, height, length, stride, 1, 1, sampling)
    band_pool = min(band_pool, shape.n_out_bands)
    second = MapConv("map2", shape, pool=pool, band_pool=band_pool)
    third = MapShape(n_last, 3, second.n_out_bands, 1, 1, sampling=Sampling(1, factor))
    network = Network(
        (
            Conv("conv1", ConvShape(1, n_bands, 3)),
            ToMap(),
            first,
            second,
            MapConv("map3", third),
            Mean(),
        )
    )
    model = make_model(network, AUDIO)
    windows = noise(2, network.min_samples + n_steps)
    expected = reference(model, windows)
    for way in ("filter-lanes", "fast-fir")[: 2 if (length, stride) == (3, 1) else 1]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan, "BLOCK_ROWS", block)
            engine = NativeEngine(model, isa=isa, ways={"map2": way})
        assert error(engine.logits(windows), expected, CANCELLED) < OF_THE_LARGEST, way


def preset_model(make_model) -> Model:
    config = load_config("esc10-maps")
    network = build_network(config.network, 10, 30_225)
    return make_model(network, AudioSettings(20_000, 1.51125, 1.51125))


@pytest.mark.parametrize("n_more", [0, 1, 2, 199, 200, 2_345])
def test_the_shortest_windows_and_odd_ones(n_more: int, isa: str, make_model, reference) -> None:
    model = preset_model(make_model)
    windows = noise(1, model.network.min_samples + n_more)
    expected = reference(model, windows)
    assert error(NativeEngine(model, isa=isa).logits(windows), expected) < OF_THE_LARGEST
    assert error(NumpyEngine(model).logits(windows), expected) < OF_THE_LARGEST


def test_8_bit_models_run_on_their_codes(isa: str, make_model, reference) -> None:
    small = compress(preset_model(make_model))
    windows = noise(1, 10_000)
    found = NativeEngine(small, isa=isa).logits(windows)
    assert error(found, reference(small, windows)) < OF_THE_LARGEST


@pytest.mark.parametrize("stride", [7, 1_000, 2**31])
@pytest.mark.parametrize("pool", [None, Pool(1, 2**31)])
def test_strides_that_leap_far(stride: int, pool: Pool | None, isa: str, make_model, reference):
    """Longer than what is read, than a block, than the window, than 32 bits."""
    layers = (
        Conv("conv1", ConvShape(1, 9, 4, 2), pool=Pool(3, 3)),
        ToMap(),
        MapConv("map1", MapShape(1, 4, 9, 3, 3, 1, 1, 1), pool=Pool(2, 5)),
        MapConv("map2", MapShape(4, 5, 9, 3, 3, stride, 1, 1), pool=pool),
        Mean(),
    )
    model = make_model(Network(layers), AUDIO)
    windows = noise(2, 9_000)
    found = NativeEngine(model, isa=isa).logits(windows)
    assert error(found, reference(model, windows), CANCELLED) < OF_THE_LARGEST


def test_neither_error_nor_workspace_grows_with_length(isa: str, make_model, reference) -> None:
    network = Network(
        (
            Conv("conv1", ConvShape(1, 16, 9, 2), pool=Pool(8, 8)),
            ToMap(),
            MapConv("map1", MapShape(1, 8, 16, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2),
            MapConv("map2", MapShape(8, 12, 8, 3, 3, 1, 1, 1, Sampling(3, 4))),
            Mean(),
            Linear("linear", LinearShape(12, 3)),
        )
    )
    model = make_model(network, AUDIO)
    engine = NativeEngine(model, isa=isa)
    sizes = set()
    for n_samples in (1_000, 10_000, 1_000_000):
        windows = noise(1, n_samples) + np.float32(0.5)
        assert error(engine.logits(windows), reference(model, windows)) < OF_THE_LARGEST / 3
        sizes |= {workspace.nbytes for workspace in engine._workspaces}
    assert len(sizes) == 1
    assert sizes.pop() < 4_000_000


def test_a_window_leaves_nothing_behind(isa: str, make_model) -> None:
    """The zeros beside the bands stay zeros, whatever was loud before."""
    model = preset_model(make_model)
    windows = noise(3, 8_000) * np.float32([[1e6], [1], [1e-6]])
    together = NativeEngine(model, isa=isa).logits(windows)
    alone = [NativeEngine(model, isa=isa).logits(window[None]) for window in windows]
    assert np.array_equal(together, np.concatenate(alone))


def test_maps_go_over_filters_or_fast(isa: str, make_model) -> None:
    layers = (
        Conv("conv1", ConvShape(1, 6, 3)),
        ToMap(),
        MapConv("map1", MapShape(1, 32, 6, 3, 3, 1, 1, 1)),
        MapConv("map2", MapShape(32, 2, 6, 3, 2)),
        Mean(),
    )
    model = make_model(Network(layers), AUDIO)
    _, map1, map2 = NativeEngine(model, isa=isa).plan
    assert list(map1.nanoseconds) == ["filter-lanes", "fast-fir"]
    assert map2.why == "the only way"
    with pytest.raises(ParameterError, match=r"map2: fast-fir; expected one of filter-lanes$"):
        NativeEngine(model, isa=isa, ways={"map2": "fast-fir"})


@pytest.mark.parametrize("way", ["filter-lanes", "fast-fir"])
def test_a_click_in_near_silence(way: str, isa: str, make_model, reference) -> None:
    """Sums and differences of inputs carry the rounding of a click no further than its taps."""
    model = preset_model(make_model)
    window = np.float32(1e-5) * noise(1, 30_225)
    window[0, 15_000] = 100.0
    ways = {f"map{number}": way for number in range(1, 10)}
    found = NativeEngine(model, isa=isa, ways=ways).logits(window)
    assert error(found, reference(model, window)) < OF_THE_LARGEST


def test_taps_are_put_band_by_band_for_the_kernels() -> None:
    shape = MapShape(2, 1, 3, 2, 3)
    phi = np.arange(12, dtype=np.float32).reshape(6, 2)  # rows: time 0 band 0, time 0 band 1, ...
    assert filters_by_band(phi, shape).tolist() == [[0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]]


def test_mixed_filters_by_hand() -> None:
    """Two bands, three steps, one map: taps in time 1, 2, 5 of the lower band and 3, 4, 7."""
    phi = np.float32([[1], [3], [2], [4], [5], [7]])
    found = mix_filters(phi, MapShape(1, 1, 2, 2, 3))
    assert found.tolist() == [[[1, 3]], [[4, 7]], [[2, 3]], [[5, 7]]]
