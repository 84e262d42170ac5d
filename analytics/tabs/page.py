"""What the pages share: their parts, what a step of time is, which label they look at, and how they name things."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, LiteralString

from analytics.panels import HOLLOW, Link, Panel, TableRow
from analytics.scope import WITHOUT_SOURCE, Scope
from analytics.tab_figures import Mark
from analytics.wording import days

Unit = Literal["day", "week"]

SOURCELESS = "No source"
_MOST_DAYS = 92


@dataclass(frozen=True)
class Small:
    """One of several small figures. `query` finds its images; `note` may hold line breaks."""

    name: str
    note: str
    figure: dict[str, Any]
    query: str


@dataclass(frozen=True)
class Multiples(Panel):
    """A panel of several small figures with one table behind them."""

    figures: tuple[Small, ...] = ()


@dataclass(frozen=True)
class TabPage:
    """`notes` are plain sentences above the panels: what is missing and what to do about it; `link`: where to do it."""

    inspected_count: int
    panels: tuple[Panel, ...] = ()
    notes: tuple[str, ...] = ()
    link: Link | None = None


@dataclass(frozen=True)
class ProjectLabel:
    id: int
    index: int
    name: str
    color: str
    is_defect: bool


@dataclass(frozen=True)
class DayRow:
    """Images of one day; `pixels` of whole images."""

    day: date
    inspected_count: int
    pixels: int


_LABELS: LiteralString = """
    SELECT id, index, name, color, is_defect FROM label WHERE project_id = %s ORDER BY index
"""


def project_labels(cursor: Any, project_id: int) -> tuple[ProjectLabel, ...]:
    """Every label of the project, in index order."""
    cursor.execute(_LABELS, [project_id])
    return tuple(ProjectLabel(*row) for row in cursor.fetchall())


def unit_of(first: date, last: date, scope: Scope) -> Unit:
    """Days up to a quarter of a year, weeks above, or what the scope asks for."""
    if scope.bucket == "week":
        return "week"
    if scope.bucket == "day" and last - first <= timedelta(days=3 * _MOST_DAYS):
        return "day"
    return "day" if last - first < timedelta(days=_MOST_DAYS) else "week"


def begin(day: date, unit: Unit) -> date:
    """The first day of the step that a day lies in; weeks begin on Monday."""
    return day - timedelta(days=day.weekday()) if unit == "week" else day


def step_days(start: date, unit: Unit, scope: Scope) -> tuple[date, date]:
    """First and last day of a step, as far as the scope looks at it."""
    last = start + timedelta(days=6 if unit == "week" else 0)
    return max(start, scope.start or start), min(last, scope.end or last)


def step_name(start: date, unit: Unit, scope: Scope) -> str:
    return days(*step_days(start, unit, scope))


def step_query(scope: Scope, start: date, unit: Unit, *, defective: bool, **changes: Any) -> str:
    """The images behind a step."""
    first, last = step_days(start, unit, scope)
    return scope.images_query(defective=defective, start=first, end=last, **changes)


def source_change(source_id: int | None) -> int:
    """A source's id as scopes have it."""
    return WITHOUT_SOURCE if source_id is None else source_id


def table(rows: Sequence[tuple[tuple[str, ...], str | None]]) -> tuple[TableRow, ...]:
    return tuple(TableRow(cells, query) for cells, query in rows)


def listed(names: Sequence[str], most: int = 5) -> str:
    """ "a", "a and b", "a, b, c and 4 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def with_hollow(words: str, marks: Iterable[Mark]) -> str:
    """The sentence, and what hollow points are where there are any."""
    return f"{words} {HOLLOW}" if any(mark.is_too_few for mark in marks) else words


def first_upper(words: str) -> str:
    """The beginning of a sentence."""
    return words[:1].upper() + words[1:]
