"""Panels of rates: over time, and by source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from analytics import figures
from analytics.dashboard import Dashboard, Rate, local
from analytics.figures import Marker, Point
from analytics.panels import Panel, TableRow, rate_cells, rate_text
from analytics.queries import PromotionRow, SourceRow, TrendRow
from analytics.scope import WITHOUT_SOURCE
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.theme import RATE
from analytics.wording import count, counted, days, hour

_MOST_SOURCES = 20
_SOURCELESS = "No source"
_HOLLOW = f"Hollow: fewer than {MIN_IMAGES_COUNT} images, too few to say."
_WIDTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


def trend_panel(dashboard: Dashboard) -> Panel:
    points = [_trend_point(dashboard, row) for row in dashboard.trend]
    sentence = f"Each {dashboard.unit} with its 95% interval; below it the images inspected."
    if dashboard.is_coarsened:
        sentence = f"A point per {dashboard.scope.bucket} would be too many here. {sentence}"
    if any(point.is_too_few for point in points):
        sentence = f"{sentence} {_HOLLOW}"
    if _shown_promotions(dashboard):
        sentence = f"{sentence} Dotted lines: a model version went live."
    if dashboard.upload_time_count:
        sentence = f"{sentence} {_upload_times(dashboard.upload_time_count)}"
    label = dashboard.label
    return Panel(
        key="trend",
        title=f"{_subject(dashboard)} by {dashboard.unit}",
        sentence=sentence,
        figure=figures.trend(
            points,
            width=_WIDTHS[dashboard.unit],
            color=label.color if label else RATE,
            markers=[_marker(dashboard, promotion) for promotion in _shown_promotions(dashboard)],
        ),
        columns=(dashboard.unit.capitalize(), "Images", _counted_as(dashboard), "Share", "95% interval"),
        rows=_trend_rows(dashboard, points),
    )


def _trend_rows(dashboard: Dashboard, points: Sequence[Point]) -> tuple[TableRow, ...]:
    """The points, and among them what went live when."""
    rows = [
        (row.start, TableRow((_when(dashboard, row.start), *rate_cells(_rate(row))), point.query))
        for row, point in zip(dashboard.trend, points, strict=True)
    ]
    rows += [
        (row.at, TableRow((_went_live(dashboard, row), "", "", "", ""), dashboard.scope.images_query(defective=False)))
        for row in _shown_promotions(dashboard)
    ]
    return tuple(row for _, row in sorted(rows, key=lambda row: row[0]))


def _shown_promotions(dashboard: Dashboard) -> list[PromotionRow]:
    """Those between the first point and one step after the last: others say nothing about these images."""
    if not dashboard.trend:
        return []
    width = _WIDTHS[dashboard.unit]
    first, last = dashboard.trend[0].start, dashboard.trend[-1].start + 2 * width
    return [row for row in dashboard.promotions if first <= row.at < last]


def _marker(dashboard: Dashboard, row: PromotionRow) -> Marker:
    x = local(row.at, dashboard.scope).strftime("%Y-%m-%dT%H:%M")
    return Marker(x, f"v{row.number}", _went_live(dashboard, row))


def _went_live(dashboard: Dashboard, row: PromotionRow) -> str:
    at = hour(row.at, dashboard.scope.time_zone)
    words = f"Rolled back to version {row.number}" if row.is_roll_back else f"Version {row.number} went live"
    return f"{words} ({row.architecture}), {at}"


def _upload_times(number: int) -> str:
    if number == 1:
        return "1 image does not say when it was captured and stands at the time of its upload."
    return f"{count(number)} images do not say when they were captured and stand at the time of their upload."


def _trend_point(dashboard: Dashboard, row: TrendRow) -> Point:
    changes = _bucket_changes(dashboard, row.start)
    start = local(row.start, dashboard.scope)
    return _point(
        dashboard,
        _rate(row),
        x=start.strftime("%Y-%m-%dT%H:%M" if dashboard.unit == "hour" else "%Y-%m-%d"),
        title=_when(dashboard, row.start),
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


def _when(dashboard: Dashboard, start: datetime) -> str:
    if dashboard.unit == "hour":
        return hour(start, dashboard.scope.time_zone)
    return days(*_bucket_days(dashboard, start))


def sources_panel(dashboard: Dashboard) -> Panel:
    """Where it happens; surest high rates first, so that one bad image of two leads no list."""
    rows = sorted(dashboard.sources, key=lambda row: -_rate(row).interval.low)
    points = [_source_point(dashboard, row) for row in rows]
    drawn = points[:_MOST_SOURCES]
    sentence = f"The dotted line is the share over all of them. {_HOLLOW}"
    if len(points) > len(drawn):
        sentence = f"The {len(drawn)} highest of {len(points)}; the table has all. {sentence}"
    if [row.source_id for row in rows] == [None]:
        sentence = "No image here has a source. Choose one when you upload, to compare lines, cameras or sites."
    label = dashboard.label
    return Panel(
        key="sources",
        title=f"{_subject(dashboard)} by source",
        sentence=sentence,
        figure=figures.dots(drawn, overall=dashboard.rate.fraction or 0.0, color=label.color if label else RATE),
        columns=("Source", "Images", _counted_as(dashboard), "Share", "95% interval"),
        rows=tuple(
            TableRow((point.x, *rate_cells(_rate(row))), point.query) for row, point in zip(rows, points, strict=True)
        ),
    )


def _source_point(dashboard: Dashboard, row: SourceRow) -> Point:
    name = row.name or _SOURCELESS
    source_id = WITHOUT_SOURCE if row.source_id is None else row.source_id
    return _point(dashboard, _rate(row), x=name, title=name, source_id=source_id)


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


def _rate(row: TrendRow | SourceRow) -> Rate:
    return Rate.of(row.defective_count, row.inspected_count)


def _subject(dashboard: Dashboard) -> str:
    return f"Images with {dashboard.label.name}" if dashboard.label else "Defect rate"


def _counted_as(dashboard: Dashboard) -> str:
    return f"With {dashboard.label.name}" if dashboard.label else "Defective"
