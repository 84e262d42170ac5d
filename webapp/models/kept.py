"""What people keep of the dashboard: saved views, draft rules, and what happened to a project's numbers."""

from __future__ import annotations

from django.db import models

from webapp.models.people import User
from webapp.models.projects import Project, Source


class SavedView(models.Model):
    """A page of the dashboard with its scope. `page`: its name among the dashboard's; `query` as in the address."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=80)
    page = models.CharField(max_length=20)
    query = models.CharField(max_length=1000, blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "saved_view"
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "user", "name"], name="saved_view_name_once")]

    def __str__(self) -> str:
        return self.name


class DraftRule(models.Model):
    """A rule somebody tried on stored numbers and kept. Nothing is judged by it.

    `label_limits`: label id as text → pixels. `replayed`: what it did to the scope it was tried on, as shown.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="draft_rules")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=80)
    min_region_px = models.PositiveIntegerField(null=True, blank=True)
    label_limits = models.JSONField(default=dict, blank=True)
    min_confidence = models.FloatField(null=True, blank=True)
    query = models.CharField(max_length=1000, blank=True)
    replayed = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "draft_rule"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(min_region_px__isnull=True) | models.Q(min_region_px__gte=1),
                name="draft_rule_min_region_px_at_least_1",
            ),
            models.CheckConstraint(
                condition=models.Q(min_confidence__isnull=True) | models.Q(min_confidence__range=(0, 1)),
                name="draft_rule_min_confidence",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectEvent(models.Model):
    """Somebody changed what numbers mean: a marker on every trend. Promotions have rows of their own.

    `sentence` says what changed from what to what.
    """

    class Kind(models.TextChoices):
        RULE = "rule", "Rule"
        CALIBRATION = "calibration", "Calibration"
        LABELS = "labels", "Labels"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind)
    source = models.ForeignKey(Source, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    sentence = models.CharField(max_length=300)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "project_event"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["rule", "calibration", "labels"]), name="project_event_kind_known"
            )
        ]
        indexes = [models.Index(fields=["project", "at"], name="project_event_time")]

    def __str__(self) -> str:
        return self.sentence
