"""Damage by seed: the same seed always breaks a file in the same way."""

from __future__ import annotations

import random
from collections.abc import Callable

_EXTREMES = (
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x80\x00\x00\x00",
    b"\x00\x00\xff\xff",
)
_HEAD_BYTES = 200


def mutated(content: bytes, seed: int, *, other: bytes = b"") -> bytes:
    """One to four changes of random kinds, most of them near the beginning, where sizes and offsets stand.

    `other`: a second file, which pieces may be taken from.
    """
    random_ = random.Random(seed)
    for _ in range(random_.randint(1, 4)):
        kind = random_.choice(_KINDS)
        content = kind(content, _place(content, random_), random_, other or content) or b"\0"
    return content


def _place(content: bytes, random_: random.Random) -> int:
    reach = len(content) if random_.random() < 0.5 else min(len(content), _HEAD_BYTES)
    return random_.randrange(max(1, reach))


def _flip(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << random_.randrange(8)]) + content[place + 1 :]


def _overwrite(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    piece = random_.choice(_EXTREMES)
    return content[:place] + piece + content[place + len(piece) :]


def _cut(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    return content[: max(1, place)]


def _leave_out(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    return content[:place] + content[place + random_.randint(1, 40) :]


def _repeat(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    return content[: place + random_.randint(1, 60)] + content[place:]


def _splice(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    start = random_.randrange(max(1, len(other)))
    return content[:place] + other[start : start + random_.randint(1, 200)] + content[place:]


def _fill(content: bytes, place: int, random_: random.Random, other: bytes) -> bytes:
    length = random_.randint(1, 64)
    return content[:place] + random_.randbytes(length) + content[place + length :]


_KINDS: tuple[Callable[[bytes, int, random.Random, bytes], bytes], ...] = (
    *(_flip, _flip, _overwrite, _overwrite, _overwrite),
    *(_cut, _leave_out, _repeat, _splice, _fill),
)
