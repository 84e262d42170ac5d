"""Runs: start one with a chosen model version, cancel it, retry what failed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from webapp.models import Batch, BatchImage, ModelVersion, Prediction, Run, User
from webapp.pipeline.queueing import finish_complete_runs, queue_batch, take_over
from webapp.tasks import queue_on_commit, segment_run


@transaction.atomic
def start_run(*, batch: Batch, model_version: ModelVersion, user: User | None) -> Run:
    """Segment a batch with a model version; images it has segmented before keep their numbers.

    ValueError where the model version is another project's.
    """
    if model_version.project_id != batch.project_id:
        raise ValueError(f"model version {model_version} belongs to another project")
    run = queue_batch(batch, model_version, user=user)
    queue_on_commit(segment_run, run.pk)
    transaction.on_commit(lambda: finish_complete_runs([run.pk]))
    return run


@transaction.atomic
def cancel_run(*, run: Run, user: User | None) -> int:
    """Stop a run; what is done stays. Returns how many images it will not segment."""
    stopped = run.predictions.filter(state__in=[Prediction.State.QUEUED, Prediction.State.CLAIMED]).update(
        state=Prediction.State.CANCELLED, claimed_by="", lease_until=None
    )
    Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(state=Run.State.CANCELLED, finished_at=timezone.now())
    return stopped


@transaction.atomic
def retry_failed(*, run: Run, user: User | None) -> int:
    """Queue the failed images of a run's batch once more, each alone; returns how many.

    Among them are images that failed in another batch's run of the same model version.
    """
    images = BatchImage.objects.filter(batch=run.batch_id).values("image")
    failed = Prediction.objects.filter(image__in=images, state=Prediction.State.FAILED)
    again = take_over(run, failed, attempts_count=1)
    if again:
        Run.objects.filter(pk=run.pk).update(
            state=Run.State.RUNNING, finished_at=None, load_deaths_count=0, load_losses_count=0
        )
        queue_on_commit(segment_run, run.pk)
    return again
