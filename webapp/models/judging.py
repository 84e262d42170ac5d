"""How good model versions are on labelled images, and which of them was live when."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.images import Image
from webapp.models.learning import Dataset, DatasetImage, ModelVersion
from webapp.models.people import User
from webapp.models.projects import Project
from webapp.models.runs import Run


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def visible_to(self, user: Any) -> EvaluationQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(model_version__project__workspace__memberships__user=user)


class Evaluation(models.Model):
    """One model version over one split of a data set that it never learned from.

    `scores` is `segmentation.evaluation.Evaluation.as_json`. `done_count` grows while it goes on, out of
    `image_count`. Speed is that of `device` on the machine that ran it.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="evaluations")
    split = models.CharField(max_length=5, choices=DatasetImage.Split)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    scores = models.JSONField(default=dict, blank=True)
    image_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    seconds_per_1000_images = models.FloatField(null=True, blank=True)
    device = models.CharField(max_length=100, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        db_table = "evaluation"
        constraints = [
            models.UniqueConstraint(fields=["model_version", "dataset", "split"], name="evaluation_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running", "done", "failed"]), name="evaluation_state_known"
            ),
            models.CheckConstraint(condition=models.Q(split__in=["val", "test"]), name="evaluation_split_kept_apart"),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="evaluation_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="running") | models.Q(lease_until__isnull=False),
                name="evaluation_claim_has_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done")
                | models.Q(image_count__gt=0, seconds_per_1000_images__gte=0, finished_at__isnull=False)
                & ~models.Q(scores={}),
                name="evaluation_done_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(done_count__lte=models.F("image_count")), name="evaluation_done_within"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} on {self.dataset} ({self.split})"

    @property
    def is_going_on(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class EvaluatedImage(models.Model):
    """One labelled image under one model version. Its mask lies at `storage.evaluation_mask_path`.

    `label_pixels`: label id → pixels marked rightly, marked wrongly and missed; empty where the evaluation is from
    before they were counted. Pixels whose truth nobody told count nowhere.
    """

    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="images")
    dataset_image = models.ForeignKey(DatasetImage, on_delete=models.PROTECT, related_name="evaluated_images")
    is_defective = models.BooleanField()
    fails = models.BooleanField()
    largest_region_px = models.PositiveBigIntegerField()
    mean_iou = models.FloatField(null=True, blank=True)
    label_pixels = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "evaluated_image"
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "dataset_image"], name="evaluated_image_once"),
            models.CheckConstraint(
                condition=models.Q(mean_iou__isnull=True) | models.Q(mean_iou__range=(0, 1)),
                name="evaluated_image_iou",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_image} in evaluation {self.evaluation_id}"

    @property
    def is_right(self) -> bool:
        return self.fails == self.is_defective


class ShadowImage(models.Model):
    """An image that a shadow run looks at, whoever asked first for its prediction."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="shadow_images")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "shadow_image"
        constraints = [models.UniqueConstraint(fields=["run", "image"], name="shadow_image_once")]

    def __str__(self) -> str:
        return f"image {self.image_id} of {self.run}"


class Promotion(models.Model):
    """A model version went live. `shadow` keeps what was known at that moment of the verdicts it would change."""

    class Kind(models.TextChoices):
        LIVE = "live", "Went live"
        ROLL_BACK = "roll-back", "Rolled back"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promotions")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    previous = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.LIVE)
    shadow = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "promotion"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=["live", "roll-back"]), name="promotion_kind_known"),
            models.CheckConstraint(
                condition=models.Q(previous__isnull=True) | ~models.Q(previous=models.F("model_version")),
                name="promotion_changes_something",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="live") | models.Q(previous__isnull=False), name="promotion_back_from_something"
            ),
        ]
        indexes = [models.Index(fields=["project", "at"], name="promotion_time")]

    def __str__(self) -> str:
        return f"{self.model_version} {self.get_kind_display().lower()}"
