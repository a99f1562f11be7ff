from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import model_from_bytes, model_to_bytes
from wsnet_cli.core.model_file.container import unpack

Path = tuple[str | int, ...]
Sign = Callable[..., bytes]


def parts_of(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors, header = unpack(model_to_bytes(model), "x")
    return tensors, copy.deepcopy(header)


def changed(value: Any, path: Path, new: object) -> Any:
    """A copy with one part replaced, or taken out where `new` is `...`."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return value


def paths_in(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items or (enumerate(value) if isinstance(value, list) else ()):
        yield from paths_in(inner, (*path, key))


CONV = {"type": "conv", "shape": [1, 2, 6, 2, 3], "sampling": [2, 1, 2], "pool": [2, 2]}
LINEAR = {"type": "linear", "shape": [2, 3]}
MEAN, FLATTEN = {"type": "mean"}, {"type": "flatten"}


def test_the_fields_tested_here_are_those_that_are_written(tiny_model: Model) -> None:
    _, header = parts_of(tiny_model)
    assert header["layers"] == [CONV, MEAN, LINEAR]
    assert set(header) == {"format", "weights", "labels", "audio", "layers", "provenance"}


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("weights",), ..., "weights: missing or of the wrong type; expected str"),
        (("weights",), 8, "weights: missing or of the wrong type; expected str"),
        (("weights",), "int4", "weights = 'int4'; expected one of float32, int8"),
        (("weights",), "int8", "tensors ['constants', 'weights']; expected ['codes', 'const"),
        (("labels",), ..., "labels: missing or of the wrong type; expected list"),
        (("labels",), "abc", "labels: missing or of the wrong type; expected list"),
        (("labels",), ["a", "b"], "2 labels for 3 logits; expected as many"),
        (("labels",), ["a", "b", "c", "d"], "4 labels for 3 logits; expected as many"),
        (("labels",), ["a", "b", "a"], "two labels are equal; expected labels that differ"),
        (("labels",), ["a", "b", ""], "labels: expected a list of words"),
        (("labels",), ["a", "b", 3], "labels: expected a list of words"),
        (("labels",), ["a", "b", None], "labels: expected a list of words"),
        (("labels",), ["a", "b", "\ud800"], r"'\ud800' is not Unicode; expected a name in whole"),
        (("multi_label",), 1, "multi_label: missing or of the wrong type; expected bool"),
        (("multi_label",), None, "multi_label: missing or of the wrong type; expected bool"),
        (("multi_label",), True, "format = 1; expected 2 for such a model"),
        (("provenance",), ..., "provenance: missing or of the wrong type; expected dict"),
        (("provenance",), {"a": [1]}, "provenance: expected words and numbers"),
        (("provenance",), {"a": None}, "provenance: expected words and numbers"),
        (("provenance",), {"a": True}, "provenance: expected words and numbers"),
        (("provenance",), {"\udc00": 1}, r"'\udc00' is not Unicode; expected a name in whole"),
        (("audio",), ..., "audio: missing or of the wrong type; expected dict"),
        (("audio",), [], "audio: missing or of the wrong type; expected dict"),
        (("audio", "sample_rate"), 8000.0, "sample_rate: missing or of the wrong type; expected"),
        (("audio", "sample_rate"), True, "sample_rate: missing or of the wrong type; expected int"),
        (("audio", "sample_rate"), 0, "sample_rate = 0; expected"),
        (("audio", "window_s"), "1", "window_s = '1'; expected a number"),
        (("audio", "window_s"), True, "window_s = True; expected a number"),
        (("audio", "window_s"), 10**400, "window_s = 1000"),
        (("audio", "hop_s"), 0, "hop_s = 0.0; expected"),
        (("audio", "hop_s"), 5.0, "hop_s = 5.0; expected"),
        (("audio", "normalise"), "peak", "normalise = 'peak'; expected"),
        (("audio", "normalise"), 1, "normalise: missing or of the wrong type; expected str"),
        (("audio", "trim_below"), 1, "trim_below = 1.0; expected"),
        (("audio", "trim_below"), None, "trim_below = None; expected a number"),
        (("layers",), {}, "layers: missing or of the wrong type; expected list"),
        (("layers",), [], "the network never reduces time"),
        (("layers",), [5], "layers: expected a list of mappings"),
        (("layers",), [MEAN], "the network has no weights; expected a convolution or more"),
        (("layers",), [CONV, LINEAR], "linear: expected a mean or flatten layer before it"),
        (("layers",), [CONV, MEAN, FLATTEN, LINEAR], "flatten: time is reduced already"),
        (("layers",), [CONV, FLATTEN], "flatten: expected a linear layer after it"),
        (("layers",), [CONV, FLATTEN, LINEAR], "linear: n_in = 2; expected 2 channels * 25 steps"),
        (("layers",), [FLATTEN, LINEAR], "linear: n_in = 2; expected 1 channels * 100 steps"),
        (("layers", 0, "type"), "lstm", "layer type 'lstm'; expected conv, to-map, map-conv, mean"),
        (("layers", 0, "type"), None, "type: missing or of the wrong type; expected str"),
        (("layers", 0, "shape"), [1, 2, 6, 2], "shape = [1, 2, 6, 2]; expected 5 integers"),
        (("layers", 0, "shape"), [1, 2, 6, 2, 3.0], "shape = [1, 2, 6, 2, 3.0]; expected 5 int"),
        (("layers", 0, "shape"), [1, 2, 6, True, 3], "shape = [1, 2, 6, True, 3]; expected 5 int"),
        (("layers", 0, "shape", 1), 0, "n_out = 0; expected an integer >= 1"),
        (("layers", 0, "shape", 4), -1, "padding = -1; expected an integer >= 0"),
        (("layers", 0, "shape", 1), 3, "linear: n_in = 2; expected 3, the channels of the layer"),
        (("layers", 0, "shape", 2), 7, "weights: float32 of shape "),
        (("layers", 0, "shape", 2), 800, "a window of 100 samples; expected 796 to 16777216"),
        (("layers", 0, "shape", 1), 10**4000, "shape = [1, 1000"),
        (("layers", 0, "shape", 2), 2**30, "4294967302 expanded weights; expected at most"),
        (("layers", 0, "sampling"), [2, 1], "sampling = [2, 1]; expected 3 integers"),
        (("layers", 0, "sampling"), [7, 1, 1], "stride = 7; expected 1 to the filter length 6"),
        (("layers", 0, "sampling"), [2, 2, 2], "channel_factor = 2; expected a divisor of the 1"),
        (("layers", 0, "sampling"), [2, 1, 3], "denser = 3; expected a divisor of the sampling"),
        (("layers", 0, "sampling"), ..., "weights: float32 of shape "),
        (("layers", 0, "pool"), [0, 1], "pool = 0/1; expected integers >= 1"),
        (("layers", 0, "pool"), [[[[[[[[[[2]]]]]]]]]], "pool = [[[[...]]]]; expected 2 int"),
        (("layers", 0, "scaled"), 0, "scaled: missing or of the wrong type; expected bool"),
        (("layers", 0, "scaled"), False, "constants: float32 of shape (7,); expected float32 (5,)"),
        (("layers", 0, "relu"), None, "relu: missing or of the wrong type; expected bool"),
        (("layers", 2, "sampling"), 3, "stride = 3; expected 1 to the 2 inputs"),
        (("layers", 2, "sampling"), [1], "sampling: missing or of the wrong type; expected int"),
        (("layers", 2, "relu"), "yes", "relu: missing or of the wrong type; expected bool"),
        (("layers", 2, "shape"), [2, 0], "n_out = 0; expected an integer >= 1"),
    ],
)
def test_lie_with_a_right_digest_is_refused(
    tiny_model: Model, sign: Sign, path: Path, new: object, message: str
) -> None:
    tensors, header = parts_of(tiny_model)
    content = sign(tensors, changed(header, path, new))
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


ODD = [..., None, True, -1, 0, 1, 2**31, 2**63, 10**400, 0.5, -1.5, float("nan"), float("inf")]
ODD += ["", "x", "conv", "int8", "\ud800", [], [1], [1, 1], [[]], [None] * 5, {}, {"type": "conv"}]


@pytest.mark.parametrize("bits", [32, 8])
def test_any_odd_value_anywhere_is_refused_or_gives_a_model_that_can_be_saved(
    tiny_model: Model, sign: Sign, bits: int
) -> None:
    tensors, header = parts_of(tiny_model if bits == 32 else compress(tiny_model))
    n_refused = 0
    for path in paths_in(header):
        for new in ODD:
            content = sign(tensors, changed(header, path, new))
            try:
                model = model_from_bytes(content, "x")
            except ArtifactError:
                n_refused += 1
                continue
            saved = model_to_bytes(model)
            assert model_to_bytes(model_from_bytes(saved, "x")) == saved, (path, new)
    assert n_refused > 500


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        ("weights", None, "tensors ['constants']; expected ['constants', 'weights']"),
        ("more", np.zeros(1, np.float32), "tensors ['constants', 'more', 'weights']; expected"),
        ("weights", np.zeros(3, np.float32), "weights: float32 of shape (3,); expected float32 ("),
        ("weights", np.zeros((20, 1), np.float32), "weights: float32 of shape (20, 1); expected"),
        ("weights", np.zeros(20, np.float64), "weights: float64 of shape (20,); expected float32"),
        ("constants", np.zeros(8, np.float32), "constants: float32 of shape (8,); expected float"),
        ("constants", np.zeros(7, np.float16), "constants: float16 of shape (7,); expected float"),
    ],
)
def test_wrong_tensors_are_refused(
    tiny_model: Model, sign: Sign, name: str, new: Any, message: str
) -> None:
    tensors, header = parts_of(tiny_model)
    tensors.pop(name, None)
    content = sign(tensors if new is None else {**tensors, name: new}, header)
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_wherever_they_stand(
    tiny_model: Model, sign: Sign, bad: float
) -> None:
    tensors, header = parts_of(tiny_model)
    assert {name: array.size for name, array in tensors.items()} == {"constants": 7, "weights": 23}
    for name, array in tensors.items():
        for at in range(array.size):
            damaged = array.copy()
            damaged[at] = bad
            content = sign({**tensors, name: damaged}, header)
            with pytest.raises(ArtifactError, match=r"(conv1|linear): NaN or infinity among its"):
                model_from_bytes(content, "x")


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        ("scales", np.float32([1, 1, -1, 1, 1, 1]), "a scale is -1.0; expected a finite number"),
        ("scales", np.float32([1, np.nan, 1, 1, 1, 1]), "a scale is nan; expected a finite number"),
        ("scales", np.float32([1, 1, 1, 1, 1, np.inf]), "a scale is inf; expected a finite number"),
        ("scales", np.full(6, 3e38, np.float32), "conv1: NaN or infinity among its numbers"),
        ("scales", np.ones(5, np.float32), "scales end early; expected more of them"),
        ("scales", np.ones(7, np.float32), "7 scales; expected 6"),
        ("scales", np.ones((6, 1), np.float32), "scales are no float32 list"),
        ("scales", np.ones(6, np.float64), "scales are no float32 list"),
        ("codes", np.full(23, -128, np.int8), "a code is -128; expected -127 to 127"),
        ("codes", np.zeros(23, np.uint8), "codes: uint8 of shape (23,); expected int8 (23,)"),
        ("constants", np.full(7, np.inf, np.float16), "conv1: NaN or infinity among its numbers"),
        ("constants", np.full(7, np.nan, np.float16), "conv1: NaN or infinity among its numbers"),
    ],
)
def test_wrong_eight_bit_tensors_are_refused(
    tiny_model: Model, sign: Sign, name: str, new: Any, message: str
) -> None:
    tensors, header = parts_of(compress(tiny_model))
    content = sign({**tensors, name: new}, header)
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


@pytest.mark.parametrize("n_out", [2**12, 2**20, 2**26, 2**31])
def test_a_lying_size_allocates_nothing(
    tiny_model: Model, sign: Sign, n_out: int, traced_peak: Callable[..., Any]
) -> None:
    tensors, header = parts_of(tiny_model)
    header["layers"][0]["shape"] = [1, n_out, 6, 2, 3]
    header["layers"][2]["shape"] = [n_out, 3]
    content = sign(tensors, header)
    with traced_peak() as peak, pytest.raises(ArtifactError, match=r"^x: is not a valid model: "):
        model_from_bytes(content, "x")
    assert peak.n_bytes < 200_000


@pytest.mark.parametrize("depth", [100, 900, 960, 985, 20_000])
def test_deep_nesting_is_refused(tiny_model: Model, sign: Sign, depth: int) -> None:
    tensors, _ = parts_of(tiny_model)
    metadata = '{"format": 1, "weights": ' + "[" * depth + "]" * depth + "}"
    with pytest.raises(ArtifactError, match=r"^x: is not a "):
        model_from_bytes(sign(tensors, metadata), "x")
