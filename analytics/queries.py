"""The SQL's list of contents: one function per question, each one statement, frozen rows out.

Every function takes an open psycopg (or Django) cursor. Counts are of images, each image once; `pixels` are
of whole pictures or of one label within them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from analytics.relations import found, inspected, parameters
from analytics.scope import Choice, Choices, Scope

BATCH_CHOICES_COUNT = 100


@dataclass(frozen=True)
class SummaryRow:
    """`first_at` and `last_at`: the beginning of the first and the last day that have images; None without any.

    `fail_count`: failed by the model; `first_pass_count`: passed by the model and by nobody overruled;
    `waiting_count`: failed by the model, no person has judged it yet; `upload_time_count`: stand at their upload time
    because nothing said when they were captured. All four whatever label the scope has.
    """

    inspected_count: int
    defective_count: int
    pixels: int
    first_at: datetime | None
    last_at: datetime | None
    fail_count: int = 0
    first_pass_count: int = 0
    waiting_count: int = 0
    upload_time_count: int = 0


@dataclass(frozen=True)
class LabelRow:
    """One label of the project; zeros where it was never found. `cost`: of one image that it affects; None: not set."""

    label_id: int
    index: int
    name: str
    color: str
    is_defect: bool
    affected_count: int
    pixels: int
    region_count: int
    cost: float | None = None


@dataclass(frozen=True)
class TrendRow:
    """One hour, day or week that has images; weeks begin on Monday. `start` is aware, in UTC."""

    start: datetime
    inspected_count: int
    defective_count: int


@dataclass(frozen=True)
class SourceRow:
    """`source_id` and `name` are None for images without a source."""

    source_id: int | None
    name: str | None
    inspected_count: int
    defective_count: int


@dataclass(frozen=True)
class DailyRow:
    """One day of one source."""

    start: datetime
    source_id: int | None
    site: str | None
    name: str | None
    inspected_count: int
    defective_count: int
    pixels: int


@dataclass(frozen=True)
class PromotionRow:
    """A model version went live at `at`, aware; `is_roll_back` where it had been live before."""

    at: datetime
    number: int
    architecture: str
    is_roll_back: bool


@dataclass(frozen=True)
class EventRow:
    """Somebody changed at `at`, aware, what numbers mean; `kind`: rule, calibration or labels."""

    at: datetime
    kind: str
    sentence: str


@dataclass(frozen=True)
class ProjectState:
    """Why a project's dashboard may be empty, and the currency of its labels' costs."""

    has_images: bool
    has_live_model: bool
    in_progress_count: int
    currency: str = "EUR"


_SUMMARY: LiteralString = """
    SELECT coalesce(sum(inspected_count), 0)::bigint, coalesce(sum(defective_count), 0)::bigint,
           coalesce(sum(pixels), 0)::bigint,
           date_trunc('day', min(captured_at) FILTER (WHERE inspected_count > 0), %(time_zone)s::text),
           date_trunc('day', max(captured_at) FILTER (WHERE inspected_count > 0), %(time_zone)s::text),
           coalesce(sum(fail_count), 0)::bigint, coalesce(sum(first_pass_count), 0)::bigint,
           coalesce(sum(waiting_count), 0)::bigint, coalesce(sum(upload_time_count), 0)::bigint
    FROM ({inspected}) AS inspected
"""

_LABELS: LiteralString = """
    SELECT label.id, label.index, label.name, label.color, label.is_defect,
           coalesce(counted.affected_count, 0), coalesce(counted.pixels, 0), coalesce(counted.region_count, 0),
           label.cost::float8
    FROM label LEFT JOIN (
        SELECT label_id, sum(affected_count)::bigint AS affected_count, sum(pixels)::bigint AS pixels,
               sum(region_count)::bigint AS region_count
        FROM ({found}) AS found GROUP BY label_id
    ) AS counted ON counted.label_id = label.id
    WHERE label.project_id = %(project_id)s ORDER BY label.index
"""

_TREND: LiteralString = """
    SELECT date_trunc(%(unit)s::text, captured_at, %(time_zone)s::text) AS start,
           sum(inspected_count)::bigint, sum(defective_count)::bigint
    FROM ({inspected}) AS inspected
    GROUP BY start HAVING sum(inspected_count) > 0 ORDER BY start
"""

_SOURCES: LiteralString = """
    SELECT counted.source_id, concat_ws(' / ', nullif(source.site, ''), source.name),
           counted.inspected_count, counted.defective_count
    FROM (
        SELECT source_id, sum(inspected_count)::bigint AS inspected_count,
               sum(defective_count)::bigint AS defective_count
        FROM ({inspected}) AS inspected GROUP BY source_id HAVING sum(inspected_count) > 0
    ) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    ORDER BY source.site, source.name
"""

_DAILY: LiteralString = """
    SELECT counted.start, counted.source_id, source.site, source.name,
           counted.inspected_count, counted.defective_count, counted.pixels
    FROM (
        SELECT date_trunc('day', captured_at, %(time_zone)s::text) AS start, source_id,
               sum(inspected_count)::bigint AS inspected_count,
               sum(defective_count)::bigint AS defective_count, sum(pixels)::bigint AS pixels
        FROM ({inspected}) AS inspected GROUP BY start, source_id HAVING sum(inspected_count) > 0
    ) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    ORDER BY counted.start, source.site NULLS LAST, source.name NULLS LAST
"""

_PROMOTIONS: LiteralString = """
    SELECT promotion.at, model_version.number, model_version.architecture, promotion.kind = 'roll-back'
    FROM promotion JOIN model_version ON model_version.id = promotion.model_version_id
    WHERE promotion.project_id = %(project_id)s
      AND (%(start_at)s::timestamptz IS NULL OR promotion.at >= %(start_at)s::timestamptz)
      AND (%(end_at)s::timestamptz IS NULL OR promotion.at < %(end_at)s::timestamptz)
    ORDER BY promotion.at, promotion.id
"""

_EVENTS: LiteralString = """
    SELECT at, kind, sentence FROM project_event
    WHERE project_id = %(project_id)s
      AND (%(source_id)s::bigint IS NULL OR source_id IS NULL OR source_id = %(source_id)s::bigint)
      AND (%(start_at)s::timestamptz IS NULL OR at >= %(start_at)s::timestamptz)
      AND (%(end_at)s::timestamptz IS NULL OR at < %(end_at)s::timestamptz)
    ORDER BY at DESC, id DESC LIMIT %(most)s
"""

_STATE: LiteralString = """
    SELECT EXISTS (SELECT FROM image WHERE image.project_id = %(project_id)s),
           EXISTS (SELECT FROM project WHERE project.id = %(project_id)s AND live_model_id IS NOT NULL),
           (SELECT count(*) FROM prediction
            JOIN run ON run.id = prediction.run_id JOIN batch ON batch.id = run.batch_id
            WHERE batch.project_id = %(project_id)s AND run.state = 'running'
              AND prediction.state IN ('queued', 'claimed')),
           coalesce((SELECT currency FROM project WHERE project.id = %(project_id)s), 'EUR')
"""

_CHOICES: LiteralString = """
    (SELECT 'source', id, concat_ws(' / ', nullif(site, ''), name) FROM source
     WHERE project_id = %(project_id)s ORDER BY site, name)
    UNION ALL
    (SELECT 'label', id, name FROM label WHERE project_id = %(project_id)s ORDER BY index)
    UNION ALL
    (SELECT 'model', id, 'v' || number || ' ' || architecture FROM model_version
     WHERE project_id = %(project_id)s ORDER BY number DESC)
    UNION ALL
    (SELECT 'batch', id, name FROM batch WHERE project_id = %(project_id)s
     ORDER BY id = ANY(%(batch_ids)s::bigint[]) DESC, id DESC LIMIT %(batch_choices_count)s)
"""


def summary(cursor: Any, scope: Scope) -> SummaryRow:
    """How many images were inspected and how many of them are defective."""
    cursor.execute(_text(_SUMMARY, inspected=inspected(scope, by="time")), parameters(scope))
    return SummaryRow(*cursor.fetchone())


def labels(cursor: Any, scope: Scope) -> tuple[LabelRow, ...]:
    """Area, affected images and regions of every label of the project, in index order."""
    cursor.execute(_text(_LABELS, found=found(scope)), parameters(scope))
    return tuple(LabelRow(*row) for row in cursor.fetchall())


def trend(cursor: Any, scope: Scope, unit: str) -> tuple[TrendRow, ...]:
    """Counts per `unit` ("hour", "day" or "week") of the scope's time zone, oldest first."""
    cursor.execute(
        _text(_TREND, inspected=inspected(scope, by="time", by_hour=unit == "hour")), parameters(scope) | {"unit": unit}
    )
    return tuple(TrendRow(*row) for row in cursor.fetchall())


def by_source(cursor: Any, scope: Scope) -> tuple[SourceRow, ...]:
    """Counts per source, by site and name; images without a source come last."""
    cursor.execute(_text(_SOURCES, inspected=inspected(scope, by="source")), parameters(scope))
    return tuple(SourceRow(row[0], row[1] or None, *row[2:]) for row in cursor.fetchall())


def daily(cursor: Any, scope: Scope) -> tuple[DailyRow, ...]:
    """Counts per day and source, oldest first."""
    cursor.execute(_text(_DAILY, inspected=inspected(scope, by="time and source")), parameters(scope))
    return tuple(DailyRow(*row) for row in cursor.fetchall())


def promotions(cursor: Any, scope: Scope) -> tuple[PromotionRow, ...]:
    """Which model versions went live within the scope's time, oldest first."""
    cursor.execute(_PROMOTIONS, parameters(scope))
    return tuple(PromotionRow(*row) for row in cursor.fetchall())


def events(cursor: Any, scope: Scope, *, most: int = 50) -> tuple[EventRow, ...]:
    """Changes of rule, calibration and labels within the scope's time and for its source, the newest, oldest first."""
    cursor.execute(_EVENTS, parameters(scope) | {"most": most})
    return tuple(EventRow(*row) for row in reversed(cursor.fetchall()))


def project_state(cursor: Any, project_id: int) -> ProjectState:
    """Whether a project has images and a model, and how many images are being segmented."""
    cursor.execute(_STATE, {"project_id": project_id})
    return ProjectState(*cursor.fetchone())


def choices(cursor: Any, project_id: int, *, batch: str = "", vs_batch: str = "") -> Choices:
    """What the project's scopes may be narrowed to: everything it has, and its newest batches.

    `batch`, `vs_batch`: ids a query string asks for, so that older batches are offered too where they are the
    project's.
    """
    asked = [int(text) for text in (batch, vs_batch) if text.isascii() and text.isdigit() and len(text) < 19]
    values = {"project_id": project_id, "batch_ids": asked, "batch_choices_count": BATCH_CHOICES_COUNT}
    cursor.execute(_CHOICES, values)
    found: dict[str, list[Choice]] = {"source": [], "label": [], "model": [], "batch": []}
    for kind, row_id, name in cursor.fetchall():
        found[kind].append(Choice(row_id, name))
    return Choices(
        sources=tuple(found["source"]),
        labels=tuple(found["label"]),
        model_versions=tuple(found["model"]),
        batches=tuple(sorted(found["batch"], key=lambda choice: -choice.id)),
    )


def _text(template: LiteralString, **relations: sql.Composable) -> str:
    return sql.SQL(template).format(**relations).as_string(None)
