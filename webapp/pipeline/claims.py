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
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from webapp import storage
from webapp.models import Prediction, Run
from webapp.models.runs import PredictionQuerySet
from webapp.services import in_hand
from webapp.services.living import dead_workers, is_of_this_machine, outlived_by_parent

MAX_ATTEMPTS = 2
MAX_LOSSES = 5
_STOPPED = "the worker stopped while it segmented this image, most often because its memory ran out"
_LOST = "all of the worker ended each time while it segmented this image"
_NOT_LOADED = (
    "Version {number} could not be loaded: the worker ended {count} times while loading it. It may need more memory "
    "than this machine has. Segment with a lighter version, or give the machine more memory and try these images again."
)

log = structlog.get_logger(__name__)


def requeue_lost() -> int:
    """Give back claims whose worker is gone; returns how many.

    That is known at once of workers on this machine, and of others when their lease has run out.
    """
    claims = Prediction.objects.filter(state=Prediction.State.CLAIMED)
    names = set(claims.values_list("claimed_by", flat=True).distinct())
    # Asked once: of who dies after this, file and claims stay for the next time.
    dead = set(dead_workers(names | set(in_hand.known_workers(settings.PIXELWISE_DATA))))
    count = sum(_take_from(name) for name in dead)
    spared = [name for name in names - dead if is_of_this_machine(name)]
    return count + lose(claims.filter(lease_until__lt=Now()).exclude(claimed_by__in=spared))


def _take_from(worker: str) -> int:
    """Give back what a dead worker of this machine held, and only then forget what it had in hand."""
    held = Prediction.objects.filter(claimed_by=worker)
    known = in_hand.held(settings.PIXELWISE_DATA, worker)
    touched = held if known is None else held.filter(pk__in=known.images)
    loading_run_id = None if known is None else known.loading_run_id
    ended_alone = outlived_by_parent(worker)
    log.warning(
        "a worker died",
        worker=worker,
        alone=ended_alone,
        in_hand=sorted(known.images if known is not None else ()),
        loading_run_id=loading_run_id,
    )
    count = give_back(touched, _STOPPED) if ended_alone else lose(touched)
    count += hand_back(held)
    if in_hand.forget(settings.PIXELWISE_DATA, worker) and loading_run_id is not None:
        _blame_model(loading_run_id, ended_alone=ended_alone)
    return count


def _blame_model(run_id: int, *, ended_alone: bool) -> None:
    """Count a worker that ended while it loaded a run's model; after as many as with an image, what waits fails."""
    run = Run.objects.filter(pk=run_id)
    counted = "load_deaths_count" if ended_alone else "load_losses_count"
    run.update(**{counted: F(counted) + 1})
    too_often = Q(load_deaths_count__gte=MAX_ATTEMPTS) | Q(load_losses_count__gte=MAX_LOSSES)
    ended = run.filter(too_often).select_related("model_version").first()
    if ended is None:
        return
    reason = _NOT_LOADED.format(
        number=ended.model_version.number, count=ended.load_deaths_count + ended.load_losses_count
    )
    count = _fail(ended.predictions.filter(state=Prediction.State.QUEUED), reason)
    log.error("a model could not be loaded", run_id=run_id, model_version=ended.model_version_id, images=count)


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
    return _fail(claimed, f"Set aside {reason}")


def _fail(predictions: PredictionQuerySet, error: str) -> int:
    ids = list(predictions.values_list("pk", flat=True))
    failed = predictions.filter(pk__in=ids).update(
        state=Prediction.State.FAILED,
        error=error[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )
    remove_masks_without_result(ids)
    return failed


def remove_masks_without_result(prediction_ids: Collection[int]) -> None:
    """Remove files of those that failed, were cancelled or deleted; the others' belong to whoever holds them now."""
    alive = Prediction.objects.filter(pk__in=prediction_ids).exclude(
        state__in=(Prediction.State.FAILED, Prediction.State.CANCELLED)
    )
    storage.remove_masks(set(prediction_ids) - set(alive.values_list("pk", flat=True)))
