"""What the pictures themselves say about how a network should see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from segmentation.input_choice import choose_input
from segmentation.pairs import Pair


def pairs(levels: Sequence[int], side_px: int = 300, tint: int = 0) -> list[Pair]:
    def pair(level: int) -> Pair:
        rgb = np.full((side_px, side_px + 40, 3), level, np.uint8)
        rgb[:, :, 0] += tint
        return Pair(str(level), lambda: (rgb, np.zeros(rgb.shape[:2], np.uint8)))

    return [pair(level) for level in levels]


@pytest.mark.parametrize(
    ("levels", "side_px", "tint", "has_gpu", "expected"),
    [
        ((40, 90, 160), 300, 0, False, (0.5, True)),
        ((40, 90, 160), 300, 0, True, (1.0, True)),
        ((40, 90, 160), 300, 30, False, (0.5, False)),
        ((90, 92, 91), 300, 0, False, (0.5, False)),
        ((40, 90, 160), 120, 0, False, (1.0, True)),
        ((90, 91), 120, 0, False, (1.0, False)),
    ],
)
def test_choice(levels: tuple[int, ...], side_px: int, tint: int, has_gpu: bool, expected: tuple[float, bool]) -> None:
    choice = choose_input(pairs(levels, side_px, tint), has_gpu=has_gpu)
    assert (choice.scale, choice.evens_light) == expected
    assert ("half their size" in choice.why) == (choice.scale == 0.5)
    assert ("light" in choice.why) == choice.evens_light


def test_only_some_pictures_are_read() -> None:
    read: list[str] = []

    def pair(name: str) -> Pair:
        def look() -> tuple[np.ndarray, np.ndarray]:
            read.append(name)
            return np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)

        return Pair(name, look)

    choose_input([pair(str(number)) for number in range(1000)], has_gpu=False)
    assert 20 <= len(read) <= 48
