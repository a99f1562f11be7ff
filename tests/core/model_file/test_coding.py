"""Packed and coded numbers: by hand, there and back, and what a hostile stream gets."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model_file import coding
from wsnet_cli.core.model_file.coding import (
    halves_coded,
    halves_decoded,
    huffman_coded,
    huffman_decoded,
    pack_codes,
    packed_bytes,
    unpack_codes,
)

WIDTHS = (4, 5, 6, 8)


def as_bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def packed_by_hand(codes: list[int], width: int) -> bytes:
    """The same in text: two's complement, the highest bit first."""
    text = "".join(format(code % 2**width, f"0{width}b") for code in codes)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


@settings(deadline=None)
@given(st.sampled_from(WIDTHS), st.data())
def test_codes_take_their_bits_and_come_back(width: int, data: st.DataObject) -> None:
    half = 2 ** (width - 1)
    codes = data.draw(st.lists(st.integers(-half, half - 1), max_size=40))
    content = pack_codes(np.array(codes, np.int8), width)
    assert content == packed_by_hand(codes, width)
    assert len(content) == packed_bytes(len(codes), width)
    assert unpack_codes(as_bytes(content), len(codes), width).tolist() == codes


@pytest.mark.parametrize("width", WIDTHS)
def test_long_rows_go_in_pieces(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "CHUNK_ROWS", 3)
    half = 2 ** (width - 1)
    for n in (23, 24, 25, 48, 101):
        codes = np.random.default_rng(n).integers(-half, half, n).astype(np.int8)
        content = pack_codes(codes, width)
        assert content == packed_by_hand(codes.tolist(), width)
        assert unpack_codes(as_bytes(content), n, width).tolist() == codes.tolist()


@pytest.mark.parametrize(("content", "n", "width"), [("1f71", 3, 4), ("0001", 3, 5), ("01", 1, 6)])
def test_bits_behind_the_last_code_are_refused(content: str, n: int, width: int) -> None:
    with pytest.raises(ParameterError, match=r"^bits behind the last code of a part are not 0$"):
        unpack_codes(as_bytes(bytes.fromhex(content)), n, width)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_come_back(segments: list[bytes]) -> None:
    content = b"".join(segments)
    coded = huffman_coded(segments)
    assert huffman_decoded(coded, len(content)).tobytes() == content
    assert zlib.decompress(coded, -15) == content
    assert huffman_coded(segments) == coded


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_FIXED])
def test_what_other_coders_make_is_read_alike(level: int, strategy: int) -> None:
    """No reader depends on what the zlib of the writer chose, as long as the bound is kept."""
    content = np.random.default_rng(0).normal(0, 9, 3_000).astype(np.int8).tobytes()
    coder = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    coded = coder.compress(content) + coder.flush()
    assert huffman_decoded(coded, len(content)).tobytes() == content


def test_a_new_code_for_each_segment_comes_near_the_entropy_of_each() -> None:
    rng = np.random.default_rng(0)
    segments = [rng.choice(n, 20_000).astype(np.uint8) for n in (2, 16, 256)]
    parts = [segment.tobytes() for segment in segments]
    coded = len(huffman_coded(parts))
    least = 20_000 * (1 + 4 + 8) / 8
    assert least < coded < 1.05 * least  # of two bytes one takes two bits, beside the block's end
    assert coded < 0.9 * len(huffman_coded([b"".join(parts)]))


@settings(deadline=None)
@given(st.lists(st.floats(width=16), max_size=50))
def test_halves_come_back_bit_for_bit(values: list[float]) -> None:
    halves = np.array(values, np.float16)
    found = halves_decoded(halves_coded(halves), len(values))
    assert (found.dtype, found.tobytes()) == (np.float16, halves.tobytes())


def coded_twice(coded: bytes) -> bytes:
    return coded + coded


@pytest.mark.parametrize(
    ("change", "n", "message"),
    [
        (lambda c: c, 999, "coded bytes end elsewhere; expected 999 of them decoded"),
        (lambda c: c, 1_001, "coded bytes end elsewhere; expected 1001 of them decoded"),
        (lambda c: c[:-1], 1_000, "coded bytes end elsewhere; expected 1000 of them decoded"),
        (lambda c: c + b"\0", 1_000, "coded bytes end elsewhere; expected 1000"),
        (coded_twice, 1_000, "coded bytes end elsewhere; expected 1000 of them decoded"),
        (coded_twice, 2_000, "coded bytes end elsewhere; expected 2000 of them decoded"),
        (lambda c: b"\xff" * 500, 1_000, "coded bytes are damaged: "),
        (lambda c: b"", 1, "0 coded bytes for 1; expected an eighth of it or more"),
        (lambda c: c, 10**12, " coded bytes for 1000000000000; expected an eighth of it or more"),
    ],
)
def test_what_is_no_stream_of_so_many_bytes_is_refused(
    change: Callable[[bytes], bytes], n: int, message: str
) -> None:
    content = np.random.default_rng(0).integers(0, 256, 1_000).astype(np.uint8).tobytes()
    with pytest.raises(ParameterError, match=message):
        huffman_decoded(change(huffman_coded([content])), n)


def test_a_bomb_is_not_decoded(traced_peak: Callable[..., Any]) -> None:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = coder.compress(bytes(50_000_000)) + coder.flush()
    assert len(bomb) < 60_000
    for n in (50_000_000, 8 * len(bomb), 100):
        with traced_peak() as peak, pytest.raises(ParameterError, match="coded bytes"):
            huffman_decoded(bomb, n)
        assert 0 < peak.n_bytes < 3 * 8 * len(bomb)
