from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import LayerWeights, Model, compress
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, MapConv, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine import plan
from wsnet_cli.engine.native_engine import NativeEngine
from wsnet_cli.engine.native_filters import halve_filters
from wsnet_cli.engine.numpy_engine import NumpyEngine

OF_THE_LARGEST = 1e-5
"""Largest error of a logit, relative to the largest logit: float32 sums of thousands of terms."""
CANCELLED = 0.3
"""Random networks have logits of about 1; where all are smaller, larger terms have cancelled."""
ANY_AUDIO = AudioSettings(8_000, window_s=0.1, hop_s=0.05)
WAY_SETS = st.lists(st.sampled_from(plan.WAYS), min_size=3, max_size=3)


def noise(n_windows: int, n_samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_windows, n_samples)).astype(np.float32)


def error(found: np.ndarray, expected: np.ndarray, at_least: float = 1e-30) -> float:
    """The largest error relative to the largest logit, or to `at_least` where that is larger."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), at_least))


def forced(network: Network, wanted: list[str]) -> dict[str, str]:
    """A way for each convolution; those without sampling have no recurrence."""
    ways = {}
    for i, layer in enumerate(network.convolutions):
        way = wanted[i % len(wanted)]
        if isinstance(layer, MapConv):
            fast = (layer.shape.length, layer.shape.stride) == (3, 1) and way != "filter-lanes"
            ways[layer.name] = "fast-fir" if fast else "filter-lanes"
            continue
        possible = way != "recurrence" or layer.shape.has_way(way)
        ways[layer.name] = way if possible else "time-lanes"
    return ways


# ------------------------------------------------------------------------ against the reference


@settings(deadline=None, max_examples=150)
@given(data=st.data(), ways=WAY_SETS, block=st.sampled_from([1, 3, 40, 4096]))
def test_any_network_in_any_way_and_block_follows_its_definition(
    data, ways: list[str], block: int, isa: str, networks, make_model, reference
) -> None:
    network, n_samples = data.draw(networks)
    model = make_model(network, ANY_AUDIO, data.draw(st.integers(0, 99)))
    windows = noise(2, n_samples)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BLOCK_ROWS", block)
        engine = NativeEngine(model, isa=isa, ways=forced(network, ways))
    found = engine.logits(windows)
    assert error(found, reference(model, windows), CANCELLED) < OF_THE_LARGEST


@settings(deadline=None, max_examples=60)
@given(
    n_in=st.sampled_from([1, 2, 4, 6]),
    n_out=st.integers(1, 70),
    length=st.integers(8, 70),
    stride=st.integers(1, 5),
    step=st.integers(1, 8),
    n_rows=st.integers(1, 300),
    pool=st.sampled_from([None, Pool(8, 8), Pool(8, 2), Pool(3, 5)]),
)
def test_wide_layers_cross_every_edge_of_a_tile(
    n_in: int, n_out: int, length: int, stride: int, step: int, n_rows: int, pool: Pool | None,
    isa: str, make_model, reference,
) -> None:  # fmt: skip
    """Filters, steps and chunks that fill vectors and tiles just so, nearly, or by one too many."""
    first = Conv("conv1", ConvShape(1, n_in, 1))
    layer = Conv("conv2", ConvShape(n_in, n_out, length, stride, 3, Sampling(step)), pool=pool)
    network = Network((first, layer, Mean()))
    model = make_model(network, ANY_AUDIO)
    windows = noise(1, network.min_samples + (n_rows - 1) * stride)
    expected = reference(model, windows)
    for way in plan.WAYS:
        engine = NativeEngine(model, isa=isa, ways={"conv2": way})
        assert error(engine.logits(windows), expected, CANCELLED) < OF_THE_LARGEST, way


@pytest.mark.parametrize("earlier", [1e8, np.nan])
@pytest.mark.parametrize(("length", "stride"), [(9, 2), (5, 2), (7, 2), (3, 1), (65, 1)])
def test_nothing_of_an_earlier_window_is_heard(
    length: int, stride: int, earlier: float, isa: str, make_model
):
    """Half filters reach past the last input where the filter is no whole number of pairs."""
    conv = Conv("conv1", ConvShape(1, 4, length, stride), pool=Pool(2, 2))
    model = make_model(Network((conv, Mean(), Linear("linear", LinearShape(4, 3)))), ANY_AUDIO)
    for n_samples in range(length + 2 * stride + 95, length + 2 * stride + 103):
        window, longer = noise(1, n_samples), np.full((1, n_samples + 60), earlier, np.float32)
        engine = NativeEngine(model, isa=isa, ways={"conv1": "fast-fir"})
        fresh = engine.logits(window)
        engine.logits(longer)
        assert engine.logits(window).tobytes() == fresh.tobytes()
        assert error(fresh, NumpyEngine(model).logits(window), CANCELLED) < OF_THE_LARGEST


def preset_model(name: str, make_model) -> tuple[Model, int]:
    """A preset's network with random weights, its window cut down to what a test can afford."""
    config = load_config(name)
    rate = config.audio.sample_rate
    n_samples = round(rate * config.audio.window_s)
    network = build_network(config.network, 10, n_samples)
    shortest = network.min_samples
    if not any(isinstance(layer, Flatten) for layer in network.layers):
        n_samples = min(n_samples, max(shortest + 777, 12_345))
    audio = AudioSettings(rate, n_samples / rate, n_samples / rate)
    return make_model(network, audio), n_samples


@pytest.mark.parametrize("name", preset_names())
def test_presets_follow_their_definition(name: str, isa: str, make_model, reference) -> None:
    model, n_samples = preset_model(name, make_model)
    windows = noise(1, n_samples)
    expected = reference(model, windows)
    assert error(NativeEngine(model, isa=isa).logits(windows), expected) < OF_THE_LARGEST
    assert error(NumpyEngine(model).logits(windows), expected) < OF_THE_LARGEST


@pytest.mark.parametrize("name", ["esc10-wsnet", "esc10-wsnet-fast", "esc10-dense", "demo"])
@pytest.mark.parametrize("n_more", [0, 1, 2, 15])
def test_the_shortest_windows_and_odd_ones(
    name: str, n_more: int, isa: str, make_model, reference
) -> None:
    model, _ = preset_model(name, make_model)
    windows = noise(1, model.network.min_samples + n_more)
    found = NativeEngine(model, isa=isa).logits(windows)
    assert error(found, reference(model, windows)) < OF_THE_LARGEST


@pytest.mark.parametrize("stride", [50, 1_000, 2**30, 2**31])
@pytest.mark.parametrize("pool", [None, Pool(1, 7), Pool(2, 2**31)])
def test_strides_that_leap_far(stride: int, pool: Pool | None, isa: str, make_model, reference):
    """Longer than what is read, than a block, than the window, than 32 bits."""
    layers = (
        Conv("conv1", ConvShape(1, 3, 4, 1, 4)),
        Conv("conv2", ConvShape(3, 5, 6, 3, 2, Sampling(2)), pool=Pool(1, 9)),
        Conv("conv3", ConvShape(5, 2, 3, stride, 3), pool=pool),
        Mean(),
    )
    windows = noise(2, max(9_000, Network(layers).min_samples if stride < 2**20 else 0))
    if Network(layers).min_samples > windows.shape[1]:
        layers = (*layers[:2], Conv("conv3", ConvShape(5, 2, 3, stride, 3)), Mean())
    model = make_model(Network(layers), ANY_AUDIO)
    expected = reference(model, windows)
    for way in ("filter-lanes", "time-lanes"):
        ways = {"conv1": way, "conv2": way} | ({"conv3": way} if stride * 16 < 2**20 else {})
        if pool and pool.stride == 2**31:
            ways.pop("conv3", None)
        found = NativeEngine(model, isa=isa, ways=ways).logits(windows)
        assert error(found, expected, CANCELLED) < OF_THE_LARGEST


@pytest.mark.parametrize("n_samples", range(3, 12))
@pytest.mark.parametrize("stride", [3, 5])
def test_a_stride_that_leaps_past_the_window_leaps_over_padding_too(
    n_samples: int, stride: int, isa: str, make_model, reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One output at a time, of one tap: the zeros behind the window belong to no output."""
    monkeypatch.setattr(plan, "BLOCK_ROWS", 1)
    layers = (Conv("conv1", ConvShape(1, 2, 1, stride, 1), relu=False), Mean())
    model = make_model(Network(layers), ANY_AUDIO)
    windows = noise(1, n_samples)
    engine = NativeEngine(model, isa=isa, ways={"conv1": "filter-lanes"})
    assert error(engine.logits(windows), reference(model, windows), CANCELLED) < OF_THE_LARGEST


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_click_in_near_silence(engine: str, isa: str, make_model, reference) -> None:
    """Differences along a diagonal carry the click's rounding into the quiet outputs after it."""
    model, _ = preset_model("esc10-wsnet-fast", make_model)
    window = 1e-5 * noise(1, 30_000)
    window[0, 15_000] = 100.0
    run = NativeEngine(model, isa=isa) if engine == "native" else NumpyEngine(model)
    assert error(run.logits(window), reference(model, window)) < OF_THE_LARGEST


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_the_error_does_not_grow_with_length(engine: str, isa: str, make_model, reference) -> None:
    conv1 = Conv("conv1", ConvShape(1, 16, 32, 2, 16, Sampling(2)), pool=Pool(8, 8))
    conv2 = Conv("conv2", ConvShape(16, 24, 8, 2, 4, Sampling(2, 8)))
    network = Network((conv1, conv2, Mean(), Linear("linear", LinearShape(24, 3))))
    model = make_model(network, ANY_AUDIO)
    run = NativeEngine(model, isa=isa) if engine == "native" else NumpyEngine(model)
    for n_samples in (1_000, 10_000, 1_000_000):
        windows = noise(1, n_samples) + 0.5
        assert error(run.logits(windows), reference(model, windows)) < OF_THE_LARGEST / 3


def test_8_bit_models_run_on_their_codes(small_model: Model, isa: str, reference) -> None:
    small = compress(small_model)
    windows = noise(2, 800)
    found = NativeEngine(small, isa=isa).logits(windows)
    assert error(found, reference(small, windows)) < OF_THE_LARGEST
    assert error(found, reference(small_model, windows)) > OF_THE_LARGEST


# ------------------------------------------------------------------------------------ invariants


@settings(deadline=None, max_examples=40)
@given(data=st.data(), ways=WAY_SETS, threads=st.integers(1, 4))
def test_a_window_gives_the_same_logits_in_any_company(
    data, ways: list[str], threads: int, isa: str, networks, make_model
) -> None:
    """Bit for bit: nothing that one window leaves in the workspace reaches the next."""
    network, n_samples = data.draw(networks)
    model = make_model(network, ANY_AUDIO)
    windows = noise(5, n_samples) * np.float32([[1], [1e6], [1e-6], [0], [1]])
    engine = NativeEngine(model, isa=isa, threads=threads, ways=forced(network, ways))
    alone = [
        NativeEngine(model, isa=isa, ways=engine_ways(engine)).logits(w[None]) for w in windows
    ]
    assert np.array_equal(engine.logits(windows), np.concatenate(alone))


def engine_ways(engine: NativeEngine) -> dict[str, str]:
    return {layer.name: layer.way for layer in engine.plan}


def test_windows_are_read_and_never_written(small_model: Model, isa: str) -> None:
    windows = noise(2, 900)
    frozen = windows.copy()
    frozen.setflags(write=False)
    engine = NativeEngine(small_model, isa=isa)
    assert np.array_equal(engine.logits(frozen), engine.logits(windows))
    assert np.array_equal(windows, frozen)


def test_windows_need_not_lie_side_by_side(small_model: Model, isa: str) -> None:
    clip = noise(1, 2_000)[0]
    view = np.lib.stride_tricks.sliding_window_view(clip, 800)[::400]
    engine = NativeEngine(small_model, isa=isa)
    assert np.array_equal(engine.logits(view), engine.logits(view.copy()))


def test_the_workspace_does_not_grow_with_the_window(small_model: Model, isa: str) -> None:
    engine = NativeEngine(small_model, isa=isa)
    engine.logits(noise(1, 800))
    n_bytes = [workspace.nbytes for workspace in engine._workspaces]
    engine.logits(noise(1, 2_000_000))
    assert [workspace.nbytes for workspace in engine._workspaces] == n_bytes
    assert n_bytes[0] < 2_000_000


def test_several_threads_may_share_an_engine(small_model: Model, isa: str) -> None:
    engine = NativeEngine(small_model, isa=isa)
    clips = [noise(3, 20_000, seed) for seed in range(8)]
    expected = [engine.logits(clip) for clip in clips]
    wrong: list[int] = []

    def work(i: int) -> None:
        wrong.extend(
            i for _ in range(20) if not np.array_equal(engine.logits(clips[i]), expected[i])
        )

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(clips))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_halved_filters_by_hand() -> None:
    """Three taps with stride 1: pairs (1, 2) and (4, none); the second filter starts at row 1."""
    shape = ConvShape(1, 2, 3, sampling=Sampling(1))
    phi = np.float32([[1], [2], [4], [8]])
    even, odd, both = halve_filters(phi, shape, shape.filter_step)
    assert even.tolist() == [[1, 4], [2, 8]]
    assert odd.tolist() == [[2, 0], [4, 0]]
    assert both.tolist() == [[3, 4], [6, 8]]


# -------------------------------------------------------------------------------------- refusals


def test_no_windows_give_no_logits(small_model: Model, isa: str) -> None:
    assert NativeEngine(small_model, isa=isa).logits(noise(0, 800)).shape == (0, 3)


def test_windows_that_do_not_fit_are_refused(small_model: Model, isa: str, make_model) -> None:
    engine = NativeEngine(small_model, isa=isa)
    shortest = small_model.network.min_samples
    with pytest.raises(ParameterError, match=f"at least {shortest} samples"):
        engine.logits(noise(2, shortest - 1))
    with pytest.raises(ParameterError, match=r"windows of shape \(800,\)"):
        engine.logits(noise(2, 800)[0])
    flat = (Conv("conv1", ConvShape(1, 2, 3)), Flatten(), Linear("linear1", LinearShape(16, 4)))
    fixed = NativeEngine(make_model(Network(flat), ANY_AUDIO), isa=isa)
    assert fixed.logits(noise(1, 10)).shape == (1, 4)
    with pytest.raises(ParameterError, match=r"linear1: 18 inputs, .*another length.*expected 16"):
        fixed.logits(noise(1, 11))


def test_arguments_out_of_range_are_refused(small_model: Model, isa: str) -> None:
    with pytest.raises(ParameterError, match=r"threads = 0; expected an integer >= 1"):
        NativeEngine(small_model, threads=0)
    with pytest.raises(ParameterError, match=r"isa = 'mmx'; expected one of .*baseline"):
        NativeEngine(small_model, isa="mmx")
    with pytest.raises(ParameterError, match=r"ways: conv9: no such convolution"):
        NativeEngine(small_model, ways={"conv9": "recurrence"})
    with pytest.raises(ParameterError, match=r"ways: conv1: magic; expected one of filter-lanes"):
        NativeEngine(small_model, ways={"conv1": "magic"})


def test_a_dense_layer_has_no_recurrence(isa: str, make_model) -> None:
    model = make_model(Network((Conv("conv1", ConvShape(1, 2, 3)), Mean())), ANY_AUDIO)
    with pytest.raises(ParameterError, match=r"conv1: recurrence; expected one of filter-lanes, "):
        NativeEngine(model, isa=isa, ways={"conv1": "recurrence"})


def test_the_real_model_agrees_between_engines(isa: str) -> None:
    from wsnet_cli.core.locate import find_model
    from wsnet_cli.core.model_file.artifact import load_model

    model = load_model(Path(find_model("esc10")))
    windows = noise(2, model.audio.window_samples)
    found = NativeEngine(model, isa=isa).logits(windows)
    assert error(found, NumpyEngine(model).logits(windows)) < OF_THE_LARGEST


# ---------------------------------------------------------------------- irregular windows, signs


@pytest.mark.parametrize("n_more", [0, 1, 2, 15, 400])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(4, 2, 2, "learned"),
        Sampling(2, 4, group_offset=5),
        Sampling(2, 8, signs=True),
        Sampling(4, 4, 2, "random", 3, True),
    ],
    ids=str,
)
def test_wide_irregular_layers_in_every_way(
    sampling: Sampling, n_more: int, isa: str, make_model, reference
) -> None:
    """Filters and channels beyond a vector, odd lengths, pools that overlap and that do not."""
    first = Sampling(2, 1, 1, sampling.offsets)
    layers = (
        Conv("conv1", ConvShape(1, 24, 16, 2, 8, first), pool=Pool(4, 4)),
        Conv("conv2", ConvShape(24, 40, 8, 2, 4, sampling), pool=Pool(3, 2)),
        Conv("conv3", ConvShape(40, 16, 3, 1, 1, Sampling(2, 8, signs=True)), relu=False),
        Mean(),
        Linear("linear", LinearShape(16, 3, 4), scaled=True),
    )
    network = Network(layers)
    model = make_model(network, ANY_AUDIO)
    windows = noise(2, network.min_samples + n_more)
    for each in (model, compress(model)):
        expected = reference(each, windows)
        assert error(NumpyEngine(each).logits(windows), expected, CANCELLED) < OF_THE_LARGEST
        for way in plan.WAYS:
            engine = NativeEngine(each, isa=isa, ways=forced(network, [way]))
            found = engine.logits(windows)
            assert error(found, expected, CANCELLED) < OF_THE_LARGEST, way


def signed_by_hand() -> Model:
    """Channels x, 2x, 3x, 4x with signs 1, 1, 1, -1: columns x + 3x, 2x - 4x, weighed 1, 10."""
    conv1 = Conv("conv1", ConvShape(1, 4, 1), scaled=False)
    conv2 = Conv("conv2", ConvShape(4, 1, 1, sampling=Sampling(1, 2, signs=True)), False, False)
    zeros = np.zeros(4, np.float32)
    first = LayerWeights(np.float32([[1], [2], [3], [4]]), None, None, zeros)
    second = LayerWeights(np.float32([[1, 10]]), None, None, zeros[:1])
    return Model(Network((conv1, conv2, Mean())), (first, second), ("a",), ANY_AUDIO)


@pytest.mark.parametrize("way", ["filter-lanes", "time-lanes"])
def test_signs_by_hand(way: str, isa: str) -> None:
    model = signed_by_hand()
    window = np.float32([[2, 4]])
    engine = NativeEngine(model, isa=isa, ways={"conv1": way})
    for run in (engine, NumpyEngine(model)):
        logits, features = run.embed(window)
        assert logits.tolist() == [[4 * 3 + 10 * -2 * 3]]
        assert features.tolist() == [[3, 6, 9, 12]], "what the last layer takes has no signs yet"


def test_a_multiplier_of_a_sampled_head_by_hand(isa: str) -> None:
    """Rows (1, 2) and (2, 3) on the means 10 and 100, times 2 and -1, plus 1 and 5."""
    conv = Conv("conv1", ConvShape(1, 2, 1), scaled=False)
    linear = Linear("linear", LinearShape(2, 2, 1), scaled=True)
    first = LayerWeights(np.float32([[1], [10]]), None, None, np.zeros(2, np.float32))
    last = LayerWeights(np.float32([1, 2, 3]), None, np.float32([2, -1]), np.float32([1, 5]))
    model = Model(Network((conv, Mean(), linear)), (first, last), ("a", "b"), ANY_AUDIO)
    for run in (NativeEngine(model, isa=isa), NumpyEngine(model)):
        assert run.logits(np.float32([[10, 10]])).tolist() == [[421, -315]]
