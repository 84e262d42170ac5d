"""What is obscured cannot be told any more; what is not stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.privacy import MARGIN_SHARE, obscured


def noise(height: int = 240, width: int = 320) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_people_become_a_few_blocks_of_one_colour_each() -> None:
    rgb, people = noise(), np.zeros((240, 320), bool)
    people[60:180, 100:150] = True
    result = obscured(rgb, people)
    inside = result[people]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) <= 8 * 8
    assert inside.std() < 12, "means of 16 × 16 px of noise lie close to grey"
    share = (inside == rgb[people]).all(axis=1).mean()
    assert share < 1e-3, "no more pixels are as they were than chance gives"


def test_the_outline_is_obscured_too_and_the_rest_untouched() -> None:
    rgb, people = noise(), np.zeros((240, 320), bool)
    people[60:180, 100:150] = True
    changed = (obscured(rgb, people) != rgb).any(axis=2)
    reach = round(320 * MARGIN_SHARE)
    assert changed[100, 100 - reach : 150 + reach].mean() > 0.99
    assert not changed[:, : 100 - reach].any()
    assert not changed[:, 150 + reach :].any()


def test_the_picture_given_is_not_changed() -> None:
    rgb = noise()
    before = rgb.copy()
    assert (obscured(rgb, np.ones((240, 320), bool)) != rgb).any()
    assert np.array_equal(rgb, before)
    assert np.array_equal(obscured(rgb, np.zeros((240, 320), bool)), rgb)


@pytest.mark.parametrize("place", [np.s_[0:3, 0:3], np.s_[239:, 319:], np.s_[:, 150:152]])
def test_specks_and_lines_at_the_edge_are_obscured(place: tuple[slice, slice]) -> None:
    rgb, people = noise(), np.zeros((240, 320), bool)
    people[place] = True
    assert (obscured(rgb, people)[place] != rgb[place]).any(axis=2).mean() > 0.99


def test_marks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="own size"):
        obscured(noise(), np.zeros((10, 10), bool))
