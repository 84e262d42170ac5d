"""How far a defect label must lie ahead to win a pixel, chosen on validation pictures.

Crops are cut around rare labels, so a network meets defects far more often while it learns than afterwards, and
marks too much. One number, added to the logits of all defect labels, takes that back: the logit adjustment of Menon
et al., "Long-tail learning via logit adjustment", 2021, with the number that suits the validation pictures best
instead of the logarithm of a ratio of frequencies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from segmentation.judging.temperature import LARGEST_PICTURE_COUNT, spread
from segmentation.pairs import Pair
from segmentation.spec import IGNORE_INDEX, ModelSpec

OFFSETS = np.arange(-6.0, 2.01, 0.25)
UNCHANGED = int(np.flatnonzero(OFFSETS == 0)[0])
FOLDS = 5


class GivesBands(Protocol):
    """A `segmentation.segmenter.Segmenter`, or whatever else scores pictures band by band."""

    @property
    def spec(self) -> ModelSpec: ...

    def logit_bands(self, picture: npt.NDArray[np.uint8]) -> Iterator[tuple[int, torch.Tensor]]:
        """(first row, logits (K, rows, W)) from top to bottom."""


@dataclass(frozen=True)
class OffsetCounts:
    """Pixels of one picture: `right` and `predicted` int64 (offsets, K) under each of `OFFSETS`, `truth` int64 (K,)."""

    right: npt.NDArray[np.int64]
    predicted: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]


@dataclass(frozen=True)
class FittedOffset:
    """`mean_iou` 0–1: what it reaches on pictures that it was not chosen on, of the labels that the truth has."""

    offset: float
    mean_iou: float


def fit_defect_offset(segmenter: GivesBands, pairs: Sequence[Pair]) -> FittedOffset:
    """The offset of `OFFSETS` with the highest mean IoU on these pictures; 0.0 where none demonstrably helps.

    At most `LARGEST_PICTURE_COUNT` pictures, evenly spread. An offset only counts when choosing it on four fifths of
    the pictures and judging the last fifth by it, five times over, gives a higher mean IoU than no offset.
    """
    counts = [_picture_counts(segmenter, pair) for pair in spread(pairs, LARGEST_PICTURE_COUNT)]
    unchanged = _mean_iou(counts, [UNCHANGED] * len(counts))
    folds = np.arange(len(counts)) % FOLDS
    places = [_best([one for one, fold in zip(counts, folds, strict=True) if fold != held]) for held in range(FOLDS)]
    unseen = _mean_iou(counts, [places[fold] for fold in folds])
    if unseen <= unchanged:
        return FittedOffset(0.0, unchanged)
    return FittedOffset(float(OFFSETS[_best(counts)]), unseen)


def offset_counts(
    logits: npt.NDArray[np.float32], truth: npt.NDArray[np.uint8], defects: frozenset[int]
) -> OffsetCounts:
    """Count logits (K, rows, W) against truth (rows, W); pixels of 255 count for nothing.

    A pixel goes to its best defect label under every offset above the lead of its best other label.
    """
    label_count = len(logits)
    judged = truth.ravel() != IGNORE_INDEX
    flat, actual = logits.reshape(label_count, -1)[:, judged], truth.ravel()[judged].astype(np.int64)
    defect, defect_score = _best_of(flat, sorted(defects))
    other, other_score = _best_of(flat, [label for label in range(label_count) if label not in defects])
    turn = np.searchsorted(OFFSETS, other_score - defect_score, side="right")

    def under_each(label: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """(offsets, K): chosen pixels of a label that have turned to a defect label by each offset."""
        places = turn[chosen] * label_count + label[chosen]
        found = np.bincount(places, minlength=(len(OFFSETS) + 1) * label_count)
        return found.reshape(-1, label_count)[: len(OFFSETS)].cumsum(axis=0)

    def all_of(label: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(label[chosen], minlength=label_count)[:label_count]

    every, right_other = np.ones(len(actual), bool), other == actual
    return OffsetCounts(
        right=under_each(defect, defect == actual) + all_of(other, right_other) - under_each(other, right_other),
        predicted=under_each(defect, every) + all_of(other, every) - under_each(other, every),
        truth=np.bincount(actual, minlength=label_count)[:label_count],
    )


def _best_of(
    logits: npt.NDArray[np.float32], labels: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """For each of the pixels of (K, n) the winner among these labels and its logit; without labels nobody wins."""
    if not labels:
        return np.zeros(logits.shape[1], np.int64), np.full(logits.shape[1], -np.inf, np.float32)
    winner = np.asarray(labels)[logits[labels].argmax(axis=0)]
    return winner, logits[winner, np.arange(logits.shape[1])]


def _picture_counts(segmenter: GivesBands, pair: Pair) -> OffsetCounts:
    rgb, truth = pair.read()
    bands = [
        offset_counts(band.float().cpu().numpy(), truth[top : top + band.shape[1]], segmenter.spec.defect_indices)
        for top, band in segmenter.logit_bands(rgb)
    ]
    return OffsetCounts(
        right=np.sum([band.right for band in bands], axis=0),
        predicted=np.sum([band.predicted for band in bands], axis=0),
        truth=np.sum([band.truth for band in bands], axis=0),
    )


def _best(counts: Sequence[OffsetCounts]) -> int:
    """The place in `OFFSETS`; of equals the one nearest to no offset."""
    scores = [_mean_iou(counts, [place] * len(counts)) for place in range(len(OFFSETS))]
    return max(range(len(OFFSETS)), key=lambda place: (round(scores[place], 9), -abs(place - UNCHANGED)))


def _mean_iou(counts: Sequence[OffsetCounts], places: Sequence[int]) -> float:
    """Of the labels that the truth has, each picture under the offset in its own place."""
    if not counts:
        return 0.0
    right = np.sum([one.right[place] for one, place in zip(counts, places, strict=True)], axis=0)
    predicted = np.sum([one.predicted[place] for one, place in zip(counts, places, strict=True)], axis=0)
    truth = np.sum([one.truth for one in counts], axis=0)
    present = truth > 0
    return float((right[present] / (predicted + truth - right)[present]).mean()) if present.any() else 0.0
