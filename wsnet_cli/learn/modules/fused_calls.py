"""The kernels of a fused block over all items of a batch, shared among torch's threads.

Items are summed in groups that depend on their number alone, and the groups in their order, so that
the number of threads changes no bit of a result.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from ...engine.training_kernels import Block, TrainingKernels, training_kernels

GROUPS = 8
"""Most groups that items are summed in: the most threads that help."""

_local = threading.local()


@dataclass(frozen=True)
class Flow:
    """Into each window flow its chosen gradients times `filters`, mixing * window, and constant.

    Shapes: [N, n_taps], [n_taps, n_taps] symmetric, [n_taps]; float64.
    """

    filters: Tensor
    mixing: Tensor
    constant: Tensor


def moments(block: Block, audio: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the maps for the other functions; mean [n_taps] and covariance of all windows.

    Args:
        block: the geometry.
        audio: [B, M, T] float32, contiguous.
    """
    kernels, n_taps, n_items = _kernels(), block.n_taps, len(audio)
    rows = torch.empty(n_items, kernels.size("row_floats", block))
    groups = _groups(n_items)
    sums, products = _zeros(len(groups), n_taps), _zeros(len(groups), n_taps, n_taps)

    def work(group: int, items: slice, scratch: int) -> None:
        at = (audio[items], rows[items], sums[group], products[group])
        kernels.run("moments", block, _count(items), *_addresses(at), scratch)

    _each(groups, block, work)
    count = n_items * block.n_steps
    mean = _total(sums) / count
    upper = _total(products) / count
    return rows, mean, upper + upper.triu(1).T - torch.outer(mean, mean)


def outputs(
    block: Block, rows: Tensor, filters: Tensor, scale: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Pooled, activated outputs [B, N, n_pooled], and the places of the maxima, in bytes.

    Args:
        block: the geometry.
        rows: from `moments`.
        filters: [N, n_taps] float32.
        scale: [N], of each filter's output.
        shift: [N], added to it; where one of both is not finite, the outputs are NaN.
    """
    kernels, shape = _kernels(), (len(rows), block.n_filters, block.n_pooled)
    out, chosen = torch.empty(shape), torch.empty(shape, dtype=torch.uint8)
    packed = _packed(kernels, filters)
    scale32, shift32 = _padded(kernels, scale), _padded(kernels, shift)

    def work(_: int, items: slice, scratch: int) -> None:
        numbers = (packed.ctypes.data, scale32.data_ptr(), shift32.data_ptr())
        start, *results = _addresses((rows[items], out[items], chosen[items]))
        kernels.run("outputs", block, _count(items), start, *numbers, *results, scratch)

    _each(_groups(len(rows)), block, work)
    lost = ~(torch.isfinite(scale) & torch.isfinite(shift))
    if bool(lost.any()):
        out[:, lost] = torch.nan
    return out, chosen


def weight_sums(
    block: Block, rows: Tensor, gradient: Tensor, chosen: Tensor
) -> tuple[Tensor, Tensor]:
    """Sums over the chosen outputs of the gradient [N], and of it times the window [N, n_taps]."""
    kernels, groups = _kernels(), _groups(len(rows))
    sums = _zeros(len(groups), block.n_filters)
    products = _zeros(len(groups), block.n_filters, block.n_taps)

    def work(group: int, items: slice, scratch: int) -> None:
        at = (rows[items], gradient[items], chosen[items], sums[group], products[group])
        kernels.run("weight_gradient", block, _count(items), *_addresses(at), scratch)

    _each(groups, block, work)
    return _total(sums), _total(products)


def input_gradient(
    block: Block, rows: Tensor, gradient: Tensor, chosen: Tensor, flow: Flow
) -> Tensor:
    """The gradient of the maps [B, M, T]."""
    kernels = _kernels()
    out = torch.empty(len(rows), block.n_channels, block.n_samples)
    row = kernels.size("filter_floats", block)
    filters = _packed(kernels, flow.filters.T)
    mixing, constant = (
        functional.pad(part.float(), (0, row - block.n_taps))
        for part in (flow.mixing, flow.constant)
    )
    band_filters, band_shift = _band(block, flow, kernels.size("band_outputs", block))
    packed, shift = _packed(kernels, band_filters), _padded(kernels, band_shift)

    def work(_: int, items: slice, scratch: int) -> None:
        at = _addresses((rows[items], gradient[items], chosen[items]))
        numbers = (filters.ctypes.data, mixing.data_ptr(), constant.data_ptr())
        band = (packed.ctypes.data, shift.data_ptr(), out[items].data_ptr())
        kernels.run("input_gradient", block, _count(items), *at, *numbers, *band, scratch)

    _each(_groups(len(rows)), block, work)
    return out


def _band(block: Block, flow: Flow, n_outputs: int) -> tuple[Tensor, Tensor]:
    """`mixing` and `constant` summed over all windows that hold a value: see kernels/training.h."""
    n_taps, gap = block.n_taps, block.gap
    rest = -n_taps % gap
    # Of each value of a window: what it has from those up to n_taps - 1 before it and behind it.
    around = _staircase(flow.mixing.flip(0), 2 * n_taps - 1).flip(0)
    by_phase = functional.pad(around, (0, 0, 0, rest)).view(-1, gap, 2 * n_taps - 1).sum(0)
    shift = functional.pad(flow.constant, (0, rest)).view(-1, gap).sum(0)
    again = n_outputs // gap
    return _staircase(by_phase.repeat(again, 1), 2 * n_taps + n_outputs - 2), shift.repeat(again)


def _staircase(rows: Tensor, width: int) -> Tensor:
    """Row r moved right by r places, in rows of `width`, zeros elsewhere."""
    padded = functional.pad(rows, (0, width + 1 - rows.shape[1]))
    return padded.flatten()[: len(rows) * width].view(len(rows), width)


def _zeros(*shape: int) -> Tensor:
    """float64, by numpy: torch would wake its threads for so little."""
    return torch.from_numpy(np.zeros(shape))


def _total(of_groups: Tensor) -> Tensor:
    """The sum over the groups, in their order."""
    return torch.from_numpy(of_groups.numpy().sum(axis=0))


def _each(groups: list[slice], block: Block, work: Callable[[int, slice, int], None]) -> None:
    """`work(group, items, address of scratch)` for every group, by this thread and others."""
    left = deque(range(len(groups)))

    def work_off() -> None:
        scratch = _scratch(block)
        while left:
            try:
                group = left.popleft()
            except IndexError:
                return
            work(group, groups[group], scratch)

    n_others = min(torch.get_num_threads(), len(groups)) - 1
    others = [_pool(n_others).submit(work_off) for _ in range(n_others)]
    try:
        work_off()
    finally:
        left.clear()
        for other in others:
            other.result()


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "wsnet-fused")


def _scratch(block: Block) -> int:
    """The address of this thread's scratch, which is kept for the next call."""
    needed = _kernels().size("scratch_floats", block)
    held: npt.NDArray[np.float32] | None = getattr(_local, "scratch", None)
    if held is None or held.size < needed:
        held = _local.scratch = _kernels().scratch(block)
    return int(held.ctypes.data)


def _groups(n_items: int) -> list[slice]:
    n = min(GROUPS, n_items)
    ends = [n_items * i // n for i in range(n + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def _count(items: slice) -> int:
    return int(items.stop - items.start)


def _addresses(tensors: tuple[Tensor, ...]) -> list[int]:
    return [tensor.data_ptr() for tensor in tensors]


def _packed(kernels: TrainingKernels, filters: Tensor) -> npt.NDArray[np.float32]:
    flat = filters.float().contiguous().numpy()
    return kernels.library.pack(flat, len(flat), flat.shape[1], flat.shape[1], kernels.lanes)


def _padded(kernels: TrainingKernels, values: Tensor) -> Tensor:
    """Zeros behind, to a multiple of the lanes."""
    return functional.pad(values.float(), (0, -len(values) % kernels.lanes))


def _kernels() -> TrainingKernels:
    kernels = training_kernels()
    assert kernels is not None, "asked for only where they are"
    return kernels
