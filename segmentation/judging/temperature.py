"""Fit a model's temperature on validation pictures, and sample the pixels that its calibration is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from segmentation.judging.calibration import Logits, Truth, best_temperature
from segmentation.pairs import Pair
from segmentation.spec import IGNORE_INDEX, ModelSpec

LARGEST_PICTURE_COUNT = 128
PIXELS_PER_PICTURE = 2048


class GivesLogits(Protocol):
    """A `segmentation.segmenter.Segmenter`, or whatever else scores single pixels."""

    @property
    def spec(self) -> ModelSpec: ...

    def logits_at(
        self, image: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
    ) -> Logits:
        """Logits float32 (n, K), not yet divided by the temperature, of these pixels of a picture."""


def fit_temperature(segmenter: GivesLogits, pairs: Sequence[Pair]) -> float:
    """The temperature that makes confidences come true on these pictures (see `segmentation.judging.calibration`).

    At most `LARGEST_PICTURE_COUNT` pictures, evenly spread over `pairs`, give up to `PIXELS_PER_PICTURE` pixels each,
    evenly many of every label in the picture, so that rare labels are among them; each pixel then weighs as
    many as it stands for, so that the temperature is that of whole pictures. 1.0 where no pixel is judged.
    """
    rng = np.random.default_rng(0)
    label_count = len(segmenter.spec.labels)
    logits: list[Logits] = []
    truths: list[Truth] = []
    weights: list[npt.NDArray[np.float64]] = []
    for pair in spread(pairs, LARGEST_PICTURE_COUNT):
        rgb, truth = pair.read()
        places, weight = _stratified(truth, label_count, rng)
        if not len(places):
            continue
        rows, columns = np.divmod(places, truth.shape[1])
        logits.append(segmenter.logits_at(rgb, rows, columns))
        truths.append(truth.ravel()[places])
        weights.append(weight)
    if not logits:
        return 1.0
    return best_temperature(np.concatenate(logits), np.concatenate(truths), np.concatenate(weights))


def spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """`count` pairs evenly spread over all of them, or all where they are fewer."""
    places = np.unique(np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(np.int64))
    return [pairs[place] for place in places.tolist()]


def sample_pixels(truth: Truth, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Flat places (n,) of at most `PIXELS_PER_PICTURE` judged pixels, each as likely as any other."""
    judged = np.flatnonzero(truth.ravel() != IGNORE_INDEX)
    if len(judged) <= PIXELS_PER_PICTURE:
        return judged
    return judged[rng.integers(len(judged), size=PIXELS_PER_PICTURE)]


def _stratified(
    truth: Truth, label_count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Flat places (n,), evenly many of each label the model knows, and the share of the picture each stands for."""
    flat = truth.ravel()
    present = np.flatnonzero(np.bincount(flat, minlength=256)[:label_count])
    places, weights = [np.zeros(0, np.int64)], [np.zeros(0)]
    for label in present.tolist():
        own = np.flatnonzero(flat == label)
        wanted = PIXELS_PER_PICTURE // len(present) + 1
        chosen = own if len(own) <= wanted else own[rng.integers(len(own), size=wanted)]
        places.append(chosen)
        weights.append(np.full(len(chosen), len(own) / len(chosen) / flat.size))
    return np.concatenate(places), np.concatenate(weights)
