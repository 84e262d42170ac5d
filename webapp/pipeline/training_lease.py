"""Who trains what: a lease that a heartbeat renews, and trainings whose worker is gone. Needs no torch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from webapp.models import TrainingRun
from webapp.models.trainings import TrainingRunQuerySet
from webapp.pipeline.heartbeat import Heartbeat
from webapp.services.living import dead_workers

MAX_ATTEMPTS = 3
_STOP_SIGNAL = signal.SIGUSR2
_STOPPED = (
    f"The worker stopped {MAX_ATTEMPTS} times without finishing an epoch; most often the memory was too small. "
    "Train again with smaller crops or a lighter architecture (under Advanced), or on a larger machine."
)
_COMMAND_STOPPED = "The command that trained was stopped. Go on with: manage.py train --resume {id}"


class LeaseLostError(Exception):
    """Somebody else holds the training by now, or it was deleted: nothing more may be written."""


def lease_length() -> timedelta:
    return timedelta(seconds=settings.PIXELWISE_LEASE_SECONDS)


class TrainingHeartbeat(Heartbeat):
    """Renews the lease on a training, and notices when it is lost or a person wants it to end."""

    every_seconds = 2.0

    def __init__(self, training_run_id: int, worker: str) -> None:
        super().__init__(f"training {training_run_id}")
        self._held = TrainingRun.objects.filter(pk=training_run_id).held_by(worker)
        self._is_interruptible = False
        self._main_thread = threading.get_ident()
        self.is_lost = False
        self.is_asked_to_stop = False

    def should_stop(self) -> bool:
        """Whether there is no use in learning on."""
        return self.is_lost or self.is_asked_to_stop

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Around work of the main thread, which KeyboardInterrupt breaks off as soon as it should stop.

        An epoch may last minutes, and nobody who cancels waits so long.
        """

        def interrupt(number: int, frame: FrameType | None) -> None:
            if self._is_interruptible:
                self._is_interruptible = False
                raise KeyboardInterrupt

        earlier = signal.signal(_STOP_SIGNAL, interrupt)
        self._is_interruptible = True
        try:
            yield
        finally:
            self._is_interruptible = False
            signal.signal(_STOP_SIGNAL, earlier)

    def _renew(self) -> None:
        self.is_lost = not self._held.update(leased_until=Now() + lease_length())
        self.is_asked_to_stop = self._held.filter(cancel_requested_at__isnull=False).exists()

    def _beat(self) -> None:
        super()._beat()
        if self.should_stop():
            self._interrupt()

    def _interrupt(self) -> None:
        if self._is_interruptible:
            signal.pthread_kill(self._main_thread, _STOP_SIGNAL)


def requeue_lost_trainings() -> int:
    """Queue what dead workers held, to go on from its checkpoint; returns how many that were.

    A training that lost its worker again and again without a new epoch fails, and so does one whose command is gone.
    """
    running = TrainingRun.objects.filter(state=TrainingRun.State.RUNNING)
    dead = dead_workers(running.values_list("leased_by", flat=True).distinct())
    lost = running.filter(Q(leased_until__lt=Now()) | Q(leased_by__in=dead))
    return sum(_give_back(training_run) for training_run in lost)


def _give_back(lost: TrainingRun) -> int:
    """Nothing happens where the lease was renewed meanwhile."""
    still = TrainingRun.objects.filter(pk=lost.pk, leased_until=lost.leased_until).held_by(lost.leased_by)
    if lost.by_command:
        return end_training(still, TrainingRun.State.FAILED, error=_COMMAND_STOPPED.format(id=lost.pk))
    if lost.attempts_count >= MAX_ATTEMPTS:
        return end_training(still, TrainingRun.State.FAILED, error=_STOPPED)
    return still.update(state=TrainingRun.State.QUEUED, leased_by="", leased_until=None)


def end_training(training_runs: TrainingRunQuerySet, state: TrainingRun.State, *, error: str = "") -> int:
    """Bring these to a final state; returns how many there were."""
    return training_runs.update(
        state=state, error=error, leased_by="", leased_until=None, seconds_left=None, finished_at=timezone.now()
    )


def waiting_trainings() -> list[int]:
    """The oldest queued training where no worker trains: a message for every one would only pile up."""
    by_workers = TrainingRun.objects.filter(by_command=False)
    if by_workers.filter(state=TrainingRun.State.RUNNING).exists():
        return []
    return list(by_workers.filter(state=TrainingRun.State.QUEUED).order_by("pk").values_list("pk", flat=True)[:1])
