"""Claims that ended without a result: given back, or set aside when that happened twice."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable

from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from webapp import storage
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
    tried = list(claimed.filter(attempts_count__gte=MAX_ATTEMPTS).values_list("pk", flat=True))
    failed = claimed.filter(pk__in=tried).update(
        state=Prediction.State.FAILED,
        error=f"Set aside after {MAX_ATTEMPTS} tries: {reason}"[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    remove_masks_without_result(tried)
    return failed + claimed.update(state=Prediction.State.QUEUED, claimed_by="", lease_until=None)


def hand_back(predictions: PredictionQuerySet) -> int:
    """Queue claimed predictions as if nobody had tried: what went wrong had nothing to do with them."""
    return predictions.filter(state=Prediction.State.CLAIMED).update(
        state=Prediction.State.QUEUED,
        claimed_by="",
        lease_until=None,
        attempts_count=Greatest(F("attempts_count") - 1, 0),
    )


def remove_masks_without_result(prediction_ids: Collection[int]) -> None:
    """Remove files of those that failed, were cancelled or deleted; the others' belong to whoever holds them now."""
    alive = Prediction.objects.filter(pk__in=prediction_ids).exclude(
        state__in=(Prediction.State.FAILED, Prediction.State.CANCELLED)
    )
    for pk in set(prediction_ids) - set(alive.values_list("pk", flat=True)):
        storage.remove_mask(pk)


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
