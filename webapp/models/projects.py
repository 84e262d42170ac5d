"""One inspection question: its labels, its sources and the model that answers it."""

from __future__ import annotations

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower

from webapp.models.people import User, Workspace

HEX_COLOR = RegexValidator(r"^#[0-9a-f]{6}$", "Expected a colour like #d55e00.")


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Any) -> ProjectQuerySet:
        """The only door to projects: those of the workspaces `user` belongs to."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(workspace__memberships__user=user)


class Project(models.Model):
    class Template(models.TextChoices):
        SURFACE = "surface", "Manufacturing surface"
        RETAIL = "retail", "Retail shelf and floor"
        INFRASTRUCTURE = "infrastructure", "Infrastructure inspection"
        BLANK = "blank", "Blank"

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=80, unique=True)
    description = models.TextField(blank=True)
    template = models.CharField(max_length=20, choices=Template, default=Template.BLANK)
    min_region_px = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="An image fails when one region of a defect label has at least this many pixels. "
        "Empty: the value chosen on the validation split when the live model was trained.",
    )
    live_model = models.ForeignKey(
        "ModelVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="live_in"
    )
    currency = models.CharField(
        max_length=3, default="EUR", validators=[RegexValidator(r"^[A-Z]{3}$", "Expected a code like EUR.")]
    )
    audit_count = models.PositiveIntegerField(
        default=50,
        help_text="So many passed images are drawn each week for a person to judge blind. 0: none.",
    )
    blur_people = models.BooleanField(
        default=False, db_default=False, help_text="New batches start with people blurred in the frames of videos."
    )
    is_example = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        db_table = "project"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(min_region_px__isnull=True) | models.Q(min_region_px__gte=1),
                name="project_min_region_px_at_least_1",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def effective_min_region_px(self) -> int:
        """The rule in force: the project's own limit, else the live model's, else one pixel."""
        if self.min_region_px is not None:
            return self.min_region_px
        return self.live_model.min_region_px if self.live_model is not None else 1


class Label(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="labels")
    index = models.PositiveSmallIntegerField(validators=[MaxValueValidator(254)])
    name = models.CharField(max_length=60)
    color = models.CharField(max_length=7, validators=[HEX_COLOR])
    is_defect = models.BooleanField(default=False)
    is_person = models.BooleanField(
        default=False, db_default=False, help_text="What it marks is blurred in videos where that is asked."
    )
    severity = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(5)])
    cost = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What one image affected by it costs, in the project's currency.",
    )

    class Meta:
        db_table = "label"
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["project", "index"], name="label_index_once"),
            models.UniqueConstraint("project", Lower("name"), name="label_name_once"),
            models.CheckConstraint(condition=models.Q(index__lte=254), name="label_index_at_most_254"),
            models.CheckConstraint(condition=models.Q(color__regex=r"^#[0-9a-f]{6}$"), name="label_color_is_hex"),
            models.CheckConstraint(condition=models.Q(severity__range=(1, 5)), name="label_severity_1_to_5"),
            models.CheckConstraint(
                condition=models.Q(cost__isnull=True) | models.Q(cost__gte=0), name="label_cost_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Source(models.Model):
    class Kind(models.TextChoices):
        LINE = "line", "Line"
        CAMERA = "camera", "Camera"
        STORE = "store", "Store"
        ASSET = "asset", "Asset"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sources")
    site = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.LINE)
    mm_per_pixel = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "source"
        ordering = ["site", "name"]
        constraints = [
            models.UniqueConstraint("project", Lower("site"), Lower("name"), name="source_name_once"),
            models.CheckConstraint(
                condition=models.Q(mm_per_pixel__isnull=True) | models.Q(mm_per_pixel__gt=0),
                name="source_mm_per_pixel_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site} / {self.name}" if self.site else self.name
