from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.model import Model, compress, real
from wsnet_cli.core.model_file.artifact import model_from_bytes, model_to_bytes, oldest_format
from wsnet_cli.core.model_file.container import unpack
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import Conv, Linear, MapConv, Mean, Network, Pool, ToMap
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings

Sign = Callable[..., bytes]
AUDIO = AudioSettings(1_000, window_s=0.1, hop_s=0.1)
LAYERS = (
    Conv("conv1", ConvShape(1, 6, 4, 2)),
    ToMap(),
    MapConv("map1", MapShape(1, 4, 6, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2),
    MapConv("map2", MapShape(4, 5, 3, 3, 2, 1, 1, 0, Sampling(3, 2)), scaled=False, relu=False),
    Mean(),
    Linear("linear", LinearShape(5, 3)),
)
MAP1 = {"type": "map-conv", "shape": [1, 4, 6, 3, 3, 1, 1, 1], "pool": [2, 2], "band_pool": 2}
MAP2 = {
    "type": "map-conv",
    "shape": [4, 5, 3, 3, 2, 1, 1, 0],
    "sampling": [3, 2],
    "scaled": False,
    "relu": False,
}


@pytest.fixture
def map_model(make_model: Callable[..., Model]) -> Model:
    return make_model(Network(LAYERS), AUDIO)


def parts_of(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors, header = unpack(model_to_bytes(model), "x")
    return tensors, copy.deepcopy(header)


@pytest.mark.parametrize("bits", [32, 8])
def test_a_model_comes_back_as_it_was(map_model: Model, bits: int) -> None:
    model = compress(map_model) if bits == 8 else map_model
    content = model_to_bytes(model)
    found = model_from_bytes(content, "x")
    assert found.network == model.network
    for own, other in zip(model.weights, found.weights, strict=True):
        assert np.array_equal(real(own.phi), real(other.phi))
        assert np.array_equal(own.bias, other.bias)
    assert model_to_bytes(found) == content


def test_group_offsets_are_of_the_fourth_format(make_model: Callable[..., Model]) -> None:
    sampling = Sampling(3, 2, group_offset=2, signs=True)
    layers = list(LAYERS)
    layers[3] = MapConv("map2", MapShape(4, 5, 3, 3, 2, 1, 1, 0, sampling))
    model = make_model(Network(tuple(layers)), AUDIO)
    for each in (model, compress(model)):
        content = model_to_bytes(each)
        assert unpack(content, "x")[1]["format"] == oldest_format(each) == 4
        found = model_from_bytes(content, "x")
        assert found.network == each.network
        assert model_to_bytes(found) == content
    written = unpack(model_to_bytes(model), "x")[1]["layers"][3]
    assert written == {
        "type": "map-conv",
        "shape": [4, 5, 3, 3, 2, 1, 1, 0],
        "sampling": [3, 2],
        "group_offset": 2,
        "signs": True,
    }


def test_what_is_written(map_model: Model) -> None:
    tensors, header = parts_of(map_model)
    assert header["format"] == oldest_format(map_model) == 2
    assert header["layers"][1:4] == [{"type": "to-map"}, MAP1, MAP2]
    n_weights = 6 * 4 + 4 * 9 + (6 + 4 * 3) * 2 + 5 * 3
    assert tensors["weights"].shape == (n_weights,)
    assert tensors["constants"].shape == (2 * 6 + 2 * 4 + 5 + 3,)


LIES: list[tuple[tuple[str | int, ...], object, str]] = [
    (("format",), 1, "format = 1; expected 2 for such a model"),
    (("layers", 2, "shape"), [1, 4, 6, 3, 3], "shape = [1, 4, 6, 3, 3]; expected 8 integers"),
    (("layers", 2, "shape", 1), 5, "map2: n_in = 4; expected 5, the channels of the layer"),
    (("layers", 2, "shape", 2), 7, "map1: n_bands = 7; expected 6, of the layer before it"),
    (("layers", 2, "shape", 2), 2**31, "map1: n_bands = 2147483648; expected 6"),
    (("layers", 2, "shape", 2), 2**31 + 1, "shape = [1, 4, 2147483649, 3, 3, 1"),
    (("layers", 2, "shape", 3), 9, "height = 9; expected 1 to the 8 bands"),
    (("layers", 2, "shape", 4), 0, "padding = 1; expected at most the 0 taps"),
    (("layers", 2, "shape", 5), 0, "stride = 0; expected an integer >= 1"),
    (("layers", 2, "shape", 6), 4, "band_padding = 4; expected at most the 3 taps"),
    (("layers", 2, "shape", 7), 4, "padding = 4; expected at most the 3 taps"),
    (("layers", 2, "shape", 7), -1, "padding = -1; expected an integer >= 0"),
    (("layers", 2, "shape", 1), 2**30, "map2: n_in = 4; expected 1073741824, the chan"),
    (("layers", 2, "pool"), [2], "pool = [2]; expected 2 integers"),
    (("layers", 2, "band_pool"), 0, "band_pool = 0; expected 1 to the 6 bands"),
    (("layers", 2, "band_pool"), 7, "band_pool = 7; expected 1 to the 6 bands"),
    (("layers", 2, "band_pool"), 2.0, "band_pool: missing or of the wrong type; expected int"),
    (("layers", 3, "sampling"), [3, 2, 1], "sampling = [3, 2, 1]; expected 2 integers"),
    (("layers", 3, "sampling"), [7, 2], "stride = 7; expected 1 to the filter length 6"),
    (("layers", 3, "sampling"), [3, 3], "channel_factor = 3; expected a divisor of the 4 input"),
    (("layers", 3, "sampling"), [2, 2], "weights: float32 of shape "),
    (("layers", 3, "group_offset"), 1, "weights: float32 of shape "),
    (("layers", 3, "group_offset"), 19, "group_offset = 19; expected 0 to 18 rows"),
    (
        ("layers", 3, "group_offset"),
        True,
        "group_offset: missing or of the wrong type; expected int",
    ),
    (("layers", 2, "group_offset"), 1, "group_offset: expected a sampling beside it"),
    (("layers", 2, "signs"), True, "signs: expected a sampling beside it"),
    (("layers", 3, "scaled"), True, "constants: float32 of shape (28,); expected float32 (33,)"),
    (("layers", 3, "relu"), 1, "relu: missing or of the wrong type; expected bool"),
    (("layers", 1), {"type": "mean"}, "layers = conv1, mean, map1, map2, mean, linear; expected"),
    (("layers", 1), MAP1, "map1: n_bands = 6; expected a map, of the layer before it"),
    (("layers", 0), {"type": "to-map"}, "layers = to-map, to-map, map1, map2, mean, linear"),
    (("layers", 4), {"type": "flatten"}, "flatten: expected a mean after maps"),
]


def changed(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return value


@pytest.mark.parametrize(("path", "new", "message"), LIES)
def test_lie_with_a_right_digest_is_refused(
    map_model: Model, sign: Sign, path: tuple[str | int, ...], new: object, message: str
) -> None:
    tensors, header = parts_of(map_model)
    content = sign(tensors, changed(header, path, new))
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


def test_maps_that_would_take_too_much_memory_are_refused(sign: Sign, map_model: Model) -> None:
    """Few weights, but 2^10 bands of 2^11 maps."""
    tensors, header = parts_of(map_model)
    header["layers"] = [
        {"type": "conv", "shape": [1, 2**10, 1, 1, 0]},
        {"type": "to-map"},
        {"type": "map-conv", "shape": [1, 2**11, 2**10, 1, 1, 1, 0, 0]},
        {"type": "mean"},
    ]
    message = "map1: 2097152 values in a time step; expected at most 1048576"
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {message}"):
        model_from_bytes(sign(tensors, header), "x")


ODD = [None, True, -1, 0, 1, 2**31, 10**400, 0.5, float("nan"), "", "to-map", [], [1, 1], {}]


def test_any_odd_value_is_refused_or_gives_a_model_that_can_be_saved(
    map_model: Model, sign: Sign
) -> None:
    tensors, header = parts_of(map_model)
    n_refused = 0
    for i, key in itertools.product((1, 2, 3), ("type", "shape", "sampling", "pool", "band_pool")):
        for odd in ODD:
            layer = dict(header["layers"][i])
            places = [None, *range(8)] if key == "shape" and "shape" in layer else [None]
            for place in places:
                value = odd if place is None else changed(layer[key], (place,), odd)
                content = sign(tensors, changed(header, ("layers", i, key), value))
                try:
                    model_to_bytes(model_from_bytes(content, "x"))
                except ArtifactError:
                    n_refused += 1
    assert n_refused > 200
