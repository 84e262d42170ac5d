"""Doorways of the task queue: ids in, one pipeline function called, more work queued. Nothing is decided here.

The pipeline is looked up when a task runs: the web process, which only queues tasks, never loads torch.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from celery import shared_task
from django.db import transaction

from webapp.services import niceness

# Other tasks are cut off before the queue delivers them a second time; these three have a lease for that.
LONGEST_REPORT_SECONDS = 24 * 3600
LONGEST_TRAINING_SECONDS = 8 * 24 * 3600
LONGEST_EVALUATION_SECONDS = 24 * 3600
# A ZIP of 20 GB on a slow disk. Delivered a second time meanwhile, it finds the first one's lock.
LONGEST_UNPACKING_SECONDS = 6 * 3600
# Segmenting, at niceness 5, goes on meanwhile at nine tenths of its pace.
TRAINING_NICENESS = 15


def _pipeline(module: str, function: str) -> Any:
    return getattr(import_module(f"webapp.pipeline.{module}"), function)


def queue_on_commit(task: Any, row_id: int) -> None:
    """Hurry a task once its row is there. Where Redis is down it is logged, and the next sweep finds the work."""
    transaction.on_commit(partial(task.delay, row_id), robust=True)


@shared_task
def segment_run(run_id: int) -> None:
    _pipeline("segment", "segment_run")(run_id, wake_another=partial(queue_on_commit, segment_run, run_id))


@shared_task(time_limit=LONGEST_UNPACKING_SECONDS)
def unpack_archive(archive_id: int) -> None:
    for run_id in _pipeline("unpack", "unpack")(archive_id):
        segment_run.delay(run_id)


@shared_task
def unpack_video(archive_id: int) -> None:
    step = _pipeline("video", "unpack_video")(archive_id)
    for run_id in step.runs:
        segment_run.delay(run_id)
    if step.is_more:
        unpack_video.delay(archive_id)


@shared_task
def unpack_blurred_video(archive_id: int) -> None:
    step = _pipeline("blurred_video", "unpack_blurred_video")(archive_id)
    for run_id in step.runs:
        segment_run.delay(run_id)
    if step.is_more:
        unpack_blurred_video.delay(archive_id)


UNPACKING = {"zip": unpack_archive, "video": unpack_video, "blurred-video": unpack_blurred_video}


@shared_task(time_limit=LONGEST_TRAINING_SECONDS)
def train(training_run_id: int) -> None:
    # In a process of its own (see services.processes.worker), before torch starts its threads.
    niceness.lower(0, TRAINING_NICENESS)
    for run_id in _pipeline("train", "run_training")(training_run_id):
        segment_run.delay(run_id)


@shared_task(time_limit=LONGEST_EVALUATION_SECONDS)
def evaluate(evaluation_id: int) -> None:
    # As for trainings, whose worker it shares: batches that people wait for go first.
    niceness.lower(0, TRAINING_NICENESS)
    _pipeline("evaluate_dataset", "run_evaluation")(evaluation_id)


@shared_task
def count_disagreement(one_id: int, other_id: int) -> None:
    _pipeline("disagreement", "count_disagreement")(one_id, other_id)


@shared_task
def export_model(export_id: int) -> None:
    _pipeline("model_exports", "run_export")(export_id)


@shared_task
def import_model(import_id: int) -> None:
    _pipeline("model_imports", "run_import")(import_id)


@shared_task
def import_dataset(import_id: int) -> None:
    if _pipeline("import_dataset", "run_import")(import_id):
        import_dataset.delay(import_id)


@shared_task
def export_dataset(export_id: int) -> None:
    _pipeline("export_dataset", "run_export")(export_id)


@shared_task(time_limit=LONGEST_REPORT_SECONDS)
def write_report(report_id: int) -> None:
    if _pipeline("reports", "run_report")(report_id):
        mail_report.delay(report_id)


@shared_task
def mail_report(report_id: int) -> None:
    _pipeline("report_mail", "send_mails")(report_id)


@shared_task
def look_into(intake_id: int) -> None:
    looked = _pipeline("intakes", "look")(intake_id)
    for run_id in looked.runs:
        segment_run.delay(run_id)
    if looked.is_unfinished:
        look_into.delay(intake_id)


@shared_task
def measure_space() -> None:
    _pipeline("storage_space", "measure_space")()


@shared_task
def sweep() -> None:
    waiting = _pipeline("sweep", "sweep")()
    if waiting.is_space_stale:
        measure_space.apply_async(expires=waiting.expires_seconds)
    for run_id in waiting.runs:
        segment_run.apply_async((run_id,), expires=waiting.expires_seconds)
    for archive_id, unpacking in waiting.archives:
        UNPACKING[unpacking].apply_async((archive_id,), expires=waiting.expires_seconds)
    for training_run_id in waiting.trainings:
        train.apply_async((training_run_id,), expires=waiting.expires_seconds)
    for evaluation_id in waiting.evaluations:
        evaluate.apply_async((evaluation_id,), expires=waiting.expires_seconds)
    for import_id in waiting.dataset_imports:
        import_dataset.apply_async((import_id,), expires=waiting.expires_seconds)
    for export_id in waiting.dataset_exports:
        export_dataset.apply_async((export_id,), expires=waiting.expires_seconds)
    for export_id in waiting.model_exports:
        export_model.apply_async((export_id,), expires=waiting.expires_seconds)
    for import_id in waiting.model_imports:
        import_model.apply_async((import_id,), expires=waiting.expires_seconds)
    for intake_id in waiting.intakes:
        look_into.apply_async((intake_id,), expires=waiting.expires_seconds)
    for report_id in waiting.reports:
        write_report.apply_async((report_id,), expires=waiting.expires_seconds)
    for report_id in waiting.report_mails:
        mail_report.apply_async((report_id,), expires=waiting.expires_seconds)
