"""Does a confidence of 0.9 come true nine times in ten? Reliability diagram, expected calibration error, temperature.

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017: confidences are put into bins of
equal width; the expected calibration error is the mean distance between each bin's mean confidence and its share of
right answers, weighted by how many fall into it. Dividing all logits by one temperature changes no label and makes
confidences fit; it is the one that minimises the negative log-likelihood of validation pixels.
"""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

BIN_COUNT = 15
SMALLEST_TEMPERATURE, LARGEST_TEMPERATURE = 0.25, 10.0
"""A few validation pictures without one mistake would ask for a temperature of 0, that is for confidence 1.0
everywhere; too little evidence for that much confidence."""

Logits = npt.NDArray[np.float32]
Truth = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ReliabilityBin:
    """`pixels` had a mean `confidence` 0–1, and the share `accuracy` 0–1 of them was right."""

    confidence: float
    accuracy: float
    pixels: int


@dataclass(frozen=True)
class Calibration:
    """`before` is at temperature 1, `after` at the model's `temperature`; bins without a pixel are left out.

    `defects_*` are about the pixels that the model marks as a defect: few among all, and the ones people look at.
    """

    temperature: float
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...]
    defects_before: tuple[ReliabilityBin, ...] = ()
    defects_after: tuple[ReliabilityBin, ...] = ()

    @property
    def error_before(self) -> float | None:
        return calibration_error(self.before)

    @property
    def error_after(self) -> float | None:
        return calibration_error(self.after)


def reliability(
    confidence: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_], bin_count: int = BIN_COUNT
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal width from confidences 0–1 (n,) and whether each was right (n,)."""
    places = np.clip((np.asarray(confidence, np.float64) * bin_count).astype(np.int64), 0, bin_count - 1)
    pixels = np.bincount(places, minlength=bin_count)
    confidences = np.bincount(places, weights=confidence, minlength=bin_count)
    right = np.bincount(places, weights=is_right, minlength=bin_count)
    return tuple(
        ReliabilityBin(
            float(confidences[place] / pixels[place]), float(right[place] / pixels[place]), int(pixels[place])
        )
        for place in np.flatnonzero(pixels).tolist()
    )


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float | None:
    """Expected calibration error 0–1; None without a pixel."""
    pixels = sum(one.pixels for one in bins)
    if not pixels:
        return None
    return sum(one.pixels * abs(one.confidence - one.accuracy) for one in bins) / pixels


def calibration(
    logits: Logits, truth: Truth, temperature: float, defect_indices: Set[int] = frozenset()
) -> Calibration:
    """From sampled pixels: logits float32 (n, K), true labels uint8 (n,); a label the model lacks is never right."""
    marked = logits.argmax(axis=1) if len(logits) else np.zeros(0, np.int64)
    is_right, is_defect = marked == truth, np.isin(marked, sorted(defect_indices))
    before, after = confidences(logits, 1.0), confidences(logits, temperature)
    return Calibration(
        temperature=temperature,
        before=reliability(before, is_right),
        after=reliability(after, is_right),
        defects_before=reliability(before[is_defect], is_right[is_defect]),
        defects_after=reliability(after[is_defect], is_right[is_defect]),
    )


def confidences(logits: Logits, temperature: float) -> npt.NDArray[np.float64]:
    """Softmax probability 0–1 (n,) of the winning label of logits (n, K) divided by the temperature."""
    if not len(logits):
        return np.zeros(0)
    scaled = logits.astype(np.float64) / temperature
    return 1 / np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)


def best_temperature(logits: Logits, truth: Truth, weights: npt.NDArray[np.floating]) -> float:
    """The temperature with the least weighted negative log-likelihood of logits (n, K) and labels (n,).

    The likelihood has one maximum in 1 / temperature, so a bounded search finds it. 1.0 without a pixel.
    """
    if not len(logits):
        return 1.0
    # only differences to the true label's logit matter
    margins = logits.astype(np.float64) - np.take_along_axis(logits, truth[:, None].astype(np.int64), axis=1)
    shares = np.asarray(weights, np.float64) / np.sum(weights)

    def loss(log_temperature: float) -> float:
        scaled = margins * math.exp(-log_temperature)
        largest = scaled.max(axis=1)
        return float(shares @ (largest + np.log(np.exp(scaled - largest[:, None]).sum(axis=1))))

    bounds = (math.log(SMALLEST_TEMPERATURE), math.log(LARGEST_TEMPERATURE))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return round(math.exp(float(found.x)), 4)
