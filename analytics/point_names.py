"""Names beside the points of a figure, where there is room for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analytics.theme import short

# Shares of the two axes on a phone, where there is least room.
_NEAR = 0.04
_LETTER_WIDTH = 0.025
_ROW_HEIGHT = 0.08
_MOST_LETTERS = 22

Spot = tuple[float, float]


@dataclass(frozen=True)
class _Box:
    left: float
    right: float
    bottom: float
    top: float

    def holds(self, spot: Spot) -> bool:
        return self.left <= spot[0] <= self.right and self.bottom <= spot[1] <= self.top

    def meets(self, other: _Box) -> bool:
        return not (
            self.right < other.left or other.right < self.left or self.top < other.bottom or other.top < self.bottom
        )


def point_names(spots: Sequence[Spot], names: Sequence[str], *, order: Iterable[int]) -> list[str]:
    """The text beside each point; `spots` are shares of the two axes, `order` who comes first where room is short.

    Points that coincide share one text. A text that would cover another point or text is left out.
    """
    texts, taken, done = [""] * len(spots), list[_Box](), set[int]()
    for place in order:
        if place in done:
            continue
        here = [one for one, spot in enumerate(spots) if _is_near(spot, spots[place])]
        done.update(here)
        box = _box(spots[place], [names[one] for one in here])
        others = [spot for one, spot in enumerate(spots) if one not in here]
        if not any(map(box.holds, others)) and not any(map(box.meets, taken)):
            taken.append(box)
            texts[place] = "<br>".join(short(names[one]) for one in here)
    return texts


def side_of(spot: Spot) -> str:
    """Where the text of a point stands: towards the middle of the figure."""
    return "middle left" if spot[0] > 0.5 else "middle right"


def _is_near(one: Spot, other: Spot) -> bool:
    return abs(one[0] - other[0]) < _NEAR and abs(one[1] - other[1]) < _NEAR


def _box(spot: Spot, names: Sequence[str]) -> _Box:
    x, y = spot
    width = _NEAR + _LETTER_WIDTH * min(_MOST_LETTERS, max(map(len, names)))
    half = _ROW_HEIGHT * len(names) / 2
    left = x - width if side_of(spot) == "middle left" else x
    return _Box(left, left + width, y - half, y + half)
