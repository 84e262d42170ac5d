"""Rates from stratified samples: what an audit of some images says about all of them, and how many to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import sqrt

from analytics.statistics.intervals import LEVEL, Estimate, Interval, exact, wilson

FEW_COUNT = 5
"""Up to this many bad (or good) images in a sample the exact interval is used: there Wilson's covers too seldom."""

MIN_DRAWN_COUNT = 5
"""Images that `allocate` draws from each stratum at least, where it has that many."""


@dataclass(frozen=True)
class Stratum:
    """`size` images, of which `drawn` were picked at random and judged by a person, `bad` of them bad."""

    size: int
    drawn: int
    bad: int

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.drawn <= self.size:
            raise ValueError(
                f"expected 0 <= bad <= drawn <= size, got bad={self.bad}, drawn={self.drawn}, size={self.size}"
            )


def stratified_rate(strata: Sequence[Stratum], level: float = LEVEL) -> Estimate | None:
    """Share of bad images in all strata together, 0–1, each stratum weighted by its size; None when nothing was drawn.

    The value: W. G. Cochran, "Sampling techniques", 3rd ed., 1977, equation 5.1 with the finite population correction
    of 5.6. The interval puts the strata's own intervals together (G. Y. Zou, W. Huang, X. Zhang, "A note on confidence
    interval estimation for a linear function of binomial proportions", Computational Statistics & Data Analysis 53
    (2009) 1080–1085): Wilson's, and the exact one where `FEW_COUNT` or fewer are bad or good. A stratum of which
    nothing was drawn takes the value of the others and widens the interval by all it could hold.
    """
    total = sum(stratum.size for stratum in strata)
    drawn = [stratum for stratum in strata if stratum.drawn]
    seen = sum(stratum.size for stratum in drawn)
    if not seen:
        return None
    value = sum(stratum.size * stratum.bad / stratum.drawn for stratum in drawn) / seen
    below = above = 0.0
    for stratum in drawn:
        rate, interval = stratum.bad / stratum.drawn, _of(stratum, level)
        share = stratum.size / seen
        below += (share * (rate - interval.low)) ** 2
        above += (share * (interval.high - rate)) ** 2
    # Images that were judged are known: the truth lies between the bad ones seen and all but the good ones seen.
    bad, good = sum(s.bad for s in drawn), sum(s.drawn - s.bad for s in drawn)
    low, high = max(value - sqrt(below), bad / seen), min(value + sqrt(above), 1 - good / seen)
    part = seen / total
    return Estimate(value=value, low=low * part, high=high * part + (1 - part))


def escapes(strata: Sequence[Stratum], level: float = LEVEL) -> Estimate | None:
    """How many of the passed images in `strata` are truly bad, as a count; None when none was audited.

    `size` counts passed images, `drawn` the audited ones, `bad` those a person failed. See `stratified_rate`.
    """
    rate = stratified_rate(strata, level)
    if rate is None:
        return None
    total = sum(stratum.size for stratum in strata)
    return Estimate(rate.value * total, rate.low * total, rate.high * total)


def defect_rate_from_audit(
    failed: Sequence[Stratum] | Stratum, passed: Sequence[Stratum] | Stratum, level: float = LEVEL
) -> Estimate | None:
    """True defect rate, 0–1, from what people found in images the model failed and in a sample of those it passed.

    `failed` holds failed images (`drawn`: reviewed, `bad`: confirmed), `passed` the audit. None unless something was
    drawn on both sides that has images: without an audit of passes, misses are not known. Reviews stand for all
    failures only when people did not pick which to review. See `stratified_rate`.
    """
    sides = [[side] if isinstance(side, Stratum) else list(side) for side in (failed, passed)]
    if any(sum(s.size for s in side) and not sum(s.drawn for s in side) for side in sides):
        return None
    return stratified_rate([stratum for side in sides for stratum in side], level)


def allocate(
    sizes: Sequence[int], total: int, rates: Sequence[float] | None = None, minimum: int = MIN_DRAWN_COUNT
) -> tuple[int, ...]:
    """How many images to draw from strata of `sizes`, `total` together (fewer where there are fewer images).

    Shares follow the size, times √(p(1−p)) where `rates` gives a guess p (0–1) of each stratum's bad share: J. Neyman,
    "On the two different aspects of the representative method", Journal of the Royal Statistical Society 97 (1934)
    558–625. A guess of 0 or 1 counts as 1 in 100, each stratum gets `minimum` first as far as it goes.
    """
    if min([total, minimum, *sizes], default=0) < 0:
        raise ValueError(f"expected counts of 0 and more, got total={total}, minimum={minimum}, sizes={list(sizes)}")
    guesses = [min(max(rate, 0.01), 0.99) for rate in rates] if rates is not None else [0.5] * len(sizes)
    weights = [size * sqrt(guess * (1 - guess)) for size, guess in zip(sizes, guesses, strict=True)]
    total = min(total, sum(sizes))
    counts = [0] * len(sizes)
    for aims in ([min(minimum, size) for size in sizes], list(sizes)):
        _fill(counts, aims, weights, total)
    return tuple(counts)


def _fill(counts: list[int], aims: list[int], weights: list[float], total: int) -> None:
    """Raise `counts` one image at a time where it is furthest behind its weight, up to `aims` and `total` in all.

    The divisors 0.5, 1.5, 2.5, … round to the nearest share (A. Sainte-Laguë 1910).
    """
    behind = [(-weights[i] / (count + 0.5), i) for i, count in enumerate(counts) if count < aims[i]]
    heapify(behind)
    for _ in range(total - sum(counts)):
        if not behind:
            return
        _, i = heappop(behind)
        counts[i] += 1
        if counts[i] < aims[i]:
            heappush(behind, (-weights[i] / (counts[i] + 0.5), i))


def _of(stratum: Stratum, level: float) -> Interval:
    """A stratum's interval, pulled towards its rate as the sample nears the whole stratum."""
    few = min(stratum.bad, stratum.drawn - stratum.bad) <= FEW_COUNT
    interval = (exact if few else wilson)(stratum.bad, stratum.drawn, level)
    rate = stratum.bad / stratum.drawn
    left = sqrt((stratum.size - stratum.drawn) / max(stratum.size - 1, 1))
    return Interval(rate - (rate - interval.low) * left, rate + (interval.high - rate) * left)
