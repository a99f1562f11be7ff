"""The compiled kernels: finding their library, checking it, and calling it through ctypes.

A call releases the GIL. The library is built with the package where there is a C compiler; where
there is none, `load_library` says why and the numpy engine serves.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..core.errors import EngineError, ParameterError

ABI = 6
"""Must equal WSNET_ABI of kernels/wsnet.h."""
LIBRARY_VARIABLE = "WSNET_LIBRARY"
"""Environment variable: the path of another build of the kernels, such as one with sanitizers."""
ALIGNMENT = 64
"""Bytes that the workspace is aligned to: a cache line."""
MAX_WORKSPACE_BYTES = 1 << 30
"""Far more than any network that is trained needs: what a hostile model file may ask for."""
NO_LIBRARY = "the compiled engine was not built with this install; with a C compiler: pip install ."


class Layer(ctypes.Structure):
    """`wsnet_layer` of kernels/wsnet.h, field by field."""

    _fields_ = [
        *(
            (name, ctypes.c_int32)
            for name in (
                *("kind", "way", "n_in", "n_sampled", "n_out", "length", "stride", "padding"),
                *("filter_step", "pool_size", "pool_stride", "relu", "groups", "block"),
                *("n_bands", "height", "band_padding", "band_pool"),
            )
        ),
        *(
            (name, ctypes.c_void_p)
            for name in ("weights", "pointwise", "multiplier", "bias", "signs")
        ),
    ]


class Library:
    """The functions of kernels/wsnet.h.

    Args:
        path: of the shared library.

    Raises:
        EngineError: it cannot be loaded, or belongs to another version of this package.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._native = ctypes.CDLL(str(path))
            found = int(self._native.wsnet_abi())
        except (OSError, AttributeError) as error:
            raise EngineError(f"{path}: the compiled engine cannot be loaded: {error}") from error
        if found != ABI:
            raise EngineError(
                f"{path}: has interface {found}; expected {ABI}: install the package again"
            )
        self._declare()
        self.isas = tuple(
            self._native.wsnet_isa_name(i).decode("ascii")
            for i in range(self._native.wsnet_n_isas())
        )

    def _declare(self) -> None:
        n32, n64, address = ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p
        layers = ctypes.POINTER(Layer)
        native = self._native
        native.wsnet_isa_name.argtypes, native.wsnet_isa_name.restype = [n32], ctypes.c_char_p
        native.wsnet_lanes.argtypes = [n32]
        native.wsnet_pack.argtypes = [address, n64, n64, n64, n32, address]
        native.wsnet_pack.restype = None
        native.wsnet_workspace_bytes.argtypes = [layers, n32, n32]
        native.wsnet_workspace_bytes.restype = n64
        native.wsnet_run.argtypes = [layers, n32, n32, address, n64, n64, *[address] * 3]
        native.wsnet_run.restype = None

    def function(
        self, name: str, arguments: Sequence[Any], result: Any = None
    ) -> Callable[..., Any]:
        """One of its other functions, declared: see `training_kernels.py`.

        Raises: EngineError: it is not there.
        """
        try:
            found = self._native[name]
        except AttributeError as error:
            raise EngineError(f"{self.path}: has no {name}: install the package again") from error
        found.argtypes, found.restype = list(arguments), result
        return cast("Callable[..., Any]", found)

    def find_isa(self, name: str | None) -> int:
        """The number of an instruction set; the best one for None.

        Raises: ParameterError: this library or this processor does not have it.
        """
        if name is None:
            return 0
        if name not in self.isas:
            raise ParameterError(
                f"isa = {name!r}; expected one of {', '.join(self.isas)}, which this machine has"
            )
        return self.isas.index(name)

    def lanes(self, isa: int) -> int:
        """Floats in one of its vectors."""
        return int(self._native.wsnet_lanes(isa))

    def pack(
        self, filters: npt.NDArray[np.float32], n_filters: int, gap: int, n_taps: int, lanes: int
    ) -> npt.NDArray[np.float32]:
        """`wsnet_pack`: filters of `n_taps` values, `gap` values apart, as panels for the kernels.

        Raises: ParameterError: `filters` is too short for so many.
        """
        if filters.size < (n_filters - 1) * gap + n_taps:
            raise ParameterError(f"{filters.size} weights for {n_filters} filters; expected more")
        flat = np.ascontiguousarray(filters, np.float32)
        packed = np.empty(-(-n_filters // lanes) * lanes * n_taps, np.float32)
        self._native.wsnet_pack(flat.ctypes.data, n_filters, gap, n_taps, lanes, packed.ctypes.data)
        return packed

    def workspace(self, layers: ctypes.Array[Layer], isa: int) -> npt.NDArray[np.uint8]:
        """A workspace for `run`: zeros, aligned, for one thread at a time.

        Raises: ParameterError: it would take more than MAX_WORKSPACE_BYTES.
        """
        n_bytes = int(self._native.wsnet_workspace_bytes(layers, len(layers), isa))
        if not 0 <= n_bytes <= MAX_WORKSPACE_BYTES:
            raise ParameterError(
                f"the network needs {n_bytes} bytes to run; expected at most {MAX_WORKSPACE_BYTES}"
            )
        block = np.zeros(n_bytes + ALIGNMENT, np.uint8)
        start = -block.ctypes.data % ALIGNMENT
        return block[start : start + n_bytes]

    def run(
        self,
        layers: ctypes.Array[Layer],
        isa: int,
        windows: npt.NDArray[np.float32],
        workspace: npt.NDArray[np.uint8],
        logits: npt.NDArray[np.float32],
        features: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """`wsnet_run`. The arrays must be C-contiguous; their shapes are the caller's affair."""
        n_windows, n_samples = windows.shape
        self._native.wsnet_run(
            layers,
            len(layers),
            isa,
            windows.ctypes.data,
            n_windows,
            n_samples,
            workspace.ctypes.data,
            logits.ctypes.data,
            None if features is None else features.ctypes.data,
        )


@functools.cache
def load_library() -> Library:
    """The library that was built with this package, or the one that WSNET_LIBRARY names.

    Raises:
        EngineError: there is none, or it does not fit; the message says what to do.
    """
    named = os.environ.get(LIBRARY_VARIABLE)
    path = Path(named) if named else _built()
    if path is None:
        raise EngineError(NO_LIBRARY)
    return Library(path)


def _built() -> Path | None:
    folder = Path(__file__).parent
    candidates = [folder / f"_kernels{suffix}" for suffix in EXTENSION_SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)
