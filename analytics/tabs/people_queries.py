"""What the page of people and models asks the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import sql

from analytics.relations import IN_DAYS, OF_SOURCE, chosen_rows, parameters
from analytics.scope import Scope
from analytics.tabs.days import as_text, day_parameters, inspected_days, reads_rollups

MOST_PAIRED = 4_000
MOST_CHANGES = 200


@dataclass(frozen=True)
class ReviewerRow:
    """One person's reviews, each image's newest of theirs. `agreed_count` of `compared_count`: the same image was
    judged blind by somebody else, and both said the same."""

    name: str
    judged_count: int
    overruled_count: int
    blind_count: int
    blind_overruled_count: int
    compared_count: int
    agreed_count: int


@dataclass(frozen=True)
class OverruleRow:
    """What people said of one version's verdicts, not blind."""

    number: int
    architecture: str
    model_version_id: int
    judged_count: int
    overruled_count: int


@dataclass(frozen=True)
class VersionRow:
    """All images of the scope that a version saw, whether its result counts now or not."""

    model_version_id: int
    number: int
    architecture: str
    is_live: bool
    inspected_count: int
    fail_count: int
    first_day: date
    last_day: date


@dataclass(frozen=True)
class PairRow:
    """Images that both versions saw: the current one's id, the other's, and who failed how many."""

    current_id: int
    other_id: int
    both_count: int
    only_current_fails: int
    only_other_fails: int
    agree_count: int


@dataclass(frozen=True)
class ChangeRow:
    """Something that changed what numbers mean. `kind`: model, rule, calibration or labels."""

    at: datetime
    kind: str
    sentence: str
    person: str | None


# Images judged once are counted as they are, in the order of an index that holds all it takes, and once for both
# questions; only of those judged again the newest word is looked for.
_SAID: LiteralString = """
    WITH repeated AS MATERIALIZED (
        SELECT DISTINCT image_id FROM review WHERE project_id = %(project_id)s AND is_repeat
    ), again AS MATERIALIZED (
        SELECT review.id, review.image_id, review.user_id, review.is_blind, review.verdict, review.model_verdict,
               review.is_withdrawn, review.model_version_id, review.prediction_id
        FROM review WHERE {reviews} AND review.image_id IN (SELECT image_id FROM repeated)
    ), kept AS (
        SELECT * FROM (SELECT DISTINCT ON (image_id, user_id, is_blind) * FROM again
                       ORDER BY image_id, user_id, is_blind, id DESC) AS of_each
        WHERE NOT is_withdrawn
    ), newest AS (
        SELECT * FROM (SELECT DISTINCT ON (image_id) * FROM again WHERE NOT is_blind
                       ORDER BY image_id, id DESC) AS of_all
        WHERE NOT is_withdrawn
    ), once AS MATERIALIZED (
        SELECT user_id, is_blind, model_version_id, {judges_model} AS judges_model, count(*) AS judged,
               count(*) FILTER (WHERE {overrules}) AS overruled
        FROM review
        WHERE {reviews} AND NOT is_repeat AND image_id NOT IN (SELECT image_id FROM repeated) AND NOT is_withdrawn
        GROUP BY 1, 2, 3, 4
    ), by_person AS (
        SELECT user_id, is_blind, judged, overruled FROM once
        UNION ALL
        SELECT user_id, is_blind, count(*), count(*) FILTER (WHERE {overrules}) FROM kept GROUP BY 1, 2
    ), by_version AS (
        SELECT model_version_id, judged, overruled FROM once WHERE NOT is_blind AND judges_model
        UNION ALL
        SELECT model_version_id, count(*), count(*) FILTER (WHERE {overrules})
        FROM newest WHERE {judges_model} GROUP BY 1
    ), compared AS (
        SELECT kept.user_id, count(*) AS n, count(*) FILTER (WHERE other.verdict = kept.verdict) AS agreed
        FROM kept JOIN kept AS other ON other.image_id = kept.image_id AND other.is_blind
             AND other.user_id IS DISTINCT FROM kept.user_id
        GROUP BY kept.user_id
    ), persons AS (
        SELECT user_id, coalesce(sum(judged) FILTER (WHERE NOT is_blind), 0)::bigint AS judged,
               coalesce(sum(overruled) FILTER (WHERE NOT is_blind), 0)::bigint AS overruled,
               coalesce(sum(judged) FILTER (WHERE is_blind), 0)::bigint AS blind,
               coalesce(sum(overruled) FILTER (WHERE is_blind), 0)::bigint AS blind_overruled
        FROM by_person GROUP BY user_id
    ), versions AS (
        SELECT model_version_id, sum(judged)::bigint AS judged, sum(overruled)::bigint AS overruled
        FROM by_version GROUP BY model_version_id
    )
    SELECT (
        SELECT coalesce(json_agg(json_build_array(
            coalesce(nullif(person.name, ''), person.email, 'Someone who left'), persons.judged, persons.overruled,
            persons.blind, persons.blind_overruled, coalesce(compared.n, 0), coalesce(compared.agreed, 0)
        ) ORDER BY persons.judged + persons.blind DESC, coalesce(nullif(person.name, ''), person.email)), '[]')
        FROM persons
        LEFT JOIN compared ON compared.user_id IS NOT DISTINCT FROM persons.user_id
        LEFT JOIN person ON person.id = persons.user_id
    ), (
        SELECT coalesce(json_agg(json_build_array(
            model_version.number, model_version.architecture, model_version.id, versions.judged, versions.overruled
        ) ORDER BY model_version.number DESC), '[]')
        FROM versions JOIN model_version ON model_version.id = versions.model_version_id
    )
"""
_JUDGES_MODEL: LiteralString = "(model_verdict <> '' AND prediction_id IS NOT NULL)"
_OVERRULES: LiteralString = "model_verdict NOT IN ('', verdict)"

_REVIEWS: LiteralString = """
    review.project_id = %(project_id)s
    AND (%(start_at)s::timestamptz IS NULL OR review.at >= %(start_at)s::timestamptz)
    AND (%(end_at)s::timestamptz IS NULL OR review.at < %(end_at)s::timestamptz)
"""

# Each said plainly and only where it is asked for, so that an index finds a batch's few reviews among many.
_OF_SOURCE: LiteralString = """
    AND review.image_id IN (SELECT image.id FROM image WHERE image.project_id = %(project_id)s {of_source})
"""
_OF_BATCH: LiteralString = """
    AND review.image_id IN (SELECT image_id FROM batch_image WHERE batch_id = %(batch_id)s::bigint)
"""

# All that a version saw: its own results, current or not.
_VERSIONS: LiteralString = """
    SELECT model_version.id, model_version.number, model_version.architecture,
           coalesce(model_version.id = project.live_model_id, false),
           counted.n, counted.fails, counted.first, counted.last
    FROM (SELECT model_version_id, sum(inspected_count)::bigint AS n, sum(fail_count)::bigint AS fails,
                 min(day) AS first, max(day) AS last
          FROM ({inspected}) AS inspected GROUP BY model_version_id HAVING sum(inspected_count) > 0) AS counted
    JOIN model_version ON model_version.id = counted.model_version_id
    JOIN project ON project.id = model_version.project_id
    ORDER BY model_version.number DESC
"""

_EVERY_RESULT: LiteralString = """
    SELECT model_version_id, day, inspected_count, fail_count FROM {counted}
    WHERE project_id = %(project_id)s
      AND (%(model_version_id)s::bigint IS NULL OR model_version_id = %(model_version_id)s::bigint) {chosen}
"""

_LAST_SECOND_LOOK: LiteralString = """
    SELECT max(day) FROM {counted}
    WHERE project_id = %(project_id)s AND NOT is_current AND inspected_count > 0 {chosen}
"""

# The newest images up to the last day that a second version saw: a bounded number of rows however many there are.
_PAIRS: LiteralString = """
    SELECT seen.model_version_id, other.model_version_id, count(*),
           count(*) FILTER (WHERE seen.verdict = 'fail' AND other.verdict = 'pass'),
           count(*) FILTER (WHERE seen.verdict = 'pass' AND other.verdict = 'fail'),
           count(*) FILTER (WHERE seen.verdict = other.verdict)
    FROM (SELECT prediction.id, prediction.image_id, prediction.model_version_id, prediction.verdict
          FROM prediction JOIN image ON image.id = prediction.image_id
          WHERE prediction.project_id = %(project_id)s AND {rows} {source}
            AND (%(start_at)s::timestamptz IS NULL OR prediction.captured_at >= %(start_at)s::timestamptz)
            AND (%(end_at)s::timestamptz IS NULL OR prediction.captured_at < %(end_at)s::timestamptz)
            AND (%(until)s::date IS NULL
                 OR prediction.captured_at < ((%(until)s::date + 1)::timestamp AT TIME ZONE %(time_zone)s::text))
          ORDER BY prediction.captured_at DESC LIMIT %(most)s) AS seen
    JOIN prediction AS other ON other.image_id = seen.image_id AND other.model_version_id <> seen.model_version_id
         AND other.state = 'done' AND NOT other.is_shadow
    GROUP BY 1, 2 ORDER BY 3 DESC
"""

_CHANGES: LiteralString = """
    SELECT at, kind, sentence, coalesce(nullif(person.name, ''), person.email)
    FROM (
        SELECT promotion.at, 'model' AS kind, promotion.user_id,
               CASE WHEN promotion.kind = 'roll-back' THEN 'Rolled back to version ' ELSE 'Version ' END
               || model_version.number || ' (' || model_version.architecture || ')'
               || CASE WHEN promotion.kind = 'roll-back' THEN '' ELSE ' went live' END
               || CASE WHEN promotion.note = '' THEN '' ELSE ': ' || promotion.note END AS sentence
        FROM promotion JOIN model_version ON model_version.id = promotion.model_version_id
        WHERE promotion.project_id = %(project_id)s
        UNION ALL
        SELECT project_event.at, project_event.kind, project_event.user_id, project_event.sentence
        FROM project_event WHERE project_event.project_id = %(project_id)s
    ) AS change
    LEFT JOIN person ON person.id = change.user_id
    WHERE (%(start_at)s::timestamptz IS NULL OR at >= %(start_at)s::timestamptz)
      AND (%(end_at)s::timestamptz IS NULL OR at < %(end_at)s::timestamptz)
    ORDER BY at DESC LIMIT %(most)s
"""


def said(cursor: Any, scope: Scope) -> tuple[tuple[ReviewerRow, ...], tuple[OverruleRow, ...]]:
    """Everybody who judged images within the scope's time, whoever judged most first; and how often people overruled
    each version, the newest version first."""
    cursor.execute(
        as_text(_SAID, reviews=_reviews(scope), judges_model=sql.SQL(_JUDGES_MODEL), overrules=sql.SQL(_OVERRULES)),
        parameters(scope),
    )
    people, models = cursor.fetchone()
    return tuple(ReviewerRow(*row) for row in people), tuple(OverruleRow(*row) for row in models)


def versions(cursor: Any, scope: Scope) -> tuple[VersionRow, ...]:
    """Every version that saw images of the scope, the newest first."""
    seen = (
        sql.SQL(_EVERY_RESULT).format(**_counted(scope)) if reads_rollups(scope) else inspected_days(scope, by="time")
    )
    cursor.execute(as_text(_VERSIONS, inspected=seen), day_parameters(scope))
    return tuple(VersionRow(*row) for row in cursor.fetchall())


def pairs(cursor: Any, scope: Scope) -> tuple[PairRow, ...]:
    """Pairs of versions that saw the same images, among the newest `MOST_PAIRED` up to the last that two saw."""
    values = day_parameters(scope)
    until = None
    if reads_rollups(scope):
        cursor.execute(as_text(_LAST_SECOND_LOOK, **_counted(scope)), values)
        until = cursor.fetchone()[0]
        if until is None:
            return ()
    # Said plainly, so that the index by source and time finds a source's few images among millions.
    source = sql.SQL("AND prediction.source_id = %(source_id)s" if scope.source_id else "")
    cursor.execute(
        as_text(_PAIRS, rows=chosen_rows(scope), source=source), values | {"until": until, "most": MOST_PAIRED}
    )
    return tuple(PairRow(*row) for row in cursor.fetchall())


def changes(cursor: Any, scope: Scope) -> tuple[ChangeRow, ...]:
    """Promotions and project events within the scope's time, the newest first."""
    cursor.execute(_CHANGES, parameters(scope) | {"most": MOST_CHANGES})
    return tuple(ChangeRow(*row) for row in cursor.fetchall())


def _counted(scope: Scope) -> dict[str, sql.Composable]:
    """The daily sums, of all sources where none is asked for."""
    if scope.source_id is None:
        return {"counted": sql.SQL("inspection_day_total"), "chosen": sql.SQL(IN_DAYS)}
    return {"counted": sql.SQL("inspection_day"), "chosen": sql.SQL(OF_SOURCE + IN_DAYS)}


def _reviews(scope: Scope) -> sql.Composable:
    """Reviews by when they were made, and which images they are of."""
    reviews: sql.Composable = sql.SQL(_REVIEWS)
    if scope.source_id is not None:
        reviews = sql.Composed([reviews, sql.SQL(_OF_SOURCE).format(of_source=sql.SQL(OF_SOURCE))])
    if scope.batch_id is not None:
        reviews = sql.Composed([reviews, sql.SQL(_OF_BATCH)])
    return reviews
