"""What another rule would have done, replayed on stored numbers: rejects, yield, and errors where people judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.scope import Scope
from analytics.statistics import Interval, wilson
from analytics.tabs.page import ProjectLabel, project_labels
from analytics.what_if_rows import Numbers, Tried, read, recent

_STEPS_COUNT = 25
_CHANGED_COUNT = 12


@dataclass(frozen=True)
class Rule:
    """`min_region_px` is the limit of all defect labels, or of `label_id` alone; None leaves limits as they are.

    `min_confidence` (0–1): a label found with less does not fail an image; one whose confidence is unknown does.
    """

    min_region_px: int | None = None
    label_id: int | None = None
    min_confidence: float | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether it changes nothing."""
        return self.min_region_px is None and not self.min_confidence


@dataclass(frozen=True)
class Share:
    """`count` of `n` images with the 95 % Wilson interval of their share, 0–1."""

    count: int
    n: int

    @property
    def fraction(self) -> float | None:
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        return wilson(self.count, self.n)


@dataclass(frozen=True)
class Outcome:
    """What a rule does. `rejects_per_day` is per day that has images; `first_pass` leaves out what people failed.

    `missed`: of the images people failed, those it passes; `over_rejected`: of those they passed, those it fails.
    """

    rejected: Share
    first_pass: Share
    missed: Share
    over_rejected: Share
    rejects_per_day: float
    rejects_per_day_interval: Interval


@dataclass(frozen=True)
class Step:
    """One limit of the trade-off."""

    min_region_px: int
    outcome: Outcome


@dataclass(frozen=True)
class Changed:
    """Ids of images whose verdict the rule turns, and how many of the tried there are."""

    to_pass: tuple[int, ...]
    to_fail: tuple[int, ...]
    to_pass_count: int
    to_fail_count: int


@dataclass(frozen=True)
class WhatIf:
    """`in_force` is what the stored rule did, `tried_outcome` what the one asked for does, `steps` limits around it.

    `asked` is the scope as it was asked for, `tried.scope` the one that was read.
    """

    asked: Scope
    tried: Tried
    rule: Rule
    labels: tuple[ProjectLabel, ...]
    in_force: Outcome
    tried_outcome: Outcome
    steps: tuple[Step, ...]
    changed: Changed
    usual_limit_px: int
    largest_px: int


def what_if(cursor: Any, scope: Scope, rule: Rule) -> WhatIf:
    """Replay a rule on the scope's images; without days in the scope, on those of the last 30 days."""
    labels = tuple(label for label in project_labels(cursor, scope.project_id) if label.is_defect)
    tried = read(cursor, recent(cursor, scope), [label.id for label in labels])
    fails = fails_under(tried.numbers, rule)
    now = _in_force_limits(tried.numbers, rule)
    usual = int(np.median(now)) if now.size else 1
    return WhatIf(
        asked=scope,
        tried=tried,
        rule=rule,
        labels=labels,
        in_force=_outcome(tried, Rule()),
        tried_outcome=_outcome(tried, rule),
        steps=tuple(
            Step(limit, _outcome(tried, Rule(limit, rule.label_id, rule.min_confidence)))
            for limit in limits(tried.numbers, also=[usual, rule.min_region_px or usual])
        ),
        changed=_changed(tried.numbers, fails),
        usual_limit_px=usual,
        largest_px=int(tried.numbers.largest_px.max(initial=usual)),
    )


def fails_under(numbers: Numbers, rule: Rule) -> NDArray[np.bool_]:
    """Which images the rule fails; the rule in force where it changes nothing, which is what was stored."""
    if rule.is_in_force:
        return numbers.fails
    limit = numbers.limit_px
    if rule.min_region_px is not None:
        moved = np.ones_like(limit, bool) if rule.label_id is None else numbers.label_id == rule.label_id
        limit = np.where(moved, rule.min_region_px, limit)
    counts = numbers.largest_px >= limit
    if rule.min_confidence:
        counts &= ~(numbers.confidence < rule.min_confidence)
    fails = np.zeros(numbers.count, bool)
    fails[numbers.place[counts]] = True
    return fails


def limits(numbers: Numbers, also: Sequence[int] = ()) -> list[int]:
    """Limits from 1 px to the largest region found, evenly on a logarithmic scale, and those in `also`."""
    top = int(numbers.largest_px.max(initial=1))
    even = np.unique(np.round(np.geomspace(1, max(top + 1, 2), _STEPS_COUNT)).astype(np.int64))
    return sorted({*(int(limit) for limit in even), *also})


def _outcome(tried: Tried, rule: Rule) -> Outcome:
    numbers, judged = tried.numbers, tried.judged
    fails, judged_fails = fails_under(numbers, rule), fails_under(judged, rule)
    rejected = Share(int(fails.sum()), numbers.count)
    per_day = tried.image_count / tried.day_count if tried.day_count else 0.0
    bad, good = judged.judged == 1, judged.judged == 0
    return Outcome(
        rejected=rejected,
        first_pass=Share(int((~fails & (numbers.judged != 1)).sum()), numbers.count),
        missed=Share(int((bad & ~judged_fails).sum()), int(bad.sum())),
        over_rejected=Share(int((good & judged_fails).sum()), int(good.sum())),
        rejects_per_day=(rejected.fraction or 0.0) * per_day,
        rejects_per_day_interval=Interval(rejected.interval.low * per_day, rejected.interval.high * per_day),
    )


def _in_force_limits(numbers: Numbers, rule: Rule) -> NDArray[np.int64]:
    if rule.label_id is None:
        return numbers.limit_px
    return numbers.limit_px[numbers.label_id == rule.label_id]


def _changed(numbers: Numbers, fails: NDArray[np.bool_]) -> Changed:
    to_pass, to_fail = numbers.fails & ~fails, ~numbers.fails & fails
    return Changed(
        to_pass=tuple(numbers.image_ids[to_pass][:_CHANGED_COUNT].tolist()),
        to_fail=tuple(numbers.image_ids[to_fail][:_CHANGED_COUNT].tolist()),
        to_pass_count=int(to_pass.sum()),
        to_fail_count=int(to_fail.sum()),
    )
