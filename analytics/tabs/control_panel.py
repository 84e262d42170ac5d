"""A control chart of single values as a panel: limits, what is out of the ordinary in words, and the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from analytics import tab_figures as figures
from analytics.panels import Panel
from analytics.statistics import Chart, NoChart, choose_value_chart
from analytics.statistics.rules import sentence, signals
from analytics.tab_figures import PERCENT, Line, Mark
from analytics.tabs.page import table, with_hollow
from analytics.theme import REFERENCE
from analytics.wording import percent

_TOLD_SIGNALS = 2


def control_panel(
    *,
    key: str,
    title: str,
    starts: Sequence[date],
    names: Sequence[str],
    values: Sequence[float],
    are_too_few: Sequence[bool],
    queries: Sequence[str],
    unit: str,
    value_name: str,
    told: Callable[[float], str] = percent,
    tickformat: str = PERCENT,
) -> Panel:
    """Values from 0 on in time order as an XmR chart; where they cannot carry one, plainly drawn, and why.

    `are_too_few`: whether a value is of too few images to say much.
    """
    chart = choose_value_chart(values, lowest=0.0)
    columns: tuple[str, ...] = (unit.capitalize(), value_name, "Lower limit", "Upper limit")
    rows: list[tuple[tuple[str, ...], str | None]]
    days = [start.isoformat() for start in starts]
    if isinstance(chart, NoChart):
        marks = [
            Mark(day, value, f"{name}\n{told(value)}", query, is_too_few=is_too_few)
            for day, name, value, is_too_few, query in zip(days, names, values, are_too_few, queries, strict=True)
        ]
        words = with_hollow(f"No limits are drawn. {chart.why}", marks)
        figure = figures.over_time([Line(value_name, REFERENCE, tuple(marks))], tickformat=tickformat)
        rows = [((name, told(value)), query) for name, value, query in zip(names, values, queries, strict=True)]
        columns = columns[:2]
    else:
        marks = _limited(chart, days, names, queries, told)
        # Only what lies beyond the limits is marked; patterns are told in words.
        newest = [f"{sentence(signal, list(starts), unit)}." for signal in signals(chart)[-_TOLD_SIGNALS:]]
        words = f"{' '.join(newest) or f'No {unit} is out of the ordinary.'} {chart.why}"
        figure = figures.limits(marks, centre=chart.centre, tickformat=tickformat)
        rows = [
            ((name, told(point.value), told(point.low), told(point.high)), query)
            for name, point, query in zip(names, chart.points, queries, strict=True)
        ]
    return Panel(key=key, title=title, sentence=words, figure=figure, columns=columns, rows=table(rows), is_wide=True)


def _limited(
    chart: Chart, days: Sequence[str], names: Sequence[str], queries: Sequence[str], told: Callable[[float], str]
) -> list[Mark]:
    return [
        Mark(
            day,
            point.value,
            f"{name}\n{told(point.value)}\nLimits {told(point.low)} to {told(point.high)}",
            query,
            point.low,
            point.high,
            point.is_outside,
        )
        for day, name, point, query in zip(days, names, chart.points, queries, strict=True)
    ]
