"""Crops and augmentation: picture and mask move together, rare labels are seen, clean surface is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from segmentation.augment import (
    NO_AUGMENTATION,
    Augmentation,
    change_light,
    paste_regions,
    random_warp,
    warp_pair,
)
from segmentation.pair_store import PairStore
from segmentation.pairs import Pair, PairError
from segmentation.sampling import CropSampler, suggested_crop_px, take_census

COLORS = np.array([[40, 40, 40], [220, 30, 30], [30, 60, 220]], np.uint8)


def pair(name: str, mask: np.ndarray) -> Pair:
    """A picture whose colour tells its label."""
    return Pair(name, lambda: (COLORS[np.where(mask == 255, 0, mask)], mask))


def with_square(label: int, side_px: int, width: int = 120, height: int = 90, at: int = 20) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[at : at + side_px, at : at + side_px] = label
    return mask


def sampler(masks: list[np.ndarray], crop_px: int, rare_share: float, **options: object) -> CropSampler:
    rng = np.random.default_rng(1)
    store = PairStore([pair(str(number), mask) for number, mask in enumerate(masks)], 3)
    census = take_census(store, rng)
    augmentation = options.get("augmentation", NO_AUGMENTATION)
    assert isinstance(augmentation, Augmentation)
    return CropSampler(store, census, augmentation, crop_px=crop_px, rare_share=rare_share, rng=rng)


def test_picture_and_mask_move_together() -> None:
    """Whatever the geometry, away from edges between labels a pixel's colour still tells its label."""
    mask = with_square(1, 30)
    mask[50:80, 60:110] = 2
    rgb = COLORS[mask]
    rng = np.random.default_rng(4)
    wild = Augmentation(quarter_turns=True, turn_degrees=30, zoom=(0.5, 2.0))
    for _ in range(20):
        warp = random_warp(rng, wild, (60, 45), 64)
        crop, truth = warp_pair(rgb, mask, warp, 64)
        nearest = ((crop[:, :, None].astype(int) - COLORS) ** 2).sum(axis=3).argmin(axis=2)
        judged = truth != 255
        assert judged.mean() > 0.3
        assert (nearest == truth)[judged].mean() > 0.97


def test_without_augmentation_the_crop_is_the_picture() -> None:
    mask = with_square(1, 30, width=64, height=64)
    warp = random_warp(np.random.default_rng(1), NO_AUGMENTATION, (31.5, 31.5), 64)
    crop, truth = warp_pair(COLORS[mask], mask, warp, 64)
    np.testing.assert_array_equal(truth, mask)
    np.testing.assert_array_equal(crop, COLORS[mask])


def test_beyond_the_edges_nothing_is_learned_and_the_last_pixels_go_on() -> None:
    """A defect at the edge must not get a mirrored twin: no picture has one."""
    mask = with_square(1, 10, width=40, height=64)
    mask[:, :3] = 2
    warp = random_warp(np.random.default_rng(1), NO_AUGMENTATION, (19.5, 31.5), 64)
    crop, truth = warp_pair(COLORS[mask], mask, warp, 64)
    np.testing.assert_array_equal(truth[:, 12:52], mask)
    assert (truth[:, :12] == 255).all()
    assert (truth[:, 52:] == 255).all()
    np.testing.assert_array_equal(crop[:, :12], np.broadcast_to(crop[:, 12:13], (64, 12, 3)))


def test_ignored_pixels_stay_ignored_and_nothing_between_labels_appears() -> None:
    mask = with_square(2, 30)
    mask[:, 100:] = 255
    rng = np.random.default_rng(2)
    for _ in range(10):
        warp = random_warp(rng, Augmentation(turn_degrees=20), (70, 45), 64)
        _, truth = warp_pair(COLORS[np.where(mask == 255, 0, mask)], mask, warp, 64)
        assert set(np.unique(truth)) <= {0, 2, 255}


def test_light_changes_pixels_within_bounds_and_off_means_off() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(change_light(np.random.default_rng(1), NO_AUGMENTATION, rgb), rgb)
    changed = change_light(np.random.default_rng(1), Augmentation(noise_chance=1, blur_chance=1), rgb)
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, rgb)
    assert abs(float(changed.mean()) - float(rgb.mean())) < 80


def test_rare_labels_are_in_their_share_of_the_crops() -> None:
    """One picture in twenty has a defect of 16 pixels; without favouring it, crops would hardly ever show it."""
    masks = [with_square(1, 4, at=40), *(np.zeros((90, 120), np.uint8) for _ in range(19))]
    favoured, blind = sampler(masks, 32, 0.6), sampler(masks, 32, 0.0)
    share = np.mean([(favoured.chunk(1)[1] == 1).any() for _ in range(300)])
    assert 0.5 < share < 0.75
    assert np.mean([(blind.chunk(1)[1] == 1).any() for _ in range(300)]) < 0.05


def test_rare_labels_are_drawn_alike_though_one_is_far_rarer() -> None:
    masks = [*(with_square(2, 40) for _ in range(10)), with_square(1, 5)]
    drawn = sampler(masks, 48, 1.0)
    crops = [drawn.chunk(1)[1] for _ in range(200)]
    assert np.mean([(crop == 1).any() for crop in crops]) > 0.4
    assert np.mean([(crop == 2).any() for crop in crops]) > 0.4


def test_crops_of_clean_data_and_of_pictures_smaller_than_the_crop() -> None:
    images, masks = sampler([np.zeros((20, 50), np.uint8)], 64, 0.6).chunk(3)
    assert images.shape == (3, 64, 64, 3)
    assert masks.shape == (3, 64, 64)
    assert set(np.unique(masks)) == {0, 255}
    assert (masks == 0).any(axis=(1, 2)).all()


def test_crops_repeat_by_seed() -> None:
    masks = [with_square(1, 9), with_square(2, 9)]
    first = sampler(masks, 32, 0.5, augmentation=Augmentation()).chunk(4)
    again = sampler(masks, 32, 0.5, augmentation=Augmentation()).chunk(4)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize(
    ("width", "height", "crop_px"), [(640, 480, 320), (320, 200, 192), (60, 50, 96), (4000, 3000, 320)]
)
def test_crop_follows_the_pictures(width: int, height: int, crop_px: int) -> None:
    store = PairStore([pair("one", np.zeros((height, width), np.uint8))], 3)
    assert suggested_crop_px(take_census(store, np.random.default_rng(1))) == crop_px


class TestStore:
    def test_scales_picture_and_mask_alike(self) -> None:
        store = PairStore([pair("one", with_square(1, 40))], 3, max_side_px=60)
        rgb, mask = store[0]
        assert rgb.shape == (45, 60, 3)
        assert mask.shape == (45, 60)
        assert (mask == 1).sum() == 20 * 20

    def test_keeps_what_fits_and_reads_the_rest_again(self) -> None:
        reads: list[str] = []

        def counted(name: str) -> Pair:
            def read() -> tuple[np.ndarray, np.ndarray]:
                reads.append(name)
                return np.zeros((10, 10, 3), np.uint8), np.zeros((10, 10), np.uint8)

            return Pair(name, read)

        store = PairStore([counted("a"), counted("b")], 3, memory_bytes=600)
        for _ in range(3):
            assert store[0][0].shape == store[1][0].shape == (10, 10, 3)
        assert reads == ["a", "b", "b", "b"]

    def test_names_the_pair_that_cannot_be_used(self) -> None:
        with pytest.raises(PairError, match="one: the mask holds 3, expected 0 to 2 or 255"):
            PairStore([Pair("one", lambda: (np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 3, np.uint8)))], 3)[0]
        with pytest.raises(PairError, match="two: the mask is 5×4 pixels, the picture 4×4"):
            PairStore([Pair("two", lambda: (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8)))], 3)[0]


class TestPaste:
    def test_a_defect_moves_onto_a_clean_picture_with_its_truth(self) -> None:
        """A dark 6×6 pit from a bright surface lands on a darker one, as much darker than it as it was before."""
        clean, clean_truth = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64), np.uint8)
        donor, donor_truth = np.full((64, 64, 3), 180, np.uint8), np.zeros((64, 64), np.uint8)
        donor[20:26, 30:36], donor_truth[20:26, 30:36] = 130, 1
        crop, truth = paste_regions(clean, clean_truth, donor, donor_truth, 0)
        np.testing.assert_array_equal(truth, donor_truth)
        assert (crop[20:26, 30:36] == 40).all()
        assert (crop[:10] == 90).all()
        assert (crop[16:20, 30:36] == 90).all()

    @pytest.mark.parametrize("value", [0, 255])
    def test_without_a_region_nothing_changes(self, value: int) -> None:
        clean, clean_truth = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64), np.uint8)
        donor, donor_truth = np.full((64, 64, 3), 180, np.uint8), np.full((64, 64), value, np.uint8)
        crop, truth = paste_regions(clean, clean_truth, donor, donor_truth, 0)
        assert crop is clean
        assert truth is clean_truth

    def test_regions_that_fill_the_crop_are_not_pasted(self) -> None:
        clean, clean_truth = np.full((64, 64, 3), 90, np.uint8), np.zeros((64, 64), np.uint8)
        donor_truth = np.zeros((64, 64), np.uint8)
        donor_truth[:30] = 2
        crop, _ = paste_regions(clean, clean_truth, np.full_like(clean, 180), donor_truth, 0)
        assert crop is clean

    def test_clean_crops_get_pasted_defects(self) -> None:
        masks = [with_square(1, 8, at=30), *(np.zeros((90, 120), np.uint8) for _ in range(30))]
        pasting = dataclasses.replace(NO_AUGMENTATION, paste_chance=1.0)
        drawn = sampler(masks, 64, 0.0, augmentation=pasting)
        assert np.mean([(drawn.chunk(1)[1] == 1).any() for _ in range(50)]) > 0.8
