"""Raw areas beside areas corrected for the model's known errors."""

from __future__ import annotations

from collections.abc import Sequence

from analytics import tab_figures as figures
from analytics.panels import Link, Panel
from analytics.statistics.areas import AdjustedArea
from analytics.statistics.intervals import Estimate, Interval
from analytics.tab_figures import Mark, Pair
from analytics.tabs.area_known_errors import areas_from_images, corrected_areas
from analytics.tabs.area_queries import ErrorsRow
from analytics.tabs.page import ProjectLabel, listed, table
from analytics.wording import counted, percent, percent_range

_TITLE = "Area, corrected for the model's known errors"
_COLUMNS = ("Label", "As counted", "Corrected", "95% interval")
_EVALUATE = Link("models", "Models → All versions", "leaderboard")


def corrected_panel(
    errors: ErrorsRow | None,
    marked: Sequence[tuple[ProjectLabel, int, str]],
    *,
    drawn: Sequence[ProjectLabel],
    pixels: int,
) -> Panel:
    """`marked`: every label with its pixels and its images; `drawn`: those to be shown; `pixels` of all images."""
    if errors is None:
        return _nothing(
            "Nobody knows yet what the live model misses. Label some images, freeze them as a data set and evaluate "
            "the model on it; the corrected areas then stand here."
        )
    areas = _areas(errors, marked)
    if isinstance(areas, str):
        return _nothing(f"It cannot be corrected: {areas}")
    wanted = {label.id for label in drawn}
    rows, cells = [], []
    for label, px, query in marked:
        if label.id not in wanted:
            continue
        area = areas.get(label.id)
        rows.append(_pair(label, px, area, query, pixels))
        corrected = (
            (percent(_share(area.value, pixels)), percent_range(_interval(area, pixels))) if area else ("–", "–")
        )
        cells.append(((label.name, percent(px / pixels), *corrected), query))
    return Panel(
        key="area-corrected",
        title=_TITLE,
        sentence=f"What version {errors.number} missed and added on {counted(errors.image_count, 'labelled image')} of "
        f"“{errors.dataset}”, applied to these images: the labelled images are taken as a random sample of them. "
        f"95% intervals.{_left_out(rows)}",
        figure=figures.pairs(rows),
        columns=_COLUMNS,
        rows=table(cells),
    )


def _areas(
    errors: ErrorsRow, marked: Sequence[tuple[ProjectLabel, int, str]]
) -> dict[int, AdjustedArea | Estimate] | str:
    if errors.images:
        by_id = areas_from_images(errors.images, {label.id: px for label, px, _ in marked})
        return by_id if isinstance(by_id, str) else dict(by_id)
    by_name = corrected_areas(errors.scores, errors.image_count, {label.name: px for label, px, _ in marked})
    if isinstance(by_name, str):
        return by_name
    return {label.id: by_name[label.name] for label, _, _ in marked if label.name in by_name}


def _left_out(rows: Sequence[Pair]) -> str:
    names = [row.name for row in rows if row.corrected is None]
    return f" Too few of the labelled images show {listed(names)} to correct it." if names else ""


def _nothing(words: str) -> Panel:
    return Panel("area-corrected", _TITLE, words, None, _COLUMNS, (), link=_EVALUATE)


def _pair(label: ProjectLabel, px: int, area: AdjustedArea | Estimate | None, query: str, pixels: int) -> Pair:
    share = px / pixels
    corrected = None
    if area is not None:
        value, interval = _share(area.value, pixels), _interval(area, pixels)
        hover = f"{label.name}, corrected\n{percent(value)} (95% interval {percent_range(interval)})"
        corrected = Mark(label.name, value, hover, query, interval.low, interval.high)
    return Pair(label.name, Mark(label.name, share, f"{label.name}, as counted\n{percent(share)}", query), corrected)


def _share(px: float, pixels: int) -> float:
    return min(1.0, px / pixels)


def _interval(area: AdjustedArea | Estimate, pixels: int) -> Interval:
    return Interval(_share(area.low, pixels), _share(area.high, pixels))
