"""The page of people and models: who judged what, how often models are overruled, versions, and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from analytics import figures, tab_figures
from analytics.dashboard import Rate
from analytics.figures import Point
from analytics.panels import Panel, fraction_cells, rate_cells, rate_text
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import MIN_IMAGES_COUNT, mcnemar
from analytics.statistics.comparison import SURE_P, told_p
from analytics.tab_figures import Mark
from analytics.tabs import people_queries as queries
from analytics.tabs.page import TabPage, table
from analytics.tabs.people_queries import ChangeRow, OverruleRow, PairRow, ReviewerRow, VersionRow
from analytics.wording import count, counted, days, percent

_KINDS = {"model": "Model", "rule": "Rule", "calibration": "Calibration", "labels": "Labels"}
_PAIRS_TITLE = "Two versions on the same images"
_HOLLOW = f"Hollow: fewer than {MIN_IMAGES_COUNT}, too few to say."


@dataclass(frozen=True)
class People:
    """Reviews and changes by when they were made, versions by when the images were captured."""

    scope: Scope
    reviewers: tuple[ReviewerRow, ...]
    overrules: tuple[OverruleRow, ...]
    versions: tuple[VersionRow, ...]
    pairs: tuple[PairRow, ...]
    changes: tuple[ChangeRow, ...]

    @property
    def inspected_count(self) -> int:
        """Results of all versions; an image that two versions saw counts twice."""
        return sum(row.inspected_count for row in self.versions)


def read_people(cursor: Any, scope: Scope) -> People:
    """Every number of the page, all of one moment."""
    with snapshot(cursor):
        versions = queries.versions(cursor, scope)
        reviewers, overrules = queries.said(cursor, scope)
        return People(
            scope=scope,
            reviewers=reviewers,
            overrules=overrules,
            versions=versions,
            pairs=queries.pairs(cursor, scope) if len(versions) > 1 or scope.model_version_id else (),
            changes=queries.changes(cursor, scope),
        )


def people_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected."""
    people = read_people(cursor, scope)
    if not people.inspected_count:
        return TabPage(0)
    panels = (_reviewers(people), _overrules(people), _versions(people), _pairs(people), _changes(people))
    return TabPage(people.inspected_count, panels)


def _reviewers(people: People) -> Panel:
    title = "Who judged what"
    columns = (
        "Person",
        "Judged",
        "Confirmed",
        "Overruled",
        "Share overruled",
        "95% interval",
        "Judged blind",
        "Blind, same as the model",
        "Same as others' blind verdict",
    )
    if not people.reviewers:
        words = "Nobody has judged an image here yet. Open an image and confirm or overrule its verdict."
        return Panel("people-reviews", title, words, None, columns, ())
    rows = []
    for row in people.reviewers:
        rate = Rate.of(row.overruled_count, row.judged_count)
        rows.append(
            (
                (
                    row.name,
                    count(row.judged_count),
                    count(row.judged_count - row.overruled_count),
                    count(row.overruled_count),
                    *(fraction_cells(rate) if rate.n else ("–", "–")),
                    count(row.blind_count),
                    _of(row.blind_count - row.blind_overruled_count, row.blind_count),
                    _of(row.agreed_count, row.compared_count),
                ),
                None,
            )
        )
    return Panel(
        key="people-reviews",
        title=title,
        sentence="By when it was judged; a person's newest word on each image counts once. Blind: by the photo alone.",
        figure=None,
        columns=columns,
        rows=table(rows),
        is_wide=True,
    )


def _of(part: int, n: int) -> str:
    return f"{percent(part / n)} of {count(n)}" if n else "–"


def _overrules(people: People) -> Panel:
    title, columns = (
        "How often people overrule each version",
        ("Version", "Judged", "Overruled", "Share overruled", "95% interval"),
    )
    if not people.overrules:
        words = "No verdict of a model has been judged yet, so nobody knows how often people disagree with it."
        return Panel("people-overruled", title, words, None, columns, ())
    dots, cells = [], []
    for row in people.overrules:
        rate = Rate.of(row.overruled_count, row.judged_count)
        name, query = f"v{row.number} {row.architecture}", _version_query(people.scope, row.model_version_id)
        dots.append(_dot(name, rate, query, f"overruled {count(rate.count)} of {counted(rate.n, 'time')}"))
        cells.append(((name, *rate_cells(rate)), query))
    whole = sum(row.overruled_count for row in people.overrules) / sum(row.judged_count for row in people.overrules)
    return Panel(
        key="people-overruled",
        title=title,
        sentence="Of the images that somebody chose to judge, so not of all images; the weekly blind sample is fair to "
        f"both. {_HOLLOW}",
        figure=figures.dots(dots, overall=whole),
        columns=columns,
        rows=table(cells),
    )


def _versions(people: People) -> Panel:
    dots, cells = [], []
    for row in people.versions:
        rate = Rate.of(row.fail_count, row.inspected_count)
        query = _version_query(people.scope, row.model_version_id)
        name = f"v{row.number} {row.architecture}{' (live)' if row.is_live else ''}"
        period = days(row.first_day, row.last_day)
        dots.append(_dot(name, rate, query, f"{count(rate.count)} of {counted(rate.n, 'image')}\n{period}"))
        cells.append(((name, *rate_cells(rate), period), query))
    whole = sum(row.fail_count for row in people.versions) / people.inspected_count
    words = "The model's own verdicts, on all images that each version saw"
    if len(people.versions) == 1:
        words = f"{words}; only one version saw images here."
    else:
        see = f": see “{_PAIRS_TITLE}”" if people.pairs else ""
        words = f"{words}. Different images may be the whole difference{see}."
    return Panel(
        key="people-versions",
        title="Defect rate by model version",
        sentence=f"{words} {_HOLLOW}",
        figure=figures.dots(dots, overall=whole),
        columns=("Version", "Images", "Defective", "Defect rate", "95% interval", "Captured"),
        rows=table(cells),
    )


def _pairs(people: People) -> Panel:
    title = _PAIRS_TITLE
    columns = ("Versions", "Images", "Same verdict", "Only the first fails", "Only the second fails", "p")
    if not people.pairs:
        words = "No image here was seen by two versions. Run another version over a batch to compare them."
        return Panel("people-pairs", title, words, None, columns, ())
    names = {row.model_version_id: f"v{row.number}" for row in people.versions}
    cells = []
    for row in people.pairs:
        pair = f"{names.get(row.current_id, 'a version')} and {names.get(row.other_id, 'another')}"
        p_value = mcnemar(row.only_current_fails, row.only_other_fails)
        numbers = (
            count(row.both_count),
            _of(row.agree_count, row.both_count),
            count(row.only_current_fails),
            count(row.only_other_fails),
            told_p(p_value),
        )
        cells.append(((pair, *numbers), _version_query(people.scope, row.other_id)))
    first = people.pairs[0]
    now, other = names.get(first.current_id, "a version"), names.get(first.other_id, "another")
    p_value = mcnemar(first.only_current_fails, first.only_other_fails)
    gap = first.only_current_fails - first.only_other_fails
    words = f"No clear difference between {now} and {other} on {counted(first.both_count, 'image')}"
    if p_value < SURE_P:
        more = f"{count(abs(gap))} {'more' if gap > 0 else 'fewer'}"
        words = f"{now} fails {more} than {other} of the same {counted(first.both_count, 'image')}"
    return Panel(
        key="people-pairs",
        title=title,
        sentence=f"{words} ({told_p(p_value)}, McNemar). The newest {count(queries.MOST_PAIRED)} images at most.",
        figure=None,
        columns=columns,
        rows=table(cells),
    )


def _changes(people: People) -> Panel:
    title, columns = "What was changed when", ("When", "What", "Change", "Who")
    if not people.changes:
        words = "No model went live here and no rule, calibration or label changed in this time."
        return Panel("people-changes", title, words, None, columns, ())
    zone = ZoneInfo(people.scope.time_zone)
    rows, marks = [], {kind: list[Mark]() for kind in _KINDS}
    for row in people.changes:
        at = row.at.astimezone(zone)
        when, who = f"{at.day} {at:%b %Y, %H:%M}", row.person or "–"
        query = people.scope.images_query(defective=False, hour=None, start=at.date(), end=at.date())
        marks[row.kind].append(Mark(at.strftime("%Y-%m-%dT%H:%M"), None, f"{when}\n{row.sentence}\n{who}", query))
        rows.append(((when, _KINDS[row.kind], row.sentence, who), query))
    shown = [(_KINDS[kind], found) for kind, found in marks.items() if found]
    return Panel(
        key="people-changes",
        title=title,
        sentence="Models that went live, and changes of rule, calibration and labels: each may move every number from "
        "then on. A point opens the images of that day.",
        figure=tab_figures.happenings(shown),
        columns=columns,
        rows=table(rows),
        is_wide=True,
    )


def _dot(name: str, rate: Rate, query: str, more: str) -> Point:
    return Point(
        x=name,
        fraction=rate.fraction or 0.0,
        low=rate.interval.low,
        high=rate.interval.high,
        n=rate.n,
        hover=f"{name}\n{rate_text(rate)}\n{more}",
        query=query,
        all_query=query,
        is_too_few=rate.is_too_few,
    )


def _version_query(scope: Scope, model_version_id: int) -> str:
    return scope.images_query(defective=False, model_version_id=model_version_id)
