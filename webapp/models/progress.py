"""How far batches are: one answer for the page, the list and the API, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection
from django.utils import timezone

from webapp.models.images import Batch
from webapp.models.learning import ModelVersion
from webapp.models.runs import Run

Status = Literal["uploading", "waiting", "queued", "running", "done", "failed", "cancelled"]

_RATE_WINDOW = timedelta(seconds=30)


@dataclass(frozen=True)
class BatchProgress:
    """Counts of one batch under one model version.

    `image_count`: different pictures; `done_count`, `failed_count`: of these, segmented or given up on;
    `fail_verdict_count`: judged defective; `waiting_count`: still to be segmented; `duplicate_count`: files whose
    content the project or the batch already had; `images_per_second`, `eta_seconds`: None where not known.
    """

    status: Status
    image_count: int
    done_count: int
    failed_count: int
    fail_verdict_count: int
    waiting_count: int
    duplicate_count: int
    rejected_count: int
    without_capture_time_count: int
    images_per_second: float | None
    eta_seconds: float | None
    run: Run | None
    model_version: ModelVersion | None

    @property
    def is_final(self) -> bool:
        return self.status in ("done", "failed", "cancelled")


_COUNTS = """
    SELECT chosen.batch_id,
           count(*) AS images,
           count(*) FILTER (WHERE prediction.state = 'done') AS done,
           count(*) FILTER (WHERE prediction.state = 'failed') AS failed,
           count(*) FILTER (WHERE prediction.state = 'done' AND prediction.verdict = 'fail') AS fail_verdicts,
           count(*) FILTER (WHERE prediction.state IN ('queued', 'claimed')) AS waiting,
           count(*) FILTER (WHERE prediction.state = 'claimed') AS claimed,
           count(*) FILTER (WHERE batch_image.was_known) AS known,
           count(*) FILTER (WHERE image.captured_at_from = 'upload') AS without_time,
           count(*) FILTER (WHERE prediction.finished_at > %(since)s) AS recent,
           max(prediction.finished_at) AS last_at
    FROM unnest(%(batches)s::bigint[], %(models)s::bigint[]) AS chosen (batch_id, model_version_id)
    JOIN batch_image ON batch_image.batch_id = chosen.batch_id
    JOIN image ON image.id = batch_image.image_id
    LEFT JOIN prediction ON prediction.image_id = batch_image.image_id
        AND prediction.model_version_id = chosen.model_version_id AND NOT prediction.is_shadow
    GROUP BY chosen.batch_id
"""

_SKIPPED = """
    SELECT batch.id, count(*) FILTER (WHERE kind = 'rejected'), count(*) FILTER (WHERE kind = 'repeated'),
           EXISTS (SELECT FROM archive WHERE archive.batch_id = batch.id)
    FROM batch LEFT JOIN skipped_file ON skipped_file.batch_id = batch.id
    WHERE batch.id = ANY(%(batches)s)
    GROUP BY batch.id
"""


@dataclass(frozen=True)
class _Counts:
    images: int = 0
    done: int = 0
    failed: int = 0
    fail_verdicts: int = 0
    waiting: int = 0
    claimed: int = 0
    known: int = 0
    without_time: int = 0
    recent: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True)
class _Skipped:
    rejected: int = 0
    repeated: int = 0
    is_unpacking: bool = False


def batch_progress(batch: Batch, *, model_version: ModelVersion | None = None) -> BatchProgress:
    """How far one batch is, under its newest run's model version or a chosen one."""
    return batches_with_progress([batch], model_version=model_version)[0][1]


def batches_with_progress(
    batches: Sequence[Batch], *, model_version: ModelVersion | None = None
) -> list[tuple[Batch, BatchProgress]]:
    """Each batch with its progress, in the order given; three queries however many there are."""
    ids = [batch.pk for batch in batches]
    runs = Run.objects.filter(batch__in=ids).select_related("model_version").order_by("batch_id", "id")
    if model_version is not None:
        runs = runs.filter(model_version=model_version)
    newest = {run.batch_id: run for run in runs}
    with connection.cursor() as cursor:
        models = [newest[pk].model_version_id if pk in newest else None for pk in ids]
        cursor.execute(_COUNTS, {"batches": ids, "models": models, "since": timezone.now() - _RATE_WINDOW})
        counts = {row[0]: _Counts(*row[1:]) for row in cursor.fetchall()}
        cursor.execute(_SKIPPED, {"batches": ids})
        skipped = {row[0]: _Skipped(*row[1:]) for row in cursor.fetchall()}
    return [
        (batch, _progress(batch, newest.get(batch.pk), counts.get(batch.pk, _Counts()), skipped[batch.pk]))
        for batch in batches
    ]


def _progress(batch: Batch, run: Run | None, counts: _Counts, skipped: _Skipped) -> BatchProgress:
    rate = _rate(run, counts)
    return BatchProgress(
        status=_status(batch, run, counts, skipped),
        image_count=counts.images,
        done_count=counts.done,
        failed_count=counts.failed,
        fail_verdict_count=counts.fail_verdicts,
        waiting_count=counts.waiting,
        duplicate_count=counts.known + skipped.repeated,
        rejected_count=skipped.rejected,
        without_capture_time_count=counts.without_time,
        images_per_second=rate,
        eta_seconds=counts.waiting / rate if rate and counts.waiting else None,
        run=run,
        model_version=run.model_version if run is not None else None,
    )


def _status(batch: Batch, run: Run | None, counts: _Counts, skipped: _Skipped) -> Status:
    if batch.sealed_at is None or skipped.is_unpacking:
        return "uploading"
    if counts.images == 0:
        return "failed"
    if run is None:
        return "waiting"
    if counts.waiting:
        return "running" if counts.claimed or counts.done or counts.failed else "queued"
    if run.state == Run.State.CANCELLED:
        return "cancelled"
    return "failed" if counts.failed == counts.images else "done"


def _rate(run: Run | None, counts: _Counts) -> float | None:
    """Images per second: of the last half minute while the run goes on, of all of it once it is over."""
    if run is None or counts.done + counts.failed == 0:
        return None
    if counts.waiting:
        elapsed = min(_RATE_WINDOW, timezone.now() - run.created_at).total_seconds()
        return counts.recent / elapsed if counts.recent and elapsed > 0 else None
    if counts.last_at is None or counts.last_at <= run.created_at:
        return None
    return (counts.done + counts.failed) / (counts.last_at - run.created_at).total_seconds()
