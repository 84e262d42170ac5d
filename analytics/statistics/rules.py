"""Run rules: patterns on a control chart that chance seldom makes, told in one plain sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analytics.statistics.charts import Chart

DEFAULT_RULES = (1, 2, 5, 6)
"""The four of the Western Electric Company, "Statistical quality control handbook", 1956."""

RUN_LENGTH = 91.75
"""Points between two false alarms, on average, with `DEFAULT_RULES` on a steady process: C. W. Champ, W. H. Woodall,
"Exact results for Shewhart control charts with supplementary runs rules", Technometrics 29 (1987) 393–399."""

Side = int
"""1 above the average, −1 below, 0 neither."""


@dataclass(frozen=True)
class Rule:
    """`need` of `window` points in a row; `hits` marks, along the last axis, the points at which a window is full."""

    window: int
    need: int
    told: str


RULES = {
    1: Rule(1, 1, "a point beyond the limits (3 standard deviations)"),
    2: Rule(8, 8, "8 in a row on one side of the average"),
    3: Rule(6, 6, "6 in a row rising or falling"),
    4: Rule(14, 14, "14 in a row up and down in turn"),
    5: Rule(3, 2, "2 of 3 beyond 2 standard deviations on one side"),
    6: Rule(5, 4, "4 of 5 beyond 1 standard deviation on one side"),
    7: Rule(15, 15, "15 in a row within 1 standard deviation"),
    8: Rule(8, 8, "8 in a row beyond 1 standard deviation, on both sides"),
}
"""L. S. Nelson, "The Shewhart control chart: tests for special causes", Journal of Quality Technology 16 (1984)
237–239; rule 2 with the 8 of Western Electric (Nelson: 9)."""

_SIDES: dict[int, tuple[Side, ...]] = {1: (1, -1), 2: (1, -1), 3: (1, -1), 5: (1, -1), 6: (1, -1)}
_SHIFTS = (1, 2, 5, 6)


@dataclass(frozen=True)
class Signal:
    """A pattern from point `first` to point `last` (indices of the chart's points, both included).

    `rule` is the one that tells it best, `also` the others that fired in the same stretch on the same side.
    `sentence_template` is for `sentence`.
    """

    rule: int
    first: int
    last: int
    sentence_template: str
    side: Side = 0
    also: tuple[int, ...] = ()


def standardised(chart: Chart) -> tuple[float, ...]:
    """Each point's distance from the centre in its own standard deviations; 0 where that is 0."""
    return tuple((p.value - chart.centre) / p.sigma if p.sigma > 0 else 0.0 for p in chart.points)


def hits(z: NDArray[np.float64], rule: int, side: Side = 0) -> NDArray[np.bool_]:
    """Where along the last axis of standardised points a window of the rule ends; same shape as `z`.

    `side` is 1 or −1 for rules 1, 2, 3, 5 and 6 and is not looked at by the others. KeyError for an unknown rule.
    """
    window, need = RULES[rule].window, RULES[rule].need
    # "4 of 5" holds with the first four points of all, so a series opens with points that do not count.
    before = [(0, 0)] * (z.ndim - 1) + [(window - need, 0)]
    padded = np.pad(z, before)
    found = np.zeros(z.shape, dtype=bool)
    if padded.shape[-1] >= window:
        found[..., need - 1 :] = _TESTS[rule](sliding_window_view(padded, window, axis=-1) * (side or 1))
    return found


def signals(chart: Chart, rules: Sequence[int] = DEFAULT_RULES) -> tuple[Signal, ...]:
    """The patterns of `rules` on a chart, in order of time; windows that overlap on the same side are one signal."""
    z = np.array(standardised(chart))
    found = [one for rule in rules for side in _SIDES.get(rule, (0,)) for one in _stretches(z, rule, side)]
    return tuple(sorted(_merged(found, z), key=lambda signal: (signal.first, signal.rule)))


def sentence(signal: Signal, times: Sequence[datetime | date | str], unit: str) -> str:
    """What a signal says, e.g. "8 shifts above average: something changed around 14 May 06:00".

    `times` are those of the chart's points, `unit` is what one point stands for, in the singular ("shift", "day").
    """
    when, until = times[signal.first], times[signal.last]
    return signal.sentence_template.format(
        unit=unit, units=_plural(unit), when=_told_time(when), until=_told_time(until)
    )


def _told_time(when: datetime | date | str) -> str:
    if isinstance(when, datetime):
        return f"{when.day} {when:%b %H:%M}"
    return when if isinstance(when, str) else f"{when.day} {when:%b}"


def _plural(unit: str) -> str:
    return f"{unit}es" if unit.endswith(("s", "x", "ch", "sh")) else f"{unit}s"


_TESTS: dict[int, Callable[[NDArray[np.float64]], Any]] = {
    1: lambda w: w[..., -1] > 3,
    2: lambda w: np.all(w > 0, axis=-1),
    3: lambda w: np.all(np.diff(w, axis=-1) > 0, axis=-1),
    4: lambda w: np.all(np.diff(w, axis=-1)[..., 1:] * np.diff(w, axis=-1)[..., :-1] < 0, axis=-1),
    5: lambda w: (np.sum(w > 2, axis=-1) >= 2) & (w[..., -1] > 2),
    6: lambda w: (np.sum(w > 1, axis=-1) >= 4) & (w[..., -1] > 1),
    7: lambda w: np.all(np.abs(w) < 1, axis=-1),
    8: lambda w: np.all(np.abs(w) > 1, axis=-1) & np.any(w > 0, axis=-1) & np.any(w < 0, axis=-1),
}


def _stretches(z: NDArray[np.float64], rule: int, side: Side) -> Iterator[Signal]:
    """The windows of one rule, those that overlap or touch made one."""
    first = last = None
    for end in np.flatnonzero(hits(z, rule, side)):
        begin = _begin(z, rule, side, int(end))
        if last is not None and begin <= last + 1:
            last = int(end)
            continue
        if first is not None and last is not None:
            yield Signal(rule, first, last, "", side)
        first, last = begin, int(end)
    if first is not None and last is not None:
        yield Signal(rule, first, last, "", side)


def _begin(z: NDArray[np.float64], rule: int, side: Side, end: int) -> int:
    begin = max(end - RULES[rule].window + 1, 0)
    if rule in (5, 6):
        # A window of "2 of 3" may open with the point that does not count.
        begin += int(np.argmax(z[begin : end + 1] * side > (2 if rule == 5 else 1)))
    return begin


def _merged(found: list[Signal], z: NDArray[np.float64]) -> list[Signal]:
    """Shifts that overlap on one side become one, told by the rule of the longest stretch."""
    kept: list[Signal] = []
    for signal in sorted(found, key=lambda one: one.first):
        before = next((one for one in reversed(kept) if _is_one(one, signal)), None)
        if before is None:
            kept.append(signal)
            continue
        best = max(before, signal, key=lambda one: (one.last - one.first, -one.rule))
        others = {before.rule, signal.rule, *before.also, *signal.also} - {best.rule}
        joined = replace(best, first=before.first, last=max(before.last, signal.last), also=tuple(sorted(others)))
        kept[kept.index(before)] = joined
    return [replace(signal, sentence_template=_template(signal, z)) for signal in kept]


def _is_one(before: Signal, signal: Signal) -> bool:
    is_shift = before.rule in _SHIFTS and signal.rule in _SHIFTS
    return is_shift and before.side == signal.side and signal.first <= before.last


def _template(signal: Signal, z: NDArray[np.float64]) -> str:
    points = z[signal.first : signal.last + 1] * (signal.side or 1)
    count, above = points.size, "above" if signal.side > 0 else "below"
    beyond = f"{int((points > 0).sum())} of {count}" if (points <= 0).any() else str(count)
    limit = "upper" if signal.side > 0 else "lower"
    match signal.rule:
        case 1 if count == 1:
            return f"{{when}} is {above} the {limit} limit: find out what was special then"
        case 3:
            way = "higher" if signal.side > 0 else "lower"
            return f"{count} {{units}} in a row, each {way} than the one before: a slow change since {{when}}"
        case 4:
            return f"{count} {{units}} up and down in turn since {{when}}: two things seem to take turns"
        case 7:
            return f"{count} {{units}} unusually close to average since {{when}}: the limits may be too wide"
        case 8:
            return f"{count} {{units}} far above or below average since {{when}}: two kinds of parts may be mixed"
        case 2:
            return f"{beyond} {{units}} {above} average: something changed around {{when}}"
        case _:
            return f"{beyond} {{units}} far {above} average: something changed around {{when}}"
