"""Where a model comes from: people's annotations, frozen data sets, and the versions that trainings made of them."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.images import Image
from webapp.models.people import User
from webapp.models.projects import Label, Project
from webapp.models.trainings import TrainingRun


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


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, user: Any) -> DatasetQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)


class Dataset(models.Model):
    """Frozen images, annotations and split. `checksum` is over every image hash, mask hash and split.

    `label_counts`: split → label index → how many of its images show the label; None until somebody asked.
    `label_pixels`: the same in pixels. `format`: the form it came in, "annotations" for the project's own; `grouping`:
    what keeps images on one side of the split; `notes`: plain sentences about the split, for people.
    `preview_name`: the training image that shows best what is rare.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=200)
    checksum = models.CharField(max_length=64)
    label_counts = models.JSONField(null=True, blank=True)
    label_pixels = models.JSONField(null=True, blank=True)
    format = models.CharField(max_length=20, blank=True)
    grouping = models.JSONField(default=list, blank=True)
    notes = models.JSONField(default=list, blank=True)
    preview_name = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        db_table = "dataset"
        constraints = [models.UniqueConstraint(fields=["project", "checksum"], name="dataset_once")]

    def __str__(self) -> str:
        return self.name


class DatasetImage(models.Model):
    """`group_number`: images with the same one stay on one side of the split."""

    class Split(models.TextChoices):
        TRAIN = "train", "Training"
        VALIDATION = "val", "Validation"
        TEST = "test", "Test"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="dataset_images")
    annotation = models.ForeignKey(Annotation, on_delete=models.PROTECT, related_name="dataset_images")
    name = models.CharField(max_length=500)
    split = models.CharField(max_length=5, choices=Split)
    group_number = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "dataset_image"
        constraints = [
            models.UniqueConstraint(fields=["dataset", "name"], name="dataset_image_name_once"),
            models.CheckConstraint(condition=models.Q(split__in=["train", "val", "test"]), name="dataset_image_split"),
        ]

    def __str__(self) -> str:
        return self.name


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
    temperature = models.FloatField(default=1.0)
    parameter_count = models.PositiveBigIntegerField(null=True, blank=True)
    file_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        db_table = "model_version"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="model_version_number_once"),
            models.CheckConstraint(condition=models.Q(min_region_px__gte=1), name="model_version_min_region_px"),
            models.CheckConstraint(condition=models.Q(temperature__gt=0), name="model_version_temperature"),
            models.CheckConstraint(
                condition=models.Q(origin="trained", training_run__isnull=False)
                | (~models.Q(origin="trained") & models.Q(training_run__isnull=True)),
                name="model_version_trained_has_training_run",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number} {self.architecture}"


class ModelLabel(models.Model):
    """Which label of the project a model's output stands for, and how well it was found on validation.

    `min_region_px` is the label's own operating point; empty = the model version's.
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="model_labels")
    index = models.PositiveSmallIntegerField()
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="model_labels")
    validation_iou = models.FloatField(null=True, blank=True)
    min_region_px = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "model_label"
        ordering = ["index"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(min_region_px__isnull=True) | models.Q(min_region_px__gte=1),
                name="model_label_min_region_px",
            ),
            models.UniqueConstraint(fields=["model_version", "index"], name="model_label_index_once"),
            models.UniqueConstraint(fields=["model_version", "label"], name="model_label_once"),
        ]

    def __str__(self) -> str:
        return f"{self.index} → {self.label}"
