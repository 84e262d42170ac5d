"""The Celery app: queues `gpu` (segmenting), `train` and `cpu` (everything else), and their signs of life."""

from __future__ import annotations

import os
import signal
import time
from importlib import import_module
from inspect import signature
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.signals import (
    beat_init,
    before_task_publish,
    celeryd_after_setup,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_init,
)

from webapp.services import heartbeat, roll_call
from webapp.services.launch import die_with_parent
from webapp.services.living import note_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

SWEEP = "webapp.tasks.sweep"
REQUEST_HEADER = "pixelwise_request_id"

app = Celery("webapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["webapp"])


class SignOfLife(bootsteps.StartStopStep):
    """Says every few seconds, from the worker's own loop, which queues it serves."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        self.timer: Any = None
        self.names: list[str] = []
        self.queues: list[str] = []
        self.started_at = 0.0
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:
        self.names = [f"worker-{queue}" for queue in worker.app.amqp.queues.consume_from]
        self.queues = sorted(worker.app.amqp.queues.consume_from)
        self.started_at = time.time()
        self.sign()
        self.timer = worker.timer.call_repeatedly(heartbeat.EVERY_SECONDS, self.sign)

    def sign(self) -> None:
        heartbeat.sign(self.names)
        roll_call.answer(self.queues, started_at=self.started_at)

    def stop(self, worker: Any) -> None:
        if self.timer:
            self.timer.cancel()
            heartbeat.take_back(self.names)
            roll_call.leave()


app.steps["worker"].add(SignOfLife)


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """A receiver here is what keeps Celery from replacing Django's logging."""


@celeryd_after_setup.connect
def load_the_pipeline_once(instance: Any = None, **_: Any) -> None:
    """Before the processes that segment are started: one that dies is replaced in milliseconds instead of seconds.

    Loading uses no GPU, which each of them must open for itself.
    """
    if "gpu" in instance.app.amqp.queues.consume_from:
        import_module("webapp.pipeline.segment")


@before_task_publish.connect
def pass_the_request_on(headers: Any = None, **_: Any) -> None:
    """A task is part of the request that queued it, and of the task that did."""
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        headers[REQUEST_HEADER] = request_id


@task_prerun.connect
def say_which_task(task: Any = None, args: Any = (), kwargs: Any = None, **_: Any) -> None:
    """In every line of its log: the task, the ids it was given by their names, and the request it belongs to."""
    about = {"task": task.name.rpartition(".")[2], **signature(task.run).bind(*args, **kwargs or {}).arguments}
    request_id = getattr(task.request, REQUEST_HEADER, None) or (task.request.headers or {}).get(REQUEST_HEADER)
    if request_id:
        about["request_id"] = request_id
    structlog.contextvars.bind_contextvars(**about)


@task_postrun.connect
def forget_which_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


@worker_process_init.connect
def end_with_worker(**_: Any) -> None:
    die_with_parent(signal.SIGKILL)
    note_parent()


@beat_init.connect
@before_task_publish.connect(sender=SWEEP)
def sign_of_clock(**_: Any) -> None:
    """Only the clock sends sweeps."""
    lasts = 2 * int(app.conf.beat_schedule["sweep"]["schedule"]) + heartbeat.FADES_AFTER_SECONDS
    heartbeat.sign(["clock"], lasts_seconds=lasts)
