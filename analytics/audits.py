"""What audits and reviews say of all images: how many defects slip through, the defect rate without model errors.

Passed images are drawn at random within each source and judged blind; failed ones are confirmed or overruled.
Counts come from the roll-ups, except in a scope of one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, LiteralString

from psycopg import sql

from analytics.relations import chosen_rows, parameters
from analytics.scope import Scope
from analytics.source_counts import SourceCounts, source_counts
from analytics.statistics import MIN_IMAGES_COUNT, Estimate
from analytics.statistics.correction import rogan_gladen
from analytics.statistics.strata import Stratum, defect_rate_from_audit, stratified_rate

_LARGE = 1_000_000
"""Strata of other images than the judged ones are blown up: then the sample is no noticeable part of them."""

_JUDGED: LiteralString = """
    SELECT coalesce(prediction.source_id, 0), count(*), count(*) FILTER (WHERE audit_image.verdict = 'fail'),
           max(audit_image.judged_at)
    FROM audit_image
    JOIN audit_stratum ON audit_stratum.id = audit_image.stratum_id
    JOIN audit_sample ON audit_sample.id = audit_stratum.sample_id
    JOIN prediction ON prediction.image_id = audit_image.image_id
    WHERE audit_sample.project_id = %(project_id)s AND audit_image.verdict IS NOT NULL
      AND prediction.verdict = 'pass' AND {chosen}
    GROUP BY 1 ORDER BY 1
"""

_HOLDOUT: LiteralString = """
    SELECT count(*) FILTER (WHERE is_defective), count(*) FILTER (WHERE is_defective AND fails),
           count(*) FILTER (WHERE NOT is_defective), count(*) FILTER (WHERE NOT is_defective AND NOT fails)
    FROM evaluated_image
    WHERE evaluation_id = (
        SELECT evaluation.id FROM evaluation JOIN project ON project.id = %(project_id)s
        WHERE evaluation.state = 'done'
          AND evaluation.model_version_id = coalesce(%(model_version_id)s::bigint, project.live_model_id)
        ORDER BY evaluation.id DESC LIMIT 1)
"""

MIN_HOLDOUT_COUNT = 10
"""Defective and good images that a hold-out needs at least, of each, before a rate is corrected by it."""


@dataclass(frozen=True)
class EscapeStratum:
    """The passed images of one source (0: without one) in the scope, and what the audit found among those drawn."""

    source_id: int
    name: str
    passed_count: int
    judged_count: int
    escape_count: int


@dataclass(frozen=True)
class EscapeEstimate:
    """Images that passed but are defective. `rate` is per passed image, 0–1; `count` in the scope's passed images.

    `count` is None where the scope has none. `is_of_scope`: the judged images lie in the scope; else they are
    earlier ones, and the estimate holds as far as the process has stayed the same.
    """

    rate: Estimate
    count: Estimate | None
    passed_count: int
    judged_count: int
    escape_count: int
    last_judged_at: datetime
    is_of_scope: bool
    strata: tuple[EscapeStratum, ...]

    @property
    def is_enough(self) -> bool:
        """Whether so many images were judged that the rate says something."""
        return self.judged_count >= MIN_IMAGES_COUNT

    @property
    def per_1000(self) -> Estimate:
        """Escapes per 1,000 passed images."""
        return Estimate(self.rate.value * 1000, self.rate.low * 1000, self.rate.high * 1000)


@dataclass(frozen=True)
class CorrectedRate:
    """The defect rate, 0–1, without the model's known errors; None where too little is known.

    `method`: "people" from reviews and the blind audit, "hold-out" from the errors of the model version's newest
    evaluation, "" without an estimate. `missing` says what people must judge before it can be "people".
    `raw` is the share of images that count as defective, `model` the share that the model failed; None without images.
    """

    estimate: Estimate | None
    method: Literal["people", "hold-out", ""]
    missing: str
    raw: float | None
    model: float | None
    reviewed_count: int
    audited_count: int
    last_judged_at: datetime | None


@dataclass(frozen=True)
class _Judged:
    """source id → (judged, escapes)."""

    by_source: dict[int, tuple[int, int]]
    last_at: datetime | None

    @property
    def count(self) -> int:
        return sum(judged for judged, _ in self.by_source.values())


def estimated_escapes(cursor: Any, scope: Scope) -> EscapeEstimate | None:
    """How many of the scope's passed images are defective; None while nothing was judged blind.

    Where fewer than 30 of the scope's own images were judged, earlier ones of the same source and model count too.
    A label in the scope changes nothing: people judge images.
    """
    whole = replace(scope, label_id=None)
    judged, is_of_scope = _judged_for(cursor, whole)
    if not judged.count or judged.last_at is None:
        return None
    counts = source_counts(cursor, whole)
    strata = _strata(counts, judged)
    passed = sum(stratum.passed_count for stratum in strata)
    rate = _rate(strata, is_of_scope=is_of_scope)
    if rate is None:
        return None
    return EscapeEstimate(
        rate=rate,
        count=Estimate(rate.value * passed, rate.low * passed, rate.high * passed) if passed else None,
        passed_count=passed,
        judged_count=judged.count,
        escape_count=sum(stratum.escape_count for stratum in strata),
        last_judged_at=judged.last_at,
        is_of_scope=is_of_scope,
        strata=strata,
    )


def corrected_rate(cursor: Any, scope: Scope) -> CorrectedRate:
    """The defect rate as people would have found it: failed images as reviewed, passed ones as audited.

    The stratified estimate of `defect_rate_from_audit`; it supposes that people did not choose which failed images
    to review. Never from fewer than 30 judged on either side, unless all of a side were; then by the model's errors on
    a hold-out, where it was evaluated on one: that supposes that the hold-out looks like the line.
    """
    counts = source_counts(cursor, replace(scope, label_id=None))
    judged, is_of_scope = _judged_for(cursor, replace(scope, label_id=None))
    inspected = sum(row.inspected_count for row in counts)
    failed, reviewed = sum(row.fail_count for row in counts), sum(row.reviewed_fail_count for row in counts)
    known = CorrectedRate(
        estimate=None,
        method="",
        missing=_missing(scope, inspected, failed, reviewed, judged.count, inspected - failed),
        raw=sum(row.final_fail_count for row in counts) / inspected if inspected else None,
        model=failed / inspected if inspected else None,
        reviewed_count=reviewed,
        audited_count=judged.count,
        last_judged_at=judged.last_at,
    )
    if known.missing:
        if scope.label_id is not None or not inspected:
            return known
        by_holdout = _by_holdout(cursor, scope, failed, inspected)
        return replace(known, estimate=by_holdout, method="hold-out") if by_holdout else known
    scale = 1 if is_of_scope else _LARGE
    fails = [
        Stratum(row.fail_count * scale, row.reviewed_fail_count, row.confirmed_count)
        for row in counts
        if row.fail_count
    ]
    passes = [
        Stratum(max(row.passed_count * scale, row.judged_count), row.judged_count, row.escape_count)
        for row in _strata(counts, judged)
        if row.passed_count
    ]
    estimate = defect_rate_from_audit(fails, passes)
    return replace(known, estimate=estimate, method="people") if estimate else known


def _by_holdout(cursor: Any, scope: Scope, failed: int, inspected: int) -> Estimate | None:
    """Rogan and Gladen's estimate by the errors on the hold-out of the scope's model version, else of the live one."""
    cursor.execute(_HOLDOUT, parameters(scope))
    bad, found, good, passed = cursor.fetchone()
    if min(bad, good) < MIN_HOLDOUT_COUNT:
        return None
    return rogan_gladen(failed, inspected, found / bad, passed / good, bad, good)


def _judged_for(cursor: Any, scope: Scope) -> tuple[_Judged, bool]:
    """What was judged blind of the scope's images; of earlier ones too where that is too little."""
    own = _judged(cursor, scope)
    if own.count >= MIN_IMAGES_COUNT:
        return own, True
    wider = _judged(cursor, replace(scope, start=None, hour=None, batch_id=None))
    return (wider, False) if wider.count > own.count else (own, True)


def _judged(cursor: Any, scope: Scope) -> _Judged:
    cursor.execute(sql.SQL(_JUDGED).format(chosen=chosen_rows(scope)).as_string(None), parameters(scope))
    rows = cursor.fetchall()
    return _Judged({row[0]: (row[1], row[2]) for row in rows}, max((row[3] for row in rows), default=None))


def _strata(counts: tuple[SourceCounts, ...], judged: _Judged) -> tuple[EscapeStratum, ...]:
    """A stratum for each source with passed images in the scope or with judged ones outside of it."""
    rows = {row.source_id: row for row in counts}
    found = []
    for source_id in sorted(rows.keys() | judged.by_source.keys()):
        drawn, escapes = judged.by_source.get(source_id, (0, 0))
        row = rows.get(source_id)
        passed = row.passed_count if row else 0
        if passed or drawn:
            name = row.name if row else ""
            found.append(EscapeStratum(source_id, name, passed, drawn, escapes))
    return tuple(found)


def _rate(strata: tuple[EscapeStratum, ...], *, is_of_scope: bool) -> Estimate | None:
    """Weighted by the scope's passed images; alike where the scope has none of any audited source."""
    if not any(stratum.passed_count and stratum.judged_count for stratum in strata):
        pooled = sum(row.judged_count for row in strata), sum(row.escape_count for row in strata)
        return stratified_rate([Stratum(pooled[0] * _LARGE, *pooled)])
    scale = 1 if is_of_scope else _LARGE
    sampled = [row for row in strata if row.passed_count]
    return stratified_rate(
        [
            Stratum(max(row.passed_count * scale, row.judged_count), row.judged_count, row.escape_count)
            for row in sampled
        ]
    )


def _missing(scope: Scope, inspected: int, failed: int, reviewed: int, audited: int, passed: int) -> Literal[""] | str:
    if scope.label_id is not None:
        return "People judge whole images, so there is no corrected rate of a single label."
    if not inspected:
        return "There are no images here."
    parts = []
    if passed and audited < min(MIN_IMAGES_COUNT, passed):
        parts.append(f"{min(MIN_IMAGES_COUNT, passed) - audited} more passed images in a blind audit")
    if failed and reviewed < min(MIN_IMAGES_COUNT, failed):
        parts.append(f"{min(MIN_IMAGES_COUNT, failed) - reviewed} more failed images confirmed or overruled")
    return f"For a corrected rate people must judge {' and '.join(parts)}." if parts else ""
