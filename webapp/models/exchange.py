"""Models that leave or come: exports of a version for other runtimes, and files from elsewhere."""

from __future__ import annotations

from django.db import models

from webapp.models.learning import ModelVersion
from webapp.models.people import User
from webapp.models.projects import Project


class ModelExport(models.Model):
    """A version in another runtime's format, checked against the original masks; the files lie in its folder.

    `speed_ratio`: PyTorch's time over the export's when it was made. Of 8-bit integers: `label_ious`, a list of
    {label, before, after} by both on `validation_count` labelled pictures; None = no such pixels. `attempts_count`: how
    often a worker began with it.
    """

    class Backend(models.TextChoices):
        ONNX = "onnx", "ONNX"
        OPENVINO = "openvino", "OpenVINO"
        INT8 = "int8", "8-bit integers"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="exports")
    backend = models.CharField(max_length=10, choices=Backend)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    error = models.CharField(max_length=1000, blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    agreement_fraction = models.FloatField(null=True, blank=True)
    image_count = models.PositiveIntegerField(null=True, blank=True)
    file_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    speed_ratio = models.FloatField(null=True, blank=True)
    validation_count = models.PositiveIntegerField(default=0, db_default=0)
    label_ious = models.JSONField(default=list, db_default=[], blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "model_export"
        constraints = [
            models.UniqueConstraint(fields=["model_version", "backend"], name="model_export_once"),
            models.CheckConstraint(
                condition=models.Q(backend__in=["onnx", "openvino", "int8"]), name="model_export_backend"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "done", "failed"]), name="model_export_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="model_export_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done")
                | models.Q(agreement_fraction__range=(0, 1), file_bytes__isnull=False, finished_at__isnull=False),
                name="model_export_done_is_checked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_backend_display()} of {self.model_version}"


class ModelImport(models.Model):
    """A model file from elsewhere on its way to become a version: looked at, its outputs named, taken in.

    `path` is below the data folder's `imports`. `output_labels` has the project label's index for each output
    of the model, in order, once a person has said so. `facts`: what the worker found out about the file.
    `attempts_count`: how often a worker began with what it waits for.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Being looked at"
        ASKING = "asking", "Waiting for its labels"
        MAPPED = "mapped", "Being taken in"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_imports")
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    error = models.CharField(max_length=1000, blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    facts = models.JSONField(default=dict, blank=True)
    output_labels = models.JSONField(default=list, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "model_import"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["uploaded", "asking", "mapped", "done", "failed"]),
                name="model_import_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="model_import_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(model_version__isnull=False),
                name="model_import_done_has_version",
            ),
        ]

    def __str__(self) -> str:
        return self.name
