"""Whatever goes wrong below /api/, the answer has the one shape, and odd input never breaks the server."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from tests.api.conftest import ApiClient, api_client
from tests.api.forms import CONTENT_TYPE, form
from tests.api.operations import Operation, name, operations
from tests.inspections import Plant
from webapp import storage
from webapp.models import Prediction, User

READS = [one for one in operations() if one.method == "GET"]
WRITES = [one for one in operations() if one.method == "POST" and one.body is not None]


def assert_shaped(answer: Any) -> dict[str, Any]:
    assert answer["Content-Type"].startswith("application/json"), answer.content[:200]
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fields"}
    assert body["error"]["message"]
    assert all(isinstance(message, str) for message in body["error"]["fields"].values())
    found: dict[str, Any] = body["error"]
    return found


def assert_fault_of_the_asker(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, answer.status_code
    assert_shaped(answer)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/projects", "/api/v1/projects/", "/api/%00"]
)
def test_unknown_addresses(api: ApiClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert assert_shaped(answer)["code"] == "not_found"


def test_pages_keep_their_own_errors(db: None) -> None:
    assert b"<html" in Client().get("/nothing").content.lower()


@pytest.mark.parametrize("operation", operations(), ids=name)
def test_other_methods(api: ApiClient, plant: Plant, operation: Operation) -> None:
    answer = api("PUT", operation.address(plant), {})
    assert answer.status_code == 405
    assert operation.method in answer["Allow"]
    assert operation.method in assert_shaped(answer)["message"]


@pytest.mark.parametrize("operation", WRITES, ids=name)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"name": 5, "email": 5, "password": 5, "kind": 5, "model": "x"}',
        b'{"name": "\\ud800", "email": "\\ud800", "password": "\\ud800", "kind": "\\ud800", "model": 1e999}',
        b'{"name": "\\u0000", "email": "\\u0000", "password": "a", "kind": "\\u0000", "model": 99999999999999999999}',
        b'{"model": ' + b"9" * 5000 + b"}",
        b'{"model": true, "name": null}',
    ],
)
def test_odd_bodies(api: ApiClient, plant: Plant, operation: Operation, body: bytes) -> None:
    address = operation.address(plant)
    assert_fault_of_the_asker(api.post(address, body))
    assert_fault_of_the_asker(api.post(address, body, content_type="text/plain"))
    assert_fault_of_the_asker(api.post(address, body, content_type=CONTENT_TYPE))


def test_bodies_have_a_limit(api: ApiClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = api.post("projects", {"name": "x" * 2000})
    assert answer.status_code == 413
    assert assert_shaped(answer)["code"] == "too_large"


ODD_IDS = ["0", "-1", "x", "%00", "1.5", str(2**63), str(2**64), "9" * 5000, "%F0%9F%92%A9", "1%27--", "٣"]


@pytest.mark.parametrize("operation", [one for one in operations() if "{" in one.path], ids=name)
def test_odd_ids(api: ApiClient, plant: Plant, operation: Operation) -> None:
    for odd in ODD_IDS:
        ids = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), odd)
        address = operation.path.format(**ids)
        answer = api(operation.method, address, operation.body, content_type=operation.content_type)
        assert answer.status_code == 404, address[:80]
        assert_shaped(answer)


ODD_VALUES = ["", "\0", "0", "-1", "x", "1.5", "1e9", str(2**63), "9" * 5000, "null", "'; --", "💩", "٣", "nan"]


@pytest.mark.parametrize("operation", [one for one in READS if one.query], ids=name)
def test_odd_query_parameters(api: ApiClient, plant: Plant, operation: Operation) -> None:
    for odd in ODD_VALUES:
        for parameter in operation.query:
            answer = api.get(f"{operation.address(plant)}?{parameter}={quote(odd)}")
            assert answer.status_code < 500
            if answer.status_code >= 400:
                assert_shaped(answer)


@pytest.mark.parametrize("cursor", ["x", "-1", "1.0", "١", str(2**63), "1" * 40, "%00"])
@pytest.mark.parametrize("path", ["batches/{batch}/images", "images/{image}/regions", "projects/plant/batches"])
def test_cursors_that_no_page_gave(api: ApiClient, plant: Plant, path: str, cursor: str) -> None:
    image = plant.batch.images.order_by("pk").first()
    assert image is not None
    answer = api.get(f"{path.format(batch=plant.batch.pk, image=image.pk)}?cursor={cursor}")
    assert answer.status_code == 422
    assert list(assert_shaped(answer)["fields"]) == ["cursor"]


def test_a_fault_of_the_server_is_shaped_and_logged(
    api: ApiClient, plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    prediction = Prediction.objects.order_by("pk")[0]
    storage.mask_path(prediction.pk).mkdir(parents=True)
    api.client.raise_request_exception = False
    answer = api.get(f"images/{prediction.image_id}/mask.png")
    assert answer.status_code == 500
    error = assert_shaped(answer)
    assert error["code"] == "server_error"
    assert str(storage.mask_path(prediction.pk)) not in json.dumps(error)
    assert "IsADirectoryError" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_so(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api_client(alice)
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/no/such/folder")
    answer = client.get("projects")
    monkeypatch.undo()
    assert answer.status_code == 503
    assert assert_shaped(answer)["code"] == "unavailable"
    assert client.get("projects").status_code == 200


def test_a_full_disk_is_said_so(api: ApiClient, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "temporary_folder", full)
    answer = api.post("projects/plant/batches", form([("a.png", b"x")]), content_type=CONTENT_TYPE)
    assert answer.status_code == 507
    assert assert_shaped(answer)["code"] == "storage_full"
