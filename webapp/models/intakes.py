"""Where a project takes pictures from by itself, and which files were seen there."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from webapp.models.images import Batch
from webapp.models.people import User
from webapp.models.projects import Project, Source


class IntakeQuerySet(models.QuerySet["Intake"]):
    def visible_to(self, user: Any) -> IntakeQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)

    def due(self) -> IntakeQuerySet:
        """Those whose next look is due."""
        return self.filter(is_on=True, finished_at__isnull=True, next_look_at__lte=timezone.now())


class Intake(models.Model):
    """A folder of the server, or a bucket, whose new files become batches of a project.

    `endpoint` is empty for Amazon S3 itself. `sealed_secret` is encrypted. `repeats`: whether to look again after
    everything was taken. `cursor`: the path up to which the round that is going on has come. `open_batches`: top folder
    → [hour it is of, as ISO 8601, id of its batch]. `error`: why the last look did not get through.
    """

    class Kind(models.TextChoices):
        FOLDER = "folder", "Folder of the server"
        BUCKET = "bucket", "Bucket"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="intakes")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="intakes")
    kind = models.CharField(max_length=10, choices=Kind)
    folder = models.CharField(max_length=1000, blank=True)
    endpoint = models.CharField(max_length=300, blank=True)
    region = models.CharField(max_length=40, blank=True)
    bucket = models.CharField(max_length=63, blank=True)
    prefix = models.CharField(max_length=900, blank=True)
    key_id = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField(blank=True)
    repeats = models.BooleanField(default=True)
    is_on = models.BooleanField(default=True)
    cursor = models.CharField(max_length=1100, blank=True)
    open_batches = models.JSONField(default=dict, blank=True)
    next_look_at = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = IntakeQuerySet.as_manager()

    class Meta:
        db_table = "intake"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(models.Q(kind="folder", bucket="") & ~models.Q(folder=""))
                | (models.Q(kind="bucket", folder="") & ~models.Q(bucket="")),
                name="intake_is_folder_or_bucket",
            ),
            models.CheckConstraint(
                condition=models.Q(key_id="", sealed_secret="") | (~models.Q(key_id="") & ~models.Q(sealed_secret="")),
                name="intake_key_has_secret",
            ),
            models.UniqueConstraint(
                fields=["project", "folder"], condition=models.Q(kind="folder"), name="intake_folder_once"
            ),
            models.UniqueConstraint(
                fields=["project", "endpoint", "bucket", "prefix"],
                condition=models.Q(kind="bucket"),
                name="intake_bucket_once",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == self.Kind.FOLDER:
            return self.folder
        return f"s3://{self.bucket}/{self.prefix}"


class SeenFile(models.Model):
    """One version of one file of an intake, and what became of it: what is here is never taken a second time.

    `path` is below the folder or prefix. `version`: size and time of change of a file, the ETag of an object.
    `seen_at`: since when this version is there unchanged. `reason` is in words where it was not stored.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        TAKING = "taking", "Being taken in"
        STORED = "stored", "Taken in"
        LINKED = "linked", "Known already"
        REPEATED = "repeated", "Same image again"
        ARCHIVE = "archive", "Archive or video"
        REJECTED = "rejected", "Rejected"

    intake = models.ForeignKey(Intake, on_delete=models.CASCADE, related_name="seen_files")
    path = models.CharField(max_length=1100)
    version = models.CharField(max_length=160)
    size_bytes = models.PositiveBigIntegerField()
    modified_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, blank=True, related_name="seen_files")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "seen_file"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["intake", "path", "version"], name="seen_file_version_once"),
            models.UniqueConstraint(
                fields=["intake", "path"],
                condition=models.Q(state__in=["waiting", "taking"]),
                name="seen_file_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["waiting", "taking", "stored", "linked", "repeated", "archive", "rejected"]
                ),
                name="seen_file_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="rejected") | ~models.Q(reason=""), name="seen_file_rejected_has_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "taking"]) | models.Q(ended_at__isnull=False),
                name="seen_file_ended_has_time",
            ),
        ]
        indexes = [models.Index(fields=["intake", "state", "-ended_at"], name="seen_file_newest")]

    def __str__(self) -> str:
        return self.path


OPEN = (SeenFile.State.WAITING, SeenFile.State.TAKING)
"""A file in one of these has not come to its end."""
