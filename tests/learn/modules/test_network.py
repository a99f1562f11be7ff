from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_file import load_config, parse_config
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.model import Model, compress, real
from wsnet_cli.core.model_file.artifact import model_from_bytes, model_to_bytes
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Conv, Flatten, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.numpy_engine import NumpyEngine
from wsnet_cli.learn.modules.network import ConvBlock, LinearBlock, WaveformClassifier

ENGINES_AGREE = 1e-4
"""Largest difference of logits, relative to the largest of them: float32 sums in another order."""


def as_model(torch_model: WaveformClassifier, audio: AudioSettings | None = None) -> Model:
    network = torch_model.network
    if audio is None:
        seconds = max(1, network.min_samples) / 1_000
        audio = AudioSettings(1_000, window_s=seconds, hop_s=seconds)
    labels = tuple(f"class-{i}" for i in range(network.n_classes))
    return Model(network, torch_model.export(), labels, audio)


def put_back(torch_model: WaveformClassifier, model: Model) -> None:
    """Give a torch network the numbers of a model file, dequantised."""
    blocks = [b for b in torch_model.blocks if isinstance(b, ConvBlock | LinearBlock)]
    for block, own in zip(blocks, model.weights, strict=True):
        inner = block.conv if isinstance(block, ConvBlock) else block.linear
        inner.phi.data = torch.from_numpy(real(own.phi).copy())
        if own.pointwise is not None:
            inner.pointwise.data = torch.from_numpy(real(own.pointwise).copy())
        if own.offsets is not None:
            inner.places.load(own.offsets)
        holder = block if isinstance(block, ConvBlock) else inner
        if getattr(block, "norm", None) is None:
            holder.bias.data = torch.from_numpy(own.bias.copy())
            if own.multiplier is not None:
                holder.multiplier.data = torch.from_numpy(own.multiplier.copy())
        else:
            block.norm.running_mean.zero_()
            block.norm.running_var.fill_(1 - block.norm.eps)
            block.norm.weight.data = torch.from_numpy(own.multiplier.copy())
            block.norm.bias.data = torch.from_numpy(own.bias.copy())


def check_agreement(torch_model: WaveformClassifier, model: Model, windows: np.ndarray) -> None:
    with torch.no_grad():
        expected = torch_model(torch.from_numpy(windows)).numpy()
    found = NumpyEngine(model).logits(windows)
    assert found.shape == expected.shape == (len(windows), model.network.n_classes)
    assert found.dtype == np.float32
    largest = np.abs(expected).max()
    assert np.abs(found - expected).max() <= ENGINES_AGREE * largest + 1e-30


def check_both_precisions(torch_model: WaveformClassifier, windows: np.ndarray) -> None:
    model = as_model(torch_model)
    check_agreement(torch_model, model, windows)
    small = compress(model)
    put_back(torch_model, small)
    check_agreement(torch_model, small, windows)


@settings(deadline=None, max_examples=150)
@given(data=st.data(), n_windows=st.integers(1, 3), seed=st.integers(0, 9))
def test_random_networks_give_the_same_logits_in_torch_and_numpy(
    data, n_windows: int, seed: int, networks, make_classifier
) -> None:
    network, n_samples = data.draw(networks)
    windows = np.random.default_rng(seed).standard_normal((n_windows, n_samples))
    check_both_precisions(make_classifier(network, seed), windows.astype(np.float32))


VARIANTS = {
    "released pools, conv8": ("network.width=0.0625", "network.head=conv8", "audio.window_s=10.5"),
    "every layer's pools, conv8": (
        "network.pooling=every-layer",
        "network.head=conv8",
        "network.width=0.125",
        "network.sampling.stride=2",
        "network.sampling.channel_factor=2",
        "network.sampling.layers.conv8.stride=4",
    ),
    "baseline1": (
        "network.architecture=baseline1",
        "network.head=fully-connected",
        "network.head_sampling_stride=16",
        "network.width=0.125",
        "audio.window_s=3.2",
    ),
    "denser, fully connected": (
        "network.head=fully-connected",
        "network.sampling.stride=4",
        "network.sampling.denser=2",
        "network.width=0.25",
        "network.sampling.layers.conv7=dense",
    ),
    "odd width": ("network.width=0.3", "network.sampling.stride=1"),
}


@pytest.mark.parametrize("more", VARIANTS.values(), ids=VARIANTS.keys())
def test_variants_of_named_networks_give_the_same_logits(more: tuple[str, ...], make_classifier):
    config = parse_config("", "test", more)
    n_samples = audio_settings(config.audio).window_samples
    network = build_network(config.network, 7, n_samples)
    windows = np.random.default_rng(0).standard_normal((2, n_samples)).astype(np.float32)
    check_both_precisions(make_classifier(network), windows)


@pytest.mark.parametrize("preset", preset_names())
def test_presets_give_the_same_logits_at_the_shortest_an_odd_and_their_own_length(
    preset: str, make_classifier
) -> None:
    config = load_config(preset)
    own = audio_settings(config.audio).window_samples
    network = build_network(config.network, 10, own)
    rng = np.random.default_rng(0)
    flat = any(isinstance(layer, Flatten) for layer in network.layers)
    # Behind a flatten layer only the length that the network was built for fits.
    for n_samples in (own,) if flat else (network.min_samples, own // 2 * 2 + 1, own):
        windows = rng.standard_normal((1, n_samples))
        check_both_precisions(make_classifier(network), windows.astype(np.float32))


def test_the_dense_reference_has_the_published_number_of_parameters() -> None:
    network = build_network(load_config("esc10-dense").network, 10, 30_225)
    in_torch = sum(p.numel() for p in WaveformClassifier(network).parameters())
    assert in_torch == network.n_parameters == 2_882_538


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_torch_learns_exactly_the_parameters_that_are_counted(data, networks) -> None:
    network, _ = data.draw(networks)
    torch_model = WaveformClassifier(network)
    n_drawn = sum(b.numel() for n, b in torch_model.named_buffers() if n.endswith("deviations"))
    n_learned = sum(p.numel() for p in torch_model.parameters())
    assert n_learned + n_drawn == network.n_parameters
    kept = [c.shape for c in network.convolutions if c.shape.sampling]
    assert n_drawn == sum(s.n_offsets for s in kept if s.sampling.offsets == "random")


def test_blocks_have_the_lengths_that_the_network_states(small_network: Network) -> None:
    torch_model = WaveformClassifier(small_network)
    out = torch.randn(2, 1, 333)
    lengths = small_network.lengths(333)
    for block, layer, n in zip(
        torch_model.blocks, small_network.convolutions, lengths, strict=False
    ):
        out = block(out)
        assert out.shape == (2, layer.shape.n_out, n)


def test_block_by_hand() -> None:
    """Kernel (1, 1) on 1, 2, -9, 4, 5 gives 3, -7, -5, 9; norm halves and adds 1; ReLU; pool 2."""
    layer = Conv("conv1", ConvShape(1, 1, 2), pool=Pool(2, 2))
    block = ConvBlock(layer).eval()
    with torch.no_grad():
        block.conv.phi.fill_(1.0)
        block.norm.running_var.fill_(4 - block.norm.eps)
        block.norm.running_mean.fill_(-1.0)
        block.norm.bias.fill_(0.5)
        found = block(torch.tensor([[[1.0, 2.0, -9.0, 4.0, 5.0]]]))
    assert found.flatten().tolist() == pytest.approx([2.5, 5.5])
    own = block.export()
    assert own.multiplier == pytest.approx([0.5])
    assert own.bias == pytest.approx([1.0])


def test_export_keeps_the_sign_of_negative_multipliers(small_network, make_classifier) -> None:
    torch_model = make_classifier(small_network)
    norm = torch_model.blocks[0].norm
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-2.0, 1.0, -0.5, 0.0]))
    multiplier = torch_model.export()[0].multiplier
    assert np.sign(multiplier).tolist() == [-1, 1, -1, 0]


def test_export_copies(small_network, make_classifier) -> None:
    torch_model = make_classifier(small_network)
    before = torch_model.export()[0].phi.copy()
    exported = torch_model.export()[0]
    with torch.no_grad():
        torch_model.blocks[0].conv.phi.zero_()
    assert np.array_equal(exported.phi, before)
    assert np.any(before != 0)


def test_a_model_file_gives_the_very_logits_of_the_model(small_network, make_classifier) -> None:
    windows = np.random.default_rng(0).standard_normal((2, 801)).astype(np.float32)
    model = as_model(make_classifier(small_network))
    for each in (model, compress(model)):
        again = model_from_bytes(model_to_bytes(each), "test")
        expected = NumpyEngine(each).logits(windows)
        assert np.array_equal(NumpyEngine(again).logits(windows), expected)


def test_dropout_acts_in_training_alone_and_on_the_inputs_of_linear_layers() -> None:
    """A dropped input takes all three logits along; the bias is never dropped."""
    conv = Conv("conv1", ConvShape(1, 1, 4, sampling=Sampling(2)))
    network = Network((conv, Mean(), Linear("linear", LinearShape(1, 3))))
    torch_model = WaveformClassifier(network, dropout=0.25)
    with torch.no_grad():
        torch_model.blocks[-1].linear.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    rows = torch_model(torch.randn(400, 50)) - torch_model.blocks[-1].linear.bias
    dropped = rows == 0
    assert torch.equal(dropped.any(1), dropped.all(1))
    assert float(dropped.float().mean()) == pytest.approx(0.25, abs=0.08)
    torch_model.eval()
    assert not (torch_model(torch.randn(400, 50)) == torch.tensor([1.0, 2.0, 3.0])).any()
    assert WaveformClassifier(network).blocks[-1].dropout.p == 0
