"""Presets in plain words: each does what it says, truth stays truth, and eight examples are drawn of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from segmentation.augment import NO_AUGMENTATION, Augmentation, change_light, random_warp
from segmentation.augment_presets import PRESETS, augmentation_for, preview
from tests.segmentation.labelled import mask, picture


def smooth(width: int = 320, height: int = 240) -> np.ndarray:
    across, down = np.linspace(40, 200, width), np.linspace(0, 40, height)
    return (across[None, :, None] + down[:, None, None]).repeat(3, axis=2).astype(np.uint8)


def test_no_preset_changes_nothing() -> None:
    assert augmentation_for([]) == NO_AUGMENTATION
    rgb, drawn = smooth(), mask(1, width=320, height=240)
    first, *others = preview(rgb, drawn, augmentation_for([]))
    assert len(others) == 7
    for one, truth in others:
        np.testing.assert_array_equal(one, first[0])
        np.testing.assert_array_equal(truth, first[1])


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "rare-copied"])
def test_every_preset_shows_in_its_preview(name: str) -> None:
    rgb, drawn = smooth(), mask(1, width=320, height=240)
    pairs = preview(rgb, drawn, augmentation_for([name]), seed=3)
    assert len(pairs) == 8
    for one, truth in pairs:
        assert (one.shape, one.dtype, truth.shape, truth.dtype) == ((224, 224, 3), np.uint8, (224, 224), np.uint8)
        assert set(np.unique(truth)) <= {0, 1, 255}
    assert any(not np.array_equal(one, pairs[0][0]) for one, _ in pairs[1:])


def test_light_and_lens_leave_truth_alone() -> None:
    kinds = ("light", "colour", "blur", "noise", "dirty-lens", "compressed")
    for one, truth in preview(smooth(), mask(1, width=320, height=240), augmentation_for(kinds)):
        del one
        np.testing.assert_array_equal(truth, preview(smooth(), mask(1, width=320, height=240), NO_AUGMENTATION)[0][1])


def test_the_wider_range_counts() -> None:
    both = augmentation_for(["camera", "distance", "rotated"])
    assert both.zoom == (0.67, 1.5)
    assert both.turn_degrees == 180
    assert both.slant == 0.1


def test_every_change_is_a_field_and_every_preset_a_sentence() -> None:
    fields = {field.name for field in dataclasses.fields(Augmentation)}
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert set(preset.changes) <= fields
        assert preset.sentence.endswith(".")


def test_an_unknown_preset_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="no preset 'magic'; expected some of light"):
        augmentation_for(["magic"])


def test_dirt_covers_little_and_shade_only_darkens() -> None:
    grey = np.full((96, 96, 3), 240, np.uint8)
    dirt = dataclasses.replace(NO_AUGMENTATION, dirt_chance=1.0)
    shade = dataclasses.replace(NO_AUGMENTATION, shade_chance=1.0)
    for seed in range(8):
        dirty = change_light(np.random.default_rng(seed), dirt, grey)
        assert 0 < (dirty != 240).any(axis=2).mean() < 0.5
        assert change_light(np.random.default_rng(seed), shade, grey).max() <= 240


def test_slant_keeps_the_middle() -> None:
    warp = random_warp(np.random.default_rng(1), dataclasses.replace(NO_AUGMENTATION, slant=0.2), (50.0, 40.0), 33)
    np.testing.assert_allclose(warp @ [16, 16, 1], [50, 40])
    assert warp[0, 1] != 0


def test_new_fields_draw_no_numbers_where_they_are_off() -> None:
    """The same seed gives the same training as before they came."""
    rng = np.random.default_rng(5)
    change_light(rng, Augmentation(blur_chance=0, noise_chance=0), picture(1))
    plain = np.random.default_rng(5)
    plain.uniform(size=6)
    plain.random(2)
    assert rng.random() == plain.random()


def test_small_pictures_and_wrong_masks() -> None:
    assert preview(picture(1), mask(1), augmentation_for(["light"]))[0][0].shape == (224, 224, 3)
    with pytest.raises(ValueError, match="must have one size"):
        preview(picture(1), mask(1, width=41), NO_AUGMENTATION)
