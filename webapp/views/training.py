"""The page of one training: watch it learn, end it early, try again, delete it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analytics.training_figures import EpochPoint, iou_curves, loss_curves
from segmentation.architectures_catalogue import CATALOGUE
from webapp.actions import training
from webapp.actions.refused import Refused
from webapp.models import Label, ModelVersion, Project, TrainingEpoch, TrainingRun
from webapp.views.asking import person, project_of
from webapp.views.polling import next_pause
from webapp.views.training_words import Fact, facts

SURE_OF_WORKER_AFTER = timedelta(minutes=2)


@require_safe
def show(request: HttpRequest, slug: str, training_id: int) -> HttpResponse:
    project = project_of(request, slug)
    training_run = _training(request, slug, training_id)
    context = {"project": project, "tab": "models", **_status(request, project, training_run)}
    return render(request, "training/show.html", context)


@require_safe
def status(request: HttpRequest, slug: str, training_id: int) -> HttpResponse:
    """The part of the page that changes while the worker learns; asks for itself again until all is over."""
    project = project_of(request, slug)
    context = {"project": project, **_status(request, project, _training(request, slug, training_id))}
    context["has_news"] = request.GET.get("seen") != context["seen"]
    return render(request, "training/_update.html", context)


@require_POST
def cancel(request: HttpRequest, slug: str, training_id: int) -> HttpResponse:
    training_run = _training(request, slug, training_id)
    keep = request.POST.get("keep") == "1"
    ended = training.cancel_training(training_run=training_run, user=person(request), keep=keep)
    if ended.is_finished:
        messages.success(request, "The training is cancelled.")
    elif keep:
        messages.success(request, "The training ends, and the best so far becomes a model version.")
    else:
        messages.success(request, "The training ends, and what it learned is dropped.")
    return redirect("training", slug, training_id)


@require_POST
def retry(request: HttpRequest, slug: str, training_id: int) -> HttpResponse:
    training_run = _training(request, slug, training_id)
    try:
        training.retry_training(training_run=training_run, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The training goes on as soon as the worker is free.")
    return redirect("training", slug, training_id)


@require_POST
def delete(request: HttpRequest, slug: str, training_id: int) -> HttpResponse:
    training_run = _training(request, slug, training_id)
    try:
        training.delete_training(training_run=training_run, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("training", slug, training_id)
    messages.success(request, "The training is deleted.")
    return redirect("models", slug)


def _training(request: HttpRequest, slug: str, training_id: int) -> TrainingRun:
    visible = TrainingRun.objects.visible_to(request.user)
    rows = visible.select_related("project", "dataset", "parent", "created_by")
    return get_object_or_404(rows, project__slug=slug, pk=training_id)


@dataclass(frozen=True)
class LabelScore:
    """`newest` and `best` are IoUs on the validation images after the newest and the best epoch."""

    name: str
    color: str
    newest: float | None
    best: float | None


@dataclass(frozen=True)
class Watched:
    """One validation picture that is segmented anew after every epoch."""

    name: str
    truth_url: str
    newest_url: str
    base_url: str


def _status(request: HttpRequest, project: Project, training_run: TrainingRun) -> dict[str, Any]:
    epochs = list(training_run.epochs.all())
    newest = epochs[-1] if epochs else None
    best = next((epoch for epoch in epochs if epoch.number == training_run.best_epoch), None)
    colors = {label.name: label.color for label in Label.objects.filter(project=project)}
    points = [_point(epoch) for epoch in epochs]
    moments = (training_run.state, len(epochs), training_run.is_scoring, training_run.cancel_requested_at is not None)
    seen = "-".join(map(str, moments))
    fraction, seconds_left = remaining(training_run)
    return {
        "training": training_run,
        "title": CATALOGUE[training_run.architecture].title
        if training_run.architecture in CATALOGUE
        else training_run.architecture,
        "facts": _facts(training_run),
        "epochs": epochs,
        "newest": newest,
        "best": best,
        "loss_figure": loss_curves(points) if any(point.loss is not None for point in points) else None,
        "iou_figure": iou_curves(points, _shown(colors, newest), best=training_run.best_epoch) if points else None,
        "scores": _scores(newest, best, colors),
        "watched": _watched(training_run, newest),
        "model_version": ModelVersion.objects.filter(training_run=training_run).first(),
        "before_count": _before(training_run),
        "is_worker_silent": _is_worker_silent(training_run),
        "progress_fraction": fraction,
        "seconds_left": seconds_left,
        "pause": None if training_run.is_finished else next_pause(request, seen),
        "seen": seen,
    }


def remaining(training_run: TrainingRun) -> tuple[float, float | None]:
    """Share of the way and seconds left by now: numbers come with every epoch, and time goes on between them."""
    if training_run.state != TrainingRun.State.RUNNING or training_run.started_at is None:
        return training_run.progress_fraction, None
    now = timezone.now()
    if training_run.epoch_at is not None and training_run.seconds_left is not None:
        left = max(0.0, training_run.seconds_left - (now - training_run.epoch_at).total_seconds())
        gone = 1 - left / training_run.seconds_left if training_run.seconds_left else 1.0
        return training_run.progress_fraction + (1 - training_run.progress_fraction) * gone, left
    if training_run.minutes is not None and training_run.epoch_at is None:
        whole = training_run.minutes * 60
        gone_seconds = min(whole, (now - training_run.started_at).total_seconds())
        return gone_seconds / whole, whole - gone_seconds
    return training_run.progress_fraction, None


def _point(epoch: TrainingEpoch) -> EpochPoint:
    return EpochPoint(epoch.number, epoch.loss, epoch.validation_loss, epoch.mean_iou, epoch.iou)


def _shown(colors: dict[str, str], newest: TrainingEpoch | None) -> dict[str, str]:
    """The labels that this training learns, in order of the project."""
    return {name: color for name, color in colors.items() if newest is not None and name in newest.iou}


def _scores(newest: TrainingEpoch | None, best: TrainingEpoch | None, colors: dict[str, str]) -> list[LabelScore]:
    if newest is None:
        return []
    kept = best.iou if best is not None else {}
    return [LabelScore(name, color, newest.iou[name], kept.get(name)) for name, color in _shown(colors, newest).items()]


def _watched(training_run: TrainingRun, newest: TrainingEpoch | None) -> list[Watched]:
    if newest is None:
        return []
    found = []
    for place, name in enumerate(training_run.preview_names):
        address = reverse("training-preview", args=[training_run.pk, place, 0]).removesuffix("0")
        found.append(Watched(name, f"{address}0", f"{address}{newest.number}", address))
    return found


def _before(training_run: TrainingRun) -> int:
    """How many trainings, of any project, the worker does first."""
    if training_run.state != TrainingRun.State.QUEUED:
        return 0
    others = TrainingRun.objects.filter(by_command=False).exclude(pk=training_run.pk)
    running = others.filter(state=TrainingRun.State.RUNNING).count()
    return running + others.filter(state=TrainingRun.State.QUEUED, pk__lt=training_run.pk).count()


def _is_worker_silent(training_run: TrainingRun) -> bool:
    """Nobody has begun it for so long that the worker is not there, most likely."""
    is_waiting = training_run.state == TrainingRun.State.QUEUED
    return is_waiting and timezone.now() - training_run.created_at > SURE_OF_WORKER_AFTER and not _before(training_run)


def _facts(training_run: TrainingRun) -> list[Fact]:
    return facts(training_run)
