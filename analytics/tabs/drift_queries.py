"""What the drift page asks the database: two statements over daily sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from analytics.scope import Scope
from analytics.tabs.days import as_text, day_parameters, inspected_days, label_days


@dataclass(frozen=True)
class Sums:
    """Count, sum and sum of squares of one quantity over the images of a day, in the units it is stored in."""

    n: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        """ZeroDivisionError where nothing was measured."""
        return self.total / self.n

    @property
    def sd(self) -> float:
        return max(0.0, self.squares / self.n - self.mean**2) ** 0.5


@dataclass(frozen=True)
class LookRow:
    """What the images of one day looked like, and how sure the model was."""

    day: date
    inspected_count: int
    confidence: Sums
    brightness: Sums
    sharpness: Sums
    warmth: Sums


@dataclass(frozen=True)
class MixRow:
    day: date
    label: str
    affected_count: int


_LOOKS: LiteralString = """
    SELECT day, sum(inspected_count)::bigint,
           sum(confidence_count)::bigint, sum(confidence_sum)::bigint, sum(confidence_squares)::bigint,
           sum(feature_count)::bigint, sum(brightness_sum)::bigint, sum(brightness_squares)::bigint,
           sum(sharpness_sum)::bigint, sum(sharpness_squares)::bigint, sum(warmth_sum)::bigint,
           sum(warmth_squares)::bigint
    FROM ({inspected}) AS inspected GROUP BY day HAVING sum(inspected_count) > 0 ORDER BY day
"""

_MIX: LiteralString = """
    SELECT counted.day, label.name, counted.affected_count
    FROM (SELECT day, label_id, sum(affected_count)::bigint AS affected_count
          FROM ({found}) AS found GROUP BY day, label_id) AS counted
    JOIN label ON label.id = counted.label_id AND label.is_defect
    ORDER BY counted.day, label.name
"""


def looks(cursor: Any, scope: Scope) -> tuple[LookRow, ...]:
    """Every day that has images, oldest first."""
    cursor.execute(as_text(_LOOKS, inspected=inspected_days(scope, by="time", looks=True)), day_parameters(scope))
    return tuple(
        LookRow(
            day=row[0],
            inspected_count=row[1],
            confidence=Sums(*row[2:5]),
            brightness=Sums(row[5], *row[6:8]),
            sharpness=Sums(row[5], *row[8:10]),
            warmth=Sums(row[5], *row[10:12]),
        )
        for row in cursor.fetchall()
    )


def mix(cursor: Any, scope: Scope) -> tuple[MixRow, ...]:
    """How many images each defect label affected, by day."""
    cursor.execute(as_text(_MIX, found=label_days(scope, by="time")), day_parameters(scope))
    return tuple(MixRow(*row) for row in cursor.fetchall())
