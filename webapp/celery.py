"""The Celery app: queues `gpu` (segmenting), `train` and `cpu` (everything else), and their signs of life."""

from __future__ import annotations

import os
import signal
from typing import Any

import structlog
from celery import Celery, bootsteps
from celery.signals import (
    beat_init,
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_init,
)

from webapp.services import heartbeat
from webapp.services.launch import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

SWEEP = "webapp.tasks.sweep"

app = Celery("webapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["webapp"])


class SignOfLife(bootsteps.StartStopStep):
    """Says every few seconds, from the worker's own loop, which queues it serves."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        self.timer: Any = None
        self.names: list[str] = []
        super().__init__(worker, **kwargs)

    def start(self, worker: Any) -> None:
        self.names = [f"worker-{queue}" for queue in worker.app.amqp.queues.consume_from]
        heartbeat.sign(self.names)
        self.timer = worker.timer.call_repeatedly(heartbeat.EVERY_SECONDS, heartbeat.sign, (self.names,))

    def stop(self, worker: Any) -> None:
        if self.timer:
            self.timer.cancel()
            heartbeat.take_back(self.names)


app.steps["worker"].add(SignOfLife)


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """A receiver here is what keeps Celery from replacing Django's logging."""


@task_prerun.connect
def say_which_task(task: Any = None, args: Any = (), **_: Any) -> None:
    structlog.contextvars.bind_contextvars(task=task.name.rpartition(".")[2], about=list(args))


@task_postrun.connect
def forget_which_task(**_: Any) -> None:
    structlog.contextvars.unbind_contextvars("task", "about")


@worker_process_init.connect
def end_with_worker(**_: Any) -> None:
    die_with_parent(signal.SIGKILL)


@beat_init.connect
@before_task_publish.connect(sender=SWEEP)
def sign_of_clock(**_: Any) -> None:
    """Only the clock sends sweeps."""
    lasts = 2 * int(app.conf.beat_schedule["sweep"]["schedule"]) + heartbeat.FADES_AFTER_SECONDS
    heartbeat.sign(["clock"], lasts_seconds=lasts)
