"""What a clock does: give back what dead workers held, and wake workers for what still waits."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef

from webapp.models import Archive, Prediction, Run
from webapp.pipeline.claims import requeue_lost
from webapp.pipeline.queueing import finish_complete_runs


@dataclass(frozen=True)
class Waiting:
    """Ids of runs with queued images that no worker is at, and of archives not unpacked yet.

    The next sweep finds anew what is not taken up before `expires_seconds`.
    """

    runs: list[int]
    archives: list[int]
    expires_seconds: int


def sweep() -> Waiting:
    requeue_lost()
    finish_complete_runs()
    own = Prediction.objects.filter(run=OuterRef("pk"))
    runs = Run.objects.filter(
        Exists(own.filter(state=Prediction.State.QUEUED)),
        ~Exists(own.filter(state=Prediction.State.CLAIMED)),
        state=Run.State.RUNNING,
    )
    return Waiting(
        runs=list(runs.order_by("pk").values_list("pk", flat=True)),
        archives=list(Archive.objects.order_by("pk").values_list("pk", flat=True)),
        expires_seconds=settings.PIXELWISE_SWEEP_SECONDS,
    )
