"""The page of zones: how often, how much and how long something is in parts of what cameras see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from analytics import tab_figures_zones as figures
from analytics.buckets import PLACE_COLUMNS
from analytics.panels import Link, Panel
from analytics.scope import Scope
from analytics.snapshot import snapshot
from analytics.statistics import Interval, presence
from analytics.tab_figures import Line, Mark, over_time
from analytics.tabs.page import Multiples, ProjectLabel, Small, TabPage, first_upper, project_labels, table
from analytics.tabs.place import cells, inspected_count
from analytics.tabs.zones_queries import (
    NEWEST_FRAMES,
    FrameRow,
    SeenRow,
    ZoneRow,
    frame_rows,
    seen_rows,
    zone_rows,
)
from analytics.wording import count, counted, percent, percent_range

NO_ZONES = (
    "No zones yet. A zone is a part of what a camera sees: a shelf, a door, a counter. Draw zones in the settings of a "
    "source; they count for all its images, those of the past too."
)
_MINUTES_UP_TO, _HOURS_UP_TO = timedelta(hours=3), timedelta(days=3)
_MOST_LINES, _MOST_SOURCES = 6, 12


@dataclass(frozen=True)
class Presence:
    """A label in a zone: in `seen_count` of `n` frames, coming or going `changes` times from one to the next.

    `area_fraction`: its mean share of the picture over all `n`. `seconds`: what the frames that show it stand for;
    None where they are photos, which stand for no time.
    """

    zone: ZoneRow
    label: ProjectLabel
    seen_count: int
    n: int
    changes: int
    region_count: int
    area_fraction: float
    seconds: float | None

    @property
    def share(self) -> float:
        return self.seen_count / self.n

    @property
    def interval(self) -> Interval:
        return presence(self.seen_count, self.n, self.changes)

    @property
    def name(self) -> str:
        return f"{self.zone.name}: {self.label.name}"


@dataclass(frozen=True)
class Zones:
    """What the page counts. `heat`: regions by cell of each source's picture, of the labels looked at."""

    zones: tuple[ZoneRow, ...]
    labels: tuple[ProjectLabel, ...]
    frames: tuple[FrameRow, ...]
    seen: tuple[SeenRow, ...]
    heat: dict[int, list[int]]


def read_zones(cursor: Any, scope: Scope) -> Zones:
    zones = zone_rows(cursor, scope)
    labels = tuple(
        label
        for label in project_labels(cursor, scope.project_id)
        if (label.id == scope.label_id if scope.label_id else label.index > 0)
    )
    frames = frame_rows(cursor, scope, zones) if zones else ()
    seen = seen_rows(cursor, scope, zones) if zones else ()
    watched = [label.id for label in labels]
    sources = sorted({frame.source_id for frame in frames})
    heat = {source: cells(cursor, replace(scope, source_id=source), watched) for source in sources}
    return Zones(zones, labels, frames, seen, heat)


def zones_page(cursor: Any, scope: Scope) -> TabPage:
    """The page of a scope; without panels where nothing was inspected, or no camera has zones."""
    with snapshot(cursor):
        n = inspected_count(cursor, scope)
        found = read_zones(cursor, scope) if n else None
    if found is None:
        return TabPage(0)
    if not found.zones:
        return TabPage(n, notes=(NO_ZONES,), link=Link("project-settings", "Settings → Sources → Zones", "sources"))
    rows = presences(found)
    return TabPage(n, (_shares(scope, found, rows), _times(scope, found, rows), _map(scope, found)))


def presences(found: Zones) -> list[Presence]:
    """Every zone of a camera with frames, with every label that was in any zone, zeros included."""
    seen: dict[tuple[int, int], list[SeenRow]] = defaultdict(list)
    for row in found.seen:
        seen[row.zone_id, row.label_id].append(row)
    there = {label_id for _, label_id in seen}
    by_source: dict[int, list[FrameRow]] = defaultdict(list)
    for frame in found.frames:
        by_source[frame.source_id].append(frame)
    return [
        _presence(zone, label, by_source[zone.source_id], seen[zone.id, label.id])
        for zone in found.zones
        if by_source[zone.source_id]
        for label in found.labels
        if label.id in there or len(found.labels) == 1
    ]


def _presence(zone: ZoneRow, label: ProjectLabel, frames: list[FrameRow], seen: list[SeenRow]) -> Presence:
    places = [row.place for row in seen]
    times = [frames[place - 1].seconds for place in places]
    known = [seconds for seconds in times if seconds is not None]
    is_video = any(frame.seconds is not None for frame in frames)
    return Presence(
        zone=zone,
        label=label,
        seen_count=len(seen),
        n=len(frames),
        changes=_changes(places, len(frames)),
        region_count=sum(row.region_count for row in seen),
        area_fraction=sum(row.area_fraction for row in seen) / len(frames),
        seconds=sum(known) if is_video else None,
    )


def _changes(places: list[int], n: int) -> int:
    """How often it comes or goes between neighbours of 1 … n, where it is at `places`, ascending."""
    runs = len(places) - sum(after == place + 1 for place, after in pairwise(places))
    return 2 * runs - (1 in places[:1]) - (n in places[-1:])


def _shares(scope: Scope, found: Zones, rows: list[Presence]) -> Panel:
    columns = ("Zone and label", "Source", "Frames with it", "Of", "Share", "95% interval", "Regions", "Area", "Time")
    title = "Presence per zone"
    if not rows:
        words = "Nothing but background was found in a zone of these images."
        return Panel("zones-presence", title, words, None, columns, ())
    rows = sorted(rows, key=lambda row: -row.share)
    most = rows[0]
    held = f"The newest {count(NEWEST_FRAMES)} images. " if len(found.frames) == NEWEST_FRAMES else ""
    return Panel(
        key="zones-presence",
        title=title,
        sentence=f"{held}{most.label.name} was in {most.zone.name} in {percent(most.share)} of "
        f"{counted(most.n, 'image')} (95% interval {percent_range(most.interval)}). A region counts where its centre "
        "lies and when it reaches its label's limit; images that follow each other are alike, which the interval "
        "allows for. Time is the number of frames times the interval they were taken at.",
        figure=figures.shares(
            [row.name for row in rows[:20]],
            [_mark(scope, row) for row in rows[:20]],
            [row.label.color for row in rows[:20]],
        ),
        columns=columns,
        rows=table([(_cells(row), _query(scope, row.zone, row.label)) for row in rows]),
    )


def _mark(scope: Scope, row: Presence) -> Mark:
    return Mark(
        x=row.name,
        y=row.share,
        hover=f"{row.name}\n{percent(row.share)} of {counted(row.n, 'image')}\n"
        f"95% interval {percent_range(row.interval)}",
        query=_query(scope, row.zone, row.label),
        low=row.interval.low,
        high=row.interval.high,
    )


def _cells(row: Presence) -> tuple[str, ...]:
    return (
        row.name,
        row.zone.source,
        count(row.seen_count),
        count(row.n),
        percent(row.share),
        percent_range(row.interval),
        count(row.region_count),
        percent(row.area_fraction),
        "–" if row.seconds is None else duration(row.seconds),
    )


def _query(scope: Scope, zone: ZoneRow, label: ProjectLabel, **changes: Any) -> str:
    """The images that show this label in this zone."""
    images = scope.images_query(defective=True, label_id=label.id, source_id=zone.source_id, **changes)
    return f"{images}&zone={zone.id}"


def duration(seconds: float) -> str:
    """ "45 s", "12 min 5 s", "3 h 20 min"."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def _times(scope: Scope, found: Zones, rows: list[Presence]) -> Panel:
    columns = ("When", "Zone", "Frames with it", "Of", "Share", "95% interval")
    title = "Presence over time"
    if not rows or not any(row.seen_count for row in rows):
        return Panel("zones-time", title, "Nothing was in a zone at any time.", None, columns, ())
    label = _busiest(rows)
    drawn = sorted((row for row in rows if row.label == label), key=lambda row: -row.seen_count)[:_MOST_LINES]
    step = Step.of(found.frames, scope)
    parts = {row.zone.id: over_steps(found, row.zone, label, step) for row in drawn}
    marks = {row.zone.id: tuple(_moment(scope, row, step, part) for part in parts[row.zone.id]) for row in drawn}
    colors = ("var(--accent)", "var(--defect)", "var(--good)", "var(--text)", "var(--muted)", label.color)
    lines = [Line(row.zone.name, colors[place], marks[row.zone.id]) for place, row in enumerate(drawn)]
    listed = [
        ((step.name(part.start), row.zone.name, *_part_cells(part)), mark.query)
        for row in drawn
        for part, mark in zip(parts[row.zone.id], marks[row.zone.id], strict=True)
    ]
    return Panel(
        key="zones-time",
        title=f"{first_upper(label.name)} in zones over time",
        sentence=f"Share of each {step.word}'s images that show {label.name} in a zone"
        + ("" if scope.label_id else "; choose another label in the filters")
        + ". Where no image was taken there is no point.",
        figure=over_time(lines),
        columns=columns,
        rows=table(listed),
    )


@dataclass(frozen=True)
class Part:
    """One step of time: in `seen_count` of `n` frames."""

    start: datetime
    seen_count: int
    n: int
    changes: int

    @property
    def interval(self) -> Interval:
        return presence(self.seen_count, self.n, self.changes)


def over_steps(found: Zones, zone: ZoneRow, label: ProjectLabel, step: Step) -> list[Part]:
    """A label in a zone, step by step; steps without frames are left out."""
    seen = {row.place for row in found.seen if (row.zone_id, row.label_id) == (zone.id, label.id)}
    steps: dict[datetime, list[bool]] = defaultdict(list)
    for frame in found.frames:
        if frame.source_id == zone.source_id:
            steps[step.begin(frame.at)].append(frame.place in seen)
    return [
        Part(start, sum(there), len(there), sum(one != other for one, other in pairwise(there)))
        for start, there in sorted(steps.items())
    ]


def _part_cells(part: Part) -> tuple[str, ...]:
    return count(part.seen_count), count(part.n), percent(part.seen_count / part.n), percent_range(part.interval)


def _moment(scope: Scope, row: Presence, step: Step, part: Part) -> Mark:
    share = part.seen_count / part.n
    return Mark(
        x=step.begin(part.start).replace(tzinfo=None).isoformat(),
        y=share,
        hover=f"{row.zone.name}, {step.name(part.start)}\n{percent(share)} of {counted(part.n, 'image')}\n"
        f"95% interval {percent_range(part.interval)}",
        query=_query(scope, row.zone, row.label, **step.limits(part.start)),
    )


@dataclass(frozen=True)
class Step:
    """Minutes up to three hours of recording, hours up to three days, days above; or what the scope asks for."""

    word: str
    time_zone: str

    @classmethod
    def of(cls, frames: tuple[FrameRow, ...], scope: Scope) -> Step:
        times = [frame.at for frame in frames]
        span = max(times) - min(times)
        word = "minute" if span <= _MINUTES_UP_TO else "hour" if span <= _HOURS_UP_TO else "day"
        if scope.bucket in ("hour", "day"):
            word = scope.bucket
        return cls(word, scope.time_zone)

    def begin(self, at: datetime) -> datetime:
        local = at.astimezone(ZoneInfo(self.time_zone)).replace(second=0, microsecond=0)
        if self.word == "minute":
            return local
        return local.replace(minute=0) if self.word == "hour" else local.replace(hour=0, minute=0)

    def name(self, start: datetime) -> str:
        return f"{start.day} {start:%b %Y}" if self.word == "day" else f"{start.day} {start:%b %Y, %H:%M}"

    def limits(self, start: datetime) -> dict[str, Any]:
        """Of a scope that holds the step; a minute opens its hour."""
        if self.word == "day":
            return {"start": start.date(), "end": start.date()}
        return {"hour": start.replace(minute=0).astimezone(UTC)}


def _busiest(rows: Iterable[Presence]) -> ProjectLabel:
    seen: Counter[ProjectLabel] = Counter()
    for row in rows:
        seen[row.label] += row.seen_count
    return seen.most_common(1)[0][0]


def _map(scope: Scope, found: Zones) -> Multiples:
    subject = found.labels[0].name if scope.label_id and found.labels else "what is not background"
    by_source: dict[int, list[ZoneRow]] = defaultdict(list)
    for zone in found.zones:
        by_source[zone.source_id].append(zone)
    smalls, listed = [], []
    for source_id, zones in list(by_source.items())[:_MOST_SOURCES]:
        counts = found.heat.get(source_id)
        if counts is None:
            continue
        total, query = sum(counts), scope.images_query(defective=scope.label_id is not None, source_id=source_id)
        rows = [counts[start : start + PLACE_COLUMNS] for start in range(0, len(counts), PLACE_COLUMNS)]
        hovers = [[_hover(x, y, n, total) for x, n in enumerate(row)] for y, row in enumerate(rows)]
        outlines = [(zone.name, zone.corners) for zone in zones]
        figure = figures.zone_map(rows, outlines, hovers=hovers, query=query, aspect=0.75)
        smalls.append(Small(zones[0].source, counted(total, "region"), figure, query))
        listed += [
            ((zones[0].source, f"Column {cell % PLACE_COLUMNS + 1}, row {cell // PLACE_COLUMNS + 1}", count(n)), query)
            for cell, n in sorted(enumerate(counts), key=lambda item: -item[1])
            if n
        ]
    return Multiples(
        key="zones-map",
        title="Where it was seen",
        sentence=f"Regions of {subject} by their centres, and the zones of each camera. A cell opens the images.",
        figure=None,
        columns=("Source", "Place", "Regions"),
        rows=table(listed[:200]),
        figures=tuple(smalls),
    )


def _hover(x: int, y: int, n: int, total: int) -> str:
    return f"Column {x + 1}, row {y + 1}\n{counted(n, 'region')}" + (f", {percent(n / total)} of all" if total else "")
