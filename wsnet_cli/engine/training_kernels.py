"""The kernels that training uses, called through ctypes: see kernels/training.h.

Arrays are given by their addresses, because the caller holds torch tensors. A call releases the
GIL.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from ..core.errors import EngineError
from .library import ALIGNMENT, Library, load_library

MAX_POOL = 255
"""Longest pool: places of maxima are kept in bytes. WSNET_POOL_MAX of kernels/training.h."""

Address = int


@dataclass(frozen=True)
class Block:
    """`wsnet_block` of kernels/training.h, field by field: one convolution on a batch of maps.

    `n_steps` and `n_pooled` are its outputs before and after pooling, both >= 1.
    """

    n_channels: int
    n_samples: int
    n_columns: int
    padding: int
    length: int
    stride: int
    n_filters: int
    n_steps: int
    pool_size: int
    pool_stride: int
    n_pooled: int

    @property
    def n_taps(self) -> int:
        """Values that an output weighs."""
        return self.length * self.n_columns

    @property
    def gap(self) -> int:
        """Values between the windows of neighbouring outputs."""
        return self.stride * self.n_columns


class _NativeBlock(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in Block.__dataclass_fields__]


class TrainingKernels:
    """The functions of kernels/training.h, for the best instruction set of this processor.

    Raises: EngineError: the library does not have them.
    """

    def __init__(self, library: Library, isa: str | None = None) -> None:
        self.library = library
        self.isa = library.find_isa(isa)
        self.isa_name = library.isas[self.isa]
        self.lanes = library.lanes(self.isa)
        self._known: dict[tuple[str, Block], int] = {}
        block, n32, n64 = ctypes.POINTER(_NativeBlock), ctypes.c_int32, ctypes.c_int64
        self._sizes = {
            name: library.function(f"wsnet_train_{name}", (block, n32), n64)
            for name in ("row_floats", "scratch_floats", "filter_floats", "band_outputs")
        }
        self._steps = {
            name: library.function(
                f"wsnet_train_{name}", (block, n32, n64, *[ctypes.c_void_p] * n_arrays)
            )
            for name, n_arrays in (
                *(("moments", 5), ("outputs", 7), ("weight_gradient", 6)),
                ("input_gradient", 10),
            )
        }

    def size(self, name: str, block: Block) -> int:
        """One of `row_floats`, `scratch_floats`, `filter_floats`, `band_outputs`."""
        found = self._known.get((name, block))
        if found is None:
            found = self._known[name, block] = int(self._sizes[name](_native(block), self.isa))
        return found

    def scratch(self, block: Block) -> npt.NDArray[np.float32]:
        """Aligned scratch for one thread at a time."""
        room = np.empty(self.size("scratch_floats", block) * 4 + ALIGNMENT, np.uint8)
        start = -room.ctypes.data % ALIGNMENT
        return room[start : room.size - ALIGNMENT + start].view(np.float32)

    def run(self, name: str, block: Block, n_items: int, *arrays: Address) -> None:
        """`moments`, `outputs`, `weight_gradient` or `input_gradient` of so many items.

        The arrays are those of kernels/training.h, contiguous; their sizes are the caller's affair.
        """
        self._steps[name](_native(block), self.isa, n_items, *arrays)


@functools.lru_cache(maxsize=256)
def _native(block: Block) -> _NativeBlock:
    return _NativeBlock(*astuple(block))


@functools.cache
def training_kernels() -> TrainingKernels | None:
    """The kernels of this install, or None where there are none: torch serves then."""
    try:
        return TrainingKernels(load_library())
    except EngineError:
        return None
