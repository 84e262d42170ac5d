"""The API against its own description: made-up requests get an answer that the description promises, never a 500."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.api.operations import operations
from tests.inspections import build_plant
from tests.upload_bodies import PIECE_TYPE
from webapp.actions.tokens import create_token
from webapp.models import Report, User, Workspace
from webapp.wsgi import application

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@schemathesis.serializer(PIECE_TYPE)
def piece(context: Any, value: Any) -> Any:
    """A piece of a resumable upload goes as it is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)


@pytest.fixture(autouse=True)
def kept_connection() -> Iterator[None]:
    """The application runs inside the test's transaction, as it does under Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def known(alice: User, acme: Workspace) -> dict[str, Any]:
    """Ids that exist, by the names that paths use, and a token that may see them."""
    plant = build_plant(acme)
    image = plant.image({"pit": [30], "scratch": [5, 25]}, source=plant.line_1)
    plant.count_up()
    dataset = plant.project.datasets.create(name="Parts", checksum="0" * 64)
    report = Report.objects.create(project=plant.project, user=alice, kind="csv", grain="images")
    return {
        "slug": plant.project.slug,
        "batch_id": plant.batch.pk,
        "image_id": image.pk,
        "source_id": plant.line_1.pk,
        "zone_id": plant.line_1.zones.create(name="Door", shape=((0, 0), (1, 0), (1, 1))).pk,
        "model_id": plant.model_version.pk,
        "dataset_id": dataset.pk,
        "dataset_import_id": plant.project.dataset_imports.create(name="On its way").pk,
        "training_id": plant.project.training_runs.create(dataset=dataset, architecture="unet", minutes=15).pk,
        "report_id": report.pk,
        "grain": "images",
        "token": create_token(user=alice, name="fuzz")[1],
    }


def test_every_operation_is_asked_and_three_of_them_take_files() -> None:
    bodies = [
        set(operation.ok().definition.raw.get("requestBody", {}).get("content", {}))
        for operation in schema.get_all_operations()
    ]
    assert len(bodies) == len(operations()) > 40
    assert sum(bool(kinds - {"application/json"}) for kinds in bodies) == 3


@schema.parametrize()
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_made_up_requests_get_a_promised_answer(case: Any, known: dict[str, Any]) -> None:
    places = dict(case.path_parameters or {})
    # Mostly of things that are there; which ones stays the same from run to run, unlike a hash.
    if zlib.crc32(repr(case.body).encode(errors="replace")) % 4:
        case.path_parameters = {name: known.get(name, value) for name, value in places.items()}
    response = case.call(headers={"Authorization": f"Bearer {known['token']}"})
    case.validate_response(response, checks=CHECKS)
