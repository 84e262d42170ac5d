"""Data sets on their way in, from a file or from the project's annotations, and on their way out."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.learning import Dataset
from webapp.models.people import User
from webapp.models.projects import Project


class DatasetImportQuerySet(models.QuerySet["DatasetImport"]):
    def visible_to(self, user: Any) -> DatasetImportQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)

    def unfinished(self) -> DatasetImportQuerySet:
        return self.filter(state__in=[DatasetImport.State.WAITING, DatasetImport.State.RUNNING])


class DatasetImport(models.Model):
    """A data set being made by a worker. `archive` is a ZIP below the data folder's `archives`; empty = annotations.

    `grouping`: what keeps images on one side of the split, names of `webapp.models.dataset_groupings.GROUPINGS`.
    `done_count` of `image_count` were read. `found_labels`: what a ZIP calls its classes, once somebody is asked for
    them. `label_names`: class → label of the project, empty = not judged; None = by name.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Being read"
        ASKING = "asking", "Waiting for its labels"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Split(models.TextChoices):
        AUTO = "auto", "As given, unless validation is blind"
        GIVEN = "given", "As given"
        ANEW = "anew", "Dealt anew"

    class Ask(models.TextChoices):
        NEVER = "never", "Never"
        UNKNOWN = "unknown", "Where a class has no label of its name"
        ALWAYS = "always", "Always"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dataset_imports")
    name = models.CharField(max_length=200)
    archive = models.CharField(max_length=200, blank=True)
    format = models.CharField(max_length=20, blank=True)
    cityscapes_classes = models.PositiveSmallIntegerField(default=19)
    split = models.CharField(max_length=10, choices=Split, default=Split.AUTO)
    grouping = models.JSONField(default=list)
    new_labels_are_defects = models.BooleanField(default=True)
    ask = models.CharField(max_length=10, choices=Ask, default=Ask.NEVER)
    found_labels = models.JSONField(default=list, blank=True)
    label_names = models.JSONField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0)
    image_count = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, blank=True, related_name="imports")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DatasetImportQuerySet.as_manager()

    class Meta:
        db_table = "dataset_import"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running", "asking", "done", "failed"]),
                name="dataset_import_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="dataset_import_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(dataset__isnull=False), name="dataset_import_done_has_set"
            ),
            models.CheckConstraint(
                condition=models.Q(split__in=["auto", "given", "anew"]), name="dataset_import_split_known"
            ),
            models.CheckConstraint(
                condition=models.Q(ask__in=["never", "unknown", "always"]), name="dataset_import_ask_known"
            ),
            models.CheckConstraint(
                condition=models.Q(cityscapes_classes__in=[19, 30]), name="dataset_import_cityscapes_classes"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DatasetExport(models.Model):
    """A data set as a ZIP in one of the formats, made by a worker when somebody asks for it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Being packed"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=1000, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "dataset_export"
        constraints = [
            models.UniqueConstraint(fields=["dataset", "format"], name="dataset_export_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "done", "failed"]), name="dataset_export_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="dataset_export_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done") | models.Q(size_bytes__isnull=False),
                name="dataset_export_done_has_size",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} as {self.format}"
