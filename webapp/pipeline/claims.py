"""Claims that ended without a result: given back, or set aside when that happened again and again.

Who is to blame is told by what died. A process that ends while the one that started it lives on was killed by what it
had in hand, most often by the memory it took: that is a try. Where all of a worker is gone, somebody switched it
off: that is a loss, and only many of them are held against an image.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from webapp import storage
from webapp.models import Prediction
from webapp.models.runs import PredictionQuerySet
from webapp.services import in_hand
from webapp.services.living import dead_workers, living_workers, outlived_by_parent

MAX_ATTEMPTS = 2
MAX_LOSSES = 5
_STOPPED = "the worker stopped while it segmented this image, most often because its memory ran out"
_LOST = "all of the worker ended each time while it segmented this image"

log = structlog.get_logger(__name__)


def requeue_lost() -> int:
    """Give back claims whose worker is gone; returns how many.

    That is known at once of workers on this machine, and of others when their lease has run out.
    """
    claims = Prediction.objects.filter(state=Prediction.State.CLAIMED)
    names = list(claims.values_list("claimed_by", flat=True).distinct())
    count = sum(_take_from(name) for name in dead_workers(names))
    for name in dead_workers(in_hand.known_workers(settings.PIXELWISE_DATA)):
        in_hand.forget(settings.PIXELWISE_DATA, name)
    overdue = Q(lease_until__lt=timezone.now()) & ~Q(claimed_by__in=living_workers(names))
    return count + lose(claims.filter(overdue))


def _take_from(worker: str) -> int:
    """Give back what a dead worker of this machine held."""
    held = Prediction.objects.filter(claimed_by=worker)
    known = in_hand.held(settings.PIXELWISE_DATA, worker)
    touched = held if known is None else held.filter(pk__in=known)
    ended_alone = outlived_by_parent(worker)
    log.warning("a worker died", worker=worker, alone=ended_alone, in_hand=sorted(known or ()))
    count = give_back(touched, _STOPPED) if ended_alone else lose(touched)
    return count + hand_back(held)


def give_back(predictions: PredictionQuerySet, reason: str) -> int:
    """Queue claimed predictions once more; those tried before fail with `reason`. Returns how many there were."""
    claimed = predictions.filter(state=Prediction.State.CLAIMED)
    failed = _set_aside(claimed.filter(attempts_count__gte=MAX_ATTEMPTS), f"after {MAX_ATTEMPTS} tries: {reason}")
    return failed + _requeue(claimed)


def lose(predictions: PredictionQuerySet) -> int:
    """Queue claimed predictions whose worker is gone as a whole; those lost often before fail. Returns how many."""
    claimed = predictions.filter(state=Prediction.State.CLAIMED)
    failed = _set_aside(claimed.filter(losses_count__gte=MAX_LOSSES - 1), f"after {MAX_LOSSES} tries: {_LOST}")
    return failed + _requeue(claimed, attempts_count=_one_less(), losses_count=F("losses_count") + 1)


def hand_back(predictions: PredictionQuerySet) -> int:
    """Queue claimed predictions as if nobody had tried: what went wrong had nothing to do with them."""
    return _requeue(predictions.filter(state=Prediction.State.CLAIMED), attempts_count=_one_less())


def _one_less() -> Greatest:
    return Greatest(F("attempts_count") - 1, 0)


def _requeue(claimed: PredictionQuerySet, **changes: object) -> int:
    return claimed.update(state=Prediction.State.QUEUED, claimed_by="", lease_until=None, **changes)


def _set_aside(claimed: PredictionQuerySet, reason: str) -> int:
    tried = list(claimed.values_list("pk", flat=True))
    failed = claimed.filter(pk__in=tried).update(
        state=Prediction.State.FAILED,
        error=f"Set aside {reason}"[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    remove_masks_without_result(tried)
    return failed


def remove_masks_without_result(prediction_ids: Collection[int]) -> None:
    """Remove files of those that failed, were cancelled or deleted; the others' belong to whoever holds them now."""
    alive = Prediction.objects.filter(pk__in=prediction_ids).exclude(
        state__in=(Prediction.State.FAILED, Prediction.State.CANCELLED)
    )
    for pk in set(prediction_ids) - set(alive.values_list("pk", flat=True)):
        storage.remove_mask(pk)
