"""What the list of models shows: all versions on the same images, sorted as asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest

from analytics import judging_figures, wilson
from analytics.judging_figures import Quality
from analytics.panels import Panel, TableRow
from analytics.wording import count
from webapp.actions.people import is_admin
from webapp.models import Project, User
from webapp.models.leaderboard import DEFAULT_SORT, SORTS, Holdout, LeaderboardRow, holdouts, leaderboard

_COLUMNS = {
    "version": ("Version", ""),
    "quality": ("Quality", "Mean overlap with the truth (IoU) of the defect labels; 1 is perfect"),
    "missed": ("Missed", "Of 1,000 defective images, how many pass"),
    "rejected": ("Rejected", "Of 1,000 good images, how many fail"),
    "speed": ("Seconds", "Seconds for 1,000 images on the machine that evaluated it"),
    "size": ("Size", "Size of the weights on the disk"),
    "parameters": ("Parameters", "Learned numbers"),
}
_FEWEST_POINTS = 2


@dataclass(frozen=True)
class Column:
    """`sort` is what aria-sort takes; `query` sorts by it, or the other way round where it is sorted by it."""

    key: str
    name: str
    title: str
    query: str
    sort: str


@dataclass(frozen=True)
class PerThousand:
    """A rate per 1,000 with its 95 % interval, and the images it comes from."""

    value: float
    low: float
    high: float
    count: int
    n: int


@dataclass(frozen=True)
class Line:
    """A row of the table. `missed` and `rejected` are None without images of their kind."""

    row: LeaderboardRow
    missed: PerThousand | None
    rejected: PerThousand | None

    @classmethod
    def of(cls, row: LeaderboardRow) -> Line:
        return cls(row, *rates(row.counts))


def rates(counts: dict[str, int] | None) -> tuple[PerThousand | None, PerThousand | None]:
    """Missed per 1,000 defective images and rejected per 1,000 good ones."""
    if not counts:
        return None, None
    return _rate(counts["missed"], counts["defective"]), _rate(counts["rejected"], counts["good"])


def _rate(number: int, n: int) -> PerThousand | None:
    if not n:
        return None
    interval = wilson(number, n)
    return PerThousand(1000 * number / n, 1000 * interval.low, 1000 * interval.high, number, n)


def leaderboard_context(request: HttpRequest, project: Project) -> dict[str, Any]:
    """What `models/_leaderboard.html` prints. Http404 for a sort or a data set that is not there."""
    offered = [one for one in holdouts(project) if one.split is not None]
    chosen = _chosen(request, offered)
    sort, reverse = request.GET.get("sort", DEFAULT_SORT), request.GET.get("order") == "reverse"
    if sort not in SORTS:
        raise Http404("no such column")
    dataset, split = (chosen.dataset, chosen.split) if chosen else (None, None)
    rows = leaderboard(project, dataset, split, sort=sort, reverse=reverse)
    fixed = {"dataset": chosen.dataset.pk} if chosen and chosen != offered[0] else {}
    going_on = sum(row.is_going_on for row in rows)
    return {
        "project": project,
        "lines": [Line.of(row) for row in rows],
        "columns": [_column(key, sort, reverse, fixed) for key in _COLUMNS],
        "holdouts": offered,
        "holdout": chosen,
        "sort": sort,
        "order": "reverse" if reverse else "",
        "missing_count": sum(row.is_missing for row in rows) if chosen else 0,
        "going_on_count": going_on,
        "learned_count": sum(row.learned_count > 0 for row in rows),
        "quality": _quality(project, rows),
        "is_admin": is_admin(request.user, project.workspace) if isinstance(request.user, User) else False,
        "was_live_ids": _was_live(project),
        "address_query": urlencode(fixed | {"sort": sort} | ({"order": "reverse"} if reverse else {})),
    }


def _chosen(request: HttpRequest, offered: list[Holdout]) -> Holdout | None:
    wanted = request.GET.get("dataset", "")
    if not wanted:
        return offered[0] if offered else None
    found = next((one for one in offered if str(one.dataset.pk) == wanted), None)
    if found is None:
        raise Http404("no such data set with images kept apart")
    return found


def _column(key: str, sort: str, reverse: bool, fixed: dict[str, int]) -> Column:
    is_chosen = key == sort
    turned = {"order": "reverse"} if is_chosen and not reverse else {}
    largest_first = SORTS[key][1] != reverse
    name, title = _COLUMNS[key]
    return Column(
        key=key,
        name=name,
        title=title,
        query=urlencode(fixed | {"sort": key} | turned),
        sort=("descending" if largest_first else "ascending") if is_chosen else "none",
    )


def _was_live(project: Project) -> set[int]:
    pairs = project.promotions.values_list("model_version", "previous")
    return {pk for pair in pairs for pk in pair if pk is not None}


def _quality(project: Project, rows: list[LeaderboardRow]) -> Panel | None:
    """Quality against speed, where there are versions to choose between."""
    known = [row for row in rows if row.mean_defect_iou is not None and row.seconds_per_1000_images is not None]
    if len(known) < _FEWEST_POINTS:
        return None
    points = [_quality_point(project, row) for row in known]
    return Panel(
        key="quality",
        title="Quality against speed",
        sentence="Towards the top left is better. The filled point is live.",
        figure=judging_figures.quality(points),
        columns=("Version", "Mean IoU of the defects", "Seconds per 1,000 images"),
        rows=tuple(TableRow((point.name, f"{point.iou:.3f}", f"{point.seconds:,.0f}"), "") for point in points),
    )


def _quality_point(project: Project, row: LeaderboardRow) -> Quality:
    version, iou, seconds = row.model_version, row.mean_defect_iou or 0.0, row.seconds_per_1000_images or 0.0
    hover = f"{version}\nMean IoU {iou:.3f}\n{count(round(seconds))} s per 1,000 images"
    return Quality(f"v{version.number}", iou, seconds, version.pk == project.live_model_id, hover)
