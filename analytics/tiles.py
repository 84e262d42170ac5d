"""The five numbers of the first screen, each with what it stands on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from analytics.audits import EscapeEstimate
from analytics.dashboard import Change, Dashboard
from analytics.statistics import MIN_IMAGES_COUNT
from analytics.wording import count, counted, day, days, percent, percent_range, points, points_range

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True)
class Tile:
    """A number and what it says. `query` finds the images behind it; `page` is the name of an address instead.

    Both are None or empty where there is nothing to open. `unit` stands small behind the number, `verdict` is a note
    with a tone.
    """

    key: str
    name: str
    number: str
    notes: tuple[str, ...]
    query: str | None = None
    link: str = ""
    tone: Tone = ""
    unit: str = ""
    verdict: str = ""
    page: str = ""


def tiles(dashboard: Dashboard) -> tuple[Tile, ...]:
    """Inspected, defect rate, first-pass yield, waiting for a person, estimated escapes."""
    return (
        _inspected(dashboard),
        _rate(dashboard),
        _first_pass(dashboard),
        _waiting(dashboard),
        _escapes(dashboard),
    )


def _inspected(dashboard: Dashboard) -> Tile:
    n = dashboard.summary.inspected_count
    first, last = dashboard.first_day, dashboard.last_day
    return Tile(
        key="inspected",
        name="Images inspected",
        number=count(n),
        notes=(f"Captured {days(first, last)}",) if first and last else (),
        query=dashboard.scope.images_query(defective=False),
        link=f"Open {counted(n, 'image')}",
    )


def _rate(dashboard: Dashboard) -> Tile:
    rate, label = dashboard.rate, dashboard.label
    notes = [f"95% interval {percent_range(rate.interval)}", f"{count(rate.count)} of {counted(rate.n, 'image')}"]
    if rate.is_too_few:
        notes.append(f"Fewer than {MIN_IMAGES_COUNT} images: too few to say")
    if dashboard.is_changed_by_people:
        notes.append(f"The model alone: {percent(dashboard.model_rate.fraction or 0.0)}; people changed verdicts")
    what = f"with {label.name}" if label else "defective"
    change = dashboard.change
    return Tile(
        key="rate",
        name=f"Images with {label.name}" if label else "Defect rate",
        number=percent(rate.fraction or 0.0),
        notes=tuple(notes),
        query=dashboard.scope.images_query(defective=True) if rate.count else None,
        link=f"Open {count(rate.count)} {what}",
        verdict=change_words(dashboard, change) if change else "Choose a period to see how it changed",
        tone=_tone(dashboard, change) if change else "",
    )


def change_words(dashboard: Dashboard, change: Change) -> str:
    """The change in a few words: against what, how much, how sure."""
    against = "the other" if dashboard.scope.versus else "the period before"
    if change.direction == "nothing before":
        return f"No images to compare with in {against}"
    if change.direction == "too few":
        return f"Too few images to compare with {against}"
    if change.direction == "unclear":
        return f"No clear change against {against}: {points_range(change.interval)}"
    return f"{points(change.difference or 0.0)} points against {against} ({points_range(change.interval)})"


def _tone(dashboard: Dashboard, change: Change) -> Tone:
    """More of a label that is no defect is neither good nor bad."""
    if change.direction not in ("up", "down") or (dashboard.label and not dashboard.label.is_defect):
        return ""
    return "bad" if change.direction == "up" else "good"


def _first_pass(dashboard: Dashboard) -> Tile:
    rate = dashboard.first_pass
    notes = [f"95% interval {percent_range(rate.interval)}", f"{count(rate.count)} of {counted(rate.n, 'image')}"]
    notes.append("Passed by the model, overruled by nobody")
    if rate.is_too_few:
        notes.append(f"Fewer than {MIN_IMAGES_COUNT} images: too few to say")
    return Tile(
        key="first-pass",
        name="First-pass yield",
        number=percent(rate.fraction or 0.0),
        notes=tuple(notes),
        query=_with(dashboard, verdict="pass"),
        link="Open the passed images",
    )


def _waiting(dashboard: Dashboard) -> Tile:
    waiting, failed = dashboard.summary.waiting_count, dashboard.summary.fail_count
    note = "Failed by the model, judged by nobody yet" if waiting else "Every failed image has been judged"
    if not failed:
        note = "The model failed no image"
    return Tile(
        key="waiting",
        name="Waiting for a person",
        number=count(waiting),
        notes=(note, f"of {counted(failed, 'image')} that the model failed") if waiting else (note,),
        query=_with(dashboard, waiting="1") if waiting else None,
        link=f"Judge {counted(waiting, 'image')}",
    )


def _escapes(dashboard: Dashboard) -> Tile:
    name, found = "Estimated escapes", dashboard.escapes
    if found is None:
        return Tile(
            key="escapes",
            name=name,
            number="–",
            notes=("Defects that passed. To know, judge a random sample of passed images blind, some minutes a week.",),
            page="audit",
            link="Start the first audit",
        )
    if not found.is_enough:
        missing = MIN_IMAGES_COUNT - found.judged_count
        return Tile(
            key="escapes",
            name=name,
            number="–",
            notes=(
                f"{found.escape_count} found in {counted(found.judged_count, 'passed image')}: too few to say. "
                f"Judge {missing} more.",
                _last_audit(dashboard, found),
            ),
            page="audit",
            link="Go on with the audit",
        )
    per_1000 = found.per_1000
    notes = [f"95% interval {_amount(per_1000.low)} to {_amount(per_1000.high)}"]
    if found.count is not None:
        span = f"{_amount(found.count.low)} to {_amount(found.count.high)}"
        notes.append(f"About {_amount(found.count.value)} of {count(found.passed_count)} passed here ({span})")
    notes.append(f"{counted(found.judged_count, 'image')} judged blind{'' if found.is_of_scope else ', earlier ones'}")
    notes.append(_last_audit(dashboard, found))
    return Tile(
        key="escapes",
        name=name,
        number=_amount(per_1000.value),
        unit="per 1,000 passed",
        notes=tuple(notes),
        page="audit",
        link="Open the audits",
    )


def _last_audit(dashboard: Dashboard, found: EscapeEstimate) -> str:
    return f"Last audit {day(found.last_judged_at.astimezone(ZoneInfo(dashboard.scope.time_zone)).date())}"


def _amount(value: float) -> str:
    return f"{value:,.1f}" if 0 < value < 100 else f"{value:,.0f}"


def _with(dashboard: Dashboard, **more: str) -> str:
    scope = replace(dashboard.scope, label_id=None, bucket="auto", versus=None)
    return urlencode(scope.parameters() | more)
