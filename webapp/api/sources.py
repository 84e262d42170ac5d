"""Sources of a project."""

from __future__ import annotations

from ninja import Router, Status

from webapp.actions.sources import SourceInput, add_source
from webapp.api.auth import ApiRequest
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import READ_ERRORS, WRITE_ERRORS, answers
from webapp.api.schemas.sources import SourceIn, SourceOut

router = Router()


@router.get("/projects/{slug:slug}/sources", response=answers(list[SourceOut], errors=READ_ERRORS))
def list_sources(request: ApiRequest, slug: str) -> list[SourceOut]:
    """By site and name."""
    return [SourceOut.of(source) for source in visible_project(request.auth, slug).sources.all()]


@router.post("/projects/{slug:slug}/sources", response=answers(SourceOut, status=201, errors=WRITE_ERRORS))
def create_source(request: ApiRequest, slug: str, payload: SourceIn) -> Status[SourceOut]:
    """A line, camera, store or asset that pictures come from."""
    project = visible_project(request.auth, slug)
    added = add_source(
        project=project,
        user=request.auth,
        source=SourceInput(name=payload.name, site=payload.site, kind=payload.kind, mm_per_pixel=payload.mm_per_pixel),
    )
    return Status(201, SourceOut.of(added))
