"""The drift page: whether pictures, the model's confidence or the mix of defects slowly change, and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from analytics import tab_figures as figures
from analytics.panels import Panel
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.statistics.drift import MIN_BASELINE_COUNT, Ewma, cusum, ewma, standardise
from analytics.statistics.label_mix import mix_distances
from analytics.tab_figures import Line, Mark
from analytics.tabs import drift_queries as queries
from analytics.tabs.drift_quantities import QUANTITIES, Quantity
from analytics.tabs.drift_queries import LookRow, MixRow
from analytics.tabs.page import TabPage, table, with_hollow
from analytics.theme import REFERENCE
from analytics.wording import count, day

_LONGEST_REFERENCE = 30
_DAYS_PER_YEAR = 365
_MIX_MEANING = "How a day's defects are shared out among the labels; a change points to a new cause of defects."


@dataclass(frozen=True)
class Drift:
    """`days` are the reference days, if others than the scope's were chosen, and then the scope's."""

    scope: Scope
    days: tuple[LookRow, ...]
    mix: tuple[MixRow, ...]
    chosen_reference_count: int

    @property
    def inspected_count(self) -> int:
        return sum(row.inspected_count for row in self.days[self.chosen_reference_count :])


def read_drift(cursor: Any, scope: Scope) -> Drift:
    """Every number of the page, all of one moment. The reference is what the scope is compared with, if it says so."""
    versus = scope.versus
    compared = scope.compared() if versus and (versus.start or versus.end) else None
    with snapshot(cursor):
        days, mix = queries.looks(cursor, scope), queries.mix(cursor, scope)
        before = queries.looks(cursor, compared) if compared else ()
        mix_before = queries.mix(cursor, compared) if compared else ()
    # A reference that reaches into the scope ends where that begins.
    first = days[0].day if days else date.max
    before = tuple(row for row in before if row.day < first)
    mix_before = tuple(row for row in mix_before if row.day < first)
    return Drift(scope, (*before, *days), (*mix_before, *mix), len(before))


def drift_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected."""
    drift = read_drift(cursor, scope)
    if not drift.inspected_count:
        return TabPage(0)
    notes = []
    versus = scope.versus
    if versus and (versus.start or versus.end) and not drift.chosen_reference_count:
        notes.append("The period compared with has no images before these, so the first days here are the reference.")
    panels = [_panel(drift, quantity) for quantity in QUANTITIES]
    return TabPage(drift.inspected_count, (*panels, _mix_panel(drift)), tuple(notes))


def false_alarms(run_length: float) -> str:
    """How often chance alone would raise an alarm, in words."""
    years = run_length / _DAYS_PER_YEAR
    if 0.75 <= years < 1.25:
        return "about one false alarm a year"
    if years < 1:
        return f"about one false alarm in {run_length:.0f} days with pictures"
    return f"about one false alarm in {years:.1f} years"


def _panel(drift: Drift, quantity: Quantity) -> Panel:
    rows = [row for row in drift.days if quantity.of(row).n]
    chosen = sum(row.day < drift.days[drift.chosen_reference_count].day for row in rows)
    columns = ("Day", "Images", "Mean", "Spread", "Distance from the reference")
    key = f"drift-{quantity.key}"
    if not rows:
        words = "These images were inspected before this was measured. New images are measured by themselves."
        return Panel(key, quantity.title, words, None, columns, ())
    means = [quantity.of(row).mean for row in rows]
    reference = _reference_count(len(rows), chosen)
    z = standardise(
        means,
        [quantity.of(row).sd for row in rows],
        [quantity.of(row).n for row in rows],
        baseline=slice(0, reference),
    )
    if z is None:
        # Days of a single picture have no spread of their own: how far days differ tells it.
        z = standardise(means, baseline=slice(0, reference))
    told = [quantity.told(mean * quantity.scale) for mean in means]
    days = [row.day for row in rows]
    spreads = [quantity.told(quantity.of(row).sd * quantity.scale).lstrip("+") for row in rows]
    if z is None:
        return _plain(drift.scope, quantity, rows, told)
    smooth = ewma(z)
    cells = [
        ((day(when), count(quantity.of(row).n), words, spread, f"{point:+.2f}"), _day_query(drift.scope, when))
        for row, when, words, spread, point in zip(rows, days, told, spreads, smooth.points, strict=True)
    ]
    verdict = _told(z, smooth, days, reference, less=quantity.less, more=quantity.more)
    return Panel(
        key=key,
        title=quantity.title,
        sentence=f"{verdict} {quantity.meaning} {_how(smooth, days, reference)}",
        figure=_figure(drift.scope, z, smooth, days, told, reference),
        columns=columns,
        rows=table(cells),
    )


def _mix_panel(drift: Drift) -> Panel:
    """Whether defects are shared out among labels as in the reference days."""
    title, key, columns = "Mix of defects", "drift-mix", ("Day", "Images with a defect label", "Stands out", "Distance")
    by_day: dict[date, dict[str, int]] = defaultdict(dict)
    for row in drift.mix:
        by_day[row.day][row.label] = row.affected_count
    days = sorted(when for when, counts in by_day.items() if sum(counts.values()))
    names = {row.label for row in drift.mix}
    if len(names) < 2:
        words = "A mix needs at least two labels that are defects and that were found here."
        return Panel(key, title, words, None, columns, ())
    first = MIN_BASELINE_COUNT
    whole: dict[str, int] = defaultdict(int)
    for when in days[:first]:
        for name, number in by_day[when].items():
            whole[name] += number
    later = days[first:]
    distances = mix_distances([by_day[when] for when in later], whole) if later else ()
    known = [(when, one, one.z) for when, one in zip(later, distances, strict=True) if one.z is not None]
    z = standardise([value for _, _, value in known], baseline=slice(0, MIN_BASELINE_COUNT))
    if z is None:
        words = (
            f"{_MIX_MEANING} Limits need {MIN_BASELINE_COUNT} days to know the usual mix and {MIN_BASELINE_COUNT} more "
            "with enough defects to know how much it varies; there are "
            f"{MIN_BASELINE_COUNT if later else len(days)} and {len(known)} so far."
        )
        return Panel(key, title, words, None, columns, ())
    smooth, shown = ewma(z), [when for when, _, _ in known]
    told = [f"{'more' if one.is_more else 'less'} {one.label}" for _, one, _ in known]
    cells = [
        ((day(when), count(sum(by_day[when].values())), words, f"{point:+.2f}"), _day_query(drift.scope, when))
        for when, words, point in zip(shown, told, smooth.points, strict=True)
    ]
    alarm = _alarm(smooth, MIN_BASELINE_COUNT)
    what = f"The mix changed ({told[alarm]} than usual)" if alarm is not None else ""
    verdict = _told(z, smooth, shown, MIN_BASELINE_COUNT, less="The mix is closer to the usual one", more=what)
    return Panel(
        key=key,
        title=title,
        sentence=f"{verdict} {_MIX_MEANING} Distance (χ²) of each day's mix from that of the first {first} days. "
        f"{_how(smooth, shown, MIN_BASELINE_COUNT)}",
        figure=_figure(drift.scope, z, smooth, shown, told, MIN_BASELINE_COUNT),
        columns=columns,
        rows=table(cells),
    )


def _reference_count(days_count: int, chosen: int) -> int:
    """The chosen reference days where they suffice, else the first third of all, 15 to 30 days."""
    if chosen >= MIN_BASELINE_COUNT:
        return chosen
    return min(_LONGEST_REFERENCE, max(MIN_BASELINE_COUNT, days_count // 3))


def _alarm(smooth: Ewma, reference: int) -> int | None:
    """The first point after the reference that is beyond the limits."""
    later = range(reference, len(smooth.points))
    return next((place for place in later if abs(smooth.points[place]) > smooth.limit), None)


def began(z: Sequence[float], smooth: Ewma, alarm: int) -> int:
    """Where the change behind an alarm started: by the cumulative sum, else where the average left 0."""
    changed = cusum(z[: alarm + 1]).changed_from
    if changed is not None:
        return changed
    side = smooth.points[alarm] > 0
    return next((place + 1 for place in range(alarm, -1, -1) if (smooth.points[place] > 0) != side), 0)


def _told(z: Sequence[float], smooth: Ewma, days: Sequence[date], reference: int, *, less: str, more: str) -> str:
    alarm = _alarm(smooth, reference)
    if alarm is None:
        return "Steady."
    start = days[began(z, smooth, alarm)]
    words = f"{more if smooth.points[alarm] > 0 else less} since about {day(start)} (noticed on {day(days[alarm])})."
    back = abs(smooth.points[-1]) <= smooth.limit
    return f"{words} It is back within the limits now." if back else words


def _how(smooth: Ewma, days: Sequence[date], reference: int) -> str:
    until = day(days[min(reference, len(days)) - 1])
    return (
        f"Moving average against the reference days ({day(days[0])} to {until}), in their standard deviations; a "
        f"process that stays as it was gives {false_alarms(smooth.run_length)}."
    )


def _figure(
    scope: Scope, z: Sequence[float], smooth: Ewma, days: Sequence[date], told: Sequence[str], reference: int
) -> dict[str, Any]:
    alarm = _alarm(smooth, reference)
    marks = [
        Mark(
            when.isoformat(),
            point,
            f"{day(when)}\n{words}\nMoving average {point:+.2f}, limits ±{smooth.limit:.2f}",
            _day_query(scope, when),
            -smooth.limit,
            smooth.limit,
            abs(point) > smooth.limit,
        )
        for when, words, point in zip(days, told, smooth.points, strict=True)
    ]
    start = days[began(z, smooth, alarm)].isoformat() if alarm is not None else None
    return figures.limits(marks, centre=0.0, tickformat="+.1~f", began=start)


def _plain(scope: Scope, quantity: Quantity, rows: Sequence[LookRow], told: Sequence[str]) -> Panel:
    """Daily means without limits, and why there are none."""
    marks = [
        Mark(
            row.day.isoformat(),
            quantity.of(row).mean * quantity.scale,
            f"{day(row.day)}\n{text}",
            _day_query(scope, row.day),
            is_too_few=quantity.of(row).n < MIN_IMAGES_COUNT,
        )
        for row, text in zip(rows, told, strict=True)
    ]
    why = f"Limits need {MIN_BASELINE_COUNT} days with differing values; there are {len(rows)} so far."
    if len(rows) >= MIN_BASELINE_COUNT:
        why = "No limits are drawn: the reference days do not differ."
    return Panel(
        key=f"drift-{quantity.key}",
        title=quantity.title,
        sentence=with_hollow(f"{quantity.meaning} {why}", marks),
        figure=figures.over_time([Line(quantity.title, REFERENCE, tuple(marks))], tickformat=quantity.tickformat),
        columns=("Day", "Mean"),
        rows=table([((day(row.day), text), mark.query) for row, text, mark in zip(rows, told, marks, strict=True)]),
    )


@lru_cache(maxsize=4096)
def _day_query(scope: Scope, when: date) -> str:
    """All images of a day, in the scope or in its reference."""
    return replace(scope, hour=None).images_query(defective=False, start=when, end=when)
