"""Trainings over the API: ask for one, watch it, end it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ApiClient
from tests.trainings import drawn_dataset, learned, queued_training
from webapp import storage
from webapp.models import Dataset, ModelVersion, Project, TrainingRun


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return drawn_dataset(project)


def test_queued_with_what_was_asked_for(api: ApiClient, project: Project, dataset: Dataset) -> None:
    body = {"epochs": 3, "architecture": "fpn", "augment": ["light"], "loss": "focal", "crop_px": 96, "seed": 4}
    body["mirrored_views"] = True
    answer = api.post(f"projects/{project.slug}/trainings", body)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["status"], told["dataset"], told["epochs"], told["minutes"]) == ("queued", dataset.pk, 3, None)
    assert told["settings"]["presets"] == ["light"]
    assert (told["settings"]["loss"], told["settings"]["crop_px"], told["settings"]["seed"]) == ("focal", 96, 4)
    assert told["settings"]["mirrored_views"] is True
    assert api.get(f"trainings/{told['id']}").json() == told
    listed = api.get(f"projects/{project.slug}/trainings").json()["items"]
    assert listed == [{name: value for name, value in told.items() if name != "curve"}]


def test_an_hour_of_the_recommended_on_the_newest(api: ApiClient, project: Project, dataset: Dataset) -> None:
    newest = drawn_dataset(project, train=5)
    told = api.post(f"projects/{project.slug}/trainings", {}).json()
    assert (told["dataset"], told["minutes"], told["architecture"]) == (newest.pk, 60, "random-forest")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"dataset": 10**9}, "dataset"),
        ({"start": 10**9}, "start"),
        ({"architecture": "nearest-color"}, "architecture"),
        ({"augment": ["earthquake"]}, "augment"),
        ({"loss": "sorrow"}, "loss"),
        ({"minutes": 10**6}, "minutes"),
        ({"minutes": 5, "epochs": 5}, "minutes"),
        ({"crop_px": 3}, "crop_px"),
        ({"target": "moon"}, "target"),
        ({"encoder": "resnet34"}, "encoder"),
        ({"architecture": "segnet", "start": "hub"}, "start"),
    ],
)
def test_what_cannot_be_is_refused(
    api: ApiClient, project: Project, dataset: Dataset, body: dict[str, Any], field: str
) -> None:
    answer = api.post(f"projects/{project.slug}/trainings", body)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == [field]
    assert not TrainingRun.objects.exists()


def test_a_parent_of_another_kind_is_refused(api: ApiClient, project: Project, dataset: Dataset) -> None:
    parent = ModelVersion.objects.create(
        project=project, number=1, architecture="segnet", origin="imported", folder="one", weights_sha256="0" * 64
    )
    spec = '{"architecture": "segnet", "labels": [{"index": 0, "name": "a", "color": "#000000"}]}'
    storage.write(storage.model_folder("one") / "model.json", spec.encode())
    storage.write(storage.model_folder("one") / "model.safetensors", b"weights")
    body = {"start": parent.pk, "architecture": "linknet-light"}
    answer = api.post(f"projects/{project.slug}/trainings", body)
    assert answer.status_code == 422
    assert "(SegNet, not Light LinkNet): nothing fits." in answer.json()["error"]["fields"]["start"]
    assert not TrainingRun.objects.exists()


def test_curve_and_model(api: ApiClient, project: Project, dataset: Dataset) -> None:
    training_run = learned(queued_training(project, dataset), 3, state="done")
    version = ModelVersion.objects.create(
        project=project,
        number=1,
        architecture="unet",
        origin="trained",
        training_run=training_run,
        folder="one",
        weights_sha256="0" * 64,
    )
    told = api.get(f"trainings/{training_run.pk}").json()
    assert (told["status"], told["model"]["id"]) == ("done", version.pk)
    assert [epoch["number"] for epoch in told["curve"]] == [1, 2, 3]
    assert told["curve"][0]["iou"] == {"background": 0.9, "scratch": 0.0}


def test_ended_early(api: ApiClient, project: Project, dataset: Dataset) -> None:
    waiting, learning = (queued_training(project, dataset) for _ in range(2))
    learned(learning, 2)
    assert api.post(f"trainings/{waiting.pk}/cancel", {"keep": True}).json()["status"] == "cancelled"
    assert api.post(f"trainings/{learning.pk}/cancel", {"keep": False}).json()["status"] == "running"
    learning.refresh_from_db()
    assert (learning.cancel_requested_at is not None, learning.cancel_keeps_best) == (True, False)
