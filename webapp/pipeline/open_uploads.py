"""Uploads that were not finished: what has come, what is missing, and when the clock will close them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet

from webapp.models import Batch, Project
from webapp.pipeline.announced import missing_files

MOST = 5
MOST_NAMES = 20


@dataclass(frozen=True)
class OpenUpload:
    """`missing_names` are the first of `missing_count`; `closes_at` unless more comes before."""

    batch: Batch
    arrived_count: int
    missing_count: int
    missing_names: tuple[str, ...]
    closes_at: datetime


def open_uploads(project: Project) -> list[OpenUpload]:
    """The newest ones of a project, but for batches that an intake fills."""
    batches = project.batches.left_open().select_related("source", "created_by")
    return [open_upload(batch) for batch in batches[:MOST]]


def open_upload(batch: Batch) -> OpenUpload:
    missing = missing_files(batch)
    names = tuple(missing.values_list("name", flat=True)[:MOST_NAMES])
    return OpenUpload(
        batch=batch,
        arrived_count=batch.batch_images.count() + batch.arrived_files.count(),
        missing_count=missing.count() if len(names) == MOST_NAMES else len(names),
        missing_names=names,
        closes_at=_newest(batch) + timedelta(seconds=settings.PIXELWISE_UPLOAD_SECONDS),
    )


def _newest(batch: Batch) -> datetime:
    """When something came last, as `broken_uploads` looks at it."""
    came: list[tuple[QuerySet, str]] = [
        (batch.batch_images.all(), "image__created_at"),
        (batch.skipped_files.all(), "created_at"),
        (batch.archives.all(), "created_at"),
        (batch.partial_uploads.all(), "updated_at"),
    ]
    times = [rows.aggregate(at=Max(column))["at"] for rows, column in came]
    return max([batch.created_at, *(at for at in times if at is not None)])
