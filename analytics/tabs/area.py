"""The area page: how much each label covers, over time, per image, and corrected for the model's known errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics import tab_figures as figures
from analytics.panels import Link, Panel
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.tab_figures import Line, Mark
from analytics.tabs import area_queries as queries
from analytics.tabs.area_corrected import corrected_panel
from analytics.tabs.area_queries import CalibrationRow, ErrorsRow, FoundRow, SpreadRow
from analytics.tabs.area_spread import distribution_panel, quantiles_panel
from analytics.tabs.control_panel import control_panel
from analytics.tabs.page import (
    DayRow,
    ProjectLabel,
    TabPage,
    Unit,
    begin,
    first_upper,
    listed,
    project_labels,
    step_name,
    step_query,
    table,
    unit_of,
    with_hollow,
)
from analytics.wording import count, percent

_MOST_LINES = 8
_MM2_PER_CM2, _MM2_PER_M2 = 100, 1_000_000


@dataclass(frozen=True)
class Area:
    """Everything the page says. `label` is the one that its distribution is of."""

    scope: Scope
    unit: Unit
    days: tuple[DayRow, ...]
    labels: tuple[ProjectLabel, ...]
    drawn: tuple[ProjectLabel, ...]
    label: ProjectLabel | None
    found: tuple[FoundRow, ...]
    spread: tuple[SpreadRow, ...]
    calibrations: tuple[CalibrationRow, ...]
    errors: ErrorsRow | None

    @property
    def pixels(self) -> int:
        """Of all inspected images."""
        return sum(row.pixels for row in self.days)

    @property
    def inspected_count(self) -> int:
        return sum(row.inspected_count for row in self.days)

    def label_pixels(self, label: ProjectLabel) -> int:
        return sum(row.pixels for row in self.found if row.is_by_day and row.label_id == label.id)

    def affected_count(self, label: ProjectLabel) -> int:
        return sum(row.affected_count for row in self.found if row.is_by_day and row.label_id == label.id)

    def label_query(self, label: ProjectLabel) -> str:
        """The images that the label affects; all of them where specks below the limit are all there is."""
        return self.scope.images_query(defective=self.affected_count(label) > 0, label_id=label.id)


def read_area(cursor: Any, scope: Scope) -> Area:
    """Every number of the page, all of one moment."""
    with snapshot(cursor):
        days = queries.inspected_by_day(cursor, scope)
        labels = project_labels(cursor, scope.project_id)
        found = queries.found(cursor, scope) if days else ()
        drawn = _drawn(labels, found, scope)
        label = drawn[0] if drawn else None
        return Area(
            scope=scope,
            unit=unit_of(days[0].day, days[-1].day, scope) if days else "day",
            days=days,
            labels=labels,
            drawn=drawn,
            label=label,
            found=found,
            spread=queries.spread(cursor, scope, label.id, by_months=False) if label and days else (),
            calibrations=queries.calibrations(cursor, scope) if days else (),
            errors=queries.known_errors(cursor, scope) if days else None,
        )


def area_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected."""
    area = read_area(cursor, scope)
    if not area.days or area.label is None:
        if not area.days:
            return TabPage(0)
        link = Link("project-settings", "Settings → Labels", "labels")
        return TabPage(area.inspected_count, notes=("This project has no labels yet. Add them first.",), link=link)
    return TabPage(
        inspected_count=area.inspected_count,
        panels=(
            _over_time(area),
            _control(area),
            distribution_panel(area.scope, area.label, area.spread, area.label_query(area.label)),
            corrected_panel(
                area.errors,
                [(label, area.label_pixels(label), area.label_query(label)) for label in area.labels],
                drawn=area.drawn,
                pixels=area.pixels,
            ),
            quantiles_panel(area.scope, area.label, area.spread, area.unit),
            _calibrated(area),
        ),
    )


def _drawn(labels: Sequence[ProjectLabel], found: Sequence[FoundRow], scope: Scope) -> tuple[ProjectLabel, ...]:
    """The scope's label, else the defects, the largest first; where none is a defect, all but the largest label."""
    if scope.label_id is not None:
        return tuple(label for label in labels if label.id == scope.label_id)
    sums: dict[int, int] = defaultdict(int)
    for row in found:
        if row.is_by_day:
            sums[row.label_id] += row.pixels
    ranked = sorted(labels, key=lambda label: (-sums[label.id], label.index))
    defects = [label for label in ranked if label.is_defect]
    return tuple((defects or ranked[1:] or ranked)[:_MOST_LINES])


@dataclass(frozen=True)
class Step:
    """A step of time: pixels of some labels, of all that was inspected, and the images behind them."""

    start: date
    pixels: int
    whole_pixels: int
    affected_count: int
    inspected_count: int

    @property
    def share(self) -> float:
        return self.pixels / self.whole_pixels

    @property
    def is_too_few(self) -> bool:
        return self.inspected_count < MIN_IMAGES_COUNT


def _steps(area: Area, label_ids: set[int]) -> list[Step]:
    """Every step that has images."""
    whole: dict[date, int] = defaultdict(int)
    inspected: dict[date, int] = defaultdict(int)
    marked: dict[date, int] = defaultdict(int)
    affected: dict[date, int] = defaultdict(int)
    for row in area.days:
        whole[begin(row.day, area.unit)] += row.pixels
        inspected[begin(row.day, area.unit)] += row.inspected_count
    for found in area.found:
        if found.is_by_day and found.day is not None and found.label_id in label_ids:
            marked[begin(found.day, area.unit)] += found.pixels
            affected[begin(found.day, area.unit)] += found.affected_count
    return [Step(start, marked[start], whole[start], affected[start], inspected[start]) for start in sorted(whole)]


def _over_time(area: Area) -> Panel:
    rows, cells = [], []
    for label in area.drawn:
        marks = []
        for step in _steps(area, {label.id}):
            query = step_query(area.scope, step.start, area.unit, defective=step.affected_count > 0, label_id=label.id)
            name, share = step_name(step.start, area.unit, area.scope), percent(step.share)
            hover = f"{label.name}, {name}\n{share} of the inspected area\n{count(step.pixels)} px"
            marks.append(Mark(step.start.isoformat(), step.share, hover, query, is_too_few=step.is_too_few))
            cells.append(((name, label.name, share, count(step.pixels), count(step.whole_pixels)), query))
        rows.append(Line(label.name, label.color, tuple(marks)))
    subject = area.drawn[0].name if len(area.drawn) == 1 else "Each label"
    return Panel(
        key="area-time",
        title=f"Area by {area.unit}",
        sentence=with_hollow(
            f"{first_upper(subject)} as a share of the inspected area; {_who(area)}.",
            [mark for row in rows for mark in row.marks],
        ),
        figure=figures.over_time(rows),
        columns=(area.unit.capitalize(), "Label", "Share of area", "Pixels", "Pixels inspected"),
        rows=table(cells),
        is_wide=True,
    )


def _who(area: Area) -> str:
    if area.scope.label_id is not None:
        return "choose “Any defect” in the filters to see all labels"
    if not any(label.is_defect for label in area.labels):
        return "no label of this project is marked as a defect"
    defects = sum(label.is_defect for label in area.labels)
    return f"the {_MOST_LINES} largest defects of {defects}" if defects > _MOST_LINES else "all labels that are defects"


def _control(area: Area) -> Panel:
    """Whether the area of a step is out of the ordinary."""
    label_ids = {label.id for label in area.labels if label.is_defect} or {label.id for label in area.drawn}
    subject = "All defects together"
    if area.scope.label_id is not None or len(area.drawn) == 1:
        label_ids, subject = {area.drawn[0].id}, first_upper(area.drawn[0].name)
    steps = _steps(area, label_ids)
    return control_panel(
        key="area-control",
        title=f"{subject}: is a {area.unit} out of the ordinary?",
        starts=[step.start for step in steps],
        names=[step_name(step.start, area.unit, area.scope) for step in steps],
        values=[step.share for step in steps],
        are_too_few=[step.is_too_few for step in steps],
        queries=[step_query(area.scope, step.start, area.unit, defective=step.affected_count > 0) for step in steps],
        unit=area.unit,
        value_name="Share of area",
    )


def _calibrated(area: Area) -> Panel:
    """Areas in square millimetres, where every source here is calibrated."""
    missing = [row.name or "images without a source" for row in area.calibrations if not row.mm_per_pixel]
    columns = ("Label", "Area", "Share of area", "Per 1,000 images")
    if missing:
        return Panel(
            key="area-mm",
            title="Area in square millimetres",
            sentence=f"Not calibrated: {listed(missing)}. Give every source its millimetres per pixel, or choose a "
            "calibrated source in the filters.",
            figure=None,
            columns=columns,
            rows=(),
            link=Link("project-settings", "Settings → Sources", "sources"),
        )
    scale = {row.source_id: (row.mm_per_pixel or 0.0) ** 2 for row in area.calibrations}
    whole = sum(row.pixels * scale[row.source_id] for row in area.calibrations)
    n = area.inspected_count
    rows = []
    for label in area.labels:
        mm2 = sum(
            row.pixels * scale.get(row.source_id, 0.0)
            for row in area.found
            if not row.is_by_day and row.label_id == label.id
        )
        share = mm2 / whole if whole else 0.0
        rows.append(((label.name, square(mm2), percent(share), square(mm2 / n * 1000)), area.label_query(label)))
    return Panel(
        key="area-mm",
        title="Area in square millimetres",
        sentence=f"{square(whole)} were inspected, by the calibration that each source has today.",
        figure=None,
        columns=columns,
        rows=table(rows),
        is_wide=True,
    )


def square(mm2: float) -> str:
    """An area in the unit that reads best."""
    if mm2 >= _MM2_PER_M2:
        return f"{mm2 / _MM2_PER_M2:,.2f} m²"
    if mm2 >= 100 * _MM2_PER_CM2:
        return f"{mm2 / _MM2_PER_CM2:,.1f} cm²"
    return f"{mm2:,.1f} mm²" if mm2 >= 1 or mm2 == 0 else f"{mm2:.3g} mm²"
