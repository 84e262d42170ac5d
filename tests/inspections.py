"""Inspected images put into the database with known numbers, for tests of what is counted and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Any

from django.db import connection
from django.utils import timezone

from analytics import Scope
from webapp.models import (
    Batch,
    BatchImage,
    Image,
    Label,
    Measurement,
    ModelVersion,
    Prediction,
    Project,
    Region,
    Run,
    Source,
    Workspace,
)
from webapp.pipeline import rollups

WIDTH_PX, HEIGHT_PX = 100, 50
PIXELS = WIDTH_PX * HEIGHT_PX
MIN_REGION_PX = 20
NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)
_LABELS = (
    ("background", "#000000", False),
    ("scratch", "#d55e00", True),
    ("pit", "#0072b2", True),
    ("dust", "#999999", False),
)
_numbers = count(1)


@dataclass
class Plant:
    """A project with labels background, scratch and pit (defects) and dust, two sources and a live model."""

    project: Project
    labels: dict[str, Label]
    line_1: Source
    line_2: Source
    model_version: ModelVersion
    batch: Batch
    runs: dict[tuple[int, int], Run] = field(default_factory=dict)

    def image(
        self,
        found: Mapping[str, Sequence[int]] | None = None,
        *,
        captured_at: datetime = NOON,
        captured_at_from: str = "exif",
        source: Source | None = None,
        batch: Batch | None = None,
        name: str = "",
        confidence: float | None = 0.9,
    ) -> Image:
        """An image of 5,000 px and its current prediction; `found`: label → areas of its regions in px."""
        number = next(_numbers)
        image = Image.objects.create(
            project=self.project,
            source=source,
            name=name or f"part-{number}.png",
            sha256=sha256(str(number).encode()).hexdigest(),
            format="PNG",
            size_bytes=100,
            width_px=WIDTH_PX,
            height_px=HEIGHT_PX,
            captured_at=captured_at,
            captured_at_from=captured_at_from,
        )
        batch = batch or self.batch
        BatchImage.objects.create(batch=batch, image=image, name=image.name)
        self.predict(image, found or {}, batch=batch, confidence=confidence)
        return image

    def predict(
        self,
        image: Image,
        found: Mapping[str, Sequence[int]],
        *,
        model_version: ModelVersion | None = None,
        batch: Batch | None = None,
        is_current: bool = True,
        confidence: float | None = 0.9,
    ) -> Prediction:
        """A done prediction with a measurement of every label and all regions, judged at 20 px."""
        model_version, batch = model_version or self.model_version, batch or self.batch
        defects = [areas for name, areas in found.items() if self.labels[name].is_defect]
        failed = any(area >= MIN_REGION_PX for areas in defects for area in areas)
        prediction = Prediction.objects.create(
            run=self._run(batch, model_version),
            image=image,
            model_version=model_version,
            state="done",
            project=self.project,
            source=image.source,
            captured_at=image.captured_at,
            is_current=is_current,
            verdict="fail" if failed else "pass",
            min_region_px=MIN_REGION_PX,
            defect_area_fraction=sum(map(sum, defects)) / PIXELS,
            confidence=confidence,
            finished_at=timezone.now(),
        )
        rest = PIXELS - sum(sum(areas) for areas in found.values())
        for name, label in self.labels.items():
            self._measure(prediction, label, [rest] if name == "background" else list(found.get(name, ())))
        return prediction

    def count_up(self) -> Plant:
        """Bring the roll-ups up to date with the rows."""
        rollups.rebuild(self.project.pk)
        return self

    def scope(self, **limits: Any) -> Scope:
        return Scope(project_id=self.project.pk, **{"time_zone": "UTC", **limits})

    def new_batch(self, name: str) -> Batch:
        return Batch.objects.create(project=self.project, name=name, sealed_at=timezone.now())

    def new_model_version(self) -> ModelVersion:
        return _model_version(self.project)

    def _run(self, batch: Batch, model_version: ModelVersion) -> Run:
        key = (batch.pk, model_version.pk)
        if key not in self.runs:
            self.runs[key] = Run.objects.create(
                batch=batch, model_version=model_version, state="done", finished_at=timezone.now()
            )
        return self.runs[key]

    def _measure(self, prediction: Prediction, label: Label, areas: list[int]) -> None:
        Measurement.objects.create(
            prediction=prediction,
            label=label,
            pixels=sum(areas),
            area_fraction=sum(areas) / PIXELS,
            region_count=len(areas),
            largest_region_px=max(areas, default=0),
            confidence=0.8 if areas else None,
        )
        for area in areas:
            Region.objects.create(
                prediction=prediction,
                label=label,
                area_px=area,
                x_px=1,
                y_px=2,
                width_px=area,
                height_px=1,
                centroid_x_px=1.5,
                centroid_y_px=2.5,
            )


def build_plant(workspace: Workspace | None = None, slug: str = "plant") -> Plant:
    """A new project, without images."""
    workspace = workspace or Workspace.objects.create(name="Works")
    project = Project.objects.create(workspace=workspace, name=f"The {slug}", slug=slug)
    labels = {
        name: Label.objects.create(project=project, index=index, name=name, color=color, is_defect=is_defect)
        for index, (name, color, is_defect) in enumerate(_LABELS)
    }
    plant = Plant(
        project=project,
        labels=labels,
        line_1=Source.objects.create(project=project, site="North", name="Line 1"),
        line_2=Source.objects.create(project=project, name="Line 2"),
        model_version=_model_version(project),
        batch=Batch.objects.create(project=project, name="First", sealed_at=timezone.now()),
    )
    project.live_model = plant.model_version
    project.save()
    return plant


def _model_version(project: Project) -> ModelVersion:
    number = project.model_versions.count() + 1
    return ModelVersion.objects.create(
        project=project,
        number=number,
        architecture="nearest-color",
        origin="colors",
        folder=f"{project.slug}-{number}",
        weights_sha256="0" * 64,
    )


def set_current(prediction: Prediction) -> None:
    """Make this its image's current prediction."""
    Prediction.objects.filter(image=prediction.image).update(is_current=False)
    Prediction.objects.filter(pk=prediction.pk).update(is_current=True)


def executed(function: Any, *arguments: Any, **options: Any) -> Any:
    """`function(cursor, ...)` with a cursor of the test's database."""
    with connection.cursor() as cursor:
        return function(cursor, *arguments, **options)
