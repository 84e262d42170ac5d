"""Every operation of the API with working parameters, for tests that walk them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.api.forms import CONTENT_TYPE, form
from tests.images import picture, png
from tests.inspections import Plant
from webapp.api import api as ninja_api


@dataclass(frozen=True)
class Operation:
    """`path` as in the API's description; `body` is one that it takes, `query` names its query parameters."""

    method: str
    path: str
    body: Any = None
    content_type: str = "application/json"
    query: tuple[str, ...] = ()

    def address(self, plant: Plant) -> str:
        image = plant.batch.images.order_by("pk").first()
        training_run = plant.project.training_runs.first()
        ids = {
            "slug": plant.project.slug,
            "grain": "images",
            "source_id": plant.line_1.pk,
            "zone_id": getattr(plant.line_1.zones.first(), "pk", 0),
            "model_id": plant.model_version.pk,
            "training_id": training_run.pk if training_run else 0,
            "dataset_id": getattr(plant.project.datasets.first(), "pk", 0),
            "dataset_import_id": getattr(plant.project.dataset_imports.first(), "pk", 0),
            "batch_id": plant.batch.pk,
            "sha256": image.sha256 if image else "0" * 64,
            "report_id": getattr(plant.project.reports.first(), "pk", 0),
            "image_id": image.pk if image else 0,
        }
        return self.path.format(**ids)


BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/tokens"): {"email": "alice@example.com", "password": "x"},
    ("POST", "/api/v1/projects"): {"name": "New"},
    ("POST", "/api/v1/projects/{slug}/sources"): {"name": "New"},
    ("POST", "/api/v1/projects/{slug}/sources/{source_id}/zones"): {
        "name": "Door",
        "corners": [[0, 0], [0.5, 0], [0.5, 1]],
    },
    ("PATCH", "/api/v1/projects/{slug}/sources/{source_id}/zones/{zone_id}"): {"name": "Door"},
    ("POST", "/api/v1/projects/{slug}/models"): {"kind": "colors"},
    ("POST", "/api/v1/projects/{slug}/models/{model_id}/evaluate"): {},
    ("POST", "/api/v1/projects/{slug}/models/{model_id}/shadow"): {"image_count": 5},
    ("POST", "/api/v1/projects/{slug}/models/{model_id}/promote"): {"note": "better"},
    ("POST", "/api/v1/projects/{slug}/trainings"): {"minutes": 1},
    ("POST", "/api/v1/trainings/{training_id}/cancel"): {"keep": False},
    ("POST", "/api/v1/projects/{slug}/reports"): {"kind": "pdf", "grain": "", "scope": {}},
    ("POST", "/api/v1/projects/{slug}/uploads"): {"name": "Monday"},
    ("POST", "/api/v1/batches/{batch_id}/manifest"): {
        "files": [{"name": "a.png", "sha256": "0" * 64, "size_bytes": 9}]
    },
    ("POST", "/api/v1/batches/{batch_id}/runs"): {"model": 1},
    ("POST", "/api/v1/projects/{slug}/audits"): {"week": "2026-05-11"},
    ("POST", "/api/v1/images/{image_id}/reviews"): {"verdict": "pass", "reason": "Only dust"},
}
UPLOAD = ("POST", "/api/v1/projects/{slug}/batches")
DATASET_UPLOAD = ("POST", "/api/v1/projects/{slug}/datasets")


def operations() -> list[Operation]:
    """All of them, from the description that /api/docs shows."""
    found = []
    for path, methods in ninja_api.get_openapi_schema(path_prefix="/api/")["paths"].items():
        for method, described in methods.items():
            key = (method.upper(), path)
            query = tuple(row["name"] for row in described["parameters"] if row["in"] == "query")
            if key == UPLOAD:
                found.append(Operation(*key, form([("a.png", png(picture()))]), CONTENT_TYPE))
            elif key == DATASET_UPLOAD:
                found.append(Operation(*key, form([("a.zip", b"no archive")], file_field="file"), CONTENT_TYPE))
            else:
                found.append(Operation(*key, BODIES.get(key), query=query))
    return found


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"
