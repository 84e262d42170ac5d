"""Where a model comes from: people's annotations, frozen data sets, trainings, and the versions they made."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.images import Image
from webapp.models.people import User
from webapp.models.projects import Label, Project


class Annotation(models.Model):
    """A mask made by a person, in project label indices, 255 = not judged. `mask_sha256` names its file."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="annotations")
    mask_sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "annotation"
        constraints = [models.UniqueConstraint(fields=["image", "mask_sha256"], name="annotation_once")]

    def __str__(self) -> str:
        return f"annotation of {self.image}"


class Dataset(models.Model):
    """Frozen images, annotations and split. `checksum` is over every image hash, mask hash and split."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=200)
    checksum = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "dataset"
        constraints = [models.UniqueConstraint(fields=["project", "checksum"], name="dataset_once")]

    def __str__(self) -> str:
        return self.name


class DatasetImage(models.Model):
    class Split(models.TextChoices):
        TRAIN = "train", "Training"
        VALIDATION = "val", "Validation"
        TEST = "test", "Test"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="dataset_images")
    annotation = models.ForeignKey(Annotation, on_delete=models.PROTECT, related_name="dataset_images")
    name = models.CharField(max_length=500)
    split = models.CharField(max_length=5, choices=Split)

    class Meta:
        db_table = "dataset_image"
        constraints = [
            models.UniqueConstraint(fields=["dataset", "name"], name="dataset_image_name_once"),
            models.CheckConstraint(condition=models.Q(split__in=["train", "val", "test"]), name="dataset_image_split"),
        ]

    def __str__(self) -> str:
        return self.name


class TrainingRun(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="training_runs")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="training_runs")
    architecture = models.CharField(max_length=60)
    encoder = models.CharField(max_length=100, blank=True)
    settings = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "training_run"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="training_run_failed_says_why"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["running", "done", "failed"]), name="training_run_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"training {self.pk} of {self.architecture}"


class TrainingEpoch(models.Model):
    training_run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    loss = models.FloatField()
    mean_iou = models.FloatField(null=True)
    seconds = models.FloatField()

    class Meta:
        db_table = "training_epoch"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["training_run", "number"], name="training_epoch_once")]

    def __str__(self) -> str:
        return f"epoch {self.number}"


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def visible_to(self, user: Any) -> ModelVersionQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)


class ModelVersion(models.Model):
    """Immutable weights and spec. The folder `models/<folder>` in the data folder holds them."""

    class Origin(models.TextChoices):
        STARTER = "starter", "Starter model"
        COLORS = "colors", "Label colours"
        TRAINED = "trained", "Trained here"
        IMPORTED = "imported", "Imported"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField()
    architecture = models.CharField(max_length=60)
    encoder = models.CharField(max_length=100, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    training_run = models.OneToOneField(
        TrainingRun, on_delete=models.PROTECT, null=True, blank=True, related_name="model_version"
    )
    folder = models.CharField(max_length=200, unique=True)
    weights_sha256 = models.CharField(max_length=64)
    min_region_px = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        db_table = "model_version"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="model_version_number_once"),
            models.CheckConstraint(condition=models.Q(min_region_px__gte=1), name="model_version_min_region_px"),
            models.CheckConstraint(
                condition=models.Q(origin="trained", training_run__isnull=False)
                | (~models.Q(origin="trained") & models.Q(training_run__isnull=True)),
                name="model_version_trained_has_training_run",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number} {self.architecture}"


class ModelLabel(models.Model):
    """Which label of the project a model's output stands for, and how well it was found on validation."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="model_labels")
    index = models.PositiveSmallIntegerField()
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="model_labels")
    validation_iou = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "model_label"
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["model_version", "index"], name="model_label_index_once"),
            models.UniqueConstraint(fields=["model_version", "label"], name="model_label_once"),
        ]

    def __str__(self) -> str:
        return f"{self.index} → {self.label}"
