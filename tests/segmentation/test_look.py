"""What pictures look like: exact on flat colours, in order on blurred, lit and tinted ones."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from segmentation.look import Look, look_at


def flat(red: int, green: int, blue: int, side: int = 40) -> np.ndarray:
    return np.full((side, side, 3), (red, green, blue), np.uint8)


@pytest.fixture
def surface() -> np.ndarray:
    return np.random.default_rng(1).integers(60, 180, (300, 400, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((0, 0, 0), Look(0, 0, 0)),
        ((255, 255, 255), Look(10_000, 0, 0)),
        ((255, 0, 0), Look(round(76 / 255 * 10_000), 0, 10_000)),
        ((0, 0, 255), Look(round(29 / 255 * 10_000), 0, -10_000)),
        ((51, 51, 51), Look(2_000, 0, 0)),
    ],
)
def test_flat_colours(color: tuple[int, int, int], expected: Look) -> None:
    assert look_at(flat(*color)) == expected


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """One grey step of 100 between two halves: +100 and -100 in the two columns beside it, 0 elsewhere."""
    picture = flat(50, 50, 50)
    picture[:, 20:] = 150
    variance = 2 * 100**2 / 40
    assert look_at(picture).sharpness == round(1_000 * math.log2(1 + variance))


def test_a_blurred_a_darker_and_a_warmer_picture_are_told_apart(surface: np.ndarray) -> None:
    before = look_at(surface)
    assert look_at(cv2.GaussianBlur(surface, (0, 0), 2)).sharpness < before.sharpness - 1_000
    assert look_at((surface * 0.8).astype(np.uint8)).brightness == pytest.approx(before.brightness * 0.8, rel=0.02)
    warmer = np.clip(surface + np.array([20, 0, -20]), 0, 255).astype(np.uint8)
    assert look_at(warmer).warmth - before.warmth == pytest.approx(40 / 255 * 10_000, rel=0.02)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2000), (3000, 2), (1200, 1600)])
def test_every_size_can_be_looked_at(height: int, width: int) -> None:
    found = look_at(np.full((height, width, 3), 128, np.uint8))
    assert found == Look(round(128 / 255 * 10_000), 0, 0)
