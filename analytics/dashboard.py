"""The numbers of one dashboard: one scope, one moment, every rate with its interval and its n."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from analytics import queries
from analytics.audits import EscapeEstimate, estimated_escapes
from analytics.moving import Moves, Side, moves
from analytics.queries import EventRow, LabelRow, ProjectState, PromotionRow, SourceRow, SummaryRow, TrendRow
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import MIN_IMAGES_COUNT, Interval, difference, two_proportions, wilson

Unit = Literal["hour", "day", "week"]
Direction = Literal["up", "down", "unclear", "too few", "nothing before"]

_AUTO_HOURS = timedelta(days=2)
_AUTO_DAYS = timedelta(days=92)
_MOST_HOURS = timedelta(days=62)
_MOST_DAYS = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Rate:
    """`count` of `n` images. `interval` is the 95 % Wilson interval of the rate."""

    count: int
    n: int
    interval: Interval

    @classmethod
    def of(cls, count: int, n: int) -> Rate:
        return cls(count, n, wilson(count, n))

    @property
    def fraction(self) -> float | None:
        """0–1; None without images."""
        return self.count / self.n if self.n else None

    @property
    def is_too_few(self) -> bool:
        """Whether n is below `statistics.MIN_IMAGES_COUNT`, too few to say."""
        return self.n < MIN_IMAGES_COUNT


@dataclass(frozen=True)
class Change:
    """The rate against another: of what the scope is compared with, else of the period of equal length before.

    `difference` and `interval` in shares, −1 to 1; `p_value` (0–1) of the two-proportion test, None without images.
    """

    scope: Scope
    before: Rate
    difference: float | None
    interval: Interval
    direction: Direction
    p_value: float | None = None


@dataclass(frozen=True)
class Dashboard:
    """`unit` is what the trend is drawn by; `is_coarsened` when the unit asked for gave too many points."""

    scope: Scope
    summary: SummaryRow
    rate: Rate
    change: Change | None
    labels: tuple[LabelRow, ...]
    unit: Unit
    is_coarsened: bool
    trend: tuple[TrendRow, ...]
    promotions: tuple[PromotionRow, ...]
    sources: tuple[SourceRow, ...]
    upload_time_count: int
    state: ProjectState
    labels_before: tuple[LabelRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    escapes: EscapeEstimate | None = None
    moves: Moves | None = None

    @property
    def first_pass(self) -> Rate:
        """First-pass yield: passed by the model and overruled by nobody."""
        return Rate.of(self.summary.first_pass_count, self.summary.inspected_count)

    @property
    def model_rate(self) -> Rate:
        """What the model itself failed, before people changed verdicts."""
        return Rate.of(self.summary.fail_count, self.summary.inspected_count)

    @property
    def is_changed_by_people(self) -> bool:
        """Whether people's words make a difference to the number of failed images."""
        is_whole = self.scope.label_id is None
        return is_whole and self.summary.fail_count != self.summary.defective_count

    @property
    def label(self) -> LabelRow | None:
        """The label the scope is narrowed to."""
        return next((label for label in self.labels if label.label_id == self.scope.label_id), None)

    @property
    def defect_pixels(self) -> int:
        """Area of all defect labels, or of the one label the scope is narrowed to."""
        counted = [self.label] if self.label else [label for label in self.labels if label.is_defect]
        return sum(label.pixels for label in counted)

    @property
    def defect_area_fraction(self) -> float | None:
        """Their share of the whole inspected area, 0–1; None without images."""
        return self.area_fraction(self.defect_pixels)

    @property
    def first_day(self) -> date | None:
        """The day of the first image, in the scope's zone; None without images."""
        return local(self.summary.first_at, self.scope).date() if self.summary.first_at else None

    @property
    def last_day(self) -> date | None:
        return local(self.summary.last_at, self.scope).date() if self.summary.last_at else None

    def area_fraction(self, pixels: int) -> float | None:
        return pixels / self.summary.pixels if self.summary.pixels else None


def build_dashboard(cursor: Any, scope: Scope) -> Dashboard:
    """Every number of the scope, all of one moment."""
    with snapshot(cursor):
        summary = queries.summary(cursor, scope)
        rate = Rate.of(summary.defective_count, summary.inspected_count)
        unit, is_coarsened = trend_unit(scope, summary)
        labels = queries.labels(cursor, scope)
        before = _before(cursor, scope)
        return Dashboard(
            scope=scope,
            summary=summary,
            rate=rate,
            change=_change(rate, before) if before else None,
            labels=labels,
            unit=unit,
            is_coarsened=is_coarsened,
            trend=queries.trend(cursor, scope, unit),
            promotions=queries.promotions(cursor, scope),
            sources=queries.by_source(cursor, scope),
            upload_time_count=summary.upload_time_count,
            state=queries.project_state(cursor, scope.project_id),
            labels_before=tuple(before.labels) if before else (),
            events=queries.events(cursor, scope),
            escapes=estimated_escapes(cursor, scope),
            moves=moves(cursor, Side(scope, summary, labels), before) if before else None,
        )


def _before(cursor: Any, scope: Scope) -> Side | None:
    """What the scope is compared with; None where there is nothing, or only itself."""
    compared = scope.compared()
    if compared is None or compared == replace(scope, versus=None):
        return None
    return Side(compared, queries.summary(cursor, compared), queries.labels(cursor, compared))


def trend_unit(scope: Scope, summary: SummaryRow) -> tuple[Unit, bool]:
    """The unit of the trend, and whether it is coarser than the one asked for.

    Auto takes hours up to two days of images, days up to a quarter of a year, weeks above. Asked for, hours
    are drawn up to two months of images and days up to three years.
    """
    if summary.first_at is None or summary.last_at is None:
        return "day" if scope.bucket == "auto" else scope.bucket, False
    length = summary.last_at - summary.first_at
    if scope.bucket == "auto":
        return "hour" if length < _AUTO_HOURS else "day" if length < _AUTO_DAYS else "week", False
    if scope.bucket == "week" or length > _MOST_DAYS:
        return "week", scope.bucket != "week"
    if scope.bucket == "day" or length > _MOST_HOURS:
        return "day", scope.bucket != "day"
    return "hour", False


def _change(rate: Rate, side: Side) -> Change:
    before = Rate.of(side.summary.defective_count, side.summary.inspected_count)
    interval = difference(rate.count, rate.n, before.count, before.n)
    middle = p_value = None
    if rate.fraction is not None and before.fraction is not None:
        middle = rate.fraction - before.fraction
        p_value = two_proportions(rate.count, rate.n, before.count, before.n)
    return Change(side.scope, before, middle, interval, _direction(rate, before, interval), p_value)


def _direction(rate: Rate, before: Rate, interval: Interval) -> Direction:
    if before.n == 0:
        return "nothing before"
    if rate.is_too_few or before.is_too_few:
        return "too few"
    if interval.low > 0:
        return "up"
    return "down" if interval.high < 0 else "unclear"


def local(instant: datetime, scope: Scope) -> datetime:
    """The instant as clocks of the scope's zone show it."""
    return instant.astimezone(ZoneInfo(scope.time_zone))
