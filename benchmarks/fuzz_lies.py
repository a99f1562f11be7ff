"""Lies in the header of a model file: JSON that nobody writes, and tensors described wrongly."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

HOSTILE = (
    *("0", "1", "2", "3", "-1", "-0", "-0.0", "0.5", "1.0", "1e0", "2e0", "1e999", "-1e999"),
    *("1e-320", "NaN", "Infinity", "-Infinity", "127", "128", "65535", "65536", "2147483647"),
    *("2147483648", "2147483649", "9007199254740993", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "1" + "0" * 400, "9" * 4_301),
    *("true", "false", "null", "{}", "[]", "[1,2]", "[[]]", '{"type":"mean"}'),
    *('""', '"x"', '"float32"', '"int8"', '"none"', '"rms"', '"conv"', '"linear"', '"learned"'),
    *('"\\ud800"', '"\\udc00x"', '"\\u0000"', '"\\u001b[2J"', '"\\ufeff"', '"../../etc/passwd"'),
    *(
        '"codes"',
        '"min-max"',
        '"symmetric"',
        '"packed"',
        '"huffman"',
        '"plain"',
        "4",
        "5",
        "6",
        "8",
    ),
    *('"=cmd()"', '"8"', "01", "+1", ".5", "'x'", "[1,]", "/**/1"),
    *("[" * 50 + "]" * 50, "[" * 5_000 + "]" * 5_000, '{"a":' * 900 + "1" + "}" * 900),
    *('"' + "A" * 100_000 + '"', "[" + "0," * 10_000 + "0]"),
)
"""JSON text, and some that is none, to stand in the place of a value."""
KEYS = (
    *("format", "weights", "labels", "multi_label", "audio", "layers", "provenance", "type"),
    *("shape", "sampling", "offsets", "group_offset", "signs", "pool", "scaled", "relu"),
    *("band_pool", "sample_rate", "window_s", "hop_s", "normalise", "trim_below"),
    *("bits", "scheme", "coding", "calibration", "temperature", "thresholds", "__metadata__"),
    *("unknown", "false_alarm_rate", "dtype", "data_offsets"),
    *("~sha256", "codes", "constants", "scales", ""),
)
DTYPES = {"F64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1}


class Raw(str):
    """JSON text that is written as it is."""

    __slots__ = ()


class Pairs(list[Any]):
    """An object as keys with values, so that keys may stand twice."""


def read(text: str) -> Any:
    """JSON with its objects as `Pairs`."""
    return json.loads(text, object_pairs_hook=Pairs)


def write(value: Any, dice: random.Random | None = None) -> str:
    """The inverse of `read`; dice put blanks and escapes where JSON allows them."""
    blank = dice.choice(("", " ", "\n", "\t ")) if dice else ""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        inner = (f"{write(k, dice)}{blank}:{write(v, dice)}" for k, v in value)
        return f"{{{blank}{','.join(inner)}{blank}}}"
    if isinstance(value, list):
        return f"[{blank}{f'{blank},'.join(write(v, dice) for v in value)}]"
    if isinstance(value, str) and dice and dice.random() < 0.5:
        return json.dumps("".join(value))  # what is not ASCII as \uXXXX
    return json.dumps(value, ensure_ascii=False)


def _spots(value: Any) -> Iterator[tuple[Any, int]]:
    """Every value below: what holds it, and its place there."""
    for i, item in enumerate(value if isinstance(value, list) else ()):
        yield value, i
        yield from _spots(item[1] if isinstance(value, Pairs) else item)


def _get(holder: Any, i: int) -> Any:
    return holder[i][1] if isinstance(holder, Pairs) else holder[i]


def _put(holder: Any, i: int, value: Any) -> None:
    holder[i] = (holder[i][0], value) if isinstance(holder, Pairs) else value


def _near(value: Any, dice: random.Random) -> Any:
    """Another value of its type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return dice.choice((value + 1, value - 1, 2 * value, value // 2, value + 8, -value))
    if isinstance(value, float):
        return dice.choice((value * 2, value / 2, value + 1e-9, int(value), -value))
    if isinstance(value, str):
        return dice.choice((value + "x", value[1:], value.upper(), value + "\u200b", value[::-1]))
    return type(value)(reversed(value)) if value else value


def edit(tree: Any, dice: random.Random) -> None:
    """One lie somewhere in a document, in place."""
    spots = list(_spots(tree))
    if not spots:
        return
    holder, i = dice.choice(spots)
    other, j = dice.choice(spots)
    hostile = Raw(dice.choice(HOSTILE))
    kind = dice.randrange(10)
    if kind <= 2:
        _put(holder, i, hostile)
    elif kind <= 4:
        _put(holder, i, _near(_get(holder, i), dice))
    elif kind == 5:
        _put(holder, i, copy.deepcopy(_get(other, j)))  # so that no value holds itself
    elif kind == 6:
        del holder[i]
    elif kind == 7:
        item = holder[i]
        if isinstance(holder, Pairs):
            item = (item[0], dice.choice((item[1], hostile, _near(item[1], dice))))
        holder.insert(dice.randrange(len(holder) + 1), item)
    elif kind == 8 and isinstance(holder, Pairs):
        value = dice.choice((hostile, Raw("true"), Raw("1"), Raw("[2,1]")))
        holder.insert(dice.randrange(len(holder) + 1), (dice.choice(KEYS), value))
    elif kind == 8:
        holder.insert(i, hostile)
    elif isinstance(holder, Pairs):
        holder[i] = (dice.choice(KEYS), holder[i][1])
    else:
        dice.shuffle(holder)


def lie_in_header(header: bytes, data: bytes, dice: random.Random) -> tuple[bytes, bytes]:
    """Another header, and what follows it."""
    outer = read(header.decode())
    kind = dice.random()
    if kind < 0.15:
        return _lie_of_tensors(outer, data, dice)
    if kind < 0.35:
        for _ in range(dice.choice((1, 1, 2))):
            edit(outer, dice)
    else:
        document = read(outer[0][1][0][1])
        for _ in range(dice.choice((0, 1, 1, 1, 1, 2, 3))):
            edit(document, dice)
        outer[0] = ("__metadata__", Pairs([("wsnet", write(document, _loosely(dice)))]))
    text = write(outer, _loosely(dice)).encode("utf-8", "surrogatepass")
    return text + b" " * (-len(text) % dice.choice((1, 8, 8, 8))), data


def _loosely(dice: random.Random) -> random.Random | None:
    return dice if dice.random() < 0.1 else None


def _lie_of_tensors(outer: Any, data: bytes, dice: random.Random) -> tuple[bytes, bytes]:
    """Tensors of another size, type, order or number, described as they then are."""
    tensors = []
    for name, entry in outer[1:]:
        fields = dict(entry)
        start, end = fields["data_offsets"]
        tensors.append([name, fields["dtype"], data[start:end]])
    chosen = dice.randrange(max(1, len(tensors) - 1))
    name, dtype, content = tensors[chosen]
    size = DTYPES.get(dtype, 1)
    kind = dice.randrange(6)
    if kind == 0:
        tensors[chosen][2] = content + dice.choice((b"\0" * size, content[:size], content))
    elif kind == 1:
        tensors[chosen][2] = content[: -size * dice.randint(1, 3)]
    elif kind == 2:
        tensors[chosen][1] = dice.choice(list(DTYPES))
    elif kind == 3:
        tensors = [*dice.sample(tensors[:-1], len(tensors) - 1), tensors[-1]]
    elif kind == 4:
        tensors.insert(chosen, [dice.choice((*KEYS, name)), dtype, content])
    else:
        dice.shuffle(tensors)
    table, n_bytes = Pairs(outer[:1]), 0
    for name, dtype, content in tensors:
        shape, end = [len(content) // DTYPES.get(dtype, 1)], n_bytes + len(content)
        fields = [("dtype", dtype), ("shape", shape), ("data_offsets", [n_bytes, end])]
        table.append((name, Pairs(fields)))
        n_bytes = end
    text = write(table).encode()
    return text + b" " * (-len(text) % 8), b"".join(content for _, _, content in tensors)
