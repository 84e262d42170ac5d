"""Models judged, compared and put live through the API, on drawn images whose truth is known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import ApiClient, api_client
from tests.inspections import Plant
from tests.trainings import drawn_dataset
from webapp.actions.model_versions import add_color_model
from webapp.models import Evaluation, ModelVersion, Project, User
from webapp.pipeline.evaluate_dataset import run_evaluation


@pytest.fixture
def project(project: Project) -> Project:
    """`scratch` is the red of the drawn parts, background their grey."""
    colors = {"background": "#808080", "scratch": "#dc1e1e", "crack": "#1e3cdc", "pit": "#00ff00", "stain": "#ffff00"}
    for name, color in colors.items():
        project.labels.filter(name=name).update(color=color)
    return project


@pytest.fixture
def versions(project: Project, alice: User) -> list[ModelVersion]:
    """The first is exact, the second finds no defect."""
    first = add_color_model(project=project, user=alice)
    project.labels.filter(name="background").update(color="#a05050")
    project.labels.filter(name="scratch").update(color="#ffffff")
    return [first, add_color_model(project=project, user=alice)]


def evaluated(api: ApiClient, project: Project, version: ModelVersion) -> dict[str, Any]:
    started = api.post(f"projects/{project.slug}/models/{version.pk}/evaluate", {})
    assert started.status_code == 202
    assert started.json()["state"] == "queued"
    run_evaluation(started.json()["id"])
    found: dict[str, Any] = api.get(f"projects/{project.slug}/models/{version.pk}/evaluation").json()
    return found


def test_evaluate_and_read_the_scores(api: ApiClient, project: Project, versions: list[ModelVersion]) -> None:
    dataset = drawn_dataset(project, train=1, val=1, test=4)
    found = evaluated(api, project, versions[0])
    assert (found["state"], found["split"], found["dataset"], found["done_count"]) == ("done", "test", dataset.pk, 4)
    assert found["scores"]["counts"] == {"defective": 2, "good": 2, "missed": 0, "rejected": 0}
    assert found["learned_image_count"] == 0
    newest, oldest = api.get(f"projects/{project.slug}/models").json()
    assert newest["scores"] is None
    assert (oldest["scores"]["missed_per_1000"], oldest["scores"]["mean_defect_iou"]) == (0, 1)
    assert oldest["parameter_count"] == 5 * 4
    assert oldest["file_bytes"] > 80


def test_without_a_hold_out_there_is_nothing_to_judge_on(
    api: ApiClient, project: Project, versions: list[ModelVersion]
) -> None:
    address = f"projects/{project.slug}/models/{versions[0].pk}/evaluate"
    assert api.post(address, {}).status_code == 404
    only = drawn_dataset(project, train=2, val=0, test=0)
    answer = api.post(address, {"dataset": only.pk})
    assert answer.status_code == 422
    assert "has no images kept apart" in answer.json()["error"]["fields"]["dataset"]


def test_compare(api: ApiClient, project: Project, versions: list[ModelVersion]) -> None:
    drawn_dataset(project, train=1, val=1, test=4)
    first, second = versions
    address = f"projects/{project.slug}/compare?a={first.pk}&b={second.pk}"
    assert "Evaluate it first" in api.get(address).json()["error"]["fields"]["a"]
    for version in versions:
        evaluated(api, project, version)
    found = api.get(address).json()
    counts = {name: found[name] for name in ("both_right", "only_a_right", "only_b_right", "both_wrong")}
    assert counts == {"both_right": 2, "only_a_right": 2, "only_b_right": 0, "both_wrong": 0}
    assert found["p_value"] == 0.5
    assert [image["is_defective"] for image in found["images"]] == [True, True, False, False]


def test_shadow_and_promotion(api: ApiClient, plant: Plant, bob: User) -> None:
    second = add_color_model(project=plant.project, user=None)
    address = f"projects/plant/models/{second.pk}"
    assert "no shadow run yet" in api.get(f"{address}/shadow").json()["error"]["message"]
    assert api.post(f"{address}/promote", {}).json()["error"]["code"] == "invalid"
    started = api.post(f"{address}/shadow", {"image_count": 2}).json()
    assert (started["status"], started["image_count"], started["done_count"]) == ("running", 2, 0)
    second.predictions.update(
        **{"state": "done", "verdict": "fail", "min_region_px": 1, "defect_area_fraction": 0.5},
        **{"finished_at": "2026-05-12T12:00Z", "project": plant.project, "captured_at": "2026-05-12T12:00Z"},
    )
    found = api.get(f"{address}/shadow").json()
    assert (found["status"], found["pass_to_fail"] + found["fail_count"]) == ("done", 2)
    assert api_client(bob).post(f"{address}/promote", {}).status_code == 403
    promoted = api.post(f"{address}/promote", {"note": "better"}).json()
    assert (promoted["kind"], promoted["previous"], promoted["note"]) == ("live", plant.model_version.pk, "better")
    assert promoted["shadow"]["image_count"] == 2
    assert [row["model"] for row in api.get("projects/plant/promotions").json()] == [second.pk]
    dashboard = api.get("projects/plant/dashboard").json()
    assert [(row["number"], row["kind"]) for row in dashboard["promotions"]] == [(2, "live")]


def test_only_administrators_put_a_model_live_and_going_back_is_written_down(
    api: ApiClient, plant: Plant, bob: User
) -> None:
    second = plant.new_model_version()
    assert api_client(bob).post(f"projects/plant/models/{second.pk}/live").status_code == 403
    assert api.post(f"projects/plant/models/{second.pk}/live").json()["is_live"]
    assert api.post(f"projects/plant/models/{second.pk}/live").json()["is_live"]
    assert api.post(f"projects/plant/models/{plant.model_version.pk}/live").json()["is_live"]
    kinds = [row["kind"] for row in api.get("projects/plant/promotions").json()]
    assert kinds == ["roll-back", "live"]


def test_an_evaluation_that_runs_shows_no_old_scores(
    api: ApiClient, project: Project, versions: list[ModelVersion]
) -> None:
    drawn_dataset(project, train=1, val=1, test=2)
    evaluated(api, project, versions[0])
    again = api.post(f"projects/{project.slug}/models/{versions[0].pk}/evaluate", {}).json()
    assert (again["state"], again["scores"]) == ("queued", {})
    assert Evaluation.objects.count() == 1
