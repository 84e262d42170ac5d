"""What is still to be segmented. PostgreSQL knows it; the task queue only hurries it."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from webapp.models import Batch, BatchImage, Image, ModelVersion, Prediction, Project, Run, ShadowImage, User
from webapp.pipeline import rollups
from webapp.pipeline.current import displace_current

_UNFINISHED = (Prediction.State.QUEUED, Prediction.State.CLAIMED)
_WITHOUT_RESULT = (Prediction.State.FAILED, Prediction.State.CANCELLED)


def queue_images(run: Run, image_ids: Collection[int]) -> int:
    """Queue predictions for these images, except those the model version already has. Returns how many are new."""
    wanted = set(image_ids)
    taken_over = adopt_shadows(run, wanted)
    taken_over += take_over(run, Prediction.objects.filter(image_id__in=wanted, state=Prediction.State.CANCELLED))
    return taken_over + _add(run, wanted)


def take_over(run: Run, predictions: QuerySet[Prediction], *, attempts_count: int = 0) -> int:
    """Queue predictions of the run's model version that ended without a result anew, now for this run."""
    return predictions.filter(model_version=run.model_version_id).update(
        run=run,
        state=Prediction.State.QUEUED,
        error="",
        attempts_count=attempts_count,
        losses_count=0,
        finished_at=None,
    )


@transaction.atomic
def adopt_shadows(run: Run, image_ids: Collection[int]) -> int:
    """What shadow runs of the version found of these images now counts, for this run, without segmenting again.

    Returns how many of them are still to be segmented.
    """
    shadows = Prediction.objects.filter(image_id__in=image_ids, model_version=run.model_version_id, is_shadow=True)
    found = set(shadows.values_list("image_id", flat=True))
    if not found:
        return 0
    # Images first, in order, as the workers lock them: nobody waits in a circle.
    list(Image.objects.filter(pk__in=found).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    locked = list(shadows.order_by("pk").select_for_update())
    done = {row.image_id: row.pk for row in locked if row.state == Prediction.State.DONE}
    mine = Prediction.objects.filter(pk__in=[row.pk for row in locked])
    mine.update(run=run, is_shadow=False)
    newest = displace_current(dict.fromkeys(done, run.pk))
    Prediction.objects.filter(pk__in=[pk for image_id, pk in done.items() if image_id in newest]).update(
        is_current=True
    )
    rollups.add(list(done.values()))
    take_over(run, mine.filter(state__in=_WITHOUT_RESULT))
    return len(locked) - len(done)


def queue_shadow(model_version: ModelVersion, image_ids: Collection[int], *, user: User | None) -> Run:
    """A run over chosen images whose results count nowhere; what the version has found of them is taken as it is."""
    run = Run.objects.create(model_version=model_version, kind=Run.Kind.SHADOW, created_by=user)
    ShadowImage.objects.bulk_create(ShadowImage(run=run, image_id=image_id) for image_id in sorted(image_ids))
    mine = Prediction.objects.filter(image_id__in=image_ids, is_shadow=True)
    take_over(run, mine.filter(state__in=_WITHOUT_RESULT))
    mine.filter(model_version=model_version, state__in=_UNFINISHED).update(run=run)
    _add(run, set(image_ids))
    return run


def _add(run: Run, wanted: set[int]) -> int:
    """New predictions for the images that the version has none of; returns how many."""
    held = set(
        Prediction.objects.filter(image_id__in=wanted, model_version=run.model_version_id).values_list(
            "image_id", flat=True
        )
    )
    Prediction.objects.bulk_create(
        [
            Prediction(
                run=run,
                image_id=image_id,
                model_version_id=run.model_version_id,
                is_shadow=run.kind == Run.Kind.SHADOW,
            )
            for image_id in sorted(wanted - held)
        ],
        ignore_conflicts=True,
    )
    return len(wanted - held)


def running_run(batch: Batch, *, user: User | None) -> Run | None:
    """The run that new images of a batch join: the newest one still going on, else a new one of the live model.

    None while the project has no live model: the batch waits.
    """
    run = batch.runs.filter(state=Run.State.RUNNING).first()
    if run is not None or batch.runs.exists():
        return run
    live_model_id = Project.objects.values_list("live_model_id", flat=True).get(pk=batch.project_id)
    if live_model_id is None:
        return None
    return Run.objects.create(batch=batch, model_version_id=live_model_id, created_by=user)


def queue_batch(batch: Batch, model_version: ModelVersion, *, user: User | None) -> Run:
    """A new run of `model_version` over every image of the batch."""
    run = Run.objects.create(batch=batch, model_version=model_version, created_by=user)
    image_ids = BatchImage.objects.filter(batch=batch).values_list("image_id", flat=True)
    queue_images(run, list(image_ids))
    return run


@transaction.atomic
def seal(batch: Batch) -> Run | None:
    """No more files will come. Images that slipped in while a model went live are queued here.

    Returns the run they are segmented by; None where the batch waits for a model.
    """
    Batch.objects.filter(pk=batch.pk, sealed_at__isnull=True).update(sealed_at=timezone.now())
    batch.refresh_from_db()
    run = running_run(batch, user=batch.created_by)
    if run is not None:
        queue_images(run, list(batch.batch_images.values_list("image_id", flat=True)))
    return run


def finish_complete_runs(run_ids: Collection[int] | None = None) -> int:
    """Mark runs done whose batch is sealed and unpacked (or deleted) and whose predictions are all final."""
    unfinished = Prediction.objects.filter(run=OuterRef("pk"), state__in=_UNFINISHED)
    complete = Run.objects.filter(
        ~Exists(unfinished),
        Q(batch__isnull=True) | Q(batch__sealed_at__isnull=False, batch__archives__isnull=True),
        state=Run.State.RUNNING,
    )
    if run_ids is not None:
        complete = complete.filter(pk__in=run_ids)
    ids = list(complete.values_list("pk", flat=True))
    return Run.objects.filter(pk__in=ids, state=Run.State.RUNNING).update(
        state=Run.State.DONE, finished_at=timezone.now()
    )
