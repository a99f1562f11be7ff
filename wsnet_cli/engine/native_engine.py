"""The compiled engine: prepares the numbers of a model for the kernels, once, and calls them."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import ParameterError
from ..core.model import LayerWeights, Model, cut_last_convolution, real
from ..core.networks.filters import channel_signs, sampled_rows
from ..core.networks.network import Conv, Flatten, Linear, MapConv, Mean, Pool, ToMap
from ..core.quant import Array
from .library import Layer, Library, load_library
from .native_filters import filters_by_band, halve_filters, mix_filters, rows_of_taps
from .plan import WAYS, LayerPlan, make_plan
from .windows import check_windows

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

KINDS = {Conv: 0, Mean: 1, Flatten: 2, Linear: 3, MapConv: 4}
"""As `wsnet_kind` of kernels/wsnet.h numbers them; WAYS stands in the order of `wsnet_way`."""

MAX_INT32 = 2**31 - 1


class NativeEngine:
    """Runs the network of a model on windows of audio, with the compiled kernels.

    May be used by several threads at once: each call has a workspace of its own.

    Args:
        model: float32 or 8-bit; codes are expanded to float32 once, here.
        threads: windows of one call are shared among so many threads.
        isa: the instruction set, one of `library.isas`; None takes the best of this machine.
        ways: layer name to way (plan.WAYS), for layers that are not to take the cheapest.
        library: the compiled kernels; None loads those that were built with this package.

    Raises:
        EngineError: there are no compiled kernels.
        ParameterError: threads < 1, or an isa or way that is not there.
    """

    name = "native"

    def __init__(
        self,
        model: Model,
        *,
        threads: int = 1,
        isa: str | None = None,
        ways: Mapping[str, str] | None = None,
        library: Library | None = None,
    ) -> None:
        if threads < 1:
            raise ParameterError(f"threads = {threads}; expected an integer >= 1")
        self._library = library or load_library()
        self._isa = self._library.find_isa(isa)
        self.isa = self._library.isas[self._isa]
        self.network = model.network
        self._model = model
        self._body: NativeEngine | None = None  # without the last convolution; made where asked for
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._workspaces: list[np.ndarray] = []  # those that no call is using
        self._arrays: list[Array] = []  # keeps alive what the layers point at
        lanes = self._library.lanes(self._isa)
        n_samples = max(model.audio.window_samples, model.network.min_samples)
        self.plan = make_plan(model.network, n_samples, self.isa, lanes, ways)
        with np.errstate(over="ignore", invalid="ignore"):  # `calibrating.scores` looks at it
            self._layers = self._fill_layers(model, lanes)

    def logits(self, windows: Array) -> Array:
        """Logits of each window.

        Args:
            windows: [n_windows, n_samples] float32, normalised as the model wants it.

        Returns: [n_windows, n_classes] float32.
        Raises: ParameterError: as `check_windows`.
        """
        return self._share(windows, None)

    def embed(self, windows: Array) -> tuple[Array, Array]:
        """Logits and features of each window, as `engines.Engine` says.

        Takes as long as the logits alone where the last layer with weights is linear; where it is a
        convolution, the layers before it are run twice.

        Raises: ParameterError: as `check_windows`.
        """
        if not isinstance(self.network.weighted[-1], Linear):
            return self.logits(windows), self._average_channels(windows)
        features = np.empty((len(windows), self.network.n_features), np.float32)
        return self._share(windows, features), features

    def _average_channels(self, windows: Array) -> Array:
        """What the last convolution takes, averaged over time, by a network that ends there."""
        if self._body is None and (body := cut_last_convolution(self._model)) is not None:
            self._body = NativeEngine(
                body, threads=self._threads, isa=self.isa, library=self._library
            )
        if self._body is None:  # nothing comes before it
            means: Array = windows.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
            return means
        return self._body.logits(windows)

    def _share(self, windows: Array, features: Array | None) -> Array:
        """The logits, and `features` filled, by all threads."""
        check_windows(self.network, windows)
        steady = np.ascontiguousarray(windows, np.float32)
        out = np.zeros((len(steady), self.network.n_classes), np.float32)
        n_parts = min(self._threads, len(steady))
        if n_parts <= 1:
            self._run(steady, out, features)
            return out
        edges = [len(steady) * i // n_parts for i in range(n_parts + 1)]
        from concurrent.futures import ThreadPoolExecutor  # here: one clip never needs it

        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "wsnet")
        parts = [
            self._pool.submit(
                self._run,
                steady[start:end],
                out[start:end],
                None if features is None else features[start:end],
            )
            for start, end in itertools.pairwise(edges)
        ]
        for part in parts:
            part.result()
        return out

    def _run(self, windows: Array, out: Array, features: Array | None) -> None:
        try:
            workspace = self._workspaces.pop()  # one step, so that no two threads get the same
        except IndexError:
            workspace = self._library.workspace(self._layers, self._isa)
        self._library.run(self._layers, self._isa, windows, workspace, out, features)
        self._workspaces.append(workspace)

    def _fill_layers(self, model: Model, lanes: int) -> ctypes.Array[Layer]:
        # Channels lie as bands do, so that nothing has to be done to make a map of them.
        known = [layer for layer in model.network.layers if not isinstance(layer, ToMap)]
        layers = (Layer * len(known))()
        weights, plans = iter(model.weights), iter(self.plan)
        convolutions = model.network.convolutions
        n_seen = 0
        for native, layer in zip(layers, known, strict=True):
            native.kind = KINDS[type(layer)]
            if isinstance(layer, Conv | MapConv):
                n_seen += 1
                following = convolutions[n_seen] if n_seen < len(convolutions) else None
                native.groups, native.signs = self._groups(following)
                own, plan = next(weights), next(plans)
                self._fill_any_convolution(native, layer, own, plan, lanes)
                if isinstance(layer, Conv):
                    self._fill_convolution(native, layer, own, plan, lanes)
                else:
                    self._fill_map_convolution(native, layer, own, plan, lanes)
            elif isinstance(layer, Mean):
                native.n_bands = model.network.n_bands
            elif isinstance(layer, Linear):
                own = next(weights)
                self._fill_linear(native, layer, own)
        return layers

    def _fill_linear(self, native: Layer, layer: Linear, own: LayerWeights) -> None:
        native.n_in, native.n_out = layer.shape.n_in, layer.shape.n_out
        native.filter_step, native.relu = layer.shape.filter_step, layer.relu
        weights = real(own.phi)
        if own.multiplier is not None:
            weights = own.multiplier[:, np.newaxis] * sampled_rows(weights, layer.shape)
            native.filter_step = layer.shape.n_in
        native.weights, native.bias = self._keep(weights), self._keep(own.bias)

    def _fill_any_convolution(
        self, native: Layer, layer: Conv | MapConv, own: LayerWeights, plan: LayerPlan, lanes: int
    ) -> None:
        shape = layer.shape
        native.way, native.block = WAYS.index(plan.way), plan.block
        native.n_in, native.n_out = shape.folded_channels, shape.n_out
        native.n_sampled = shape.n_sampled
        pool = layer.pool or Pool(1, 1)
        # A stride that is longer than any window leaves one output, however long it is.
        native.stride = min(shape.stride, MAX_INT32)
        native.pool_size, native.pool_stride = pool.size, min(pool.stride, MAX_INT32)
        native.length, native.padding = shape.length, shape.padding
        native.relu = layer.relu
        ones = np.ones(shape.n_out, np.float32)
        native.multiplier = self._keep_padded(
            ones if own.multiplier is None else own.multiplier, lanes
        )
        native.bias = self._keep_padded(own.bias, lanes)

    def _fill_convolution(
        self, native: Layer, layer: Conv, own: LayerWeights, plan: LayerPlan, lanes: int
    ) -> None:
        shape = layer.shape
        phi, native.filter_step = rows_of_taps(own, shape)
        pointwise = None if own.pointwise is None else real(own.pointwise)
        if plan.way == "filter-lanes":
            gap = native.filter_step * shape.folded_channels
            n_taps = shape.length * shape.folded_channels
            phi = self._library.pack(phi, shape.n_sampled, gap, n_taps, lanes)
            if pointwise is not None:
                n = shape.n_sampled
                pointwise = self._library.pack(pointwise, shape.n_out, n, n, lanes)
        elif plan.way == "fast-fir":
            phi = halve_filters(phi, shape, native.filter_step)
        native.weights = self._keep(phi)
        native.pointwise = None if pointwise is None else self._keep(pointwise)

    def _fill_map_convolution(
        self, native: Layer, layer: MapConv, own: LayerWeights, plan: LayerPlan, lanes: int
    ) -> None:
        shape = layer.shape
        native.n_bands, native.height = shape.n_bands, shape.height
        native.band_padding, native.band_pool = shape.band_padding, layer.band_pool
        phi = real(own.phi)
        filters = mix_filters(phi, shape) if plan.way == "fast-fir" else filters_by_band(phi, shape)
        n_taps = filters.shape[-1]
        packed = [
            self._library.pack(each, shape.n_out, n_taps, n_taps, lanes)
            for each in filters.reshape(-1, shape.n_out, n_taps)
        ]
        native.weights = self._keep(np.concatenate(packed))

    def _groups(self, following: Conv | MapConv | None) -> tuple[int, int | None]:
        """Groups of channels that the next convolution wants summed, and where their signs lie."""
        if following is None:
            return 1, None
        shape = following.shape
        n_groups = shape.n_in // shape.folded_channels
        if n_groups == 1 or not shape.signs:
            return n_groups, None
        return n_groups, self._keep(channel_signs(shape.n_in, shape.folded_channels))

    def _keep_padded(self, constants: Array, lanes: int) -> int:
        return self._keep(np.pad(constants, (0, -len(constants) % lanes)))

    def _keep(self, array: Array) -> int:
        steady = np.ascontiguousarray(array, np.float32)
        self._arrays.append(steady)
        return int(steady.ctypes.data)
