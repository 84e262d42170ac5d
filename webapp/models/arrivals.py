"""What is known of an upload that goes on: files announced, files on their way, files that became no image."""

from __future__ import annotations

from django.db import models

from webapp.models.images import Batch
from webapp.models.projects import Project


class PartialUpload(models.Model):
    """A file of which `offset_bytes` of `size_bytes` lie on our disk, durably; known by its content's hash.

    Whoever sends the same content to the same project goes on where it stopped, from any computer and into any
    batch; `batch` is the one that it was last sent for. The row goes when the file is whole.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="partial_uploads")
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="partial_uploads")
    name = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    offset_bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "partial_upload"
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="partial_upload_once_per_project"),
            models.CheckConstraint(
                condition=models.Q(offset_bytes__lte=models.F("size_bytes")), name="partial_upload_within_its_size"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AnnouncedFile(models.Model):
    """A file that somebody said they would send, so that the batch knows what is missing while it is open."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="announced_files")
    name = models.CharField(max_length=500)
    size_bytes = models.PositiveBigIntegerField()

    class Meta:
        db_table = "announced_file"
        constraints = [models.UniqueConstraint(fields=["batch", "name"], name="announced_file_once")]

    def __str__(self) -> str:
        return self.name


class ArrivedFile(models.Model):
    """A file of a batch that arrived and became no image by itself: sent again, its outcome is known."""

    class Outcome(models.TextChoices):
        REJECTED = "rejected", "Rejected"
        ARCHIVE = "archive", "Archive"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="arrived_files")
    name = models.CharField(max_length=500)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "arrived_file"
        constraints = [
            models.UniqueConstraint(fields=["batch", "sha256"], name="arrived_file_once"),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["rejected", "archive"]), name="arrived_file_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"
