"""An API client for each of the cast, and a plant whose numbers are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.inspections import NOON, Plant, build_plant
from webapp.actions.tokens import create_token
from webapp.models import User, Workspace


@dataclass
class ApiClient:
    """Speaks JSON below /api/v1/ with a bearer token."""

    client: Client
    token: str = ""

    def __call__(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            extra |= {"data": body, "content_type": extra.get("content_type", "application/json")}
        address = path if path.startswith("/") else f"/api/v1/{path}"
        return self.client.generic(method, address, headers=headers, **_encoded(extra))

    def get(self, path: str) -> Any:
        return self("GET", path)

    def post(self, path: str, body: Any = None, **extra: Any) -> Any:
        return self("POST", path, body, **extra)

    def patch(self, path: str, body: Any) -> Any:
        return self("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self("DELETE", path)

    def upload(self, path: str, **fields: Any) -> Any:
        """multipart/form-data as Django's test client writes it: file names lose their folders there."""
        return self.client.post(f"/api/v1/{path}", fields, headers={"Authorization": f"Bearer {self.token}"})


def _encoded(extra: dict[str, Any]) -> dict[str, Any]:
    data = extra.get("data")
    if data is not None and not isinstance(data, bytes | str):
        extra["data"] = Client()._encode_json(data, "application/json")
    return extra


def api_client(user: User | None = None) -> ApiClient:
    token = create_token(user=user, name="test")[1] if user else ""
    return ApiClient(Client(raise_request_exception=True), token)


@pytest.fixture(autouse=True)
def own_files(data_folder: Path) -> None:
    """No test writes into the files of another."""


@pytest.fixture
def charlie(charlie: User) -> User:
    """The outsider, with a plant of his own."""
    build_plant(charlie.workspaces.get(), "elsewhere")
    return charlie


@pytest.fixture
def api(alice: User) -> ApiClient:
    return api_client(alice)


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    """Three inspected images: scratched, pitted below the limit, clean."""
    plant = build_plant(acme)
    plant.image({"scratch": [60, 5]}, source=plant.line_1, name="shift 1/scratched.png")
    plant.image({"pit": [19]}, source=plant.line_2, name="shift 1/pitted.png")
    plant.image(name="clean.png", captured_at=NOON, confidence=None)
    dataset = plant.project.datasets.create(name="Parts", checksum="0" * 64)
    plant.project.dataset_imports.create(name="On its way")
    plant.project.training_runs.create(dataset=dataset, architecture="unet", minutes=15)
    return plant.count_up()
