"""Uploads that were broken off: a batch nobody will ever seal is sealed by the clock, with the files that came."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef

from webapp.models import Archive, Batch, BatchImage, SkippedFile
from webapp.pipeline.queueing import seal


def seal_broken_off(now: datetime) -> int:
    """Seal open batches that got no file for `PIXELWISE_UPLOAD_SECONDS`; returns how many."""
    oldest = now - timedelta(seconds=settings.PIXELWISE_UPLOAD_SECONDS)
    own = {"batch": OuterRef("pk"), "created_at__gte": oldest}
    abandoned = Batch.objects.filter(
        ~Exists(BatchImage.objects.filter(batch=OuterRef("pk"), image__created_at__gte=oldest)),
        ~Exists(SkippedFile.objects.filter(**own)),
        ~Exists(Archive.objects.filter(**own)),
        sealed_at__isnull=True,
        created_at__lt=oldest,
    )
    batches = list(abandoned.order_by("pk"))
    for batch in batches:
        seal(batch)
    return len(batches)
