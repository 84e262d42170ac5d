"""What people upload: batches of pictures, each stored once per project by content hash."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.people import User
from webapp.models.projects import Project, Source


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: Any) -> BatchQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)

    def left_open(self) -> BatchQuerySet:
        """Whose upload is still going on, but for those that an intake fills."""
        return self.filter(sealed_at__isnull=True, seen_files__isnull=True)


class Batch(models.Model):
    """Images uploaded together. While `sealed_at` is empty the upload is still going on.

    Of videos: one frame is kept every `frame_seconds`; `blur` says what found the people that were blurred in them.
    """

    class Blur(models.TextChoices):
        NONE = "none", "Nobody is blurred"
        MODEL = "model", "Blurred where the live model finds people"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, blank=True, related_name="batches")
    name = models.CharField(max_length=200)
    captured_at = models.DateTimeField(null=True, blank=True)
    frame_seconds = models.FloatField(default=1.0, db_default=1.0)
    blur = models.CharField(max_length=10, choices=Blur, default=Blur.NONE, db_default=Blur.NONE)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sealed_at = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        db_table = "batch"
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "-id"], name="batch_newest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(frame_seconds__gt=0, frame_seconds__lte=3600), name="batch_frame_seconds_to_an_hour"
            ),
            models.CheckConstraint(condition=models.Q(blur__in=["none", "model"]), name="batch_blur_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ImageQuerySet(models.QuerySet["Image"]):
    def visible_to(self, user: Any) -> ImageQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)


class Image(models.Model):
    """One picture of a project. `width_px` and `height_px` are after EXIF rotation.

    `reviewed_verdict` repeats the newest Review's verdict; empty while only models have judged it.
    `frame_seconds`: how much of a recording a frame of a video stands for; empty for photos.
    `georeference`: what a GeoTIFF says of its place (`segmentation.georeference`); `mm_per_pixel` is its scale, which
    goes before the source's.
    """

    class TimeSource(models.TextChoices):
        EXIF = "exif", "Camera"
        GIVEN = "given", "Given at upload"
        UPLOAD = "upload", "Time of upload"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="images", db_index=False)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="images", db_index=False
    )
    name = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=10)
    size_bytes = models.PositiveBigIntegerField()
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    captured_at = models.DateTimeField()
    captured_at_from = models.CharField(max_length=10, choices=TimeSource)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    mm_per_pixel = models.FloatField(null=True, blank=True)
    georeference = models.JSONField(null=True, blank=True)
    frame_seconds = models.FloatField(null=True, blank=True)
    reviewed_verdict = models.CharField(
        max_length=10, choices=[("pass", "Pass"), ("fail", "Fail")], null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    batches: models.ManyToManyField[Batch, BatchImage] = models.ManyToManyField(
        Batch, through="BatchImage", related_name="images"
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        db_table = "image"
        constraints = [
            models.UniqueConstraint(fields=["project", "sha256"], name="image_once_per_project"),
            models.CheckConstraint(condition=models.Q(width_px__gt=0, height_px__gt=0), name="image_has_pixels"),
            models.CheckConstraint(
                condition=models.Q(captured_at_from__in=["exif", "given", "upload"]),
                name="image_time_source_known",
            ),
            models.CheckConstraint(
                condition=models.Q(latitude__isnull=True, longitude__isnull=True)
                | models.Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="image_position_on_earth",
            ),
            models.CheckConstraint(
                condition=models.Q(mm_per_pixel__isnull=True) | models.Q(mm_per_pixel__gt=0),
                name="image_mm_per_pixel_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_verdict__isnull=True) | models.Q(reviewed_verdict__in=["pass", "fail"]),
                name="image_reviewed_verdict_known",
            ),
            models.CheckConstraint(
                condition=models.Q(frame_seconds__isnull=True) | models.Q(frame_seconds__gt=0),
                name="image_frame_seconds_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "captured_at"], name="image_time"),
            models.Index(fields=["sha256"], name="image_content"),
            models.Index(fields=["source", "id"], include=["project"], name="image_source"),
            models.Index(
                fields=["project", "captured_at"],
                condition=models.Q(latitude__isnull=False),
                include=["source"],
                name="image_place",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BatchImage(models.Model):
    """An image's place in a batch. `name` keeps the sub-folders of the upload.

    `was_known`: the project had this content before, so it was linked, not stored again.
    """

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="batch_images")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="batch_images")
    name = models.CharField(max_length=500)
    was_known = models.BooleanField(default=False)

    class Meta:
        db_table = "batch_image"
        constraints = [models.UniqueConstraint(fields=["batch", "image"], name="batch_image_once")]

    def __str__(self) -> str:
        return self.name


class SkippedFile(models.Model):
    """A file of an upload that became no image of its own: refused, or the same content twice in one batch."""

    class Kind(models.TextChoices):
        REJECTED = "rejected", "Rejected"
        REPEATED = "repeated", "Same image again"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="skipped_files")
    name = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind)
    reason = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "skipped_file"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=["rejected", "repeated"]), name="skipped_file_kind"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="skipped_file_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class Archive(models.Model):
    """A ZIP or a video of a batch, waiting for a worker to unpack it; gone once unpacked.

    `next_frame`: of a video, the number of the first frame that is not kept yet; `next_entry`: the same of a ZIP's
    files, without what nobody meant to upload; `attempts_count`: how often work on it began since it last got on.
    """

    class Kind(models.TextChoices):
        ZIP = "zip", "ZIP"
        VIDEO = "video", "Video"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="archives")
    name = models.CharField(max_length=500)
    path = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.ZIP, db_default=Kind.ZIP)
    sha256 = models.CharField(max_length=64, blank=True, db_default="")
    next_frame = models.PositiveIntegerField(default=0, db_default=0)
    next_entry = models.PositiveIntegerField(default=0, db_default=0)
    attempts_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "archive"
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=["zip", "video"]), name="archive_kind_known"),
            models.CheckConstraint(
                condition=models.Q(kind="zip") | ~models.Q(sha256=""), name="archive_video_has_content_hash"
            ),
        ]

    def __str__(self) -> str:
        return self.name
