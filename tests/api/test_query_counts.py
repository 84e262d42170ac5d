"""Lists cost the same number of queries however long they are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import ApiClient
from tests.inspections import Plant, build_plant

LISTS = (
    "projects",
    "projects/plant",
    "projects/plant/sources",
    "projects/plant/sources/{source}/zones",
    "projects/plant/models",
    "projects/plant/datasets",
    "projects/plant/batches?limit=500",
    "projects/plant/trainings?limit=500",
    "trainings/{training}",
    "batches/{batch}",
    "batches/{batch}/images?limit=500",
    "images/{image}",
    "images/{image}/regions?limit=500",
    "projects/plant/dashboard",
)


def query_count(api: ApiClient, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert api.get(path).status_code == 200
    return len(queries)


def grow(plant: Plant) -> None:
    for number in range(12):
        build_plant(plant.project.workspace, f"other-{number}")
        plant.project.sources.create(site=f"Site {number}", name="Line")
        plant.line_1.zones.create(name=f"Zone {number}", shape=((0, 0), (1, 0), (1, 1)))
        plant.project.datasets.create(name="set", checksum=f"{number + 1:064}", label_pixels={}, label_counts={})
        plant.new_batch(f"batch {number}").skipped_files.create(name="a", kind="rejected", reason="broken")
        plant.new_model_version().model_labels.create(index=0, label=plant.labels["pit"], validation_iou=0.5)
        plant.image({"pit": [30, 40]}, source=plant.line_1)
        for training_run in plant.project.training_runs.all():
            training_run.epochs.create(number=number + 1, loss=1, mean_iou=0.5, seconds=number)
        first = plant.project.datasets.order_by("pk")[0]
        plant.project.training_runs.create(dataset=first, architecture="fpn", minutes=15)
    plant.count_up()


@pytest.mark.parametrize("path", LISTS)
def test_ten_times_as_much_costs_as_many_queries(api: ApiClient, plant: Plant, path: str) -> None:
    training_run: Any = plant.project.training_runs.first()
    image: Any = plant.batch.images.order_by("pk").first()
    address = path.format(batch=plant.batch.pk, image=image.pk, training=training_run.pk, source=plant.line_1.pk)
    plant.model_version.model_labels.create(index=0, label=plant.labels["pit"])
    query_count(api, address)
    before = query_count(api, address)
    grow(plant)
    assert query_count(api, address) == before <= 14
