"""What the workers found: runs, one prediction per image and model version, and their numbers."""

from __future__ import annotations

from datetime import timedelta

from django.db import models, transaction
from django.db.models.functions import Now

from webapp.models.images import Batch, Image
from webapp.models.learning import ModelVersion
from webapp.models.people import User
from webapp.models.projects import Label, Project, Source


class Run(models.Model):
    """One model version over one batch. `batch` is empty once the batch was deleted but a result is still needed.

    A shadow run looks at chosen images of any batch to show what a version would change; it changes no number.
    `load_deaths_count`: how often a worker's process died while it loaded the model, `load_losses_count`: how often all
    of a worker was gone then; both since it was loaded last.
    """

    class Kind(models.TextChoices):
        NORMAL = "normal", "Run"
        SHADOW = "shadow", "Shadow run"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    batch = models.ForeignKey(Batch, on_delete=models.SET_NULL, null=True, related_name="runs")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.NORMAL)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    load_deaths_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    load_losses_count = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "run"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="running", finished_at__isnull=True)
                | models.Q(state__in=["done", "cancelled"], finished_at__isnull=False),
                name="run_finished_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="normal") | models.Q(kind="shadow", batch__isnull=True),
                name="run_shadow_has_no_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.model_version}"


class PredictionQuerySet(models.QuerySet["Prediction"]):
    def claim(self, *, worker: str, count: int, lease: timedelta, fresh_only: bool = False) -> list[Prediction]:
        """Take up to `count` queued predictions for `worker`, with their images; what one worker takes no other gets.

        A prediction that was tried or lost before is taken alone, so that an image that kills its worker takes
        no neighbours with it; with `fresh_only` not at all.
        """
        with transaction.atomic():
            queued = self.filter(state=Prediction.State.QUEUED).order_by("attempts_count", "losses_count", "id")
            if fresh_only:
                queued = queued.filter(attempts_count=0, losses_count=0)
            locked = queued.select_related("image").select_for_update(skip_locked=True, of=("self",))
            taken: list[Prediction] = list(locked[:count])
            taken = [row for row in taken if not row.is_suspect] or taken[:1]
            Prediction.objects.filter(pk__in=[row.pk for row in taken]).update(
                state=Prediction.State.CLAIMED,
                claimed_by=worker,
                lease_until=Now() + lease,
                attempts_count=models.F("attempts_count") + 1,
            )
        return taken

    def held_by(self, worker: str) -> PredictionQuerySet:
        return self.filter(state=Prediction.State.CLAIMED, claimed_by=worker)


class Prediction(models.Model):
    """One image's result by one model version. `run` is the run that asked for it.

    `attempts_count`: tries begun; `losses_count`: how often all of a worker was gone before a try ended.
    `is_shadow`: only a shadow run has asked so far, so it counts nowhere until a normal run takes it over.
    The ledger columns are written when it is done and repeat what the image and its source said then, so that one
    index finds them. `brightness`: mean luma, ten-thousandths of white; `sharpness`: 1,000 × log2(1 + variance of
    the Laplacian); `warmth`: mean red minus mean blue, ten-thousandths of the full range. Whole numbers, so that
    sums of them are exact.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CLAIMED = "claimed", "Being segmented"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Verdict(models.TextChoices):
        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"

    # Asked for by the constraint `prediction_once` and the index `prediction_run_state`, which begin with them.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="predictions", db_index=False)
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="predictions", db_index=False)
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, db_index=False, related_name="predictions"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts_count = models.PositiveSmallIntegerField(default=0)
    losses_count = models.PositiveSmallIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=500, blank=True)
    is_current = models.BooleanField(default=False)
    is_shadow = models.BooleanField(default=False)
    verdict = models.CharField(max_length=10, choices=Verdict, null=True, blank=True)
    min_region_px = models.PositiveIntegerField(null=True, blank=True)
    defect_area_fraction = models.FloatField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    captured_at = models.DateTimeField(null=True, blank=True)
    mm_per_pixel = models.FloatField(null=True, blank=True)
    brightness = models.SmallIntegerField(null=True, blank=True)
    sharpness = models.SmallIntegerField(null=True, blank=True)
    warmth = models.SmallIntegerField(null=True, blank=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        db_table = "prediction"
        constraints = [
            models.UniqueConstraint(fields=["image", "model_version"], name="prediction_once"),
            models.UniqueConstraint(
                fields=["image"], condition=models.Q(is_current=True), name="prediction_current_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "claimed", "done", "failed", "cancelled"]),
                name="prediction_state_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="failed") | ~models.Q(error=""), name="prediction_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="done")
                | models.Q(
                    verdict__in=["pass", "fail"],
                    min_region_px__isnull=False,
                    defect_area_fraction__range=(0, 1),
                    finished_at__isnull=False,
                    project__isnull=False,
                    captured_at__isnull=False,
                ),
                name="prediction_done_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state="done") | models.Q(is_current=False),
                name="prediction_current_is_done",
            ),
            models.CheckConstraint(
                condition=models.Q(is_shadow=False) | models.Q(is_current=False),
                name="prediction_shadow_is_not_current",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="claimed") | models.Q(lease_until__isnull=False),
                name="prediction_claim_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "state"], name="prediction_run_state"),
            models.Index(
                fields=["project", "captured_at"],
                condition=models.Q(is_current=True),
                include=["source", "verdict"],
                name="prediction_time",
            ),
            models.Index(
                fields=["project", "source", "captured_at"],
                condition=models.Q(is_current=True),
                include=["verdict"],
                name="prediction_source_time",
            ),
            models.Index(
                fields=["project", "-defect_area_fraction", "-image"],
                condition=models.Q(is_current=True),
                include=["captured_at", "source", "verdict"],
                name="prediction_worst",
            ),
            models.Index(
                fields=["project", "source", "-defect_area_fraction", "-image"],
                condition=models.Q(is_current=True),
                name="prediction_source_worst",
            ),
            # Serves the foreign key too.
            models.Index(
                fields=["model_version", "-defect_area_fraction", "-image"], name="prediction_model_version_worst"
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state="claimed"), name="prediction_claimed_lease"),
        ]

    def __str__(self) -> str:
        return f"prediction {self.pk}"

    @property
    def is_suspect(self) -> bool:
        """Whether a worker was gone, or failed, with it in hand before. Of a row as it was read."""
        return bool(self.attempts_count or self.losses_count)


class Measurement(models.Model):
    """One label's numbers in one prediction; absent labels have a row of zeros.

    `min_region_px` is the limit this label was judged by where it has one of its own; empty = the prediction's.
    """

    # Asked for by `measurement_once`, which begins with it.
    prediction = models.ForeignKey(Prediction, on_delete=models.CASCADE, related_name="measurements", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.PROTECT, related_name="measurements")
    pixels = models.PositiveBigIntegerField()
    area_fraction = models.FloatField()
    region_count = models.PositiveIntegerField()
    largest_region_px = models.PositiveBigIntegerField()
    confidence = models.FloatField(null=True, blank=True)
    min_region_px = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "measurement"
        constraints = [
            models.UniqueConstraint(fields=["prediction", "label"], name="measurement_once"),
            models.CheckConstraint(condition=models.Q(area_fraction__range=(0, 1)), name="measurement_fraction"),
            models.CheckConstraint(
                condition=models.Q(largest_region_px__lte=models.F("pixels")),
                name="measurement_region_within",
            ),
        ]
        indexes = [
            models.Index(
                fields=["label", "-area_fraction"],
                condition=models.Q(largest_region_px__gt=0),
                name="measurement_worst",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.pixels} px"


class Region(models.Model):
    """One connected component (8-connected) of one label in one prediction; x, y, width and height are of its box.

    `length_px` and `breadth_px` of thin shapes are those of the skeleton, of others of the equivalent ellipse;
    `orientation_deg`: 0–180 from the right, counter-clockwise. Empty in rows from before they were measured.

    The database refuses a region without its measurement, by the foreign key `region_is_measured` over both columns
    (docs/adr/0010): that holds prediction and label too, and is one look-up a row instead of two.
    """

    prediction = models.ForeignKey(
        Prediction, on_delete=models.CASCADE, related_name="regions", db_index=False, db_constraint=False
    )
    label = models.ForeignKey(
        Label, on_delete=models.DO_NOTHING, related_name="regions", db_index=False, db_constraint=False
    )
    area_px = models.PositiveBigIntegerField()
    x_px = models.PositiveIntegerField()
    y_px = models.PositiveIntegerField()
    width_px = models.PositiveIntegerField()
    height_px = models.PositiveIntegerField()
    centroid_x_px = models.FloatField()
    centroid_y_px = models.FloatField()
    length_px = models.FloatField(null=True, blank=True)
    breadth_px = models.FloatField(null=True, blank=True)
    orientation_deg = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "region"
        constraints = [models.CheckConstraint(condition=models.Q(area_px__gte=1), name="region_has_pixels")]
        indexes = [models.Index(fields=["prediction", "label"], name="region_measurement")]

    def __str__(self) -> str:
        return f"{self.label}: {self.area_px} px"
