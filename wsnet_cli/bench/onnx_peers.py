"""The network as an ONNX graph, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from ..core.model import Model
from ..core.networks.network import Flatten, Mean, ToMap
from ..core.quant import Array
from .forms import PlainConv, PlainLinear, PlainMapConv, plain_steps

OPSET, IR_VERSION = 18, 9
"""Old enough for every ONNX Runtime that the package takes, from 1.18 on."""
ERRORS_ONLY = 3
"""A log level of ONNX Runtime."""


def onnx_peer(model: Model, *, as_images: bool = False) -> Callable[[Array], Array]:
    """The model in ONNX Runtime on the CPU, with one thread and all graph optimisations.

    Args:
        model: what it shall run.
        as_images: see `onnx_graph`.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = ERRORS_ONLY
    content = onnx_graph(model, as_images=as_images).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def logits(windows: Array) -> Array:
        out: Array = session.run(None, {"windows": windows})[0]
        return out

    return logits


def onnx_graph(model: Model, *, as_images: bool = False) -> onnx.ModelProto:
    """The model as a graph from `windows` [B, n_samples] to `logits` [B, n_classes].

    Args:
        model: any.
        as_images: False writes 1-D convolutions, as exporters do, and folds channels by a reshape
            and a sum. True writes the same network on images of height one, for which ONNX Runtime
            has kernels on blocked channels that it does not use in one dimension, and folds by a
            1x1 convolution with ones (and signs), which leaves the channels in their blocks: the
            fastest form that was found. Maps are images either way, and folded likewise.
    """
    graph = _Graph(as_images)
    name = graph.add("Unsqueeze", "windows", graph.constant([1, 2] if as_images else [1]))
    is_image, is_map = as_images, False
    for step in plain_steps(model):
        if isinstance(step, PlainConv):
            name = _convolution(graph, step, name)
            continue
        if isinstance(step, ToMap):
            name = _to_map(graph, name)
            is_image, is_map = False, True
            continue
        if isinstance(step, PlainMapConv):
            name = _map_convolution(graph, step, name)
            continue
        if is_image:
            name = graph.add("Squeeze", name, graph.constant([2]))
            is_image = False
        name = _head(graph, step, name, [2, 3] if is_map else [2])
    graph.add("Identity", name, out="logits")
    return graph.finish(model.network.n_classes)


def _convolution(graph: _Graph, step: PlainConv, name: str) -> str:
    flat = [1] if graph.as_images else []
    no_padding = [0] if graph.as_images else []
    if step.groups > 1:
        name = _fold(graph, step, name, [-1])
    padding = [*no_padding, step.padding]
    name = graph.add(
        "Conv",
        name,
        graph.tensor(graph.kernel(step.kernel)),
        graph.tensor(step.bias),
        strides=[*flat, step.stride],
        pads=[*padding, *padding],
    )
    if step.relu:
        name = graph.add("Relu", name)
    if step.pool:
        size, stride = [*flat, step.pool.size], [*flat, step.pool.stride]
        name = graph.add("MaxPool", name, kernel_shape=size, strides=stride)
    return name


def _fold(graph: _Graph, step: PlainConv | PlainMapConv, name: str, size: list[int]) -> str:
    """Sum the groups of channels; `size` is that of a channel."""
    n_columns = step.kernel.shape[1]
    signs = np.ones((step.groups, n_columns), np.float32) if step.signs is None else step.signs
    if graph.as_images:
        ones = np.tile(np.eye(n_columns, dtype=np.float32), (1, step.groups)) * signs.ravel()
        return graph.add("Conv", name, graph.tensor(graph.kernel(ones[:, :, np.newaxis])))
    grouped = graph.add("Reshape", name, graph.constant([0, step.groups, n_columns, *size]))
    if step.signs is not None:
        factors = signs.reshape(step.groups, n_columns, *[1] * len(size))
        grouped = graph.add("Mul", grouped, graph.tensor(factors))
    return graph.add("ReduceSum", grouped, graph.constant([1]), keepdims=0)


def _to_map(graph: _Graph, name: str) -> str:
    if graph.as_images:
        return graph.add("Transpose", name, perm=[0, 2, 1, 3])
    return graph.add("Unsqueeze", name, graph.constant([1]))


def _map_convolution(graph: _Graph, step: PlainMapConv, name: str) -> str:
    if step.groups > 1:
        name = _fold(graph, step, name, [step.n_bands, -1])
    kernel, bias = graph.tensor(step.kernel), graph.tensor(step.bias)
    strides, pads = [step.stride] * 2, [*step.padding, *step.padding]
    name = graph.add("Conv", name, kernel, bias, strides=strides, pads=pads)
    if step.relu:
        name = graph.add("Relu", name)
    if step.pool:
        size, stride = step.pool
        name = graph.add("MaxPool", name, kernel_shape=list(size), strides=list(stride))
    return name


def _head(graph: _Graph, step: PlainLinear | Mean | Flatten, name: str, axes: list[int]) -> str:
    if isinstance(step, Mean):
        return graph.add("ReduceMean", name, graph.constant(axes), keepdims=0)
    if isinstance(step, Flatten):
        return graph.add("Flatten", name, axis=1)
    weight, bias = graph.tensor(step.weight), graph.tensor(step.bias)
    name = graph.add("Gemm", name, weight, bias, transB=1)
    return graph.add("Relu", name) if step.relu else name


class _Graph:
    """Nodes and constants under names that count up."""

    def __init__(self, as_images: bool) -> None:
        self.as_images = as_images
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def kernel(self, kernel: Array) -> Array:
        """[N, M*, L] as the convolutions of this graph want it."""
        return kernel[:, :, np.newaxis] if self.as_images else kernel

    def tensor(self, values: npt.NDArray[Any]) -> str:
        """Add a constant; return its name."""
        name = f"constant{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def constant(self, numbers: list[int]) -> str:
        """Add a vector of integers; return its name."""
        return self.tensor(np.array(numbers, np.int64))

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        name = out or f"value{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def finish(self, n_classes: int) -> onnx.ModelProto:
        """The whole as a model that has been checked."""
        real = onnx.TensorProto.FLOAT
        windows = helper.make_tensor_value_info("windows", real, ["n_windows", "n_samples"])
        logits = helper.make_tensor_value_info("logits", real, ["n_windows", n_classes])
        graph = helper.make_graph(self._nodes, "wsnet", [windows], [logits], self._tensors)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model
