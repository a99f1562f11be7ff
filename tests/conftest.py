"""What several test folders share: a cache of their own, random networks, models and tones."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from wsnet_cli.core.model import LayerWeights, Model, phi_shape
from wsnet_cli.core.model_file.artifact import save_model
from wsnet_cli.core.networks.filters import channel_signs, offset_bounds
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import (
    Conv,
    Flatten,
    Layer,
    Linear,
    MapConv,
    Mean,
    Network,
    Pool,
    ToMap,
)
from wsnet_cli.core.networks.sampling import OFFSETS, ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings

TONE_RATE = 8_000

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would the processes that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# No example fails for its time, which on a busy machine says nothing. The rest stays as it was, and
# --hypothesis-profile comes before it.
settings.register_profile("wsnet", deadline=None)
settings.load_profile("wsnet")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("WSNET_CACHE", str(tmp_path / "own-cache"))


# ------------------------------------------------------------------------------- references


def naive_sign(channel: int, n_columns: int) -> float:
    """The sign of an input channel by docs/format.md, in plain integers."""
    if channel < n_columns:
        return 1.0
    h = channel ^ channel >> 16
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    return -1.0 if (h ^ h >> 16) & 1 else 1.0


def naive_weight(
    phi: np.ndarray, shape: ConvShape, offsets: np.ndarray | None, n: int, channel: int, tap: int
) -> float:
    """K[l, m, n] by its definition, one weight at a time, in exact places and float64."""
    sampling = shape.sampling
    if sampling is None:
        return float(phi[n * shape.length + tap, channel])
    n_columns = shape.n_in // sampling.channel_factor
    deviation = Fraction(0 if offsets is None else int(offsets[n]), 256)
    place = n * (sampling.stride // sampling.denser) + deviation
    place += channel // n_columns * sampling.group_offset + tap
    row, part = int(place), float(place % 1)
    column = channel % n_columns
    weight = (1 - part) * float(phi[row, column])
    weight += part * float(phi[row + 1, column]) if part else 0.0
    return weight * (naive_sign(channel, n_columns) if sampling.signs else 1.0)


def naive_convolution(
    values: np.ndarray, phi: np.ndarray, shape: ConvShape, offsets: np.ndarray | None = None
) -> np.ndarray:
    """The definition: G[n, t] = sum F[m, s*t + l] K[l, m, n].

    `values` is [M, T]; the result is [D*N, T'] in float64, without the 1x1 of denser sampling.
    """
    n_sampled = shape.n_out * (shape.sampling.denser if shape.sampling else 1)
    padded = np.pad(values.astype(np.float64), ((0, 0), (shape.padding, shape.padding)))
    n_outputs = (padded.shape[1] - shape.length) // shape.stride + 1
    out = np.zeros((n_sampled, n_outputs))
    taps = itertools.product(range(n_sampled), range(shape.n_in), range(shape.length))
    for n, m, tap in taps:
        weight = naive_weight(phi, shape, offsets, n, m, tap)
        for t in range(n_outputs):
            out[n, t] += padded[m, shape.stride * t + tap] * weight
    return out


@pytest.fixture(scope="session")
def naive_conv() -> Callable[..., np.ndarray]:
    """`naive_conv(values, phi, shape, offsets=None)`: a convolution by its definition."""
    return naive_convolution


def naive_map_convolution(values: np.ndarray, phi: np.ndarray, shape: MapShape) -> np.ndarray:
    """The definition: G[n, f, t] = sum F[m, s*f + h, s*t + l] K[h, l, m, n].

    K[h, l, m, n] = Phi[n*S + c*Delta + l*H + h, m mod M*] with c = m // M*, the group of m.
    `values` is [M, bands, T]; the result is [N, bands', T'] in float64.
    """
    step = shape.sampling.stride if shape.sampling else shape.height * shape.length
    n_columns = shape.n_in // (shape.sampling.channel_factor if shape.sampling else 1)
    below, before = (shape.band_padding,) * 2, (shape.padding,) * 2
    padded = np.pad(values.astype(np.float64), ((0, 0), below, before))
    n_bands = (padded.shape[1] - shape.height) // shape.stride + 1
    n_steps = (padded.shape[2] - shape.length) // shape.stride + 1
    out = np.zeros((shape.n_out, n_bands, n_steps))
    taps = list(itertools.product(range(shape.n_in), range(shape.height), range(shape.length)))
    delta = shape.sampling.group_offset if shape.sampling else 0
    if shape.sampling and shape.sampling.signs:
        padded *= channel_signs(shape.n_in, n_columns)[:, np.newaxis, np.newaxis]
    for n, f, t in np.ndindex(out.shape):
        for m, h, l in taps:  # noqa: E741  # the name that the method has for it
            row = n * step + m // n_columns * delta + l * shape.height + h
            weight = float(phi[row, m % n_columns])
            out[n, f, t] += padded[m, shape.stride * f + h, shape.stride * t + l] * weight
    return out


@pytest.fixture(scope="session")
def naive_map_conv() -> Callable[[np.ndarray, np.ndarray, MapShape], np.ndarray]:
    return naive_map_convolution


# --------------------------------------------------------------------------- random networks


@st.composite
def _samplings(draw: st.DrawFn, n_in: int, length: int) -> Sampling:
    stride = draw(st.integers(1, length) | st.sampled_from([1, length]))
    factors = [c for c in range(1, n_in + 1) if n_in % c == 0]
    densities = [d for d in range(1, stride + 1) if stride % d == 0]
    return Sampling(stride, draw(st.sampled_from(factors)), draw(st.sampled_from(densities)))


@st.composite
def _irregular(draw: st.DrawFn, shape: ConvShape) -> ConvShape:
    """The same layer sampled with offsets, group offsets and signs, where it can have them."""
    sampling = draw(_samplings(shape.n_in, shape.length))
    factors = [c for c in range(2, shape.n_in + 1) if shape.n_in % c == 0]
    if not factors:
        return replace(shape, sampling=replace(sampling, offsets=draw(st.sampled_from(OFFSETS))))
    several = replace(shape, sampling=replace(sampling, channel_factor=factors[-1]))
    sampling = replace(
        sampling,
        channel_factor=draw(st.sampled_from(factors)),
        offsets=draw(st.sampled_from(OFFSETS)),
        group_offset=draw(st.just(0) | st.integers(1, min(several.length + several.last_place, 6))),
        signs=draw(st.booleans()),
    )
    return replace(shape, sampling=sampling)


@st.composite
def _conv_shapes(draw: st.DrawFn, n_in: int | None = None, *, irregular: bool = False) -> ConvShape:
    n_in = draw(st.integers(1, 6)) if n_in is None else n_in
    length = draw(st.integers(1, 7))
    shape = ConvShape(
        n_in,
        draw(st.integers(1, 4)),
        length,
        draw(st.integers(1, 3)),
        draw(st.integers(0, length)),
        draw(st.none() | _samplings(n_in, length)),
    )
    return draw(_irregular(shape)) if irregular else shape


@st.composite
def _linear_shapes(
    draw: st.DrawFn, n_in: int | None = None, n_out: int | None = None
) -> LinearShape:
    n_in = draw(st.integers(1, 9)) if n_in is None else n_in
    n_out = draw(st.integers(1, 5)) if n_out is None else n_out
    return LinearShape(n_in, n_out, draw(st.none() | st.integers(1, n_in)))


@st.composite
def _map_shapes(draw: st.DrawFn, n_in: int, n_bands: int) -> MapShape:
    band_padding = draw(st.integers(0, 2))
    height = draw(st.integers(max(1, band_padding), min(4, n_bands + 2 * band_padding)))
    length = draw(st.integers(1, 4))
    factor = draw(st.sampled_from([c for c in range(1, n_in + 1) if n_in % c == 0]))
    n_taps, signs = height * length, factor > 1 and draw(st.booleans())
    step = draw(st.integers(1, n_taps) | st.sampled_from([min(height, n_taps), n_taps]))
    later = draw(st.just(0) | st.integers(1, n_taps)) if factor > 1 else 0
    return MapShape(
        n_in,
        draw(st.integers(1, 6)),
        n_bands,
        height,
        length,
        draw(st.integers(1, 3)),
        band_padding,
        draw(st.integers(0, length)),
        draw(st.sampled_from([None, Sampling(step, factor, group_offset=later, signs=signs)])),
    )


@st.composite
def _maps(draw: st.DrawFn, n_bands: int) -> list[Layer]:
    """What makes a map of so many channels, and up to three convolutions of it."""
    layers: list[Layer] = [ToMap()]
    n_in = 1
    for number in range(1, draw(st.integers(0, 3)) + 1):
        shape = draw(_map_shapes(n_in, n_bands))
        pool = draw(st.none() | st.builds(Pool, st.integers(1, 3), st.integers(1, 3)))
        band_pool = draw(st.integers(1, min(3, shape.n_out_bands)))
        scaled, relu = draw(st.booleans()), draw(st.booleans())
        layer = MapConv(f"map{number}", shape, scaled, relu, pool, band_pool)
        layers.append(layer)
        n_in, n_bands = shape.n_out, layer.n_out_bands
    return layers


@st.composite
def _networks(draw: st.DrawFn) -> tuple[Network, int]:
    """A network and the length of a window for it, often the shortest there is."""
    layers: list[Layer] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        n_in = layers[-1].shape.n_out if layers else 1
        shape = draw(_conv_shapes(n_in, irregular=draw(st.booleans())))
        pool = draw(st.none() | st.builds(Pool, st.integers(1, 3), st.integers(1, 3)))
        scaled, relu = draw(st.booleans()), draw(st.booleans())
        layers.append(Conv(f"conv{number}", shape, scaled, relu, pool))
    if draw(st.integers(0, 2)) == 0:
        layers += draw(_maps(layers[-1].shape.n_out))
    body = Network((*layers, Mean()))
    n_samples = body.min_samples + draw(st.just(0) | st.integers(0, 41))
    n_channels = body.n_classes
    heads = ["mean-linear", "conv8"]
    if not any(isinstance(layer, ToMap) for layer in layers):
        heads.append("fully-connected")
    match draw(st.sampled_from(heads)):
        case "mean-linear":
            shape = draw(_linear_shapes(n_channels, 3))
            head = (Mean(), Linear("linear", shape, scaled=draw(st.booleans())))
        case "conv8":
            head = (Mean(),)
        case _:
            hidden = draw(_linear_shapes(n_channels * body.lengths(n_samples)[-1]))
            last = draw(_linear_shapes(hidden.n_out, 3))
            first = Linear("linear1", hidden, relu=True, scaled=draw(st.booleans()))
            head = (Flatten(), first, Linear("linear2", last))
    return Network((*layers, *head)), n_samples


@pytest.fixture(scope="session")
def conv_shapes() -> st.SearchStrategy[ConvShape]:
    """Small convolutions, dense and sampled, often with S = 1, S = L, C = M, M = 1 or D > 1."""
    return _conv_shapes()


@pytest.fixture(scope="session")
def irregular_shapes() -> st.SearchStrategy[ConvShape]:
    """The same with offsets of every kind, group offsets and signs."""
    return _conv_shapes(irregular=True)


@pytest.fixture(scope="session")
def linear_shapes() -> st.SearchStrategy[LinearShape]:
    return _linear_shapes()


@pytest.fixture(scope="session")
def networks() -> st.SearchStrategy[tuple[Network, int]]:
    """Small networks of every kind of layer and head, each with a window length in samples."""
    return _networks()


# ------------------------------------------------------------------------------------ models


def random_model(network: Network, audio: AudioSettings, seed: int = 0) -> Model:
    """A float32 model with random weights, a third of its multipliers negative."""
    rng = np.random.default_rng(seed)

    def normal(shape: tuple[int, ...], deviation: float = 1.0) -> np.ndarray:
        return (rng.standard_normal(shape) * deviation).astype(np.float32)

    weights = []
    for layer in network.weighted:
        n_out = layer.shape.n_out
        n_taps = layer.shape.n_in * (layer.shape.length if isinstance(layer, Conv) else 4)
        if isinstance(layer, MapConv):
            n_taps = layer.shape.n_in * layer.shape.height * layer.shape.length
        phi = normal(phi_shape(layer), n_taps**-0.5)
        pointwise = multiplier = offsets = None
        if isinstance(layer, Conv) and layer.shape.pointwise_shape:
            pointwise = normal(layer.shape.pointwise_shape, 0.5)
        if layer.scaled:
            sign = rng.choice([1, 1, -1], n_out).astype(np.float32)
            multiplier = sign * (1 + np.abs(normal((n_out,))))
        if isinstance(layer, Conv) and layer.shape.n_offsets:
            least, most = offset_bounds(layer.shape)
            offsets = rng.integers(least, most, endpoint=True).astype(np.int16)
        weights.append(LayerWeights(phi, pointwise, multiplier, normal((n_out,), 0.3), offsets))
    labels = tuple(f"class-{i}" for i in range(network.n_classes))
    return Model(network, tuple(weights), labels, audio, 32, {"seed": seed})


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """Make a model with random weights of any network: `make_model(network, audio, seed=0)`."""
    return random_model


@pytest.fixture(scope="session")
def small_network() -> Network:
    """Two sampled convolutions (C = 2 and D = 2 in the second) and a linear layer; 3 classes."""
    conv1 = Conv("conv1", ConvShape(1, 4, 16, 4, 8, Sampling(2)), pool=Pool(2, 2))
    conv2 = Conv("conv2", ConvShape(4, 6, 8, 2, 4, Sampling(4, 2, 2)))
    return Network((conv1, conv2, Mean(), Linear("linear", LinearShape(6, 3, 2))))


@pytest.fixture(scope="session")
def small_model(small_network: Network) -> Model:
    """Random weights; 0.1 s windows at 8 kHz every 0.05 s; labels class-0 to class-2."""
    return random_model(small_network, AudioSettings(TONE_RATE, window_s=0.1, hop_s=0.05))


@pytest.fixture
def small_model_file(small_model: Model, tmp_path: Path) -> Path:
    path = tmp_path / "small.wsnet"
    save_model(path, small_model)
    return path


# ------------------------------------------------------------------------------------- tones


def write_tones(root: Path, tones_hz: Mapping[str, float], n_clips: int = 7) -> Path:
    """Fill `root/<label>/<i>.wav` with noisy tones of 0.33 s and more at 8 kHz, none alike."""
    import soundfile

    rng = np.random.default_rng(0)
    for label, hz in tones_hz.items():
        (root / label).mkdir(parents=True)
        for i in range(n_clips):
            time_s = np.arange(2_600 + 100 * i) / TONE_RATE
            tone = 0.3 * np.sin(2 * np.pi * (hz + 10 * i) * time_s)
            noise = 0.01 * rng.standard_normal(len(time_s))
            soundfile.write(root / label / f"{i}.wav", tone + noise, TONE_RATE)
    return root


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A data folder of three classes with seven tones each."""
    return write_tones(tmp_path / "tones", {"low": 300, "middle": 700, "high": 1_500})


@pytest.fixture(scope="session")
def tone_model(small_model: Model) -> Model:
    """Random weights and the labels of `tones`, with biases such that it names more than one."""
    from wsnet_cli.core.sound.windows import clip_windows
    from wsnet_cli.engine.numpy_engine import NumpyEngine

    time_s = np.arange(TONE_RATE // 10) / TONE_RATE
    windows = [
        clip_windows(np.sin(2 * np.pi * hz * time_s).astype(np.float32), small_model.audio)
        for hz in (300, 700, 1_500)
    ]
    logits = NumpyEngine(small_model).logits(np.concatenate(windows))
    *body, last = small_model.weights
    centred = replace(last, bias=last.bias - logits.mean(axis=0))
    return replace(small_model, weights=(*body, centred), labels=("high", "low", "middle"))
