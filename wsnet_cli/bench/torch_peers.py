"""The network in torch, eager or compiled."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.model import Model
from ..core.networks.network import Flatten, Mean, ToMap
from ..core.quant import Array
from .forms import PlainConv, PlainMapConv, PlainStep, plain_steps

Step = Callable[[Tensor], Tensor]


def torch_peer(model: Model, *, compiled: bool = False) -> Callable[[Array], Array]:
    """The model as torch functions in inference mode, with one thread.

    Sets the number of torch's threads to 1 for the whole process.

    Args:
        model: what it shall run.
        compiled: through `torch.compile`, for the one shape of windows that it is called with.
    """
    torch.set_num_threads(1)
    run: Step = _network(model)
    if compiled:
        run = torch.compile(run, dynamic=False)

    @torch.inference_mode()
    def logits(windows: Array) -> Array:
        out: Array = run(torch.from_numpy(windows)).numpy()
        return out

    return logits


def _network(model: Model) -> Step:
    steps = [_step(step) for step in plain_steps(model)]

    def run(windows: Tensor) -> Tensor:
        values = windows.unsqueeze(1)
        for step in steps:
            values = step(values)
        return values

    return run


def _step(step: PlainStep) -> Step:
    if isinstance(step, PlainConv):
        return _convolution(step)
    if isinstance(step, PlainMapConv):
        return _map_convolution(step)
    if isinstance(step, ToMap):
        return lambda values: values.unsqueeze(1)
    if isinstance(step, Mean):
        return lambda values: values.flatten(2).mean(dim=-1)
    if isinstance(step, Flatten):
        return lambda values: values.flatten(1)
    weight, bias = torch.from_numpy(step.weight), torch.from_numpy(step.bias)
    if step.relu:
        return lambda values: torch.relu(F.linear(values, weight, bias))
    return lambda values: F.linear(values, weight, bias)


def _convolution(step: PlainConv) -> Step:
    kernel, bias = torch.from_numpy(step.kernel), torch.from_numpy(step.bias)
    signs = None if step.signs is None else torch.from_numpy(step.signs).unsqueeze(-1)

    def run(values: Tensor) -> Tensor:
        if step.groups > 1:
            n_windows, _, n_steps = values.shape
            values = values.reshape(n_windows, step.groups, -1, n_steps)
            values = (values if signs is None else values * signs).sum(dim=1)
        values = F.conv1d(values, kernel, bias, step.stride, step.padding)
        # Pooled first: the maximum and ReLU commute, and ReLU then has fewer values to pass over.
        if step.pool:
            values = F.max_pool1d(values, step.pool.size, step.pool.stride)
        return values.relu_() if step.relu else values

    return run


def _map_convolution(step: PlainMapConv) -> Step:
    kernel, bias = torch.from_numpy(step.kernel), torch.from_numpy(step.bias)
    signs = None if step.signs is None else torch.from_numpy(step.signs)[..., None, None]

    def run(values: Tensor) -> Tensor:
        if step.groups > 1:
            n_windows, _, *size = values.shape
            values = values.reshape(n_windows, step.groups, -1, *size)
            values = (values if signs is None else values * signs).sum(dim=1)
        values = F.conv2d(values, kernel, bias, step.stride, step.padding)
        if step.pool:
            values = F.max_pool2d(values, *step.pool)
        return values.relu_() if step.relu else values

    return run
