"""Which routes there are. docs/api.md lists them, and a test compares."""

from __future__ import annotations

from ninja import NinjaAPI, Router
from ninja.operation import Operation

from webapp.api import (
    audits,
    batches,
    dashboard,
    datasets,
    images,
    judging,
    models,
    projects,
    reports,
    reviews,
    runs,
    sources,
    tokens,
    trainings,
    uploads,
    zones,
)
from webapp.api.auth import TokenAuth
from webapp.api.docs import DocsPage
from webapp.api.errors import handle_errors

VERSION = "v1"

DESCRIPTION = """
Everything the pages do, for programs. Make a personal token on your account page, or with
`POST /api/v1/tokens`, and send it as `Authorization: Bearer TOKEN`.

Every error has one shape: `{"error": {"code", "message", "fields"}}`. `message` says what was expected, what
came and what to do; `fields` says it for each input that was wrong.

Long lists come in pages: `{"items": [...], "next": "..."}`. Give `next` as `cursor` to get the page after; it
is null on the last one. Lengths in pixels end in `_px`, shares end in `_fraction` and lie between 0 and 1,
times are ISO 8601 with an offset.
"""

ROUTERS: dict[str, Router] = {
    "Tokens": tokens.router,
    "Projects": projects.router,
    "Sources": sources.router,
    "Zones": zones.router,
    "Trainings": trainings.router,
    "Data sets": datasets.router,
    "Models": models.router,
    "Judging": judging.router,
    "Batches": batches.router,
    "Uploads": uploads.router,
    "Runs": runs.router,
    "Images": images.router,
    "Reviews": reviews.router,
    "Audits": audits.router,
    "Dashboard": dashboard.router,
    "Reports": reports.router,
}


class PixelwiseAPI(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name: it becomes the name of the call in generated clients."""
        return operation.view_func.__name__


api = PixelwiseAPI(
    title="Pixelwise",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=DocsPage(),
    auth=TokenAuth(),
)
handle_errors(api)
for tag, router in ROUTERS.items():
    api.add_router(f"/{VERSION}", router, tags=[tag])
