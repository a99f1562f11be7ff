"""Tensors and words of format 3 that lie, behind a right digest."""

from __future__ import annotations

import copy
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.errors import ArtifactError
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import model_from_bytes
from wsnet_cli.core.model_file.artifact_header import describe
from wsnet_cli.core.model_file.artifact_numbers import HUFFMAN, PACKED, stored_forms
from wsnet_cli.core.model_file.coding import huffman_coded

Sign = Callable[..., bytes]
Tensors = dict[str, Any]
CALIBRATION = {"temperature": 2.5, "thresholds": [0.1, 0.2, 0.3], "unknown": 0.15}


def stored(model: Model, coding: str, *, planes: bool) -> tuple[Tensors, dict[str, Any]]:
    for form, tensors in stored_forms(model):
        if form.coding == coding and planes == (tensors["constants"].dtype == np.uint8):
            return tensors, copy.deepcopy({"format": 3, **describe(model, form)})
    raise AssertionError(coding)


@pytest.fixture
def packed(tiny_model: Model) -> tuple[Tensors, dict[str, Any]]:
    """Codes of 4 and 6 bits, constants as they are, and a calibration."""
    model = replace(
        compress(tiny_model, (4, 6)), calibration=Calibration(2.5, (0.1, 0.2, 0.3), 0.15)
    )
    return stored(model, PACKED, planes=False)


@pytest.fixture
def coded(tiny_model: Model) -> tuple[Tensors, dict[str, Any]]:
    """The same with all that can be coded coded, of the scheme min-max."""
    return stored(compress(tiny_model, (4, 6), "min-max"), HUFFMAN, planes=True)


def refused(content: bytes, message: str) -> None:
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: {re.escape(message)}"):
        model_from_bytes(content, "x")


def test_what_is_changed_here_is_what_is_written(
    packed: tuple[Tensors, dict[str, Any]], coded: tuple[Tensors, dict[str, Any]], sign: Sign
) -> None:
    tensors, header = packed
    assert header["calibration"] == CALIBRATION
    assert {k: header[k] for k in ("weights", "bits")} == {"weights": "codes", "bits": [4, 6]}
    sizes = {name: (array.dtype.name, array.size) for name, array in tensors.items()}
    # 4 bits each: 9 weights of phi and 8 of the 1x1; 6 bits each: 6 weights of the linear layer
    n_bytes = 5 + 4 + 5
    assert sizes == {
        "codes": ("uint8", n_bytes),
        "constants": ("float16", 7),
        "scales": ("float32", 6),
    }
    assert model_from_bytes(sign(*packed), "x").layer_bits == (4, 6)
    tensors, header = coded
    assert (header["scheme"], header["coding"]) == ("min-max", HUFFMAN)
    assert (tensors["constants"].dtype, tensors["scales"].size) == (np.uint8, 6 + 3)
    assert model_from_bytes(sign(*coded), "x").layer_bits == (4, 6)


@pytest.mark.parametrize(
    ("key", "new", "message"),
    [
        ("weights", "int4", "weights = 'int4'; expected one of float32, int8, codes"),
        ("weights", "int8", "codes: uint8 of shape "),
        ("bits", ..., "bits = None; expected 2 integers"),
        ("bits", [4], "bits = [4]; expected 2 integers"),
        ("bits", [4, 6, 8], "bits = [4, 6, 8]; expected 2 integers"),
        ("bits", [4, 7], "bits = 7; expected one of 8, 6, 5, 4"),
        ("bits", 3, "bits = 3; expected one of 8, 6, 5, 4"),
        ("bits", True, "bits = True; expected 2 integers"),
        ("bits", [4, True], "bits = [4, True]; expected 2 integers"),
        ("bits", [4, 6.0], "bits = [4, 6.0]; expected 2 integers"),
        ("bits", "4", "bits = '4'; expected 2 integers"),
        ("bits", [4, 4], "codes: uint8 of shape "),
        ("scheme", "k-means", "scheme = 'k-means'; expected one of symmetric, min-max"),
        ("scheme", None, "scheme: missing or of the wrong type; expected str"),
        ("scheme", "min-max", "scales end early; expected more of them"),
        ("coding", "zip", "coding = 'zip'; expected one of packed, huffman"),
        ("coding", "plain", "coding = 'plain'; expected one of packed, huffman"),
        ("coding", "huffman", ""),
        ("format", 2, "weights = 'codes'; expected one of float32, int8"),
        ("calibration", [], "calibration: missing or of the wrong type; expected dict"),
        ("calibration", None, "calibration: missing or of the wrong type; expected dict"),
        ("calibration", {"temperature": 0}, "temperature = 0.0; expected 0.001 to 1000"),
        ("calibration", {"temperature": "1"}, "temperature = '1'; expected a number"),
        ("calibration", {"temperature": True}, "temperature = True; expected a number"),
        ("calibration", {"thresholds": 0.5}, "thresholds: missing or of the wrong type; exp"),
        ("calibration", {"thresholds": [0.5]}, "1 thresholds for 3 labels"),
        ("calibration", {"thresholds": [0, 1, 2]}, "a threshold = 2.0; expected 0 to 1"),
        ("calibration", {"thresholds": [0, 1, None]}, "a threshold = None; expected a number"),
        ("calibration", {"unknown": -1}, "unknown = -1.0; expected 0 to 1"),
        ("calibration", {"unknown": None}, "unknown = None; expected a number"),
        ("calibration", {"false_alarm_rate": 0.1}, "false_alarm_rate = 0.1; expected none with"),
        ("labels", ["a", "unknown", "b"], "a label 'unknown' beside thresholds; expected anoth"),
    ],
)
def test_a_lie_in_the_header_is_refused(
    packed: tuple[Tensors, dict[str, Any]], sign: Sign, key: str, new: object, message: str
) -> None:
    tensors, header = packed
    if new is ...:
        del header[key]
    else:
        header[key] = new
    refused(sign(tensors, header), message)


@pytest.mark.parametrize("bits", [32, 8])
def test_a_calibration_in_an_older_format_is_refused(
    tiny_model: Model, sign: Sign, bits: int
) -> None:
    model = tiny_model if bits == 32 else compress(tiny_model)
    form, tensors = next(stored_forms(model))
    header = {"format": 2, **describe(model, form), "calibration": {"temperature": 2}}
    refused(sign(tensors, header), "format = 2; expected 3 for such a model")
    assert model_from_bytes(sign(tensors, header | {"calibration": {}}), "x").bits == bits


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("codes", lambda a: a[:-1], "codes: uint8 of shape "),
        ("codes", lambda a: np.append(a, a[-1:]), "codes: uint8 of shape "),
        ("codes", lambda a: a.view(np.int8), "codes are no list of bytes"),
        ("codes", lambda a: a.reshape(1, -1), "codes are no list of bytes"),
        ("codes", lambda a: a | np.uint8(1), "bits behind the last code of a part are not 0"),
        ("codes", lambda a: np.append(np.uint8(0x80), a[1:]), "a code is -8; expected -7 to 7"),
        ("constants", lambda a: a[:-1], "constants: float16 of shape (6,); expected float16 (7,)"),
        ("constants", lambda a: a.view(np.uint8), "coded bytes "),
        ("constants", lambda a: a.astype(np.float32), "constants: float32 of shape (7,); exp"),
        ("scales", lambda a: a[:-1], "scales end early; expected more of them"),
        ("scales", lambda a: np.append(a, a[-1:]), "7 scales; expected 6"),
        ("scales", lambda a: -a, "a scale is -"),
        ("scales", lambda a: a * np.float32(np.nan), "a scale is nan; expected a finite number"),
    ],
)
def test_packed_tensors_that_lie_are_refused(
    packed: tuple[Tensors, dict[str, Any]],
    sign: Sign,
    name: str,
    change: Callable[[Any], Any],
    message: str,
) -> None:
    tensors, header = packed
    refused(sign({**tensors, name: change(tensors[name])}, header), message)


def recoded(content: bytes, *, more: bytes = b"") -> Any:
    return np.frombuffer(huffman_coded([content]) + more, np.uint8)


def decoded(tensor: Any) -> bytes:
    return zlib.decompress(tensor.tobytes(), -15)


@pytest.mark.parametrize("name", ["codes", "constants"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: recoded(c[:-1]), "coded bytes end elsewhere; expected "),
        (lambda c: recoded(c + b"\0"), "coded bytes end elsewhere; expected "),
        (lambda c: recoded(c, more=b"\0"), "coded bytes end elsewhere; expected "),
        (lambda c: recoded(c, more=b"\1" * 99), "coded bytes end elsewhere; expected "),
        (lambda c: recoded(c)[:-2], "coded bytes "),
        (lambda c: recoded(b""), "coded bytes end elsewhere; expected "),
        (lambda c: np.zeros(0, np.uint8), "0 coded bytes for "),
        (lambda c: np.full(50, 255, np.uint8), "coded bytes are damaged: "),
        (lambda c: np.frombuffer(zlib.compress(c), np.uint8), "coded bytes are damaged: "),
        (lambda c: recoded(c).reshape(1, -1), ""),
    ],
)
def test_streams_that_lie_are_refused(
    coded: tuple[Tensors, dict[str, Any]],
    sign: Sign,
    name: str,
    change: Callable[[bytes], Any],
    message: str,
) -> None:
    tensors, header = coded
    content = decoded(tensors[name])
    assert model_from_bytes(sign({**tensors, name: recoded(content)}, header), "x") is not None
    with pytest.raises(ArtifactError, match=f"^x: is not a valid model: .*{re.escape(message)}"):
        model_from_bytes(sign({**tensors, name: change(content)}, header), "x")


def test_coded_codes_and_numbers_out_of_their_range_are_refused(
    coded: tuple[Tensors, dict[str, Any]], sign: Sign
) -> None:
    tensors, header = coded
    codes = bytearray(decoded(tensors["codes"]))
    for value, found in ((32, 32), (256 - 33, -33), (127, 127)):
        codes[-1] = value
        content = sign({**tensors, "codes": recoded(bytes(codes))}, header)
        refused(content, f"a code = {found}; expected -32 to 31")
    for bad in (np.nan, np.inf):
        scales = tensors["scales"].copy()
        scales[1] = bad
        refused(sign({**tensors, "scales": scales}, header), f"an offset is {bad}; expected a fin")
    scales = np.full_like(tensors["scales"], 3e38)
    refused(sign({**tensors, "scales": scales}, header), "conv1: NaN or infinity among its numb")


@pytest.mark.parametrize("coding", [PACKED, HUFFMAN])
def test_a_bomb_or_a_lying_size_allocates_next_to_nothing(
    tiny_model: Model, sign: Sign, coding: str, traced_peak: Callable[..., Any]
) -> None:
    """50 MB of zeros in 50 KB, for a network that has as many weights, and one that has few."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = np.frombuffer(coder.compress(bytes(50_000_000)) + coder.flush(), np.uint8)
    tensors, header = stored(compress(tiny_model, 8, "min-max"), coding, planes=True)
    large = copy.deepcopy(header)
    large["layers"][0]["shape"] = [1, 4_000, 6, 2, 3]
    large["layers"][0]["sampling"] = [2, 1, 2]
    large["layers"][2]["shape"] = [4_000, 3]
    for lying in (header, large):
        for name in ("codes", "constants"):
            content = sign({**tensors, name: bomb}, lying)
            with (
                traced_peak() as peak,
                pytest.raises(ArtifactError, match=r"^x: is not a valid model: "),
            ):
                model_from_bytes(content, "x")
            assert peak.n_bytes < 8 * len(content) + 500_000
