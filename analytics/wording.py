"""Numbers as people read them: percent, points, counts, days."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from analytics.statistics import Interval


def percent(fraction: float) -> str:
    """A share of 0–1 with two or three meaningful digits; never "0%" or "100%" unless it is exactly that."""
    if fraction in (0, 1):
        return f"{fraction:.0%}"
    if fraction < 0.00001:
        return "<0.001%"
    if fraction > 0.9999:
        return ">99.99%"
    if fraction >= 0.9995:
        return f"{fraction:.2%}"
    if fraction >= 0.0095:
        return f"{fraction:.1%}"
    return f"{fraction:.2%}" if fraction >= 0.00095 else f"{fraction:.3%}"


def percent_range(interval: Interval) -> str:
    return f"{percent(interval.low)} to {percent(interval.high)}"


def points(change: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    digits = 1 if abs(change) >= 0.0095 else 2
    text = f"{abs(change) * 100:.{digits}f}"
    if float(text) == 0:
        return text
    return f"{'+' if change > 0 else '−'}{text}"


def points_range(interval: Interval) -> str:
    return f"{points(interval.low)} to {points(interval.high)} points"


def count(number: int) -> str:
    return f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 image", "1,200 images"; `many` where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def days(start: date, end: date) -> str:
    """A span of days, both included, without saying the same month or year twice."""
    if start == end:
        return day(start)
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{day(end)}"
    if start.year == end.year:
        return f"{start.day} {start:%B} – {day(end)}"
    return f"{day(start)} – {day(end)}"


def hour(value: datetime, time_zone: str) -> str:
    """The hour that begins at `value`, as clocks of the zone show it."""
    local = value.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%b %Y, %H:%M}"
