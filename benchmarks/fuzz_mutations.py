"""Seeded damages of a model file's bytes, blind or with a right digest, for `fuzz_models.py`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from fuzz_lies import lie_in_header

LENGTH, DIGEST = 8, 32
Damage = Callable[[bytes, random.Random], bytes]


def split(content: bytes) -> tuple[bytes, bytes]:
    """The header, and what follows it."""
    start = LENGTH + int.from_bytes(content[:LENGTH], "little")
    return content[LENGTH:start], content[start:]


def sign(body: bytes) -> bytes:
    """A file whose last 32 bytes are the right digest of those before."""
    return body[:-DIGEST] + hashlib.sha256(body[:-DIGEST]).digest()


def join(header: bytes, data: bytes) -> bytes:
    """The inverse of `split`, with a right length and a right digest."""
    return sign(len(header).to_bytes(LENGTH, "little") + header + data)


def flip(content: bytes, dice: random.Random) -> bytes:
    """Flip 1 to 8 bits."""
    changed = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(content: bytes, dice: random.Random) -> bytes:
    """Cut off one end."""
    at = dice.choice((dice.randrange(len(content)), max(0, len(content) - dice.randint(1, 40))))
    return content[at:] if dice.random() < 0.2 else content[:at]


def extend(content: bytes, dice: random.Random) -> bytes:
    """Add bytes at one end: zeros, random ones, or the whole file again."""
    n = dice.randint(1, 64)
    more = dice.choice((b"\0" * n, dice.randbytes(n), content))
    return more + content if dice.random() < 0.3 else content + more


def remove(content: bytes, dice: random.Random) -> bytes:
    """Take a few bytes out."""
    start, end = _span(content, dice)
    return content[:start] + content[end:]


def insert(content: bytes, dice: random.Random) -> bytes:
    """Put a few bytes in: random ones, or some of the file's own again."""
    at = dice.randrange(len(content) + 1)
    start, end = _span(content, dice)
    more = dice.choice((content[start:end], dice.randbytes(end - start)))
    return content[:at] + more + content[at:]


def overwrite(content: bytes, dice: random.Random) -> bytes:
    """Write over a few bytes: zeros, ones, or random."""
    start, end = _span(content, dice)
    n = end - start
    return (
        content[:start] + dice.choice((b"\0" * n, b"\xff" * n, dice.randbytes(n))) + content[end:]
    )


def swap(content: bytes, dice: random.Random) -> bytes:
    """Let two regions of one length change places."""
    n = dice.randint(1, min(64, len(content) // 3))
    first = dice.randrange(len(content) - 2 * n + 1)
    second = dice.randrange(first + n, len(content) - n + 1)
    a, b = content[first : first + n], content[second : second + n]
    return content[:first] + b + content[first + n : second] + a + content[second + n :]


def _span(content: bytes, dice: random.Random) -> tuple[int, int]:
    start = dice.randrange(len(content))
    return start, min(len(content), start + dice.randint(1, 64))


BLIND: tuple[Damage, ...] = (flip, flip, flip, cut, extend, remove, insert, overwrite, swap)
SAME_LENGTH: tuple[Damage, ...] = (flip, flip, flip, overwrite, swap)


def damage(content: bytes, dice: random.Random) -> bytes:
    """A blind damage: the digest stays as it was."""
    return dice.choice(BLIND)(content, dice)


def lie(content: bytes, dice: random.Random) -> bytes:
    """A change whose digest is right: half of them of the header, half of anything."""
    header, data = split(content)
    kind = dice.random()
    if kind < 0.5:
        return join(*lie_in_header(header, data, dice))
    if kind < 0.6:
        return join(dice.choice(BLIND)(header, dice), data)
    if kind < 0.8:
        numbers = dice.choice(SAME_LENGTH)(data[:-DIGEST], dice)
        return join(header, numbers + data[-DIGEST:])
    if kind < 0.9:
        return join(header, dice.choice(BLIND)(data[:-DIGEST], dice) + data[-DIGEST:])
    return sign(damage(content, dice))
