"""The size of a file before there are weights, against files of models with random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import model_to_bytes, plain_bytes
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.networks.network import Network
from wsnet_cli.core.sizes.file_size import Wrapping, count_bytes, file_bytes
from wsnet_cli.core.sound.audio import AudioSettings

AUDIO = AudioSettings(8_000, window_s=0.5, hop_s=0.25)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 3))
def test_no_file_is_larger_and_an_uncoded_one_is_as_large(
    networks: st.SearchStrategy[tuple[Network, int]],
    make_model: Callable[..., Model],
    data: st.DataObject,
    seed: int,
):
    network, _ = data.draw(networks)
    labels = data.draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200),
            min_size=network.n_classes,
            max_size=network.n_classes,
            unique=True,
        )
    )
    several = data.draw(st.booleans())
    provenance = {"preset": data.draw(st.text('aé\n"', max_size=9)), "seed": seed}
    model = replace(
        make_model(network, AUDIO, seed),
        labels=tuple(labels),
        provenance=provenance,
        multi_label=several,
    )
    size = file_bytes(network, Wrapping(tuple(labels), AUDIO, provenance, several))
    small = compress(model)
    assert len(model_to_bytes(small)) <= size == plain_bytes(small)
    assert count_bytes(network) < size


def test_every_number_is_counted():
    """By hand: conv1 is 1 to 1 filter of 64 taps, and so on to conv8's two outputs."""
    config = parse_config("", "test", ["network.width=0.01", "network.head=conv8"])
    network = build_network(config.network, 2, 250_000)
    lengths, channels = (64, 32, 16, 8, 4, 4, 4), (1, 1, 1, 1, 3, 5, 10)
    weights = sum(
        length * n_in * n_out
        for length, n_in, n_out in zip(lengths, (1, *channels), channels, strict=False)
    )
    assert [layer.shape.n_out for layer in network.convolutions] == [*channels, 2]
    assert count_bytes(network) == weights + 8 * 10 * 2 + 2 * (2 * sum(channels) + 2)


def test_offsets_take_two_bytes_a_filter():
    sampled = ["network.sampling.stride=2", "network.sampling.offsets="]
    regular, learned = (
        build_network(
            parse_config("", "test", [sampled[0], sampled[1] + offsets]).network, 10, 30_225
        )
        for offsets in ("regular", "learned")
    )
    assert count_bytes(learned) - count_bytes(regular) == 2 * (
        16 + 32 + 64 + 128 + 256 + 512 + 1024
    )
    wrapping = Wrapping(tuple("abcdefghij"), AUDIO, {})
    assert file_bytes(learned, wrapping) > file_bytes(regular, wrapping)
