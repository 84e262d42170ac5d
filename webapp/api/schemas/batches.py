"""Batches: images uploaded together, and how far they are."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema

from webapp.api.schemas.models import ModelRef
from webapp.api.schemas.sources import SourceRef
from webapp.models import Batch, BatchProgress, SkippedFile

BatchStatus = Literal["queued", "running", "done", "failed"]
Stage = Literal["uploading", "waiting", "queued", "running", "done", "failed", "cancelled"]

_STATUSES: dict[str, BatchStatus] = {
    "uploading": "queued",
    "waiting": "queued",
    "queued": "queued",
    "running": "running",
    "done": "done",
    "failed": "failed",
}


class RejectedFile(Schema):
    name: str
    reason: str

    @classmethod
    def of(cls, file: SkippedFile) -> RejectedFile:
        return cls(name=file.name, reason=file.reason)


class BatchRow(Schema):
    """`status` says whether to wait (queued, running) or not (done, failed); `stage` says it finer.

    Stages: uploading, waiting (the project has no live model), queued, running, done, failed, cancelled. The
    counts are under `model`, that of the newest run. `duplicate_count`: files whose content the project or
    the batch already had. `rejected_count`: files that are no pictures, broken or too large.
    """

    id: int
    project: str
    name: str
    source: SourceRef | None
    captured_at: datetime | None
    created_at: datetime
    status: BatchStatus
    stage: Stage
    model: ModelRef | None
    image_count: int
    done_count: int
    failed_count: int
    fail_verdict_count: int
    waiting_count: int
    duplicate_count: int
    rejected_count: int
    images_per_second: float | None
    eta_seconds: float | None


class BatchOut(BatchRow):
    rejected: list[RejectedFile]


class BatchPage(Schema):
    items: list[BatchRow]
    next: str | None


def batch_row(batch: Batch, progress: BatchProgress) -> BatchRow:
    return BatchRow(
        id=batch.pk,
        project=batch.project.slug,
        name=batch.name,
        source=SourceRef.of(batch.source) if batch.source else None,
        captured_at=batch.captured_at,
        created_at=batch.created_at,
        status=status_of(progress),
        stage=progress.status,
        model=ModelRef.of(progress.model_version) if progress.model_version else None,
        image_count=progress.image_count,
        done_count=progress.done_count,
        failed_count=progress.failed_count,
        fail_verdict_count=progress.fail_verdict_count,
        waiting_count=progress.waiting_count,
        duplicate_count=progress.duplicate_count,
        rejected_count=progress.rejected_count,
        images_per_second=progress.images_per_second,
        eta_seconds=progress.eta_seconds,
    )


def status_of(progress: BatchProgress) -> BatchStatus:
    """A cancelled batch is done as far as it came, and failed where it came nowhere."""
    if progress.status == "cancelled":
        return "done" if progress.done_count else "failed"
    return _STATUSES[progress.status]
