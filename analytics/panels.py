"""A panel of the dashboard page: a figure, the table behind it and a plain sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analytics.dashboard import Rate
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.wording import count, percent, percent_range

HOLLOW = f"Hollow: fewer than {MIN_IMAGES_COUNT} images, too few to say."


@dataclass(frozen=True)
class TableRow:
    """`query` finds the images behind the row; None where a row is not about images."""

    cells: tuple[str, ...]
    query: str | None


@dataclass(frozen=True)
class Note:
    """A finding in one sentence. `query` finds the images behind it; None where it is not about images."""

    text: str
    query: str | None = None


@dataclass(frozen=True)
class Link:
    """Where to do what a sentence asks for: the name of an address of the project, and a part of that page."""

    page: str
    text: str
    part: str = ""


@dataclass(frozen=True)
class Panel:
    """`figure` is Plotly JSON, or None where there is nothing to draw; then the sentence says why.

    `is_wide`: it takes the whole width of the page.
    """

    key: str
    title: str
    sentence: str
    figure: dict[str, Any] | None
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[Note, ...] = ()
    link: Link | None = None
    is_wide: bool = False


def rate_text(rate: Rate) -> str:
    return f"{percent(rate.fraction or 0.0)} (95% interval {percent_range(rate.interval)})"


def rate_cells(rate: Rate) -> tuple[str, ...]:
    return count(rate.n), count(rate.count), *fraction_cells(rate)


def fraction_cells(rate: Rate) -> tuple[str, str]:
    return percent(rate.fraction or 0.0), percent_range(rate.interval)
