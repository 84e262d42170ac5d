"""Nobody sees or changes what is not theirs: every operation as a stranger and as the outsider charlie."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from tests.api.conftest import ApiClient, api_client
from tests.api.operations import Operation, name, operations
from tests.inspections import Plant
from webapp import models

OPEN = {"POST /api/v1/tokens"}
OWN = {"GET /api/v1/projects", "POST /api/v1/projects"}


def everything_of(plant: Plant) -> str:
    """All rows of a project as text, to see whether anything of it changed."""
    project = plant.project
    rows: list[Any] = [models.Project.objects.get(pk=project.pk)]
    for relation in (project.labels, project.sources, project.batches, project.images, project.model_versions):
        rows += relation.order_by("pk")
    rows += models.Run.objects.filter(model_version__project=project).order_by("pk")
    rows += models.Prediction.objects.filter(model_version__project=project).order_by("pk")
    return serializers.serialize("json", rows)


def send(client: ApiClient, operation: Operation, plant: Plant) -> Any:
    return client(operation.method, operation.address(plant), operation.body, content_type=operation.content_type)


@pytest.mark.parametrize("operation", operations(), ids=name)
def test_without_a_token(plant: Plant, operation: Operation) -> None:
    before = everything_of(plant)
    answer = send(ApiClient(Client()), operation, plant)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert everything_of(plant) == before


@pytest.mark.parametrize("operation", [one for one in operations() if name(one) not in OPEN | OWN], ids=name)
def test_as_charlie(plant: Plant, charlie: models.User, operation: Operation) -> None:
    before = everything_of(plant)
    answer = send(api_client(charlie), operation, plant)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert everything_of(plant) == before


@pytest.mark.parametrize("operation", [one for one in operations() if one.method == "GET"], ids=name)
def test_bob_sees_what_alice_sees(plant: Plant, api: ApiClient, bob: models.User, operation: Operation) -> None:
    hers, his = send(api, operation, plant), send(api_client(bob), operation, plant)
    assert hers.status_code == his.status_code
    if not hers.streaming:
        assert hers.json() == his.json()


def test_charlie_finds_nothing_by_query_parameters(plant: Plant, charlie: models.User) -> None:
    client = api_client(charlie)
    for parameter, value in {
        "source": plant.line_1.pk,
        "label": plant.labels["pit"].pk,
        "model": plant.model_version.pk,
        "batch": plant.batch.pk,
    }.items():
        answer = client.get(f"projects/elsewhere/dashboard?{parameter}={value}")
        assert answer.status_code == 422
        assert list(answer.json()["error"]["fields"]) == [parameter]
