"""Sums that dashboards read. Kept by the transactions that write the rows they sum; equal to a recount at any time."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from webapp.models.learning import ModelVersion
from webapp.models.projects import Label, Project, Source


class Rollup(models.Model):
    """What every roll-up is kept by: project, source (empty: images without one), model version, current or not.

    The database checks these keys where they come from, in the rows that are summed; checking them here again took
    two fifths of a rebuild. Rows are always asked for by project, so the one index per table begins with it.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    source = models.ForeignKey(Source, models.CASCADE, null=True, related_name="+", db_index=False, db_constraint=False)
    model_version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    is_current = models.BooleanField()

    class Meta:
        abstract = True


class InspectionCounts(Rollup):
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


class InspectionRollup(InspectionCounts):
    """Images per hour (UTC) of capture."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "inspection_rollup"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "is_current", "model_version", "source"],
                name="inspection_rollup_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour}: {self.final_fail_count} of {self.inspected_count}"


class InspectionDay(InspectionCounts):
    """Images per day of capture in the installation's time zone; sums and sums of squares of what images look like.

    Confidence is summed in ten-thousandths. `feature_count`: images whose look was measured.
    """

    day = models.DateField()
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
        db_table = "inspection_day"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "day", "is_current", "model_version", "source"],
                name="inspection_day_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.final_fail_count} of {self.inspected_count}"


class LabelCounts(Rollup):
    """`affected_count`: images in which a region of the label reached the limit."""

    label = models.ForeignKey(Label, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    affected_count = models.BigIntegerField()
    pixels = models.BigIntegerField()
    region_count = models.BigIntegerField()

    class Meta:
        abstract = True


class LabelRollup(LabelCounts):
    """One label per hour (UTC) of capture; an hour in which nothing of it was found may have no row."""

    hour = models.DateTimeField()

    class Meta:
        db_table = "label_rollup"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "is_current", "model_version", "label", "source"],
                name="label_rollup_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.label}: {self.affected_count}"


class LabelDay(LabelCounts):
    """One label per day of capture in the installation's time zone."""

    day = models.DateField()

    class Meta:
        db_table = "label_day"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "day", "is_current", "model_version", "label", "source"],
                name="label_day_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.label}: {self.affected_count}"


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
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "project",
                    "period",
                    "is_all_sources",
                    "start",
                    "is_current",
                    "model_version",
                    "label",
                    "source",
                ],
                name="spread_rollup_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.start} {self.label}"


class RollupZone(models.Model):
    """The time zone whose days the roll-ups count. Where the installation's differs, they are counted anew."""

    name = models.CharField(max_length=100)

    class Meta:
        db_table = "rollup_zone"

    def __str__(self) -> str:
        return self.name
