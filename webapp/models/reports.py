"""Files that workers write for people: reports, their schedules, and the note that one is ready."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.models.people import User
from webapp.models.projects import Project


class ReportKind(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel"
    PARQUET = "parquet", "Parquet"
    PDF = "pdf", "PDF summary"
    EVIDENCE = "evidence", "Evidence pack"


class ReportScheduleQuerySet(models.QuerySet["ReportSchedule"]):
    def visible_to(self, user: Any) -> ReportScheduleQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)


class ReportSchedule(models.Model):
    """A report that is written again and again, of the whole period that has just ended, and sent to members."""

    class Every(models.TextChoices):
        DAY = "day", "Every day"
        WEEK = "week", "Every Monday"
        MONTH = "month", "On the first of every month"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="report_schedules")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=ReportKind)
    grain = models.CharField(max_length=10, blank=True)
    query = models.CharField(max_length=1000, blank=True)
    every = models.CharField(max_length=5, choices=Every)
    recipients: models.ManyToManyField[User, models.Model] = models.ManyToManyField(User, related_name="+")
    is_on = models.BooleanField(default=True)
    next_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReportScheduleQuerySet.as_manager()

    class Meta:
        db_table = "report_schedule"
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(is_on=True), name="report_schedule_due")]

    def __str__(self) -> str:
        return self.name


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, user: Any) -> ReportQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(project__workspace__memberships__user=user)


class Report(models.Model):
    """One file. `query` is the scope it was asked for with; `path` below the data folder, empty until it is done.

    Of a schedule's report, `mail_state` says how far its e-mails are (empty: there are none), and `mailed_to` holds
    the ids of those members who have theirs.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Being written"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class MailState(models.TextChoices):
        WAITING = "waiting", "Not sent yet"
        SENT = "sent", "Sent"
        FAILED = "failed", "Could not be sent"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reports")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    schedule = models.ForeignKey(ReportSchedule, on_delete=models.SET_NULL, null=True, related_name="reports")
    kind = models.CharField(max_length=10, choices=ReportKind)
    grain = models.CharField(max_length=10, blank=True)
    query = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    progress_fraction = models.FloatField(default=0)
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=1000, blank=True)
    path = models.CharField(max_length=300, blank=True)
    filename = models.CharField(max_length=200, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    row_count = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    mail_state = models.CharField(max_length=10, choices=MailState, blank=True)
    mail_next_at = models.DateTimeField(null=True, blank=True)
    mail_attempts_count = models.PositiveSmallIntegerField(default=0)
    mail_error = models.CharField(max_length=500, blank=True)
    mailed_to = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        db_table = "report"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(progress_fraction__range=(0, 1)), name="report_progress_fraction"
            ),
            models.CheckConstraint(condition=~models.Q(state="done") | ~models.Q(path=""), name="report_done_has_file"),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="report_failed_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="report_newest"),
            models.Index(fields=["state"], condition=models.Q(state__in=["waiting", "running"]), name="report_open"),
        ]

    def __str__(self) -> str:
        return self.filename or f"report {self.pk}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: Any) -> NotificationQuerySet:
        """The user's own, of no project or of one that the user still sees."""
        if not user.is_authenticated:
            return self.none()
        seen = models.Q(project=None) | models.Q(project__in=Project.objects.visible_to(user))
        return self.filter(seen, user=user)


class Notification(models.Model):
    """A line for one person, with where to go."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+")
    sentence = models.CharField(max_length=300)
    url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        db_table = "notification"
        ordering = ["-id"]
        indexes = [models.Index(fields=["user"], condition=models.Q(read_at=None), name="notification_unread")]

    def __str__(self) -> str:
        return self.sentence
