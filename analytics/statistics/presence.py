"""How often something is there in frames that follow each other closely, which are alike and so tell less."""

from __future__ import annotations

from math import sqrt

from analytics.statistics.intervals import LEVEL, Interval, wilson, z_of


def effective_count(count: int, n: int, changes: int) -> float:
    """How many independent frames tell as much about a share as these `n`, of which `count` show it.

    `changes`: how often it came or went from one frame to the next. The sequence is taken for a two-state Markov chain,
    whose correlation from one frame to the next is r = 1 − changes ÷ (2·p·(1−p)·(n−1)); n frames are then worth
    n·(1−r) ÷ (1+r): G. V. Bayley, J. M. Hammersley, "The 'effective' number of independent observations in an
    autocorrelated time series", Supplement to the Journal of the Royal Statistical Society 8 (1946) 184–197. Never more
    than n; n itself where it was always or never there, for then nothing shows how alike frames are.
    """
    if not 0 <= count <= n:
        raise ValueError(f"expected 0 <= count <= n, got count={count}, n={n}")
    if n < 2 or count in (0, n):
        return float(n)
    share = count / n
    alike = max(0.0, 1 - changes / (2 * share * (1 - share) * (n - 1)))
    return max(1.0, n * (1 - alike) / (1 + alike))


def presence(count: int, n: int, changes: int, level: float = LEVEL) -> Interval:
    """Interval of the share of time that something is there: Wilson's for the effective number of frames."""
    worth = effective_count(count, n, changes)
    if worth >= n:
        return wilson(count, n, level)
    z, share = z_of(level), count / n
    centre = share + z * z / (2 * worth)
    spread = z * sqrt(share * (1 - share) / worth + z * z / (4 * worth * worth))
    scale = 1 + z * z / worth
    return Interval((centre - spread) / scale, (centre + spread) / scale)
