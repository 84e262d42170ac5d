"""Doorways of the task queue: ids in, one pipeline function called, more work queued. Nothing is decided here.

The pipeline is looked up when a task runs: the web process, which only queues tasks, never loads torch.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from celery import shared_task
from django.db import transaction


def _pipeline(module: str, function: str) -> Any:
    return getattr(import_module(f"webapp.pipeline.{module}"), function)


def queue_on_commit(task: Any, row_id: int) -> None:
    """Hurry a task once its row is there. Where Redis is down it is logged, and the next sweep finds the work."""
    transaction.on_commit(partial(task.delay, row_id), robust=True)


@shared_task
def segment_run(run_id: int) -> None:
    if _pipeline("segment", "segment_run")(run_id):
        segment_run.delay(run_id)


@shared_task
def unpack_archive(archive_id: int) -> None:
    for run_id in _pipeline("unpack", "unpack")(archive_id):
        segment_run.delay(run_id)


@shared_task
def sweep() -> None:
    waiting = _pipeline("sweep", "sweep")()
    for run_id in waiting.runs:
        segment_run.apply_async((run_id,), expires=waiting.expires_seconds)
    for archive_id in waiting.archives:
        unpack_archive.apply_async((archive_id,), expires=waiting.expires_seconds)
