from __future__ import annotations

import hashlib
import json
import os
import pickle  # noqa: TID251  a hostile file is made, and refused
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from wsnet_cli.core.errors import ArtifactError, FileError, ParameterError
from wsnet_cli.core.model_file import container
from wsnet_cli.core.model_file.container import pack, read_container, unpack

METADATA = {"format": 1, "label": "é☃", "list": [1, 2.5, None, True], "nested": {"a": {}}}
TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "z": np.array([-1, 127], np.int8),
    "b": np.array(3.5, np.float64),
}
FOREIGN = "x: is not a wsnet file, or is cut; expected one that wsnet wrote"
ALTERED = "x: is cut or altered: its checksum does not match; copy or make the file again"


def raw(header: object, data: bytes = b"") -> bytes:
    """A container of any header, written by hand, with a right digest."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = len(text).to_bytes(8, "little") + text + data
    return body + hashlib.sha256(body).digest()


def header_of(**tensors: object) -> dict[str, object]:
    return {"__metadata__": {"wsnet": "{}"}, **tensors}


def entry(dtype: str, shape: object, start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def test_round_trip() -> None:
    tensors, metadata = unpack(pack(TENSORS, METADATA), "x")
    assert metadata == METADATA
    assert set(tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)


def test_equal_input_gives_equal_bytes_whatever_the_order_of_tensors() -> None:
    content = pack(TENSORS, METADATA)
    assert pack(TENSORS, METADATA) == content
    assert pack(dict(reversed(TENSORS.items())), METADATA) == content


def test_digest_is_the_last_tensor_and_covers_every_byte_before_it() -> None:
    tensors = {f"zz{kind}": np.ones(3, kind) for kind in "dfeqihbQIHB"} | {
        "empty": np.zeros(0, np.uint8)
    }
    content = pack(tensors, {})
    assert content[-32:] == hashlib.sha256(content[:-32]).digest()
    found, _ = unpack(content, "x")
    assert set(found) == set(tensors)


def test_header_that_would_not_be_read_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pack(TENSORS, METADATA)
    n_header = int.from_bytes(content[:8], "little")
    monkeypatch.setattr(container, "MAX_HEADER_BYTES", n_header)
    assert pack(TENSORS, METADATA) == content
    unpack(content, "x")
    monkeypatch.setattr(container, "MAX_HEADER_BYTES", n_header - 1)
    with pytest.raises(
        ParameterError,
        match=f"^metadata and tensor names take {n_header} bytes; expected at most {n_header - 1}",
    ):
        pack(TENSORS, METADATA)


def test_rows_that_are_not_contiguous_are_stored_in_order() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(unpack(pack({"a": array}, {}), "x")[0]["a"], array)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": np.zeros(1, np.bool_)}, "tensor a of bool; expected numbers and a name before"),
        ({"~t": np.zeros(1, np.uint8)}, "tensor ~t of uint8; expected numbers and a name before"),
    ],
)
def test_tensors_that_would_sort_after_the_digest_are_refused(
    tensors: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=f"^{message}"):
        pack(tensors, {})


def test_nan_in_metadata_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({}, {"a": float("nan")})


def test_every_flipped_byte_is_refused() -> None:
    content = pack(TENSORS, METADATA)
    for at in range(len(content)):
        for bits in (0x01, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[at] ^= bits
            with pytest.raises(ArtifactError, match=r"^x: is "):
                unpack(bytes(damaged), "x")


def test_every_truncation_is_refused() -> None:
    content = pack(TENSORS, METADATA)
    for n_bytes in range(len(content)):
        with pytest.raises(ArtifactError, match=r"^x: is (cut or altered|not a wsnet file, or)"):
            unpack(content[:n_bytes], "x")


@pytest.mark.parametrize("extra", [b"\0", b" ", b"x" * 32, b"\0" * 1000])
def test_bytes_added_at_either_end_or_within_are_refused(extra: bytes) -> None:
    content = pack(TENSORS, METADATA)
    for at in (0, 8, 100, len(content) - 32, len(content)):
        with pytest.raises(ArtifactError, match=r"^x: is "):
            unpack(content[:at] + extra + content[at:], "x")


def test_altered_and_foreign_are_told_apart() -> None:
    content = bytearray(pack(TENSORS, METADATA))
    content[-40] ^= 1
    with pytest.raises(ArtifactError, match=f"^{re.escape(ALTERED)}$"):
        unpack(bytes(content), "x")


class Payload:
    """Runs code where anything unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        b"\0" * 8,
        b"\0" * 64,
        b"just some text, no model at all, and longer than a header\n" * 3,
        b"PK\x03\x04" + b"\0" * 100,
        b"RIFF" + b"\0" * 100,
        (2**63).to_bytes(8, "little") + b"{}" * 50,
        (4_000_001).to_bytes(8, "little") + b" " * 4_000_200,
        save({"weight": np.zeros(9, np.float32)}),
        save({"weight": np.zeros(9, np.float32)}, metadata={"format": "pt"}),
        save({"weight": np.zeros(9, np.float32)}, metadata={"wsnet": "{}"}),
        raw(b"[" * 100_000),
        raw(b"\xff\xfe{\0}\0"),
        raw([1, 2]),
        raw({}),
        raw({"__metadata__": 5}),
        raw({"__metadata__": {"wsnet": 5}}),
        raw({"__metadata__": {"wsnet": "[]"}, "~sha256": entry("U8", [32], 0, 32)}),
        raw({"__metadata__": {"wsnet": "{"}, "~sha256": entry("U8", [32], 0, 32)}),
        raw({"__metadata__": {"wsnet": "[" * 90_000}, "~sha256": entry("U8", [32], 0, 32)}),
        raw({"__metadata__": {"wsnet": "9" * 5_000}, "~sha256": entry("U8", [32], 0, 32)}),
    ],
    ids=range(22),
)
def test_foreign_files_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match=f"^{re.escape(FOREIGN)}$"):
        unpack(content, "x")


def test_more_tensors_than_any_model_has_are_refused() -> None:
    """With the metadata and the digest, 4,096 entries of the header."""
    tensors = {f"{i:04d}": np.zeros(0, np.uint8) for i in range(4_094)}
    assert set(unpack(pack(tensors, {}), "x")[0]) == set(tensors)
    tensors["more"] = np.zeros(0, np.uint8)
    with pytest.raises(ArtifactError, match=f"^{re.escape(FOREIGN)}$"):
        unpack(pack(tensors, {}), "x")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_refused_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match=f"^{re.escape(FOREIGN)}$"):
        unpack(pickle.dumps(Payload(), protocol), "x")
    assert list(tmp_path.iterdir()) == []


DIGEST_4 = entry("U8", [32], 4, 36)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (header_of(a=entry("F32", [2], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F32", [-1], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F32", [2**62], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F99", [1], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("BF16", [2], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F8_E4M3", [4], 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F32", [1] * 80, 0, 4), **{"~sha256": DIGEST_4}), "x: is damaged: "),
        (header_of(a=entry("F32", [1], 32, 36), **{"~sha256": entry("U8", [32], 0, 32)}), "x: is"),
        (
            header_of(a=entry("F32", [1], 0, 4), **{"~sha256": entry("U8", [31], 4, 35)}),
            "x: is not",
        ),
        (header_of(a=5, **{"~sha256": DIGEST_4}), "x: is damaged: "),
    ],
)
def test_lying_tensor_tables_with_a_right_digest_are_refused(
    header: dict[str, object], message: str
) -> None:
    with pytest.raises(ArtifactError, match=f"^{message}"):
        unpack(raw(header, b"\0" * 4), "x")


def test_read_container_refuses_what_is_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.wsnet: no such file; expected a model$"):
        read_container(tmp_path / "gone.wsnet", "a model")
    with pytest.raises(ArtifactError, match=r"is not a regular file; expected a model$"):
        read_container(tmp_path, "a model")


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, refuse: Callable[..., Any]) -> None:
    monkeypatch.setattr(Path, "open", refuse)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_read_container_does_not_wait_for_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse_to_open(monkeypatch, lambda *_: pytest.fail("waits for ever"))
    with pytest.raises(ArtifactError, match=r"pipe: is not a regular file; expected a model$"):
        read_container(tmp_path / "pipe", "a model")


def test_read_container_refuses_a_huge_file_before_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = tmp_path / "x", pack(TENSORS, METADATA)
    path.write_bytes(content)
    assert read_container(path, "a model") == content
    refuse_to_open(monkeypatch, lambda *_: pytest.fail("was read"))
    message = rf"x: is {len(content)} bytes, too large for a model$"
    with pytest.raises(ArtifactError, match=message):
        read_container(path, "a model", len(content) - 1)


def test_a_huge_file_that_does_not_begin_as_one_takes_no_memory(
    tmp_path: Path, traced_peak: Callable[..., Any]
) -> None:
    path = tmp_path / "x"
    with path.open("wb") as stream:
        stream.write(b"PK\x03\x04 and more")
        stream.truncate(1_900_000_000)  # a hole: takes no room on the disk either
    with (
        traced_peak() as peak,
        pytest.raises(ArtifactError, match=r"x: is not a wsnet file, or is cut; expected"),
    ):
        read_container(path, "a model")
    assert peak.n_bytes < 200_000


def test_what_the_system_refuses_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"1")

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    refuse_to_open(monkeypatch, refuse)
    with pytest.raises(FileError, match=r"^cannot read .*x: Permission denied$"):
        read_container(tmp_path / "x", "a model")


DIGEST_0 = '"~sha256":{"dtype":"U8","shape":[32],"data_offsets":[0,32]}'


@pytest.mark.parametrize(
    "header",
    [
        f'{{"__metadata__":{{"wsnet":"{{}}"}},{DIGEST_0},{DIGEST_0}}}',
        f'{{"__metadata__":{{"wsnet":"{{}}","wsnet":"{{}}"}},{DIGEST_0}}}',
        f'{{"__metadata__":{{"wsnet":"{{\\"a\\":1,\\"a\\":2}}"}},{DIGEST_0}}}',
        f'{{"__metadata__":{{"wsnet":"{{\\"a\\":NaN}}"}},{DIGEST_0}}}',
        f'{{"__metadata__":{{"wsnet":"{{\\"a\\":-Infinity}}"}},{DIGEST_0}}}',
        f'{{"__metadata__":{{"wsnet":"{{}}x"}},{DIGEST_0}}}',
        f'\ufeff{{"__metadata__":{{"wsnet":"{{}}"}},{DIGEST_0}}}',
        '{"__metadata__":{"wsnet":"{}"},"~sha256":{"dtype":"I8","shape":[32],"data_offsets":[0,32]}}',
        '{"__metadata__":{"wsnet":"{}"},"~sha256":{"dtype":"U8","shape":[8,4],"data_offsets":[0,32]}}',
    ],
    ids=range(9),
)
def test_json_that_readers_may_take_differently_is_refused(header: str) -> None:
    content = raw(header.encode())
    with pytest.raises(ArtifactError, match=f"^{re.escape(FOREIGN)}$"):
        unpack(content, "x")
    unpack(raw(f'{{"__metadata__":{{"wsnet":"{{}}"}},{DIGEST_0}}}'.encode()), "x")


def test_json_in_other_than_utf8_is_refused() -> None:
    text = f'{{"__metadata__":{{"wsnet":"{{}}"}},{DIGEST_0}}}'
    with pytest.raises(ArtifactError, match=f"^{re.escape(FOREIGN)}$"):
        unpack(raw(text.encode("utf-16-le")), "x")


def test_messages_stay_short_whatever_they_quote() -> None:
    header = header_of(a=entry("F" * 50_000, [1], 0, 4), **{"~sha256": DIGEST_4})
    with pytest.raises(ArtifactError) as caught:
        unpack(raw(header, b"\0" * 4), "x")
    assert len(str(caught.value)) < 200
