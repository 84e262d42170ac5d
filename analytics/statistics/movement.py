"""Why a rate moved: which source, batch, label, model version or hour stands behind the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import erfc, sqrt

from analytics.statistics.comparison import SURE_P, told_p

MAX_DRIVERS_COUNT = 10

_SURE_Z = 1.96


@dataclass(frozen=True)
class Tally:
    """`count` failed images of `n` inspected ones."""

    count: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.n:
            raise ValueError(f"expected 0 <= count <= n, got count={self.count}, n={self.n}")

    @property
    def rate(self) -> float:
        """0–1; 0 when nothing was inspected."""
        return self.count / self.n if self.n else 0.0


@dataclass(frozen=True)
class Driver:
    """What one value of one dimension did to the rate, as shares (−1 to 1).

    `mix_effect`: because there was more or less of it; `rate_effect`: because its own rate changed; over all values of
    a dimension the two add up to the whole change. `p_value` (0–1): how likely chance alone sets it apart from the rest
    as much, times the number of values looked at (Holm).
    """

    dimension: str
    value: str
    mix_effect: float
    rate_effect: float
    p_value: float
    sentence: str

    @property
    def effect(self) -> float:
        """Both effects together."""
        return self.mix_effect + self.rate_effect

    @property
    def is_clear(self) -> bool:
        """Whether chance alone would do this less than one time in twenty, however many values were looked at."""
        return self.p_value < SURE_P


@dataclass(frozen=True)
class Movement:
    """A rate's change `total` (−1 to 1), its drivers, the likeliest first, and what the first leaves unexplained.

    `remainder` is `total` where no driver is clear. Drivers of different dimensions overlap; they do not add up.
    """

    total: float
    drivers: tuple[Driver, ...]
    remainder: float
    sentence: str


@dataclass(frozen=True)
class _Found:
    driver: Driver
    apart: float
    z: float
    is_more: bool


def explain_change(
    before: Tally, after: Tally, dimensions: Mapping[str, Mapping[str, tuple[Tally, Tally]]]
) -> Movement:
    """What moved the defect rate from `before` to `after`.

    `dimensions` names each dimension's values ("source" → "Line 1") with their tallies before and after; the values of
    one dimension cover the images once each (values that do not: leave them out as a dimension). Mix and rate
    effects: E. M. Kitagawa, "Components of a difference between two rates", Journal of the American Statistical
    Association 50 (1955) 1168–1194, mix against the mean rate. A value is tested against all others of its dimension:
    did its rate move by more than theirs, did its share of images move and does it fail more or less than they do
    (normal approximation, Wald); the smaller of both p-values doubled, then corrected for all values looked at: S.
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979) 65–70.
    Clear drivers that push the way the rate went come first, the largest first.

    It names where, not why: a source that changed with a batch cannot be told from the batch. ValueError when a value
    has more images or failures than there are in all.
    """
    if not before.n or not after.n:
        return Movement(0.0, (), 0.0, "One of the two periods has no images, so there is no change to explain.")
    total = after.rate - before.rate
    found = [
        _found(name, value, old, new, before, after)
        for name, values in dimensions.items()
        if len(values) > 1
        for value, (old, new) in values.items()
        if old.n or new.n
    ]
    found = _holm(found)
    way = 1 if total >= 0 else -1
    found.sort(key=lambda one: _place(one, way))
    drivers = tuple(_told(one.driver, is_more=one.is_more) for one in found[:MAX_DRIVERS_COUNT])
    is_explained = bool(found) and found[0].driver.is_clear and found[0].apart * way > 0
    remainder = total - drivers[0].effect if is_explained else total
    sentence = drivers[0].sentence if is_explained else "No single cause stands out from chance."
    return Movement(total, drivers, remainder, sentence)


def _place(one: _Found, way: int) -> tuple[bool, float, bool, float]:
    """Of two values with one story, such as the shares of two lines, the one that grew comes first."""
    is_likely = one.driver.is_clear and one.apart * way > 0
    return not is_likely, round(-one.apart * way, 12), not one.is_more, -one.z


def _found(name: str, value: str, old: Tally, new: Tally, before: Tally, after: Tally) -> _Found:
    """One value's effects, how far it stands apart from the rest, and the larger z of its two tests."""
    rest_old, rest_new = (
        Tally(before.count - old.count, before.n - old.n),
        Tally(after.count - new.count, after.n - new.n),
    )
    share_old, share_new = old.n / before.n, new.n / after.n
    # A value that was not there before cannot have changed its rate: all it does is mix.
    rate_old, rate_new = (old.rate if old.n else new.rate), (new.rate if new.n else old.rate)
    mean_rate, mean_share = (before.rate + after.rate) / 2, (share_old + share_new) / 2
    mix = (share_new - share_old) * ((rate_old + rate_new) / 2 - mean_rate)
    rate = mean_share * (rate_new - rate_old)
    own_z = excess = 0.0
    if all(tally.n for tally in (old, new, rest_old, rest_new)):
        excess = (new.rate - old.rate) - (rest_new.rate - rest_old.rate)
        own_z = excess / sqrt(sum(_variance(tally) for tally in (old, new, rest_old, rest_new)))
    mix_z = _mix_z(old, new, before, after)
    # What it did as against the rest: by the test that found it, and by the other where that is sure as well.
    moved = (share_new - share_old) * ((rate_old + rate_new) / 2 - (rest_old.rate + rest_new.rate) / 2)
    own = mean_share * excess
    apart = (moved if mix_z >= min(_SURE_Z, abs(own_z)) else 0.0) + (own if abs(own_z) >= min(_SURE_Z, mix_z) else 0.0)
    z = max(abs(own_z), mix_z)
    p_value = min(1.0, 2 * erfc(z / sqrt(2)))
    return _Found(Driver(name, value, mix, rate, p_value, ""), apart, z, share_new > share_old)


def _mix_z(old: Tally, new: Tally, before: Tally, after: Tally) -> float:
    """How sure it is that both the share of a value moved and its rate differs from the others': the smaller z."""
    rest = Tally(before.count + after.count - old.count - new.count, before.n + after.n - old.n - new.n)
    own = Tally(old.count + new.count, old.n + new.n)
    if not rest.n:
        return 0.0
    shares = (Tally(old.n, before.n), Tally(new.n, after.n))
    moved = (shares[1].rate - shares[0].rate) / sqrt(_variance(shares[0]) + _variance(shares[1]))
    differs = (own.rate - rest.rate) / sqrt(_variance(own) + _variance(rest))
    return min(abs(moved), abs(differs))


def _variance(tally: Tally) -> float:
    """Variance of a rate; one success and one failure added, so that no sample is sure of 0 or 1 (Agresti, Caffo)."""
    rate = (tally.count + 1) / (tally.n + 2)
    return rate * (1 - rate) / (tally.n + 2)


def _holm(found: list[_Found]) -> list[_Found]:
    result, last = [], 0.0
    ordered = sorted(found, key=lambda one: (one.driver.p_value, -one.z))
    for done, one in enumerate(ordered):
        last = min(1.0, max(last, one.driver.p_value * (len(ordered) - done)))
        result.append(replace(one, driver=replace(one.driver, p_value=last)))
    return result


def _told(driver: Driver, *, is_more: bool) -> Driver:
    points = f"{abs(driver.effect) * 100:.1f} points"
    way = "up" if driver.effect > 0 else "down"
    if not driver.is_clear:
        text = f"{driver.dimension} {driver.value} does not stand out from chance ({told_p(driver.p_value)})."
    elif abs(driver.rate_effect) >= abs(driver.mix_effect):
        own = "fails more often than before" if driver.rate_effect > 0 else "fails less often than before"
        text = f"{driver.dimension} {driver.value} {own}: {points} {way} ({told_p(driver.p_value)})."
    else:
        own = f"has a {'larger' if is_more else 'smaller'} share of the images"
        text = f"{driver.dimension} {driver.value} {own}: {points} {way} ({told_p(driver.p_value)})."
    return replace(driver, sentence=text[:1].upper() + text[1:])
