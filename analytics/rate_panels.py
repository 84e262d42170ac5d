"""Rates by source, and rates over time as points."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from analytics import figures
from analytics.dashboard import Dashboard, Rate, local
from analytics.figures import Point
from analytics.panels import HOLLOW, Panel, TableRow, rate_cells, rate_text
from analytics.queries import SourceRow, TrendRow
from analytics.scope import WITHOUT_SOURCE
from analytics.theme import RATE
from analytics.wording import count, counted, days, hour

_MOST_SOURCES = 20
_SOURCELESS = "No source"
WIDTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


def upload_times(number: int) -> str:
    if number == 1:
        return "1 image does not say when it was captured and stands at the time of its upload."
    return f"{count(number)} images do not say when they were captured and stand at the time of their upload."


def bucket_point(dashboard: Dashboard, row: TrendRow) -> Point:
    changes = _bucket_changes(dashboard, row.start)
    start = local(row.start, dashboard.scope)
    return _point(
        dashboard,
        rate_of(row),
        x=start.strftime("%Y-%m-%dT%H:%M" if dashboard.unit == "hour" else "%Y-%m-%d"),
        title=when(dashboard, row.start),
        **changes,
    )


def _bucket_changes(dashboard: Dashboard, start: datetime) -> dict[str, Any]:
    """How the scope narrows to the part of a bucket that it looks at."""
    if dashboard.unit == "hour":
        return {"hour": start}
    first, last = _bucket_days(dashboard, start)
    return {"start": first, "end": last}


def _bucket_days(dashboard: Dashboard, start: datetime) -> tuple[date, date]:
    first = local(start, dashboard.scope).date()
    last = first + timedelta(days=6 if dashboard.unit == "week" else 0)
    scope = dashboard.scope
    return max(first, scope.start or first), min(last, scope.end or last)


def when(dashboard: Dashboard, start: datetime) -> str:
    if dashboard.unit == "hour":
        return hour(start, dashboard.scope.time_zone)
    return days(*_bucket_days(dashboard, start))


def sources_panel(dashboard: Dashboard) -> Panel:
    """Where it happens; surest high rates first, so that one bad image of two leads no list."""
    rows = sorted(dashboard.sources, key=lambda row: -rate_of(row).interval.low)
    points = [_source_point(dashboard, row) for row in rows]
    drawn = points[:_MOST_SOURCES]
    sentence = f"The dotted line is the rate over all of them. {HOLLOW}"
    if len(points) > len(drawn):
        sentence = f"The {len(drawn)} highest of {len(points)}; the table has all. {sentence}"
    if [row.source_id for row in rows] == [None]:
        sentence = "No image here has a source. Choose one when you upload, to compare lines, cameras or sites."
    label = dashboard.label
    return Panel(
        key="sources",
        title=f"{subject(dashboard)} by source",
        sentence=sentence,
        figure=figures.dots(drawn, overall=dashboard.rate.fraction or 0.0, color=label.color if label else RATE),
        columns=("Source", "Images", counted_as(dashboard), rate_name(dashboard), "95% interval"),
        rows=tuple(
            TableRow((point.x, *rate_cells(rate_of(row))), point.query) for row, point in zip(rows, points, strict=True)
        ),
    )


def _source_point(dashboard: Dashboard, row: SourceRow) -> Point:
    name = row.name or _SOURCELESS
    source_id = WITHOUT_SOURCE if row.source_id is None else row.source_id
    return _point(dashboard, rate_of(row), x=name, title=name, source_id=source_id)


def _point(dashboard: Dashboard, rate: Rate, *, x: str, title: str, **changes: Any) -> Point:
    return Point(
        x=x,
        fraction=rate.fraction or 0.0,
        low=rate.interval.low,
        high=rate.interval.high,
        n=rate.n,
        hover=f"{title}\n{rate_text(rate)}\n{count(rate.count)} of {counted(rate.n, 'image')}",
        query=dashboard.scope.images_query(defective=rate.count > 0, **changes),
        all_query=dashboard.scope.images_query(defective=False, **changes),
        is_too_few=rate.is_too_few,
    )


def rate_of(row: TrendRow | SourceRow) -> Rate:
    return Rate.of(row.defective_count, row.inspected_count)


def subject(dashboard: Dashboard) -> str:
    return f"Images with {dashboard.label.name}" if dashboard.label else "Defect rate"


def rate_name(dashboard: Dashboard) -> str:
    """What a table calls the rate."""
    return "Share of images" if dashboard.label else "Defect rate"


def counted_as(dashboard: Dashboard) -> str:
    return f"With {dashboard.label.name}" if dashboard.label else "Defective"
