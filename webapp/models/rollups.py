"""Sums that dashboards read. Kept by the transactions that write the rows they sum; equal to a recount at any time."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from webapp.models.learning import ModelVersion
from webapp.models.projects import Label, Project, Source


def _once(table: str, *fields: str) -> models.UniqueConstraint:
    """One row per project, these fields, model version and current or not."""
    return models.UniqueConstraint(
        fields=["project", *fields, "is_current", "model_version"], name=f"{table}_once", nulls_distinct=False
    )


class RollupTotal(models.Model):
    """What every roll-up is kept by: project, model version, current or not. By itself: the sum over all sources.

    The database checks these keys where they come from, in the rows that are summed; checking them here again took
    two fifths of a rebuild. Rows are always asked for by project, so the one index per table begins with it.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    model_version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    is_current = models.BooleanField()

    class Meta:
        abstract = True


class Rollup(RollupTotal):
    """The same for each source (empty: images without one).

    Sources come early in the index: all of them together are asked of the totals or by the month.
    """

    source = models.ForeignKey(Source, models.CASCADE, null=True, related_name="+", db_index=False, db_constraint=False)

    class Meta:
        abstract = True


class InspectionCounts(models.Model):
    """`fail_count`: failed by the model; `final_fail_count`: after what people said; `first_pass_count`: passed by
    the model and by nobody overruled; `waiting_count`: failed by the model, no person has judged it yet;
    `upload_time_count`: images that stand at their upload time. `pixels`: of whole images.
    """

    inspected_count = models.BigIntegerField()
    fail_count = models.BigIntegerField()
    final_fail_count = models.BigIntegerField(default=0)
    first_pass_count = models.BigIntegerField(default=0)
    waiting_count = models.BigIntegerField(default=0)
    upload_time_count = models.BigIntegerField(default=0)
    pixels = models.BigIntegerField()

    class Meta:
        abstract = True


class InspectionRollup(Rollup, InspectionCounts):
    """Images per hour (UTC) of capture."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "inspection_rollup"
        constraints = [_once("inspection_rollup", "source", "hour")]

    def __str__(self) -> str:
        return f"{self.hour}: {self.final_fail_count} of {self.inspected_count}"


class InspectionRollupTotal(RollupTotal, InspectionCounts):
    """Images per hour (UTC) of all sources."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "inspection_rollup_total"
        constraints = [_once("inspection_rollup_total", "hour")]

    def __str__(self) -> str:
        return f"{self.hour}: {self.final_fail_count} of {self.inspected_count}"


class InspectionLooks(InspectionCounts):
    """With sums and sums of squares of what images look like.

    Confidence is summed in ten-thousandths. `feature_count`: images whose look was measured.
    """

    confidence_count = models.BigIntegerField()
    confidence_sum = models.BigIntegerField()
    confidence_squares = models.BigIntegerField()
    feature_count = models.BigIntegerField()
    brightness_sum = models.BigIntegerField()
    brightness_squares = models.BigIntegerField()
    sharpness_sum = models.BigIntegerField()
    sharpness_squares = models.BigIntegerField()
    warmth_sum = models.BigIntegerField()
    warmth_squares = models.BigIntegerField()

    class Meta:
        abstract = True


class InspectionDay(Rollup, InspectionLooks):
    """Images per day of capture in the installation's time zone."""

    day = models.DateField()

    class Meta:
        db_table = "inspection_day"
        constraints = [_once("inspection_day", "source", "day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.final_fail_count} of {self.inspected_count}"


class InspectionDayTotal(RollupTotal, InspectionLooks):
    """Images per day of all sources."""

    day = models.DateField()

    class Meta:
        db_table = "inspection_day_total"
        constraints = [_once("inspection_day_total", "day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.final_fail_count} of {self.inspected_count}"


class InspectionMonth(Rollup, InspectionCounts):
    """Images per month, by its first day: for questions about sources that look at whole months."""

    month = models.DateField()

    class Meta:
        db_table = "inspection_month"
        constraints = [_once("inspection_month", "month", "source")]

    def __str__(self) -> str:
        return f"{self.month}: {self.final_fail_count} of {self.inspected_count}"


class LabelCounts(models.Model):
    """`affected_count`: images in which a region of the label reached the limit."""

    label = models.ForeignKey(Label, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    affected_count = models.BigIntegerField()
    pixels = models.BigIntegerField()
    region_count = models.BigIntegerField()

    class Meta:
        abstract = True


class LabelRollup(Rollup, LabelCounts):
    """One label per hour (UTC) of capture; an hour in which nothing of it was found may have no row."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "label_rollup"
        constraints = [_once("label_rollup", "source", "hour", "label")]

    def __str__(self) -> str:
        return f"{self.hour} {self.label}: {self.affected_count}"


class LabelRollupTotal(RollupTotal, LabelCounts):
    """One label per hour (UTC) of all sources."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "label_rollup_total"
        constraints = [_once("label_rollup_total", "hour", "label")]

    def __str__(self) -> str:
        return f"{self.hour} {self.label}: {self.affected_count}"


class LabelDay(Rollup, LabelCounts):
    """One label per day of capture in the installation's time zone."""

    day = models.DateField()

    class Meta:
        db_table = "label_day"
        constraints = [_once("label_day", "source", "day", "label")]

    def __str__(self) -> str:
        return f"{self.day} {self.label}: {self.affected_count}"


class LabelDayTotal(RollupTotal, LabelCounts):
    """One label per day of all sources."""

    day = models.DateField()

    class Meta:
        db_table = "label_day_total"
        constraints = [_once("label_day_total", "day", "label")]

    def __str__(self) -> str:
        return f"{self.day} {self.label}: {self.affected_count}"


class LabelMonth(Rollup, LabelCounts):
    """One label per month, by its first day."""

    month = models.DateField()

    class Meta:
        db_table = "label_month"
        constraints = [_once("label_month", "month", "label", "source")]

    def __str__(self) -> str:
        return f"{self.month} {self.label}: {self.affected_count}"


class SpreadRollup(Rollup):
    """How large a label's share of an image is, and where its regions sit; per day and per month.

    `is_all_sources`: the sum over all sources (`source` is empty). `area_counts`: images per bucket of
    `analytics.buckets`; `place_counts`: regions per cell of its grid, row by row, by their centre. Both end with
    their last number that is not 0.
    """

    class Period(models.TextChoices):
        DAY = "day", "Day"
        MONTH = "month", "Month"

    is_all_sources = models.BooleanField()
    label = models.ForeignKey(Label, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    period = models.CharField(max_length=5, choices=Period)
    start = models.DateField()
    area_counts: Any = ArrayField(models.BigIntegerField())
    place_counts: Any = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "spread_rollup"
        constraints = [_once("spread_rollup", "is_all_sources", "source", "period", "label", "start")]

    def __str__(self) -> str:
        return f"{self.start} {self.label}"


class RollupZone(models.Model):
    """The time zone whose days the roll-ups count. Where the installation's differs, they are counted anew."""

    name = models.CharField(max_length=100)

    class Meta:
        db_table = "rollup_zone"

    def __str__(self) -> str:
        return self.name
