"""The defect rate over time: a control chart where the data can carry one, else the rates alone, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from analytics import figures, rate_figures
from analytics.dashboard import Dashboard, local
from analytics.figures import Marker, Point
from analytics.panels import HOLLOW, Note, Panel, TableRow, rate_cells
from analytics.queries import EventRow, PromotionRow
from analytics.rate_panels import WIDTHS, bucket_point, counted_as, rate_name, rate_of, subject, upload_times, when
from analytics.statistics import Chart, Interval, NoChart, choose_rate_chart
from analytics.statistics.rules import RULES, Signal, sentence, signals
from analytics.theme import RATE
from analytics.wording import hour, percent, percent_range

_Row = TypeVar("_Row", PromotionRow, EventRow)
_MOST_NOTES = 6
_NAMES = {"p": "p chart", "p-prime": "Laney p′ chart"}
_EVENT_WORDS = {"rule": "rule", "calibration": "calibration", "labels": "labels"}


def trend_panel(dashboard: Dashboard) -> Panel:
    """Rates of the scope per hour, day or week; what went live or was changed when; points that stand out."""
    points = [bucket_point(dashboard, row) for row in dashboard.trend]
    chart = (
        choose_rate_chart(
            [row.defective_count for row in dashboard.trend], [row.inspected_count for row in dashboard.trend]
        )
        if dashboard.trend
        else NoChart("Nothing was inspected.")
    )
    found = signals(chart) if isinstance(chart, Chart) else ()
    markers = [*_promotion_markers(dashboard), *_event_markers(dashboard)]
    label = dashboard.label
    color = label.color if label else RATE
    width = WIDTHS[dashboard.unit]
    if isinstance(chart, Chart):
        figure = rate_figures.control(points, chart, found, width=width, color=color, markers=markers)
    else:
        figure = figures.trend(points, width=width, color=color, markers=markers)
    return Panel(
        key="trend",
        title=f"{subject(dashboard)} by {dashboard.unit}",
        sentence=" ".join(_sentences(dashboard, chart, points, bool(markers))),
        figure=figure,
        columns=(
            dashboard.unit.capitalize(),
            "Images",
            counted_as(dashboard),
            rate_name(dashboard),
            "95% interval",
            "Limits",
            "Stands out",
        ),
        rows=_rows(dashboard, points, chart, found),
        notes=_notes(dashboard, found),
        is_wide=True,
    )


def _sentences(dashboard: Dashboard, chart: Chart | NoChart, points: Sequence[Point], has_markers: bool) -> list[str]:
    unit = dashboard.unit
    if isinstance(chart, Chart):
        words = [f"{_NAMES[chart.kind]}: average {percent(chart.centre)}, limits for the images of each {unit}."]
        words.append(chart.why)
    else:
        words = [f"Each {unit} with its 95% interval. No control limits: {chart.why}"]
        if any(point.is_too_few for point in points):
            words.append(HOLLOW)
    if dashboard.is_coarsened:
        words.insert(0, f"A point per {dashboard.scope.bucket} would be too many here.")
    if has_markers:
        words.append("Dotted lines: a model version went live, or what the numbers mean was changed.")
    if dashboard.upload_time_count:
        words.append(upload_times(dashboard.upload_time_count))
    return words


def _notes(dashboard: Dashboard, found: Sequence[Signal]) -> tuple[Note, ...]:
    """The newest findings first; each opens its images."""
    starts = [local(row.start, dashboard.scope) for row in dashboard.trend] if found else []
    times = starts if dashboard.unit == "hour" else [start.date() for start in starts]
    newest = [*reversed(found)][:_MOST_NOTES]
    notes = [Note(f"{sentence(signal, times, dashboard.unit)}.", _signal_query(dashboard, signal)) for signal in newest]
    if len(found) <= _MOST_NOTES:
        return tuple(notes)
    return (*notes, Note(f"And {len(found) - _MOST_NOTES} earlier ones; the table marks them."))


def _signal_query(dashboard: Dashboard, signal: Signal) -> str:
    first, last = dashboard.trend[signal.first], dashboard.trend[signal.last]
    rows = dashboard.trend[signal.first : signal.last + 1]
    is_any = any(row.defective_count for row in rows)
    if signal.first == signal.last:
        return bucket_point(dashboard, first).query
    scope = dashboard.scope
    start = local(first.start, scope).date()
    end = local(last.start, scope).date() + timedelta(days=6 if dashboard.unit == "week" else 0)
    start, end = max(start, scope.start or start), min(end, scope.end or end)
    return scope.images_query(defective=is_any, start=start, end=end)


def _rows(
    dashboard: Dashboard, points: Sequence[Point], chart: Chart | NoChart, found: Sequence[Signal]
) -> tuple[TableRow, ...]:
    """The points, and among them what went live or was changed when."""
    rows: list[tuple[datetime, TableRow]] = []
    for place, (row, point) in enumerate(zip(dashboard.trend, points, strict=True)):
        limits = ""
        if isinstance(chart, Chart):
            limits = percent_range(Interval(chart.points[place].low, chart.points[place].high))
        marks = "; ".join(RULES[signal.rule].told for signal in found if signal.first <= place <= signal.last)
        cells = (when(dashboard, row.start), *rate_cells(rate_of(row)), limits, marks)
        rows.append((row.start, TableRow(cells, point.query)))
    everything = dashboard.scope.images_query(defective=False)
    said = [(row.at, _went_live(dashboard, row)) for row in _shown(dashboard, dashboard.promotions)]
    said += [(row.at, _changed(dashboard, row)) for row in _shown(dashboard, dashboard.events)]
    rows += [(at, TableRow((words, "", "", "", "", "", ""), everything)) for at, words in said]
    return tuple(row for _, row in sorted(rows, key=lambda row: row[0]))


def _shown(dashboard: Dashboard, rows: Sequence[_Row]) -> list[_Row]:
    """Those between the first point and one step after the last: others say nothing about these images."""
    if not dashboard.trend:
        return []
    width = WIDTHS[dashboard.unit]
    first, last = dashboard.trend[0].start, dashboard.trend[-1].start + 2 * width
    return [row for row in rows if first <= row.at < last]


def _promotion_markers(dashboard: Dashboard) -> list[Marker]:
    return [
        Marker(_x(dashboard, row.at), f"v{row.number}", _went_live(dashboard, row))
        for row in _shown(dashboard, dashboard.promotions)
    ]


def _event_markers(dashboard: Dashboard) -> list[Marker]:
    return [
        Marker(_x(dashboard, row.at), _EVENT_WORDS.get(row.kind, row.kind), _changed(dashboard, row))
        for row in _shown(dashboard, dashboard.events)
    ]


def _x(dashboard: Dashboard, at: datetime) -> str:
    return local(at, dashboard.scope).strftime("%Y-%m-%dT%H:%M")


def _went_live(dashboard: Dashboard, row: PromotionRow) -> str:
    at = hour(row.at, dashboard.scope.time_zone)
    words = f"Rolled back to version {row.number}" if row.is_roll_back else f"Version {row.number} went live"
    return f"{words} ({row.architecture}), {at}"


def _changed(dashboard: Dashboard, row: EventRow) -> str:
    return f"{row.sentence.rstrip('.')}, {hour(row.at, dashboard.scope.time_zone)}"
