"""Who writes which report: a lease that a heartbeat renews, progress on the way, and reports whose worker is gone."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from webapp.models import Report
from webapp.models.reports import ReportQuerySet
from webapp.pipeline.heartbeat import Heartbeat
from webapp.services.living import dead_workers

MAX_ATTEMPTS = 3
_WAITING_AT_ONCE = 20
_STOPPED = (
    f"The worker stopped {MAX_ATTEMPTS} times while it wrote this report. Ask for a smaller part of the images, for "
    "instance fewer days, and tell whoever runs Pixelwise."
)


class NotWantedError(Exception):
    """The report was cancelled or deleted, or another worker holds it by now."""


def claim(report_id: int) -> Report | None:
    """Take a waiting report; None where another worker has it or it is over."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    taken = Report.objects.filter(pk=report_id, state=Report.State.WAITING).update(
        state=Report.State.RUNNING,
        claimed_by=worker,
        lease_until=_next_lease(),
        attempts_count=F("attempts_count") + 1,
        progress_fraction=0,
    )
    if not taken:
        return None
    return Report.objects.select_related("project__live_model", "user", "schedule").get(pk=report_id)


def held(report: Report) -> ReportQuerySet:
    """The report while its worker holds it; empty once it was cancelled, given back or deleted."""
    return Report.objects.filter(
        pk=report.pk,
        state=Report.State.RUNNING,
        claimed_by=report.claimed_by,
        attempts_count=report.attempts_count,
    )


def fail(reports: ReportQuerySet, reason: str) -> int:
    """End these with a reason; returns how many there were."""
    return reports.update(
        state=Report.State.FAILED,
        error=(reason or "failed")[:1000],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )


def requeue_lost_reports() -> int:
    """Let what dead workers held wait again; what was tried too often fails. Returns how many there were."""
    running = Report.objects.filter(state=Report.State.RUNNING)
    dead = dead_workers(running.values_list("claimed_by", flat=True).distinct())
    lost = running.filter(Q(lease_until__lt=Now()) | Q(claimed_by__in=dead))
    failed = fail(lost.filter(attempts_count__gte=MAX_ATTEMPTS), _STOPPED)
    return failed + lost.update(state=Report.State.WAITING, claimed_by="", lease_until=None)


def waiting_reports() -> list[int]:
    """The oldest reports that no worker has begun."""
    waiting = Report.objects.filter(state=Report.State.WAITING).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:_WAITING_AT_ONCE])


class ReportHeartbeat(Heartbeat):
    """Renews the lease and stores the progress.

    The writer reads all its numbers in one transaction, which may not write.
    """

    every_seconds = 1.0

    def __init__(self, report: Report) -> None:
        super().__init__(f"report {report.pk}")
        self._held = held(report)
        self._fraction = 0.0
        self._is_lost = False

    def progress(self, fraction: float) -> None:
        """Say how far the writer is, 0–1. NotWantedError where there is no use in going on."""
        self._fraction = fraction
        if self._is_lost:
            raise NotWantedError

    def _renew(self) -> None:
        renewed = self._held.update(lease_until=_next_lease(), progress_fraction=min(1.0, self._fraction))
        self._is_lost = not renewed


def _next_lease() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.PIXELWISE_LEASE_SECONDS)
