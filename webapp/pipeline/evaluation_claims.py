"""Who evaluates what: evaluations that no worker has begun, and those whose worker is gone. Needs no torch."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from webapp.models import Evaluation
from webapp.models.judging import EvaluationQuerySet
from webapp.services.living import dead_workers

MAX_ATTEMPTS = 2
# Renewed between images, of which the largest take minutes without a GPU.
LEASE = timedelta(minutes=10)
_STOPPED = (
    f"The worker stopped {MAX_ATTEMPTS} times while it evaluated; most often the memory was too small. "
    "Evaluate again on a larger machine."
)


def claim_evaluation(evaluation_id: int, *, worker: str) -> Evaluation | None:
    """Take a queued evaluation; None where it is not queued, because another worker has it or it is over."""
    taken = Evaluation.objects.filter(pk=evaluation_id, state=Evaluation.State.QUEUED).update(
        state=Evaluation.State.RUNNING,
        claimed_by=worker,
        lease_until=Now() + LEASE,
        attempts_count=F("attempts_count") + 1,
        done_count=0,
    )
    if not taken:
        return None
    return Evaluation.objects.select_related("model_version__project", "dataset").get(pk=evaluation_id)


def held_by(evaluation_id: int, worker: str) -> EvaluationQuerySet:
    """The evaluation while `worker` holds it; empty once it was given back, asked for anew or deleted."""
    return Evaluation.objects.filter(pk=evaluation_id, state=Evaluation.State.RUNNING, claimed_by=worker)


def fail_evaluation(evaluations: EvaluationQuerySet, reason: str) -> int:
    """End these without scores; returns how many there were."""
    return evaluations.update(
        state=Evaluation.State.FAILED,
        error=reason[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )


def requeue_lost_evaluations() -> int:
    """Queue what dead workers held; those tried before fail. Returns how many there were."""
    running = Evaluation.objects.filter(state=Evaluation.State.RUNNING)
    dead = dead_workers(running.values_list("claimed_by", flat=True).distinct())
    lost = running.filter(Q(lease_until__lt=Now()) | Q(claimed_by__in=dead))
    failed = fail_evaluation(lost.filter(attempts_count__gte=MAX_ATTEMPTS), _STOPPED)
    return failed + lost.update(state=Evaluation.State.QUEUED, claimed_by="", lease_until=None)


def waiting_evaluations() -> list[int]:
    """The oldest queued evaluation where no worker evaluates: a message for every one would only pile up."""
    if Evaluation.objects.filter(state=Evaluation.State.RUNNING).exists():
        return []
    queued = Evaluation.objects.filter(state=Evaluation.State.QUEUED).order_by("pk")
    return list(queued.values_list("pk", flat=True)[:1])
