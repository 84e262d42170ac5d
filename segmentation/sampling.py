"""Where to cut training crops, so that rare labels are seen often and clean surface is not forgotten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.augment import (
    Augmentation,
    Mask,
    Picture,
    change_light,
    paste_regions,
    random_warp,
    warp_pair,
)
from segmentation.pair_store import PairStore
from segmentation.spec import IGNORE_INDEX

SPOTS_PER_LABEL = 256
SMALLEST_CROP_PX, LARGEST_CROP_PX, CROP_STEP_PX = 96, 320, 32


@dataclass(frozen=True)
class LabelCensus:
    """What the training pictures hold.

    `pixels` int64 (pictures, labels); `sizes` int64 (pictures, 2) of height and width;
    `spots[picture][label]` int32 (n, 2) of x and y, at most 256 pixels of that label drawn at random.
    """

    pixels: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    spots: tuple[dict[int, npt.NDArray[np.int32]], ...]

    @property
    def common_label(self) -> int:
        """The label with most pixels: what is left when nothing rare is asked for."""
        return int(self.pixels.sum(axis=0).argmax())

    def pictures_with(self, label: int) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.pixels[:, label])


def take_census(store: PairStore, rng: np.random.Generator) -> LabelCensus:
    """Read every pair once: this also finds masks that cannot be learned from before hours are spent."""
    pixels = np.zeros((len(store), store.label_count), np.int64)
    sizes = np.zeros((len(store), 2), np.int64)
    spots: list[dict[int, npt.NDArray[np.int32]]] = []
    for index in range(len(store)):
        _, mask = store[index]
        counts = np.bincount(mask.ravel(), minlength=256)
        pixels[index] = counts[: store.label_count]
        sizes[index] = mask.shape
        found: dict[int, npt.NDArray[np.int32]] = {}
        for label in np.flatnonzero(counts[:IGNORE_INDEX]):
            flat = np.flatnonzero(mask.ravel() == label)
            chosen = flat[rng.integers(len(flat), size=min(SPOTS_PER_LABEL, len(flat)))]
            found[int(label)] = np.column_stack(np.divmod(chosen, mask.shape[1])[::-1]).astype(np.int32)
        spots.append(found)
    return LabelCensus(pixels=pixels, sizes=sizes, spots=tuple(spots))


def suggested_crop_px(census: LabelCensus) -> int:
    """A crop that holds most of a picture but stays small enough for many steps: about the median short side,
    a multiple of 32 from 96 to 320."""
    short_side = float(np.median(census.sizes.min(axis=1)))
    rounded = round(short_side / CROP_STEP_PX) * CROP_STEP_PX
    return int(min(LARGEST_CROP_PX, max(SMALLEST_CROP_PX, rounded)))


class CropSampler:
    """Draws chunks of augmented crops.

    A share `rare_share` of the crops is centred near a pixel of a rare label: first one of the labels
    but the commonest, each as often, then a picture that has it, then one of its pixels. The rest comes from
    anywhere in any picture, so that clean pictures stay as common as they are.
    """

    def __init__(
        self,
        store: PairStore,
        census: LabelCensus,
        augmentation: Augmentation,
        *,
        crop_px: int,
        rare_share: float,
        rng: np.random.Generator,
    ) -> None:
        self.store = store
        self.census = census
        self.augmentation = augmentation
        self.crop_px = crop_px
        self.rare_share = rare_share
        self.rng = rng
        totals = census.pixels.sum(axis=0)
        totals[census.common_label] = 0
        self._rare_labels = np.flatnonzero(totals)

    def chunk(self, size: int) -> tuple[Picture, Mask]:
        """Crops uint8 (size, crop, crop, 3) and masks uint8 (size, crop, crop)."""
        images = np.empty((size, self.crop_px, self.crop_px, 3), np.uint8)
        masks = np.empty((size, self.crop_px, self.crop_px), np.uint8)
        for row in range(size):
            images[row], masks[row] = self._crop()
        return images, masks

    def _crop(self) -> tuple[Picture, Mask]:
        has_rare = len(self._rare_labels) > 0
        if has_rare and self.rng.random() < self.rare_share:
            return self._changed(*self._cut(*self._rare_place()))
        crop, truth = self._cut(*self._any_place())
        if has_rare and self.rng.random() < self.augmentation.paste_chance:
            donor = self._cut(*self._rare_place())
            crop, truth = paste_regions(crop, truth, *donor, self.census.common_label)
        return self._changed(crop, truth)

    def _changed(self, crop: Picture, truth: Mask) -> tuple[Picture, Mask]:
        return change_light(self.rng, self.augmentation, crop), truth

    def _cut(self, index: int, spot: npt.NDArray[np.float64]) -> tuple[Picture, Mask]:
        rgb, mask = self.store[index]
        centre = self._inside(spot, self.census.sizes[index])
        return warp_pair(rgb, mask, random_warp(self.rng, self.augmentation, centre, self.crop_px), self.crop_px)

    def _rare_place(self) -> tuple[int, npt.NDArray[np.float64]]:
        """A picture and a place (x, y) near a pixel of a rare label in it."""
        label = int(self.rng.choice(self._rare_labels))
        pictures = self.census.pictures_with(label)
        index = int(pictures[self.rng.integers(len(pictures))])
        spots = self.census.spots[index][label]
        return index, spots[self.rng.integers(len(spots))] + self.rng.uniform(-0.35, 0.35, 2) * self.crop_px

    def _any_place(self) -> tuple[int, npt.NDArray[np.float64]]:
        index = int(self.rng.integers(len(self.store)))
        return index, self.rng.uniform(0, 1, 2) * self.census.sizes[index][::-1]

    def _inside(self, spot: npt.NDArray[np.float64], size: npt.NDArray[np.int64]) -> tuple[float, float]:
        """Move the middle so that the crop does not hang over the edge; amid a picture smaller than it."""
        half = self.crop_px / 2
        low = np.minimum(half, size[::-1] / 2)
        high = np.maximum(size[::-1] - half, size[::-1] / 2)
        x, y = np.clip(spot, low, high)
        return float(x), float(y)
