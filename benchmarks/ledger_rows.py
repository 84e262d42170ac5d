"""A project in a real database and three ways to write what was found on its images."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from segmentation.look import Look
from segmentation.measure import Measurement as Found
from segmentation.measure import PictureMeasurement
from segmentation.regions import ROW, Regions
from webapp.models import (
    Batch,
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
from webapp.pipeline.save import Outcome, save_outcomes

WORKER = "benchmark:1"
WIDTH_PX, HEIGHT_PX = 640, 480
_START = datetime(2026, 5, 12, 6, tzinfo=UTC)


class Ledger:
    """Images are taken one every four seconds, on two sources by turns."""

    def __init__(self, labels: int, regions: int) -> None:
        self.labels_count, self.regions_count = labels, regions
        workspace = Workspace.objects.create(name="Bench")
        self.project = Project.objects.create(workspace=workspace, name="Bench", slug="bench")
        self.labels = [
            Label.objects.create(
                project=self.project, index=index, name=f"label {index}", color="#808080", is_defect=index > 1
            )
            for index in range(labels)
        ]
        self.sources = [Source.objects.create(project=self.project, name=name, mm_per_pixel=0.1) for name in "AB"]
        self.model_version = ModelVersion.objects.create(
            project=self.project,
            number=1,
            architecture="nearest-color",
            origin="colors",
            folder="bench",
            weights_sha256="0" * 64,
            min_region_px=300,
        )
        batch = Batch.objects.create(project=self.project, name="Bench", sealed_at=timezone.now())
        self.run = Run.objects.create(batch=batch, model_version=self.model_version)
        self.rng, self.numbers = np.random.default_rng(1), count()

    def claimed(self, images: int) -> tuple[list[Outcome], list[Prediction]]:
        """New images whose predictions this worker holds, and what it found on them."""
        numbers = [next(self.numbers) for _ in range(images)]
        rows = Image.objects.bulk_create(
            Image(
                project=self.project,
                source=self.sources[number % 2],
                name=f"{number}.jpg",
                sha256=f"{number:064d}",
                format="JPEG",
                size_bytes=1,
                width_px=WIDTH_PX,
                height_px=HEIGHT_PX,
                captured_at=_START + timedelta(seconds=4 * number),
                captured_at_from="exif",
            )
            for number in numbers
        )
        predictions = Prediction.objects.bulk_create(
            Prediction(
                run=self.run,
                image=image,
                model_version=self.model_version,
                state="claimed",
                claimed_by=WORKER,
                lease_until=timezone.now() + timedelta(hours=1),
            )
            for image in rows
        )
        return [Outcome(one.pk, self._found(), Look(5000, 9000, 100)) for one in predictions], predictions

    def _found(self) -> PictureMeasurement:
        measurements, regions = [], []
        for index in range(self.labels_count):
            areas = [int(area) for area in self.rng.integers(1, 800, self.regions_count)]
            x, y = (int(place) for place in self.rng.integers(0, 440, 2))
            regions += [(index, area, x, y, 40, 30, x + 20.25, y + 15.75, 41.5, 12.25, 33.125) for area in areas]
            pixels = sum(areas)
            measurements.append(
                Found(index, pixels, pixels / (WIDTH_PX * HEIGHT_PX), len(areas), max(areas), float(self.rng.random()))
            )
        return PictureMeasurement(tuple(measurements), Regions(np.array(regions, ROW)), float(self.rng.random()))

    def _rows(self, outcomes: list[Outcome]) -> int:
        return len(outcomes) * self.labels_count * (1 + self.regions_count)

    def pipeline(self, outcomes: list[Outcome], predictions: list[Prediction]) -> int:
        """As a worker does it; returns how many measurement and region rows were written."""
        held = save_outcomes(outcomes, self.model_version, worker=WORKER)
        if len(held) != len(predictions):
            raise RuntimeError(f"{len(predictions)} predictions were claimed and {len(held)} saved")
        return self._rows(outcomes)

    def copy(self, outcomes: list[Outcome], predictions: list[Prediction]) -> int:
        """Nothing but COPY of the same rows; the predictions stay as they are."""
        with transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy(
                "COPY measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px, "
                "confidence, min_region_px) FROM STDIN"
            ) as copy:
                for outcome in outcomes:
                    for row in _picture(outcome).measurements:
                        copy.write_row(
                            (
                                outcome.prediction_id,
                                self.labels[row.label_index].pk,
                                row.pixels,
                                row.area_fraction,
                                row.region_count,
                                row.largest_region_px,
                                row.mean_confidence,
                                None,
                            )
                        )
            with cursor.copy(
                "COPY region (prediction_id, label_id, area_px, x_px, y_px, width_px, height_px, centroid_x_px, "
                "centroid_y_px, length_px, breadth_px, orientation_deg) FROM STDIN"
            ) as copy:
                for outcome in outcomes:
                    for label, *numbers in _picture(outcome).regions.tuples():
                        copy.write_row((outcome.prediction_id, self.labels[label].pk, *numbers))
        return self._rows(outcomes)

    def orm(self, outcomes: list[Outcome], predictions: list[Prediction]) -> int:
        """`bulk_create` of the rows, an UPDATE for each image, and the roll-ups."""
        with transaction.atomic():
            Measurement.objects.bulk_create(
                Measurement(
                    prediction_id=outcome.prediction_id,
                    label=self.labels[row.label_index],
                    pixels=row.pixels,
                    area_fraction=row.area_fraction,
                    region_count=row.region_count,
                    largest_region_px=row.largest_region_px,
                    confidence=row.mean_confidence,
                )
                for outcome in outcomes
                for row in _picture(outcome).measurements
            )
            Region.objects.bulk_create(
                Region(
                    prediction_id=outcome.prediction_id,
                    label=self.labels[region.label_index],
                    **{name: value for name, value in asdict(region).items() if name != "label_index"},
                )
                for outcome in outcomes
                for region in _picture(outcome).regions
            )
            images = Image.objects.in_bulk([one.image_id for one in predictions])
            for prediction in predictions:
                image = images[prediction.image_id]
                Prediction.objects.filter(pk=prediction.pk).update(
                    state="done",
                    claimed_by="",
                    lease_until=None,
                    finished_at=timezone.now(),
                    verdict="fail",
                    min_region_px=300,
                    defect_area_fraction=0.1,
                    is_current=True,
                    project=self.project,
                    source=image.source_id,
                    captured_at=image.captured_at,
                )
            rollups.add([prediction.pk for prediction in predictions])
        return self._rows(outcomes)

    def check(self) -> None:
        """What was measured here was also right."""
        wrong = rollups.differences(self.project.pk)
        if wrong:
            raise RuntimeError(f"{len(wrong)} roll-up rows are wrong, the first: {wrong[0]}")


def _picture(outcome: Outcome) -> PictureMeasurement:
    if isinstance(outcome.found, str):
        raise TypeError(outcome.found)
    return outcome.found
