from __future__ import annotations

import hashlib
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ArtifactError, FileError, ParameterError
from wsnet_cli.core.model import LayerWeights, Model, compress, real
from wsnet_cli.core.model_file.artifact import (
    FORMAT_VERSION,
    load_model,
    model_from_bytes,
    model_to_bytes,
    plain_bytes,
    save_model,
)
from wsnet_cli.core.model_file.container import unpack
from wsnet_cli.core.networks.network import Conv, Linear, Network
from wsnet_cli.core.sound.audio import AudioSettings

Make = Callable[..., Model]
Sign = Callable[..., bytes]
Networks = st.SearchStrategy[tuple[Network, int]]


def drawn_model(data: st.DataObject, networks: Networks, make_model: Make) -> Model:
    """A 32-bit model of any network, its tensors at magnitudes from 1e-12 to 1e12."""
    network, n_samples = data.draw(networks)
    audio = AudioSettings(8_000, n_samples / 8_000, n_samples / 16_000)
    model = make_model(network, audio, data.draw(st.integers(0, 99)))
    provenance = data.draw(st.dictionaries(WORDS, WORDS | st.integers() | NUMBERS, max_size=3))
    labels = data.draw(st.lists(WORDS.filter(bool), min_size=network.n_classes, unique=True))
    powers = [data.draw(st.sampled_from([0, 0, -12, 12])) for _ in model.weights]
    return replace(
        model,
        weights=tuple(map(scaled, model.weights, powers)),
        labels=tuple(labels[: network.n_classes]),
        provenance=provenance,
    )


WORDS = st.text(st.characters(codec="utf-8"), max_size=5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def scaled(own: LayerWeights, power: int) -> LayerWeights:
    factor = np.float32(10.0**power)
    pointwise = None if own.pointwise is None else real(own.pointwise) * factor
    multiplier = None if own.multiplier is None else own.multiplier / factor
    return replace(
        own,
        phi=real(own.phi) * factor,
        pointwise=pointwise,
        multiplier=multiplier,
        bias=own.bias * factor,
    )


def assert_equal(found: Model, expected: Model) -> None:
    """Equal in every part and to every bit."""
    assert replace(found, weights=expected.weights) == expected
    for own, other in zip(found.weights, expected.weights, strict=True):
        assert real(own.phi).tobytes() == real(other.phi).tobytes()
        assert own.bias.tobytes() == other.bias.tobytes()
        assert (own.pointwise is None) == (other.pointwise is None)
        assert (own.multiplier is None) == (other.multiplier is None)
        if own.pointwise is not None and other.pointwise is not None:
            assert real(own.pointwise).tobytes() == real(other.pointwise).tobytes()
        if own.multiplier is not None and other.multiplier is not None:
            assert own.multiplier.tobytes() == other.multiplier.tobytes()
        assert (own.offsets is None) == (other.offsets is None)
        if own.offsets is not None and other.offsets is not None:
            assert own.offsets.tobytes() == other.offsets.tobytes()


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_round_trip_keeps_every_bit(
    networks: Networks, make_model: Make, data: st.DataObject
) -> None:
    model = drawn_model(data, networks, make_model)
    for saved in (model, compress(model)):
        content = model_to_bytes(saved)
        assert model_to_bytes(saved) == content
        found = model_from_bytes(content, "x")
        assert_equal(found, saved)
        assert model_to_bytes(found) == content


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_compressing_again_changes_no_byte(
    networks: Networks, make_model: Make, data: st.DataObject
) -> None:
    model = drawn_model(data, networks, make_model)
    content = model_to_bytes(compress(model))
    assert model_to_bytes(compress(compress(model))) == content
    assert model_to_bytes(compress(model_from_bytes(content, "x"))) == content
    from_file = model_from_bytes(model_to_bytes(model), "x")
    assert model_to_bytes(compress(from_file)) == content
    widened = model_from_bytes(model_to_bytes(replace(compress(model), bits=32)), "x")
    assert model_to_bytes(compress(widened)) == content


def test_save_and_load(tmp_path: Path, tiny_model: Model) -> None:
    path = tmp_path / "a" / "x.wsnet"
    for model in (tiny_model, compress(tiny_model)):
        n_bytes = save_model(path, model)
        assert n_bytes == path.stat().st_size
        assert path.read_bytes() == model_to_bytes(model)
        assert_equal(load_model(path), model)
    with pytest.raises(FileError, match=r"^cannot write .*: "):
        save_model(path / "below a file.wsnet", tiny_model)


def test_file_does_not_depend_on_the_order_of_provenance(tiny_model: Model) -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    first = model_to_bytes(replace(tiny_model, provenance=one))
    assert model_to_bytes(replace(tiny_model, provenance=other)) == first


def test_eight_bits_take_one_byte_a_weight_and_two_a_constant(tiny_model: Model) -> None:
    tensors, header = unpack(model_to_bytes(compress(tiny_model)), "x")
    network = tiny_model.network
    assert (tensors["codes"].dtype, tensors["codes"].size) == (np.int8, network.n_weights)
    assert (tensors["constants"].dtype, tensors["constants"].size) == (
        np.float16,
        network.n_constants,
    )
    assert tensors["scales"].size == 2 + 2 + 1 + 1
    assert header["weights"] == "int8"


@pytest.mark.parametrize("bits", [32, 8])
def test_every_flipped_byte_every_truncation_and_every_addition_is_refused(
    tiny_model: Model, bits: int
) -> None:
    content = model_to_bytes(tiny_model if bits == 32 else compress(tiny_model))
    for at in range(len(content)):
        for flipped in (content[at] ^ 1, content[at] ^ 0x80):
            with pytest.raises(ArtifactError, match=r"^x: is "):
                model_from_bytes(content[:at] + bytes([flipped]) + content[at + 1 :], "x")
        with pytest.raises(ArtifactError, match=r"^x: is "):
            model_from_bytes(content[:at], "x")
    for extra in (b"\0", b"\n", content[-32:], content):
        with pytest.raises(ArtifactError, match=r"^x: is cut or altered: its checksum"):
            model_from_bytes(content + extra, "x")


def test_what_is_no_model_file_is_refused_by_name(tmp_path: Path, sign: Sign) -> None:
    with pytest.raises(ArtifactError, match=r"gone: no such file; expected a wsnet model file$"):
        load_model(tmp_path / "gone")
    with pytest.raises(ArtifactError, match=r"is not a regular file; expected a wsnet model file$"):
        load_model(tmp_path)
    for content in (b"", b"some text", b"\x80\x04\x95."):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(ArtifactError, match=r"other: is not a wsnet file, or is cut; expected"):
            load_model(tmp_path / "other")
    for version in (None, 0, -1, "1", 1.0, True, [1]):
        content = sign({}, {"format": version} if version is not None else {"kind": "resume"})
        with pytest.raises(ArtifactError, match=r"^x: is no model file; expected one that wsnet t"):
            model_from_bytes(content, "x")


def test_newer_version_is_refused_with_what_to_do(tiny_model: Model, sign: Sign) -> None:
    tensors, header = unpack(model_to_bytes(tiny_model), "x")
    newer = sign(tensors, header | {"format": FORMAT_VERSION + 1, "weights": "int3"})
    message = "x: is of format 5, this wsnet reads up to format 4; upgrade wsnet to use it"
    with pytest.raises(ArtifactError, match=f"^{re.escape(message)}$"):
        model_from_bytes(newer, "x")


def written_by_hand(header: dict[str, Any], tensors: list[tuple[str, str, Any]]) -> bytes:
    """A model file from the words of the format alone."""
    text = json.dumps(header, separators=(",", ":"))
    table: dict[str, Any] = {"__metadata__": {"wsnet": text}}
    data = b""
    for name, dtype, array in [*tensors, ("~sha256", "U8", np.zeros(32, "u1"))]:
        offsets = [len(data), len(data) + array.nbytes]
        table[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        data += array.tobytes()
    head = json.dumps(table, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    body = struct.pack("<Q", len(head)) + head + data[:-32]
    return body + hashlib.sha256(body).digest()


HEADER = {
    "format": 1,
    "weights": "float32",
    "labels": ["yes", "no"],
    "audio": {
        "sample_rate": 4000,
        "window_s": 0.01,
        "hop_s": 0.005,
        "normalise": "none",
        "trim_below": 0.0,
    },
    "layers": [
        {"type": "conv", "shape": [1, 3, 5, 2, 1]},
        {"type": "conv", "shape": [3, 2, 4, 1, 0], "sampling": [2, 3, 2], "pool": [2, 1]},
        {"type": "mean"},
        {"type": "linear", "shape": [2, 2], "sampling": 1},
    ],
    "provenance": {"a": 1, "b": "c"},
}
SIZES = (5 * 3, 4 + 3 * 1, 2 * 4, 2 + 1)
"""Weights of conv1, of conv2 and its 1x1, of the linear layer."""


def test_a_file_written_from_the_format_alone_is_read(tmp_path: Path) -> None:
    weights = np.arange(sum(SIZES), dtype="<f4") / 7
    constants = np.arange(3 + 3 + 2 + 2 + 2, dtype="<f4") - 5
    content = written_by_hand(
        HEADER, [("constants", "F32", constants), ("weights", "F32", weights)]
    )
    (tmp_path / "x.wsnet").write_bytes(content)
    model = load_model(tmp_path / "x.wsnet")
    conv1, conv2, linear = model.weights
    first, second, third, fourth = np.split(weights, np.cumsum(SIZES)[:-1])
    assert real(conv1.phi).tolist() == first.reshape(15, 1).tolist()
    assert real(conv2.phi).tolist() == second.reshape(7, 1).tolist()
    assert conv2.pointwise is not None
    assert real(conv2.pointwise).tolist() == third.reshape(2, 4).tolist()
    assert real(linear.phi).tolist() == fourth.tolist()
    assert conv1.multiplier is not None
    assert (conv1.multiplier.tolist(), conv1.bias.tolist()) == ([-5, -4, -3], [-2, -1, 0])
    assert linear.bias.tolist() == [5, 6]
    assert (model.labels, model.bits) == (("yes", "no"), 32)
    assert (model.audio.window_samples, model.audio.hop_samples) == (40, 20)
    assert model.provenance == {"a": 1, "b": "c"}
    assert [layer.name for layer in model.network.layers] == ["conv1", "conv2", "mean", "linear"]
    assert model_to_bytes(model) == content


def test_an_eight_bit_file_written_from_the_format_alone_is_read() -> None:
    codes = (np.arange(sum(SIZES)) * 8 - 127).astype("i1")
    halves = np.array([1, 0.5, -0.25, 1, 0, -1, 0.125, -1, 0, 1, 1, 0.75], "<f2")
    scales = np.array([0.5, 2, 3, 0.25, 4, 8, 16, 32, 0.125], "<f4")
    tensors = [("scales", "F32", scales), ("constants", "F16", halves), ("codes", "I8", codes)]
    content = written_by_hand({**HEADER, "weights": "int8"}, tensors)
    model = model_from_bytes(content, "x")
    conv1, conv2, linear = model.weights
    first, second, third, fourth = np.split(codes.astype(int), np.cumsum(SIZES)[:-1])
    assert real(conv1.phi)[:, 0].tolist() == (first * 0.5).tolist()
    assert conv1.multiplier is not None
    assert (conv1.multiplier.tolist(), conv1.bias.tolist()) == ([2, 1, -0.5], [3, 0, -3])
    assert real(conv2.phi)[:, 0].tolist() == (second * 0.25).tolist()
    assert conv2.pointwise is not None
    assert real(conv2.pointwise).ravel().tolist() == (third * 4).tolist()
    assert real(linear.phi).tolist() == (fourth * 32).tolist()
    assert conv2.multiplier is not None
    assert (conv2.multiplier.tolist(), conv2.bias.tolist()) == ([1, -8], [0, 16])
    assert linear.bias.tolist() == [0.125, 0.09375]
    assert model.bits == 8


def test_importing_the_reader_needs_no_torch() -> None:
    code = (
        "import sys, wsnet_cli.core.model_file.artifact; "
        "print('numpy' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_multi_label_model_is_of_the_second_format(tiny_model: Model, sign: Sign) -> None:
    several = replace(tiny_model, multi_label=True)
    for model in (several, compress(several)):
        content = model_to_bytes(model)
        tensors, header = unpack(content, "x")
        assert (header["format"], header["multi_label"]) == (2, True)
        found = model_from_bytes(content, "x")
        assert_equal(found, model)
        assert found.multi_label
        without = {key: value for key, value in header.items() if key != "multi_label"}
        of_one = model_to_bytes(replace(model, multi_label=False))
        assert unpack(of_one, "x")[1] == without | {"format": 1}
        assert model_from_bytes(sign(tensors, header | {"multi_label": False}), "x") is not None


# ---------------------------------------------------------------------------------- format 2


def test_a_model_of_format_1_is_the_same_model_in_fewer_bytes() -> None:
    content = (Path(__file__).parent / "kept_models" / "1-int8.wsnet").read_bytes()
    assert unpack(content, "x")[1]["format"] == 1
    model = model_from_bytes(content, "x")
    assert plain_bytes(model) == len(content)
    again = model_to_bytes(model)
    assert len(again) < len(content)
    assert_equal(model_from_bytes(again, "x"), model)
    assert model_to_bytes(model_from_bytes(again, "x")) == again


def resampled(model: Model, more: dict[str, Any]) -> Network:
    """The network of `small_model` with another way of sampling its second layer."""
    conv1, conv2, *head = model.network.layers
    assert isinstance(conv2, Conv)
    assert conv2.shape.sampling is not None
    shape = replace(conv2.shape, sampling=replace(conv2.shape.sampling, **more))
    return Network((conv1, replace(conv2, shape=shape), *head))


@pytest.mark.parametrize(
    ("more", "keys"),
    [
        ({}, {}),
        ({"offsets": "random"}, {"offsets": "random"}),
        ({"offsets": "learned"}, {"offsets": "learned"}),
        ({"group_offset": 3}, {"group_offset": 3}),
        ({"signs": True}, {"signs": True}),
    ],
)
def test_only_what_needs_format_2_is_of_format_2(
    small_model: Model, make_model: Make, more: dict[str, Any], keys: dict[str, Any]
) -> None:
    model = make_model(resampled(small_model, more), small_model.audio)
    for each in (model, compress(model)):
        tensors, header = unpack(model_to_bytes(each), "x")
        assert header["format"] == (2 if more else 1)
        layer = header["layers"][1]
        assert {k: layer[k] for k in ("offsets", "group_offset", "signs") if k in layer} == keys
        assert ("offsets" in tensors) == ("offsets" in more)
        assert_equal(model_from_bytes(model_to_bytes(each), "x"), each)


def test_offsets_take_two_bytes_a_filter_and_are_the_same_in_both_forms(
    small_model: Model, make_model: Make
) -> None:
    model = make_model(resampled(small_model, {"offsets": "learned"}), small_model.audio)
    kept = model.weights[1].offsets
    assert kept is not None
    assert kept.any()
    for each in (model, compress(model)):
        tensors, _ = unpack(model_to_bytes(each), "x")
        assert tensors["offsets"].dtype == np.int16
        assert tensors["offsets"].tolist() == kept.tolist()
        assert len(kept) == model.network.n_offsets == 12
    assert np.array_equal(compress(model).weights[1].offsets, kept)


def test_a_scaled_head_is_of_format_2_and_has_a_scale_more(
    small_model: Model, make_model: Make
) -> None:
    *body, linear = small_model.network.layers
    assert isinstance(linear, Linear)
    model = make_model(Network((*body, replace(linear, scaled=True))), small_model.audio)
    tensors, header = unpack(model_to_bytes(compress(model)), "x")
    before, _ = unpack(model_to_bytes(compress(small_model)), "x")
    assert (header["format"], header["layers"][-1]["scaled"]) == (2, True)
    assert tensors["scales"].size == before["scales"].size + 1
    assert tensors["constants"].size == before["constants"].size + 3


@pytest.mark.parametrize("more", [{"offsets": "random"}, {"group_offset": 1}, {"signs": True}])
def test_format_1_holds_nothing_of_format_2(
    small_model: Model, make_model: Make, sign: Sign, more: dict[str, Any]
) -> None:
    """Readers of format 1 ignore keys that they do not know, and would compute something else."""
    model = make_model(resampled(small_model, more), small_model.audio)
    tensors, header = unpack(model_to_bytes(model), "x")
    message = "^x: is not a valid model: format = 1; expected 2 for such a model"
    with pytest.raises(ArtifactError, match=message):
        model_from_bytes(sign(tensors, header | {"format": 1}), "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o[:-1], "offsets: int16 of shape (11,); expected int16 (12,)"),
        (lambda o: o.astype(np.int32), "offsets: int32 of shape (12,); expected int16 (12,)"),
        (lambda o: None, "tensors ['constants', 'weights']; expected ['constants', 'offsets', 'w"),
        (
            lambda o: np.where(np.arange(12) == 3, 9_999, o).astype(np.int16),
            "conv2: the offset of filter 3 is 9999; expected -1536 to 4096",
        ),
        (
            lambda o: np.where(np.arange(12) == 11, 1, o).astype(np.int16),
            "conv2: the offset of filter 11 is 1; expected -5632 to 0",
        ),
        (
            lambda o: np.where(np.arange(12) == 0, -1, o).astype(np.int16),
            "conv2: the offset of filter 0 is -1; expected 0 to 5632",
        ),
    ],
)
def test_offsets_that_lead_out_of_phi_or_are_not_there_are_refused(
    small_model: Model, make_model: Make, sign: Sign, change: Any, message: str
) -> None:
    model = make_model(resampled(small_model, {"offsets": "learned"}), small_model.audio)
    tensors, header = unpack(model_to_bytes(model), "x")
    kept = change(tensors.pop("offsets"))
    content = sign(tensors if kept is None else {**tensors, "offsets": kept}, header)
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


def test_offsets_where_none_belong_are_refused(small_model: Model, sign: Sign) -> None:
    tensors, header = unpack(model_to_bytes(small_model), "x")
    content = sign({**tensors, "offsets": np.zeros(12, np.int16)}, header)
    with pytest.raises(ArtifactError, match=r"tensors \['constants', 'offsets', 'weights'\]; exp"):
        model_from_bytes(content, "x")
    own = replace(small_model.weights[0], offsets=np.zeros(4, np.int16))
    with pytest.raises(ParameterError, match=r"conv1: offsets \('int16', \(4,\)\); expected 0 of"):
        replace(small_model, weights=(own, *small_model.weights[1:]))


@pytest.mark.parametrize("key", ["offsets", "normalise"])
def test_a_long_word_is_told_in_a_short_line(small_model: Model, sign: Sign, key: str) -> None:
    tensors, header = unpack(model_to_bytes(small_model), "x")
    (header["layers"][1] if key == "offsets" else header["audio"])[key] = "A" * 100_000
    told = f"^x: is not a valid model: {key} = 'A{{56,58}}\\.\\.\\.A{{56,58}}'; expected one of "
    with pytest.raises(ArtifactError, match=told) as caught:
        model_from_bytes(sign(tensors, header | {"format": 2}), "x")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("offsets", "some", "offsets = 'some'; expected one of regular, random, learned"),
        ("offsets", "\x1b[2J", "offsets = '\\x1b[2J'; expected one of regular, random, learned"),
        ("offsets", 1, "offsets: missing or of the wrong type; expected str"),
        ("offsets", None, "offsets: missing or of the wrong type; expected str"),
        ("offsets", ["learned"], "offsets: missing or of the wrong type; expected str"),
        ("group_offset", 10**9, "group_offset = 1000000000; expected 0 to 30 rows"),
        ("group_offset", -1, "group_offset = -1; expected 0 to 30 rows"),
        ("group_offset", True, "group_offset: missing or of the wrong type; expected int"),
        ("group_offset", 1.0, "group_offset: missing or of the wrong type; expected int"),
        ("signs", 1, "signs: missing or of the wrong type; expected bool"),
        ("signs", "yes", "signs: missing or of the wrong type; expected bool"),
    ],
)
def test_lies_about_windows_are_refused(
    small_model: Model, sign: Sign, key: str, value: object, message: str
) -> None:
    tensors, header = unpack(model_to_bytes(small_model), "x")
    header["layers"][1][key] = value
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(sign(tensors, header | {"format": 2}), "x")
