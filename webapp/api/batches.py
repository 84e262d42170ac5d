"""Batches: upload, list, show, delete."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from ninja import Router, Status

from webapp.actions.batches import delete_batch as delete
from webapp.actions.upload import upload_batch
from webapp.api.auth import ApiRequest
from webapp.api.batch_form import UPLOAD_BODY, read_batch_form
from webapp.api.inputs import Cursor, Limit, place
from webapp.api.multipart import received_form
from webapp.api.projects import visible_project
from webapp.api.schemas.batches import BatchOut, BatchPage, RejectedFile, batch_row
from webapp.api.schemas.errors import READ_ERRORS, answers
from webapp.models import Batch, SkippedFile, User, batch_progress, batches_with_progress
from webapp.models.images import BatchQuerySet

router = Router()


@router.get("/projects/{slug:slug}/batches", response=answers(BatchPage))
def list_batches(request: ApiRequest, slug: str, cursor: Cursor = "", limit: Limit = 50) -> BatchPage:
    """Newest first."""
    project = visible_project(request.auth, slug)
    before = place(cursor)
    batches = _whole(request.auth).filter(project=project).order_by("-pk")
    if before:
        batches = batches.filter(pk__lt=before)
    found = list(batches[: limit + 1])
    rows = batches_with_progress(found[:limit])
    return BatchPage(
        items=[batch_row(batch, progress) for batch, progress in rows],
        next=str(found[limit - 1].pk) if len(found) > limit else None,
    )


@router.post(
    "/projects/{slug:slug}/batches",
    response=answers(BatchOut, status=201, errors=(400, 401, 404, 411, 413, 415, 422, 507)),
    openapi_extra={"requestBody": UPLOAD_BODY},
)
def create_batch(request: ApiRequest, slug: str) -> Status[BatchOut]:
    """Upload pictures, ZIPs of pictures, or both. Segmenting starts where the project has a live model.

    A file that is no picture, broken or too large is listed in `rejected` with its reason; the rest goes on.
    """
    project = visible_project(request.auth, slug)
    with received_form(request) as form:
        sent = read_batch_form(form, project)
        batch = upload_batch(
            project=project,
            user=request.auth,
            files=sent.streams(),
            name=sent.name,
            source=sent.source,
            captured_at=sent.captured_at,
            frame_seconds=sent.frame_seconds,
            blur_people=sent.blur_people,
        )
    return Status(201, batch_out(request.auth, batch.pk))


@router.get("/batches/{int:batch_id}", response=answers(BatchOut, errors=READ_ERRORS))
def show_batch(request: ApiRequest, batch_id: int) -> BatchOut:
    """How far it is, which files were refused and why."""
    return batch_out(request.auth, batch_id)


@router.delete("/batches/{int:batch_id}", response=answers(None, status=204, errors=READ_ERRORS))
def delete_batch(request: ApiRequest, batch_id: int) -> Status[None]:
    """Delete a batch with its images, their numbers and files. Images that another batch shares stay."""
    delete(batch=visible_batch(request.auth, batch_id), user=request.auth)
    return Status(204, None)


def visible_batch(user: User, batch_id: int) -> Batch:
    return get_object_or_404(_whole(user), pk=batch_id)


def batch_out(user: User, batch_id: int) -> BatchOut:
    batch = visible_batch(user, batch_id)
    rejected = batch.skipped_files.filter(kind=SkippedFile.Kind.REJECTED)
    row = batch_row(batch, batch_progress(batch))
    return BatchOut(**row.dict(), rejected=[RejectedFile.of(file) for file in rejected])


def _whole(user: User) -> BatchQuerySet:
    return Batch.objects.visible_to(user).select_related("project", "source", "created_by")
