"""Rates corrected for the model's known errors, from a sample that people judged."""

from __future__ import annotations

from math import sqrt

from analytics.statistics.areas import AdjustedArea, ImageArea, adjusted_area_from_images, adjusted_areas
from analytics.statistics.intervals import LEVEL, Estimate, wilson, z_of
from analytics.statistics.strata import Stratum, allocate, defect_rate_from_audit, escapes, stratified_rate

__all__ = [
    "AdjustedArea",
    "Estimate",
    "ImageArea",
    "Stratum",
    "adjusted_area_from_images",
    "adjusted_areas",
    "allocate",
    "defect_rate_from_audit",
    "escapes",
    "rogan_gladen",
    "stratified_rate",
]


def rogan_gladen(
    apparent_count: int,
    n: int,
    sensitivity: float,
    specificity: float,
    sensitivity_n: int | None = None,
    specificity_n: int | None = None,
    level: float = LEVEL,
) -> Estimate | None:
    """True defect rate, 0–1, when the model failed `apparent_count` of `n` images; None when n is 0 or it cannot tell.

    `sensitivity`: the share of truly bad images the model fails, seen on `sensitivity_n` of them; `specificity`: the
    share of truly good ones it passes, on `specificity_n`; both 0–1. A model with sensitivity + specificity of 1 or
    less guesses, so there is no estimate. ValueError for counts and shares that cannot be.

    W. J. Rogan, B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
    Epidemiology 107 (1978) 71–76. Interval: Z. Lang, J. Reiczigel, "Confidence limits for prevalence of disease
    adjusted for estimated sensitivity and specificity", Preventive Veterinary Medicine 113 (2014) 13–22; without the
    two sample sizes both shares count as known and Wilson's interval is carried over (J. Reiczigel, J. Földi, L.
    Ózsvári, Epidemiology and Infection 138 (2010) 1674–1678). The three samples must be independent; errors must not
    depend on what else is in the picture.
    """
    if not 0 <= apparent_count <= n:
        raise ValueError(f"expected 0 <= count <= n, got count={apparent_count}, n={n}")
    if not (0 <= sensitivity <= 1 and 0 <= specificity <= 1):
        raise ValueError(f"expected shares from 0 to 1, got {sensitivity} and {specificity}")
    if (sensitivity_n is None) != (specificity_n is None) or min(sensitivity_n or 1, specificity_n or 1) < 1:
        raise ValueError(f"expected both sample sizes, 1 or more, or neither; got {sensitivity_n} and {specificity_n}")
    youden = sensitivity + specificity - 1
    if n == 0 or youden <= 0:
        return None
    value = _share((apparent_count / n + specificity - 1) / youden)
    if sensitivity_n is None or specificity_n is None:
        apparent = wilson(apparent_count, n, level)
        ends = [_share((end + specificity - 1) / youden) for end in (apparent.low, apparent.high)]
        return Estimate(value, *ends)
    low, high = _lang_reiczigel(
        apparent_count, n, sensitivity * sensitivity_n, sensitivity_n, specificity * specificity_n, specificity_n, level
    )
    # Their limits stand around a shrunken value; the plain one belongs to the interval all the same.
    return Estimate(value, min(low, value), max(high, value))


def _lang_reiczigel(
    count: int, n: int, found: float, found_n: int, passed: float, passed_n: int, level: float
) -> tuple[float, float]:
    z2 = z_of(level) ** 2
    size, bad_size, good_size = n + z2, found_n + 2, passed_n + 2
    rate, sensitivity, specificity = (count + z2 / 2) / size, (found + 1) / bad_size, (passed + 1) / good_size
    youden = sensitivity + specificity - 1
    if youden <= 0:
        return 0.0, 1.0
    true_rate = (rate + specificity - 1) / youden
    missed = sensitivity * (1 - sensitivity) / bad_size
    rejected = specificity * (1 - specificity) / good_size
    variance = rate * (1 - rate) / size + missed * true_rate**2 + rejected * (1 - true_rate) ** 2
    shift = 2 * z2 * (true_rate * missed - (1 - true_rate) * rejected)
    spread = sqrt(z2 * variance) / youden
    return _share(true_rate + shift - spread), _share(true_rate + shift + spread)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
