"""A training on its way from a data set to a model version, and what each of its epochs brought."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from webapp.models.people import User
from webapp.models.projects import Project

MOST_MINUTES = 7 * 24 * 60


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def visible_to(self, user: Any) -> TrainingRunQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)

    def claim(self, training_run_id: int, *, worker: str, lease: timedelta) -> bool:
        """Take a queued training for `worker`; true for one worker only."""
        now = timezone.now()
        return bool(
            self.filter(pk=training_run_id, state=TrainingRun.State.QUEUED).update(
                state=TrainingRun.State.RUNNING,
                leased_by=worker,
                leased_until=Now() + lease,
                attempts_count=models.F("attempts_count") + 1,
                started_at=models.functions.Coalesce("started_at", now),
                epoch_at=models.Case(models.When(epoch_at__isnull=False, then=models.Value(now))),
            )
        )

    def held_by(self, worker: str) -> TrainingRunQuerySet:
        return self.filter(state=TrainingRun.State.RUNNING, leased_by=worker)


class TrainingRun(models.Model):
    """Dataset → model version. Done means that there is a model version, also where a person ended it early.

    `minutes` or `epochs` says how long it learns. `settings` holds the rest in words that JSON has: options of the
    architecture, names of augmentation presets, loss, crop_px, seed. `label_ids`: the labels it learns in order of the
    model's outputs, fixed when it starts learning, so that they may be renamed meanwhile. A run `by_command` belongs to
    the command that started it: no worker takes it up, and its model version goes live. `seconds_left` and
    `progress_fraction` are as of `epoch_at`: the end of the newest epoch, or when a worker took it up again.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Learning"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Target(models.TextChoices):
        PC = "pc", "A PC without GPU"
        GPU_SERVER = "gpu-server", "A GPU server"
        EDGE = "edge", "An edge device"

    class Start(models.TextChoices):
        RANDOM = "random", "From nothing"
        HUB = "hub", "From a general network"
        FOLDER = "folder", "From weights in the data folder"
        PARENT = "parent", "From an earlier version"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="training_runs")
    dataset = models.ForeignKey("Dataset", on_delete=models.PROTECT, related_name="training_runs")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    target = models.CharField(max_length=10, choices=Target, default=Target.PC)
    architecture = models.CharField(max_length=60)
    encoder = models.CharField(max_length=100, blank=True)
    start = models.CharField(max_length=10, choices=Start, default=Start.RANDOM)
    parent = models.ForeignKey(
        "ModelVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="descendants"
    )
    minutes = models.FloatField(null=True, blank=True)
    epochs_wanted = models.PositiveIntegerField(null=True, blank=True)
    settings = models.JSONField(default=dict)
    label_ids = models.JSONField(default=list, db_default=[], blank=True)
    by_command = models.BooleanField(default=False)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress_fraction = models.FloatField(default=0.0)
    seconds_left = models.FloatField(null=True, blank=True)
    epoch_at = models.DateTimeField(null=True, blank=True)
    best_mean_iou = models.FloatField(null=True, blank=True)
    best_epoch = models.PositiveIntegerField(null=True, blank=True)
    preview_names = models.JSONField(default=list)
    error = models.TextField(blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    leased_by = models.CharField(max_length=200, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_keeps_best = models.BooleanField(default=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        db_table = "training_run"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
                name="training_run_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="training_run_failed_says_why"
            ),
            models.CheckConstraint(
                condition=models.Q(state="running", leased_until__isnull=False, started_at__isnull=False)
                & ~models.Q(leased_by="")
                | (~models.Q(state="running") & models.Q(leased_until__isnull=True, leased_by="")),
                name="training_run_lease_while_running",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running"], finished_at__isnull=True)
                | models.Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
                name="training_run_finished_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(progress_fraction__range=(0, 1)), name="training_run_progress_fraction"
            ),
            models.CheckConstraint(
                condition=models.Q(best_mean_iou__isnull=True) | models.Q(best_mean_iou__range=(0, 1)),
                name="training_run_best_mean_iou",
            ),
            models.CheckConstraint(
                condition=models.Q(minutes__isnull=True) | models.Q(minutes__gt=0, epochs_wanted__isnull=True),
                name="training_run_minutes_or_epochs",
            ),
            models.CheckConstraint(
                condition=models.Q(start="parent", parent__isnull=False)
                | (~models.Q(start="parent") & models.Q(parent__isnull=True)),
                name="training_run_start_names_parent",
            ),
            models.CheckConstraint(
                condition=models.Q(start__in=["random", "hub", "folder", "parent"]), name="training_run_start_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"], condition=models.Q(state__in=["queued", "running"]), name="training_run_unfinished"
            )
        ]

    def __str__(self) -> str:
        return f"training {self.pk} of {self.architecture}"

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED, self.State.CANCELLED)

    @property
    def is_scoring(self) -> bool:
        """It learns no more: the best is judged on the validation images."""
        return self.state == self.State.RUNNING and self.progress_fraction >= 1


class TrainingEpoch(models.Model):
    """`iou`: label name → value on the validation images, None where the split says nothing about it.

    `seconds` counts from the start of learning.
    """

    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    loss = models.FloatField(null=True)
    validation_loss = models.FloatField(null=True)
    mean_iou = models.FloatField(null=True)
    iou = models.JSONField(default=dict)
    learning_rate = models.FloatField(null=True)
    seconds = models.FloatField()

    class Meta:
        db_table = "training_epoch"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["training_run", "number"], name="training_epoch_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="training_epoch_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"epoch {self.number}"
