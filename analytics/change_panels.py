"""What moved: the comparison in one sentence, what may stand behind it, and the labels that moved most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analytics import label_figures
from analytics.dashboard import Change, Dashboard, Rate
from analytics.label_figures import Shift
from analytics.panels import Note, Panel, TableRow
from analytics.queries import LabelRow
from analytics.scope import WITHOUT_SOURCE, Choices, Scope
from analytics.statistics import MIN_IMAGES_COUNT, Comparison, compare
from analytics.statistics.comparison import told_p
from analytics.statistics.movement import Driver
from analytics.theme import REFERENCE
from analytics.wording import count, days, percent, points, points_range

_MOST_LABELS = 5
_MOST_DRIVERS = 8
_NO_PERIOD = "Choose a period, for instance the last 30 days, or something under “Compare with”."
_DIMENSIONS = {"source": "Source", "model": "Model", "batch": "Batch", "hour": "Hour"}
_LEFT_OUT = {"batch": "batches (too many images)", "hour": "hours of the day (too long a time)"}


@dataclass(frozen=True)
class _Moved:
    label: LabelRow
    before: Rate
    now: Rate
    comparison: Comparison


def movement_panel(dashboard: Dashboard, choices: Choices) -> Panel:
    """The comparison, and what may stand behind it."""
    change = dashboard.change
    columns = ("What", "Moved the rate by", "By its own rate", "By its share of images", "Chance alone (p)")
    title = "Why did it move?"
    if change is None:
        is_itself = dashboard.scope.versus is not None
        return Panel(
            "movement", title, "This compares a slice with itself. " if is_itself else _NO_PERIOD, None, columns, ()
        )
    compared = _compare(dashboard, change, choices)
    notes = [Note(compared.sentence)]
    notes += [Note(text) for text in _overlaps(dashboard.scope, change.scope)]
    if dashboard.moves is None:
        why = f"Both sides need {MIN_IMAGES_COUNT} images to say why."
        return Panel(
            "movement", title, f"{_against(dashboard, change, choices)} {why}", None, columns, (), tuple(notes)
        )
    where, what = dashboard.moves.where, dashboard.moves.what
    drivers = [driver for driver in where.drivers if driver.effect][:_MOST_DRIVERS]
    top = where.drivers[0] if where.drivers else None
    is_told = top is not None and where.sentence == top.sentence
    notes.append(Note(where.sentence, _driver_query(dashboard, top, choices) if top and is_told else None))
    if what is not None and what.drivers and what.drivers[0].is_clear:
        notes.append(Note(_label_words(what.drivers[0]), _label_query(dashboard, what.drivers[0].value)))
    left_out = "".join(f" Not looked at: {_LEFT_OUT[name]}." for name in dashboard.moves.left_out)
    return Panel(
        key="movement",
        title=title,
        sentence=f"{_against(dashboard, change, choices)} It names where, not why: what changed together cannot be "
        f"told apart.{left_out}",
        figure=label_figures.shifts([_driver_shift(dashboard, driver, choices) for driver in drivers])
        if drivers
        else None,
        columns=columns,
        rows=tuple(_driver_row(dashboard, driver, choices) for driver in drivers),
        notes=tuple(notes),
    )


def moved_panel(dashboard: Dashboard, choices: Choices) -> Panel:
    """The labels whose share of images moved most, the surest first."""
    columns = ("Label", "Now", "Before", "Difference", "95% interval", "Chance alone (p)")
    change, title = dashboard.change, "Labels that moved most"
    if change is None:
        return Panel("moved", title, _NO_PERIOD, None, columns, ())
    if min(dashboard.rate.n, change.before.n) < MIN_IMAGES_COUNT:
        why = f"Both sides need {MIN_IMAGES_COUNT} images; here {count(dashboard.rate.n)} and {count(change.before.n)}."
        return Panel("moved", title, f"Too few images to compare labels. {why}", None, columns, ())
    moved = _moved(dashboard, change)
    if not moved:
        return Panel("moved", title, "No label was found on either side.", None, columns, ())
    best = next((row for row in moved if row.comparison.is_clear), None)
    sentence = "No label moved by more than chance explains."
    if best is not None:
        sentence = (
            f"{best.label.name}: {percent(best.now.fraction or 0.0)} of the images now, "
            f"{percent(best.before.fraction or 0.0)} before ({told_p(best.comparison.p_value)})."
        )
    return Panel(
        key="moved",
        title=title,
        sentence=f"{_against(dashboard, change, choices)} {sentence} Share of images affected, with its 95% interval.",
        figure=label_figures.shifts([_label_shift(dashboard, row) for row in moved]),
        columns=columns,
        rows=tuple(
            TableRow(
                (
                    row.label.name,
                    percent(row.now.fraction or 0.0),
                    percent(row.before.fraction or 0.0),
                    f"{points(row.comparison.difference)} points",
                    points_range(row.comparison.interval),
                    told_p(row.comparison.p_value).removeprefix("p = ").removeprefix("p "),
                ),
                _images_of(dashboard, row.label),
            )
            for row in moved
        ),
    )


def _moved(dashboard: Dashboard, change: Change) -> list[_Moved]:
    before = {label.label_id: label.affected_count for label in dashboard.labels_before}
    rows = []
    for label in dashboard.labels:
        now, old = label.affected_count, before.get(label.label_id, 0)
        if not (now or old):
            continue
        comparison = compare(now, dashboard.rate.n, old, change.before.n)
        rows.append(_Moved(label, Rate.of(old, change.before.n), Rate.of(now, dashboard.rate.n), comparison))
    # A background that covers every image never moves; it stays out unless it does.
    rows = [row for row in rows if row.comparison.difference or row.label.is_defect]
    return sorted(rows, key=lambda row: (row.comparison.p_value, -abs(row.comparison.difference)))[:_MOST_LABELS]


def _label_shift(dashboard: Dashboard, row: _Moved) -> Shift:
    return Shift(
        name=row.label.name,
        amount=row.comparison.difference,
        interval=row.comparison.interval,
        hover=f"{row.label.name}\n{points(row.comparison.difference)} points "
        f"({points_range(row.comparison.interval)})\n{percent(row.now.fraction or 0.0)} of {count(row.now.n)} now, "
        f"{percent(row.before.fraction or 0.0)} of {count(row.before.n)} before",
        query=_images_of(dashboard, row.label),
        color=row.label.color,
    )


def _images_of(dashboard: Dashboard, label: LabelRow) -> str:
    return dashboard.scope.images_query(defective=label.affected_count > 0, label_id=label.label_id)


def _compare(dashboard: Dashboard, change: Change, choices: Choices) -> Comparison:
    rate = dashboard.rate
    names = {"a_name": "what you look at", "b_name": compared_name(dashboard.scope, change.scope, choices)}
    return compare(rate.count, rate.n, change.before.count, change.before.n, **names)


def compared_name(scope: Scope, other: Scope, choices: Choices) -> str:
    """What the scope is compared with, in words: only what differs between the two."""
    parts = []
    if scope.versus is None and other.start and other.end:
        return f"the period before ({days(other.start, other.end)})"
    if other.source_id != scope.source_id and other.source_id is not None:
        names = {choice.id: choice.name for choice in choices.sources} | {WITHOUT_SOURCE: "images without a source"}
        parts.append(names.get(other.source_id, "the other source"))
    if other.model_version_id != scope.model_version_id and other.model_version_id is not None:
        named = {choice.id: choice.name for choice in choices.model_versions}
        parts.append(f"model {named.get(other.model_version_id, 'version')}")
    if other.batch_id != scope.batch_id and other.batch_id is not None:
        named = {choice.id: choice.name for choice in choices.batches}
        parts.append(f"batch {named.get(other.batch_id, '')}".strip())
    if (other.start, other.end) != (scope.start, scope.end):
        parts.append(_period(other))
    return ", ".join(parts) or "the other slice"


def _period(scope: Scope) -> str:
    if scope.start and scope.end:
        return days(scope.start, scope.end)
    if scope.start:
        return f"from {days(scope.start, scope.start)}"
    return f"up to {days(scope.end, scope.end)}" if scope.end else "all time"


def _against(dashboard: Dashboard, change: Change, choices: Choices) -> str:
    return f"Compared with {compared_name(dashboard.scope, change.scope, choices)}, {count(change.before.n)} images."


def _overlaps(scope: Scope, other: Scope) -> list[str]:
    """Where an image may be on both sides the test, which takes them for different ones, is only a rough guide."""
    sources = scope.source_id is not None and other.source_id is not None and scope.source_id != other.source_id
    starts, ends = (scope.span()[0], other.span()[0]), (scope.span()[1], other.span()[1])
    apart = any(
        begin is not None and end is not None and begin >= end
        for begin, end in ((starts[0], ends[1]), (starts[1], ends[0]))
    )
    batches = scope.batch_id is not None and other.batch_id is not None and scope.batch_id != other.batch_id
    if sources or apart or batches:
        return []
    return ["The same images may be on both sides, so take the test as a rough guide."]


def _driver_name(driver: Driver) -> str:
    return f"{_DIMENSIONS.get(driver.dimension, driver.dimension)} {driver.value}"


def _driver_shift(dashboard: Dashboard, driver: Driver, choices: Choices) -> Shift:
    return Shift(
        name=_driver_name(driver),
        amount=driver.effect,
        interval=None,
        hover=f"{driver.sentence}\nOwn rate {points(driver.rate_effect)}, share of images {points(driver.mix_effect)}",
        query=_driver_query(dashboard, driver, choices),
        color=REFERENCE,
    )


def _driver_row(dashboard: Dashboard, driver: Driver, choices: Choices) -> TableRow:
    p_value = told_p(driver.p_value).removeprefix("p = ").removeprefix("p ")
    cells = (
        _driver_name(driver),
        f"{points(driver.effect)} points",
        points(driver.rate_effect),
        points(driver.mix_effect),
        p_value,
    )
    return TableRow(cells, _driver_query(dashboard, driver, choices))


def _driver_query(dashboard: Dashboard, driver: Driver, choices: Choices) -> str | None:
    """The scope's defective images of that source, model version or batch; None for hours of many days."""
    changes: Mapping[str, int] | None = None
    if driver.dimension == "source":
        found = next((row.id for row in choices.sources if row.name == driver.value), None)
        changes = {"source_id": WITHOUT_SOURCE if driver.value == "none" and found is None else found or WITHOUT_SOURCE}
    elif driver.dimension == "model":
        found = next((row.id for row in choices.model_versions if row.name.split(" ")[0] == driver.value), None)
        changes = {"model_version_id": found} if found else None
    elif driver.dimension == "batch":
        found = next((row.id for row in choices.batches if driver.value.endswith(f"({row.id})")), None)
        changes = {"batch_id": found} if found else None
    return dashboard.scope.images_query(defective=True, **changes) if changes else None


def _label_query(dashboard: Dashboard, name: str) -> str | None:
    label = next((label for label in dashboard.labels if label.name == name), None)
    return _images_of(dashboard, label) if label else None


def _label_words(driver: Driver) -> str:
    way = "more" if driver.effect > 0 else "fewer"
    return f"{driver.value[:1].upper() + driver.value[1:]} affects {way} images than before ({told_p(driver.p_value)})."
