"""Written reports on disk, and their end."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from webapp import storage
from webapp.models import Report


def remove_old_reports(now: datetime) -> int:
    """Delete what was finished longer ago than reports are kept, with its file; returns how many that were."""
    old = Report.objects.filter(finished_at__lt=now - timedelta(days=settings.PIXELWISE_REPORT_DAYS))
    removed = 0
    for one in old:
        forget(one)
        removed += 1
    return removed


def forget(one: Report) -> None:
    """Delete a report and its file."""
    path = one.path
    one.delete()
    if path:
        transaction.on_commit(lambda: storage.remove([storage.report_path(path)]))
