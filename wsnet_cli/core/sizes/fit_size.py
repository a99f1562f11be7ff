"""Size as an input: the width and the sampling by which an 8-bit file fits into so many bytes.

The rules and what they rest on: docs/training.md, "Size as an input".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..configuration.config import NetworkConfig
from ..errors import ConfigError
from ..networks.architectures import build_network
from ..networks.layer_sampling import (
    LayerSampling,
    asked_sampling,
    fit_channels,
    loosen,
    with_layer,
)
from ..networks.network import Linear, Network
from .file_size import Wrapping, count_bytes, file_bytes, layer_bytes
from .frontier import KB

SAMPLED_WIDTH_STEP, DENSE_WIDTH_STEP = 1 / 256, 1 / 1024
"""Between the widths that are tried. The width alone decides how much of its bytes a dense network
uses: its step is one channel of SoundNet-8's last layer."""
HEADER_BYTES = 500
"""By which the headers of two networks of one architecture and the same labels may differ."""


@dataclass(frozen=True)
class FitRow:
    """A layer as it was chosen; `n_bytes` are of its weights and constants.

    Args:
        name: of the layer.
        n_out: its filters or outputs.
        stride: S, or None where its weights are not shared.
        channel_factor: C.
        n_bytes: in the 8-bit file.
    """

    name: str
    n_out: int
    stride: int | None
    channel_factor: int
    n_bytes: int


@dataclass(frozen=True)
class Fit:
    """A network whose 8-bit file fits.

    Args:
        network: as a configuration says it.
        rows: its layers with weights, in order.
        n_bytes: of the 8-bit file, at most.
        whole: whether it is all that the configuration allows, as wide as there and dense: a larger
            file could not be made.
    """

    network: NetworkConfig
    rows: tuple[FitRow, ...]
    n_bytes: int
    whole: bool


def fit_size(config: NetworkConfig, wrapping: Wrapping, max_bytes: int) -> Fit:
    """Choose width and sampling of a network for an 8-bit file of at most `max_bytes`.

    The configuration says what is chosen from. What comes is never wider, and where that is dense,
    it is dense. It is the widest network that fits, each sampled layer with the stride of the
    configuration and the largest channel factor up to the one there that divides its channels. The
    bytes that are left make layers less sampled: in every round each layer, from the first on, has
    the larger of its two kinds of sharing halved, L / S or C, where that still fits.

    Args:
        config: of the network.
        wrapping: the rest of the file.
        max_bytes: of the file.

    Raises:
        ConfigError: no such network fits, and the message names the smallest that can be made; or
            the configuration is impossible.
    """
    search = _Search(config, wrapping, max_bytes)
    network = next(filter(search.fits, search.networks()), None)
    if network is None:
        smallest = search.smallest()
        raise ConfigError(
            f"{max_bytes:,} bytes are too few: the smallest 8-bit file that can be made of this "
            f"configuration for these {len(wrapping.labels)} labels is {smallest:,} bytes; "
            f"expected at least {-(-smallest // KB)} KB"
        )
    network = search.spend(network)
    built = search.build(network)
    dense = built.n_weights == sum(layer.shape.n_dense_weights for layer in built.weighted)
    whole = dense and network.width == config.width
    return Fit(network, _rows(built), search.most(network), whole)


class _Search:
    """What is tried, and whether it fits."""

    def __init__(self, network: NetworkConfig, wrapping: Wrapping, max_bytes: int) -> None:
        self._network, self._wrapping, self._max_bytes = network, wrapping, max_bytes
        self._asked = self._ask(network)
        self._widest = self._made_possible(network)

    def _ask(self, network: NetworkConfig) -> dict[str, LayerSampling]:
        """What each layer is asked to share at most."""
        if network.sampling is None:
            return {}
        dense = self.build(network.model_copy(update={"sampling": None}))
        return {
            layer.name: asked_sampling(network, layer.name, layer.shape)
            for layer in dense.convolutions
        }

    def _made_possible(self, network: NetworkConfig) -> NetworkConfig:
        """As it is, or where a factor does not divide the channels with the next that does."""
        try:
            self.build(network)
        except ConfigError as error:
            if network.sampling is None:
                raise
            try:
                self.build(fitting := self._narrow(network.width))
            except ConfigError:  # something else is impossible: told as it was asked
                raise error from None
            return fitting
        return network

    def build(self, network: NetworkConfig) -> Network:
        """The layers. Raises: ConfigError."""
        n_samples = self._wrapping.audio.window_samples
        return build_network(network, len(self._wrapping.labels), n_samples)

    def count(self, network: NetworkConfig) -> int:
        """Bytes of weights and constants, which are quickly known."""
        return count_bytes(self.build(network))

    def most(self, network: NetworkConfig) -> int:
        """Bytes of the 8-bit file with nothing coded."""
        return file_bytes(self.build(network), self._wrapping)

    def fits(self, network: NetworkConfig) -> bool:
        """Whether the 8-bit file does."""
        return self.count(network) < self._max_bytes and self.most(network) <= self._max_bytes

    def smallest(self) -> int:
        """Bytes of the smallest 8-bit file; headers differ by far less than HEADER_BYTES."""
        counts = [(self.count(network), network) for network in self.networks()]
        least = min(count for count, _ in counts)
        return min(self.most(network) for n, network in counts if n <= least + HEADER_BYTES)

    def networks(self) -> Iterator[NetworkConfig]:
        """That of the configuration, then ever narrower ones, but for those that cannot be built.

        One cannot be built where the head's sampling stride is more than what goes into the head.
        """
        yield self._widest
        step = SAMPLED_WIDTH_STEP if any(self._asked.values()) else DENSE_WIDTH_STEP
        for width in (n * step for n in range(int(self._network.width / step), 0, -1)):
            if width < self._network.width:
                try:
                    narrower = self._narrow(width)
                    self.build(narrower)
                except ConfigError:
                    continue
                yield narrower

    def _narrow(self, width: float) -> NetworkConfig:
        narrower = self._network.model_copy(update={"width": width})
        if narrower.sampling is None:
            return narrower
        dense = self.build(narrower.model_copy(update={"sampling": None}))
        for layer in dense.convolutions:
            fitting = fit_channels(self._asked[layer.name], layer)
            narrower = with_layer(narrower, layer.name, fitting)
        return narrower

    def spend(self, network: NetworkConfig) -> NetworkConfig:
        """With less sampling, a step a layer in every round, as long as anything fits."""
        before = None
        while network != before:
            before = network
            for layer in self.build(before).convolutions:
                if layer.shape.sampling is not None:
                    looser = with_layer(network, layer.name, loosen(layer))
                    network = looser if self.fits(looser) else network
        return network


def _rows(network: Network) -> tuple[FitRow, ...]:
    rows = []
    for layer in network.weighted:
        stride, factor = None, 1
        if isinstance(layer, Linear):
            stride = layer.shape.sampling_stride
        elif layer.shape.sampling is not None:
            stride, factor = layer.shape.sampling.stride, layer.shape.sampling.channel_factor
        rows.append(FitRow(layer.name, layer.shape.n_out, stride, factor, layer_bytes(layer)))
    return tuple(rows)
