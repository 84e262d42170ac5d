"""How much of one image a label covers: the distribution, and its quantiles over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from analytics import tab_figures as figures
from analytics.buckets import AREA_BUCKETS, AREA_EDGES, quantile
from analytics.panels import Panel
from analytics.scope import Scope
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.tab_figures import Line, Mark
from analytics.tabs.area_queries import SpreadRow
from analytics.tabs.page import ProjectLabel, Unit, begin, first_upper, step_name, step_query, table, with_hollow
from analytics.wording import count, counted, percent

_PER_BAR = 4
_QUANTILES = ((0.5, "Median", "var(--accent)"), (0.9, "90%", "var(--defect)"), (0.99, "99%", "var(--muted)"))


def distribution_panel(scope: Scope, label: ProjectLabel, spread: Sequence[SpreadRow], query: str) -> Panel:
    """How many images have how much of the label; each bar twice as wide as the one before."""
    counts = _summed(spread)
    total, shown = sum(counts), sum(counts[1:])
    title = f"How much of an image is {label.name}"
    columns = ("Share of the image", "Images", "Share of images")
    if not shown:
        words = f"No image here shows any {label.name}."
        return Panel("area-spread", title, words, None, columns, ())
    bars, names, cells = [], [], []
    for first, last in _bars(counts):
        n = sum(counts[first : last + 1])
        low, high = AREA_EDGES[first - 1], AREA_EDGES[last]
        name = f"{percent(low)} to {percent(high)}"
        bars.append(Mark(name, n, f"{name} {label.name}\n{counted(n, 'image')} of {count(total)}", query))
        names.append(percent(high))
        cells.append(((name, count(n), percent(n / total)), query))
    none = counts[0]
    cells.insert(0, (("none", count(none), percent(none / total)), scope.images_query(defective=False)))
    middle = quantile([0, *counts[1:]], 0.5) or 0.0
    return Panel(
        key="area-spread",
        title=title,
        sentence=f"{counted(shown, 'image')} of {count(total)} show it, half of them less than {percent(middle)} of "
        "the picture. Each bar ends at twice the share of the one before and opens the images, worst first.",
        figure=figures.histogram(bars, name="Share of the image, up to", names=names, color=label.color),
        columns=columns,
        rows=table(cells),
    )


def quantiles_panel(scope: Scope, label: ProjectLabel, spread: Sequence[SpreadRow], unit: Unit) -> Panel:
    """Median and upper quantiles of the label's share, over the images that show it."""
    steps: dict[date, list[SpreadRow]] = defaultdict(list)
    for row in spread:
        steps[begin(row.start, unit)].append(row)
    lines: dict[float, list[Mark]] = {q: [] for q, _, _ in _QUANTILES}
    cells = []
    for start in sorted(steps):
        counts = [0, *_summed(steps[start])[1:]]
        n, name = sum(counts), step_name(start, unit, scope)
        query = step_query(scope, start, unit, defective=n > 0, label_id=label.id)
        values = [quantile(counts, q) for q, _, _ in _QUANTILES]
        for (q, words, _), value in zip(_QUANTILES, values, strict=True):
            told = f"{words} {percent(value or 0.0)}\nof {counted(n, 'image')} with {label.name}"
            lines[q].append(Mark(start.isoformat(), value, f"{name}\n{told}", query, is_too_few=n < MIN_IMAGES_COUNT))
        if n:
            cells.append(((name, count(n), *(percent(value or 0.0) for value in values)), query))
    return Panel(
        key="area-quantiles",
        title=f"{first_upper(label.name)} per image, by {unit}",
        sentence=with_hollow(
            f"Of the images that show {label.name}: half have less than the median, one in ten more than the 90% "
            "line, one in a hundred more than the 99% line. Read from logarithmic steps, to within 19% of each value.",
            [mark for marks in lines.values() for mark in marks if mark.y is not None],
        ),
        figure=figures.over_time([Line(words, color, tuple(lines[q])) for q, words, color in _QUANTILES])
        if cells
        else None,
        columns=(unit.capitalize(), "Images that show it", *(words for _, words, _ in _QUANTILES)),
        rows=table(cells),
        is_wide=True,
    )


def _summed(rows: Sequence[SpreadRow]) -> list[int]:
    total = [0] * AREA_BUCKETS
    for row in rows:
        total = [one + two for one, two in zip(total, row.counts, strict=True)]
    return total


def _bars(counts: Sequence[int]) -> list[tuple[int, int]]:
    """First and last bucket of every bar, from the first that has images to the last; buckets end at doublings."""
    bars = [(1, 1), *((first, first + _PER_BAR - 1) for first in range(2, AREA_BUCKETS, _PER_BAR))]
    full = [place for place, (first, last) in enumerate(bars) if sum(counts[first : last + 1])]
    return bars[full[0] : full[-1] + 1]
