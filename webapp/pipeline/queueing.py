"""What is still to be segmented. PostgreSQL knows it; the task queue only hurries it."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from webapp.models import Batch, BatchImage, ModelVersion, Prediction, Project, Run, User

_UNFINISHED = (Prediction.State.QUEUED, Prediction.State.CLAIMED)


def queue_images(run: Run, image_ids: Collection[int]) -> int:
    """Queue predictions for these images, except those the model version already has. Returns how many are new."""
    wanted = set(image_ids)
    taken_over = take_over(run, Prediction.objects.filter(image_id__in=wanted, state=Prediction.State.CANCELLED))
    held = set(
        Prediction.objects.filter(image_id__in=wanted, model_version=run.model_version_id).values_list(
            "image_id", flat=True
        )
    )
    Prediction.objects.bulk_create(
        [
            Prediction(run=run, image_id=image_id, model_version_id=run.model_version_id)
            for image_id in sorted(wanted - held)
        ],
        ignore_conflicts=True,
    )
    return taken_over + len(wanted - held)


def take_over(run: Run, predictions: QuerySet[Prediction], *, attempts_count: int = 0) -> int:
    """Queue predictions of the run's model version that ended without a result anew, now for this run."""
    return predictions.filter(model_version=run.model_version_id).update(
        run=run, state=Prediction.State.QUEUED, error="", attempts_count=attempts_count, finished_at=None
    )


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
