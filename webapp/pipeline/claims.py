"""Claims that ended without a result: given back, or set aside when that happened twice."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from django.db.models import Q
from django.utils import timezone

from webapp.models import Prediction
from webapp.models.runs import PredictionQuerySet

MAX_ATTEMPTS = 2
_STOPPED = "the worker stopped while it segmented this image"


def requeue_lost() -> int:
    """Give back claims whose lease ran out or whose worker, on this machine, is gone; returns how many."""
    claims = Prediction.objects.filter(state=Prediction.State.CLAIMED)
    dead = dead_workers(claims.values_list("claimed_by", flat=True).distinct())
    return give_back(Prediction.objects.filter(Q(lease_until__lt=timezone.now()) | Q(claimed_by__in=dead)), _STOPPED)


def give_back(predictions: PredictionQuerySet, reason: str) -> int:
    """Queue claimed predictions once more; those tried before fail with `reason`. Returns how many there were."""
    claimed = predictions.filter(state=Prediction.State.CLAIMED)
    failed = claimed.filter(attempts_count__gte=MAX_ATTEMPTS).update(
        state=Prediction.State.FAILED,
        error=f"Set aside after {MAX_ATTEMPTS} tries: {reason}"[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    return failed + claimed.update(state=Prediction.State.QUEUED, claimed_by="", lease_until=None)


def dead_workers(names: Iterable[str]) -> list[str]:
    """Those of these workers, named `host:process`, that ran on this machine and are gone."""
    here = f"{socket.gethostname()}:"
    return [name for name in names if name.startswith(here) and not _is_alive(int(name.rpartition(":")[2]))]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
