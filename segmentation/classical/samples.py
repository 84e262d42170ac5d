"""Which pixels a classical method learns from: few of the common label, all of those that are rare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from segmentation.classical.features import FeatureBank
from segmentation.pair_store import PairStore
from segmentation.pairs import PairError
from segmentation.preprocess import to_tensor
from segmentation.spec import ModelSpec

COMMON_FACTOR = 5
"""How many times as many pixels the commonest label gives: it has most ways to look, and false alarms cost most."""

TILE_PX = 512
_PICTURE_BYTES = 512 * 1024**2

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Pixels to learn from: `values` float32 (M, F), `labels` int64 (M,), `pictures` int64 (M,) rows of the pairs.

    `pixels` int64 (K,): how many pixels of each label the pictures really have.
    """

    values: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    pictures: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.int64]

    @property
    def present(self) -> npt.NDArray[np.int64]:
        """Labels that there is anything to learn of, rising."""
        return np.unique(self.labels)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """How many pixels of the pictures each sample stands for, float64 (M,)."""
        drawn = np.bincount(self.labels, minlength=len(self.pixels))
        return (self.pixels / np.maximum(drawn, 1))[self.labels]

    def of(self, chosen: npt.NDArray[np.bool_]) -> Samples:
        return Samples(self.values[chosen], self.labels[chosen], self.pictures[chosen], self.pixels)


def draw_samples(
    store: PairStore, spec: ModelSpec, bank: FeatureBank, *, pixels_per_label: int, picture_count: int, seed: int
) -> Samples:
    """Draw up to `pixels_per_label` pixels of each label (of the commonest five times as many) from at most
    `picture_count` pictures, each picture that has the label giving about as many.

    Of more pictures those are taken that show the rarest labels, each label in turn. PairError where no pixel
    of any picture is labelled, or a mask does not fit.
    """
    rng = np.random.default_rng(seed)
    counts = _counted(store)
    rows = _chosen_pictures(counts, picture_count, rng)
    pixels = counts[rows].sum(axis=0)
    if not pixels.any():
        raise PairError("no pixel of these pictures is labelled; expected at least a scribble of each label")
    wanted = np.full(len(pixels), pixels_per_label)
    wanted[pixels.argmax()] *= COMMON_FACTOR
    carriers = np.maximum(1, (counts[rows] > 0).sum(axis=0))
    share = -(-wanted // carriers)
    values, labels, pictures = [], [], []
    for row in rows:
        rgb, mask = store[row]
        places, found = _drawn(mask, share, rng)
        values.append(features_at(rgb, places, spec, bank))
        labels.append(found)
        pictures.append(np.full(len(found), row))
    return Samples(np.concatenate(values), np.concatenate(labels), np.concatenate(pictures), pixels)


def features_at(
    rgb: npt.NDArray[np.uint8], places: Places, spec: ModelSpec, bank: FeatureBank
) -> npt.NDArray[np.float32]:
    """Features float32 (n, F) of a picture uint8 (H, W, 3) at `places` (n,), places of its pixels in reading order.

    Large pictures go through in tiles, each with enough around it that nothing is different at its edge; tiles
    without a place are left out.
    """
    height, width = rgb.shape[:2]
    row, column = np.divmod(places, width)
    values = np.empty((len(places), len(bank.names)), np.float32)
    for top, left, bottom, right in _tiles(height, width):
        inside = (row >= top) & (row < bottom) & (column >= left) & (column < right)
        if not inside.any():
            continue
        first_row, first_column = _floor(top - bank.halo_px), _floor(left - bank.halo_px)
        part = rgb[first_row : bottom + bank.halo_px, first_column : right + bank.halo_px]
        with torch.inference_mode():
            features = bank(to_tensor([part], spec))[0]
            at = torch.from_numpy(row[inside] - first_row), torch.from_numpy(column[inside] - first_column)
            values[inside] = features[:, at[0], at[1]].T.numpy()
    return values


def _floor(place: int) -> int:
    """Tiles begin where the cells of the averaged-down picture begin, so that the cells are the same."""
    return max(0, place // 64 * 64)


def _tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    """Top, left, bottom and right of tiles that cover a picture; one where it is not much larger than a tile."""
    rows, columns = (max(1, round(length / TILE_PX)) for length in (height, width))
    for row in range(rows):
        for column in range(columns):
            yield (
                row * height // rows,
                column * width // columns,
                (row + 1) * height // rows,
                (column + 1) * width // columns,
            )


def _counted(store: PairStore) -> npt.NDArray[np.int64]:
    """Pixels (pictures, labels); this also finds masks that cannot be learned from."""
    counts = np.zeros((len(store), store.label_count), np.int64)
    for row in range(len(store)):
        counts[row] = np.bincount(store[row][1].ravel(), minlength=256)[: store.label_count]
    return counts


def _chosen_pictures(counts: npt.NDArray[np.int64], most: int, rng: np.random.Generator) -> list[int]:
    """Rows of pictures with labelled pixels: all, or `most` of them, the labels taking turns, rare ones first."""
    labelled = np.flatnonzero(counts.any(axis=1))
    if len(labelled) <= most:
        return [int(row) for row in labelled]
    order = rng.permutation(labelled)
    carriers = (counts > 0).sum(axis=0)
    labels = sorted(np.flatnonzero(carriers).tolist(), key=lambda label: (int(carriers[label]), label))
    waiting = {label: [int(row) for row in order if counts[row, label]] for label in labels}
    # a picture of the commonest label is one that has no other, where there are such
    waiting[labels[-1]].sort(key=lambda row: int((counts[row] > 0).sum()))
    chosen: dict[int, None] = {}
    while len(chosen) < most:
        for label in labels:
            fresh = next((row for row in waiting[label] if row not in chosen), None)
            if fresh is not None and len(chosen) < most:
                chosen[fresh] = None
    return sorted(chosen)


def _drawn(
    mask: npt.NDArray[np.uint8], share: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[Places, npt.NDArray[np.int64]]:
    """Places and labels of the pixels drawn from one mask, at most `share[label]` of each label."""
    flat = mask.ravel()
    places, labels = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for label, most in enumerate(share):
        having = np.flatnonzero(flat == label)
        if len(having) > most:
            having = rng.choice(having, most, replace=False)
        places.append(having)
        labels.append(np.full(len(having), label))
    return np.concatenate(places), np.concatenate(labels)
