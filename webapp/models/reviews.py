"""What people say about verdicts: reviews, and the samples of passed images that they judge blind."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.images import Image
from webapp.models.learning import ModelVersion
from webapp.models.people import User
from webapp.models.projects import Project, Source
from webapp.models.runs import Prediction


class Review(models.Model):
    """A person's word on an image's verdict. Rows are only added; an image's newest counts, and the model's stays.

    `prediction` is what the person saw; `model_verdict` repeats what it said then. `is_blind`: the person saw
    neither mask nor verdict. `is_withdrawn`: the person takes an earlier word back, so the model's counts again.
    `is_repeat`: somebody had judged the image before; `model_version` repeats the prediction's. Both are set when it is
    saved first, with the image locked: images judged once are the most, and are counted without looking for others.
    """

    class Verdict(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reviews")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="reviews")
    prediction = models.ForeignKey(Prediction, on_delete=models.SET_NULL, null=True, related_name="reviews")
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    model_verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=500, blank=True)
    is_blind = models.BooleanField(default=False)
    is_withdrawn = models.BooleanField(default=False)
    is_repeat = models.BooleanField(default=False)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="reviews")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "review"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(verdict__in=["pass", "fail"]), name="review_verdict_known"),
        ]
        indexes = [
            models.Index(fields=["image", "-id"], name="review_newest"),
            models.Index(fields=["project", "at"], name="review_time"),
            models.Index(
                fields=["project", "at"],
                condition=models.Q(is_repeat=False),
                include=[
                    *("image", "user", "is_blind", "is_withdrawn", "verdict", "model_verdict"),
                    *("prediction", "model_version"),
                ],
                name="review_first",
            ),
            models.Index(fields=["project", "image"], condition=models.Q(is_repeat=True), name="review_repeated"),
        ]

    def __str__(self) -> str:
        return f"{self.image}: {self.verdict}"

    def save(self, *args: Any, **options: Any) -> None:
        if self._state.adding:
            self.is_repeat = Review.objects.filter(image_id=self.image_id).exists()
            self.model_version_id = self.prediction.model_version_id if self.prediction else None
        super().save(*args, **options)


class AuditSample(models.Model):
    """Passed images of one week, drawn at random within each source. `week` is its Monday."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit_samples")
    week = models.DateField()
    seed = models.BigIntegerField()
    drawn_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "audit_sample"
        ordering = ["-week"]
        constraints = [models.UniqueConstraint(fields=["project", "week"], name="audit_sample_once")]

    def __str__(self) -> str:
        return f"week of {self.week}"


class AuditStratum(models.Model):
    """The passed images of one source in a sample's week: how many there were when the sample was drawn."""

    sample = models.ForeignKey(AuditSample, on_delete=models.CASCADE, related_name="strata")
    source = models.ForeignKey(Source, on_delete=models.SET_NULL, null=True, related_name="+")
    passed_count = models.PositiveIntegerField()

    class Meta:
        db_table = "audit_stratum"
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(passed_count__gte=1), name="audit_stratum_has_images")]

    def __str__(self) -> str:
        return f"{self.source}: {self.passed_count}"


class AuditImage(models.Model):
    """One drawn image. `verdict` is what the person said who saw only the photo; empty until then."""

    stratum = models.ForeignKey(AuditStratum, on_delete=models.CASCADE, related_name="images")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="audits")
    prediction = models.ForeignKey(Prediction, on_delete=models.SET_NULL, null=True, related_name="+")
    verdict = models.CharField(max_length=10, choices=Review.Verdict, null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "audit_image"
        constraints = [
            models.UniqueConstraint(fields=["stratum", "image"], name="audit_image_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__isnull=True, judged_at__isnull=True)
                | models.Q(verdict__in=["pass", "fail"], judged_at__isnull=False),
                name="audit_image_judged_has_time",
            ),
        ]
        indexes = [models.Index(fields=["stratum"], condition=models.Q(verdict=None), name="audit_image_open")]

    def __str__(self) -> str:
        return str(self.image)
