"""How far a batch is, and what can be done with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.api.conftest import ApiClient
from tests.inspections import Plant
from webapp import storage
from webapp.actions.upload import open_batch, seal_batch
from webapp.models import Batch, Image, Prediction, Run, User
from webapp.pipeline.queueing import queue_batch


def queued_run(plant: Plant, batch: Batch) -> Run:
    """A run of a new model version over the batch, nothing of it done."""
    return queue_batch(batch, plant.new_model_version(), user=None)


def fail(prediction: Prediction) -> None:
    Prediction.objects.filter(pk=prediction.pk).update(state="failed", error="broken", attempts_count=3)


def test_a_finished_batch(api: ApiClient, plant: Plant) -> None:
    batch = api.get(f"batches/{plant.batch.pk}").json()
    assert (batch["status"], batch["stage"]) == ("done", "done")
    assert (batch["image_count"], batch["done_count"], batch["failed_count"]) == (3, 3, 0)
    assert (batch["fail_verdict_count"], batch["waiting_count"]) == (1, 0)
    assert batch["model"] == {"id": plant.model_version.pk, "number": 1, "architecture": "nearest-color"}
    assert batch["rejected"] == []
    assert batch["eta_seconds"] is None


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        ("uploading", "queued"),
        ("waiting", "queued"),
        ("queued", "queued"),
        ("running", "running"),
        ("failed", "failed"),
    ],
)
def test_every_stage_has_one_of_four_statuses(
    api: ApiClient, plant: Plant, alice: User, stage: str, status: str
) -> None:
    batch = open_batch(project=plant.project, user=alice)
    if stage != "failed":
        plant.image(batch=batch)
    if stage == "waiting":
        Prediction.objects.filter(run__batch=batch).delete()
        Run.objects.filter(batch=batch).delete()
    if stage in ("queued", "running"):
        run = queued_run(plant, batch)
        if stage == "running":
            run.predictions.update(state="claimed", lease_until=timezone.now() + timedelta(minutes=1))
    if stage != "uploading":
        Batch.objects.filter(pk=batch.pk).update(sealed_at=timezone.now())
    shown = api.get(f"batches/{batch.pk}").json()
    assert (shown["stage"], shown["status"]) == (stage, status)


def test_newest_batches_first_in_pages(api: ApiClient, plant: Plant) -> None:
    names = ["First"] + [plant.new_batch(f"batch {number}").name for number in range(6)]
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"projects/plant/batches?limit=3&cursor={cursor}").json()
        seen += [row["name"] for row in page["items"]]
        cursor = page["next"]
    assert seen == names[::-1]
    assert "rejected" not in page["items"][0]


def test_another_model_version_over_the_batch(api: ApiClient, plant: Plant) -> None:
    second = plant.new_model_version()
    answer = api.post(f"batches/{plant.batch.pk}/runs", {"model": second.pk})
    assert answer.status_code == 201
    run = answer.json()
    assert (run["batch"], run["model"]["id"], run["state"]) == (plant.batch.pk, second.pk, "running")
    shown = api.get(f"batches/{plant.batch.pk}").json()
    assert (shown["status"], shown["waiting_count"], shown["model"]["number"]) == ("queued", 3, 2)
    before = api.get(f"batches/{plant.batch.pk}/images?model={plant.model_version.pk}").json()["items"]
    assert [row["verdict"] for row in before] == ["fail", "pass", "pass"]


def test_a_foreign_model_version_is_refused(api: ApiClient, plant: Plant, charlie: User) -> None:
    foreign = charlie.workspaces.get().projects.get().live_model
    assert foreign is not None
    answer = api.post(f"batches/{plant.batch.pk}/runs", {"model": foreign.pk})
    assert answer.status_code == 422
    assert str(plant.model_version.pk) in answer.json()["error"]["fields"]["model"]
    assert Run.objects.filter(batch=plant.batch).count() == 1


def test_cancelled_runs_keep_what_is_done(api: ApiClient, plant: Plant) -> None:
    run = queued_run(plant, plant.batch)
    shown = api.post(f"batches/{plant.batch.pk}/cancel").json()
    assert (shown["stage"], shown["status"], shown["waiting_count"]) == ("cancelled", "failed", 0)
    assert {row.state for row in run.predictions.all()} == {"cancelled"}
    run.refresh_from_db()
    assert run.state == "cancelled"
    again = api.post(f"batches/{plant.batch.pk}/cancel")
    assert again.status_code == 200
    assert again.json() == shown


def test_failed_images_are_tried_again_alone(api: ApiClient, plant: Plant) -> None:
    run = queued_run(plant, plant.batch)
    first, second, third = run.predictions.order_by("pk")
    fail(first)
    fail(second)
    Prediction.objects.filter(pk=third.pk).update(state="cancelled")
    assert api.get(f"batches/{plant.batch.pk}").json()["failed_count"] == 2
    shown = api.post(f"batches/{plant.batch.pk}/retry").json()
    assert (shown["failed_count"], shown["waiting_count"]) == (0, 2)
    third.refresh_from_db()
    assert third.state == "cancelled"


def test_nothing_to_cancel_or_retry_is_no_error(api: ApiClient, plant: Plant, alice: User) -> None:
    empty = open_batch(project=plant.project, user=alice)
    for verb in ("cancel", "retry"):
        assert api.post(f"batches/{empty.pk}/{verb}").status_code == 200


def test_a_deleted_batch_is_gone_with_its_images(api: ApiClient, plant: Plant, alice: User) -> None:
    shared = plant.batch.images.order_by("pk").first()
    other = open_batch(project=plant.project, user=alice)
    other.batch_images.create(image=shared, name="shared.png")
    seal_batch(batch=other)
    answer = api.delete(f"batches/{plant.batch.pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"batches/{plant.batch.pk}").status_code == 404
    assert list(Image.objects.filter(project=plant.project)) == [shared]
    assert api.get("projects/plant/dashboard").json()["inspected"] == 1
    assert not storage.original_path("0" * 64).exists()
