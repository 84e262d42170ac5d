"""Uploads that were broken off: a batch nobody will ever seal is sealed by the clock, with the files that came."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from webapp.models import Archive, Batch, BatchImage, PartialUpload, SkippedFile
from webapp.pipeline.announced import list_missing
from webapp.pipeline.queueing import seal


def seal_broken_off(now: datetime) -> int:
    """Seal open batches that got nothing for `PIXELWISE_UPLOAD_SECONDS`; returns how many.

    Files that were announced and never came are listed in the batch.
    """
    oldest = now - timedelta(seconds=settings.PIXELWISE_UPLOAD_SECONDS)
    own = {"batch": OuterRef("pk"), "created_at__gte": oldest}
    abandoned = Batch.objects.filter(
        ~Exists(BatchImage.objects.filter(batch=OuterRef("pk"), image__created_at__gte=oldest)),
        ~Exists(SkippedFile.objects.filter(**own)),
        ~Exists(Archive.objects.filter(**own)),
        ~Exists(PartialUpload.objects.filter(batch=OuterRef("pk"), updated_at__gte=oldest)),
        sealed_at__isnull=True,
        created_at__lt=oldest,
    )
    batches = list(abandoned.order_by("pk"))
    for batch in batches:
        list_missing(batch)
        seal(batch)
    return len(batches)
