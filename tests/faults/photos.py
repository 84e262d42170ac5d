"""Drawn photos of which it is known beforehand what each must measure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tests.images import picture, png

WIDTH_PX, HEIGHT_PX = 320, 240
RUST, PAINT = 1, 2
LABELS = [
    {"name": "background", "color": "#808080", "is_defect": False},
    {"name": "rust", "color": "#dc1e1e", "is_defect": True},
    {"name": "paint", "color": "#1e3cdc", "is_defect": False},
]


@dataclass(frozen=True)
class Photo:
    """`pixels`: by label index, as drawn."""

    name: str
    content: bytes
    pixels: dict[int, int]
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.content).hexdigest())


def photos(number: int, count: int) -> list[Photo]:
    """`count` small parts, no two alike in all rounds: a quarter rusty, a third painted."""
    return [_photo(number, place, number * count + place) for place in range(count)]


def _photo(number: int, place: int, mark: int) -> Photo:
    rust_rows = HEIGHT_PX // 4 if place % 4 == 0 else 0
    paint_rows = place * 3 if place % 3 == 1 else 0
    drawn = picture(red=rust_rows / HEIGHT_PX, blue=paint_rows / HEIGHT_PX, width=WIDTH_PX, height=HEIGHT_PX, mark=mark)
    rust, paint = rust_rows * WIDTH_PX, paint_rows * WIDTH_PX
    pixels = {0: WIDTH_PX * HEIGHT_PX - rust - paint, RUST: rust, PAINT: paint}
    return Photo(f"{number}-{place}.png", png(drawn), pixels)
