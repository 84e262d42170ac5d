"""What a clock does: give back what dead workers held, and wake workers for what still waits."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from webapp.models import Archive, Prediction, Run
from webapp.pipeline.queueing import finish_complete_runs

MAX_ATTEMPTS = 2


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


def requeue_lost() -> int:
    """Requeue claims whose lease ran out or whose worker, on this machine, is gone.

    An image that stopped its worker twice is set aside as failed. Returns how many claims were lost.
    """
    dead = [name for name in _local_workers() if not _is_alive(int(name.rpartition(":")[2]))]
    lost = Prediction.objects.filter(
        Q(lease_until__lt=timezone.now()) | Q(claimed_by__in=dead), state=Prediction.State.CLAIMED
    )
    poisonous = lost.filter(attempts_count__gte=MAX_ATTEMPTS).update(
        state=Prediction.State.FAILED,
        error="The worker stopped twice while it segmented this image; it was set aside. "
        "Retry it alone, or make the picture smaller.",
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    return poisonous + lost.update(state=Prediction.State.QUEUED, claimed_by="", lease_until=None)


def _local_workers() -> list[str]:
    claims = Prediction.objects.filter(
        state=Prediction.State.CLAIMED, claimed_by__startswith=f"{socket.gethostname()}:"
    )
    return list(claims.values_list("claimed_by", flat=True).distinct())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
