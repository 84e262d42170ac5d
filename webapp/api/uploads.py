"""Uploads that may break off: open a batch, ask what is missing, send it in pieces, close the batch."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Path, Router, Status

from webapp import tus
from webapp.actions.upload import (
    BatchSealedError,
    ManifestFile,
    announce_files,
    file_state,
    known_files,
    open_batch,
    seal_batch,
)
from webapp.api.auth import ApiRequest
from webapp.api.batch_form import captured_at_of
from webapp.api.batches import batch_out, visible_batch
from webapp.api.errors import ApiError, invalid
from webapp.api.projects import visible_project
from webapp.api.schemas.batches import BatchOut, RejectedFile
from webapp.api.schemas.errors import WRITE_ERRORS, answers
from webapp.api.schemas.uploads import Known, ManifestIn, UploadIn, UploadOut
from webapp.models import Batch, Project, Source

router = Router()

Sha256 = Annotated[str, Path(description="Of the whole file, in lower-case hex.")]


def _headers(*headers: tuple[str, str, bool]) -> dict[str, Any]:
    rows = [
        {"name": name, "in": "header", "required": needed, "schema": {"type": "string"}, "description": words}
        for name, words, needed in headers
    ]
    return {"parameters": rows}


CREATION = _headers(
    ("Upload-Length", "Bytes of the whole file.", True),
    ("Upload-Metadata", "`filename BASE64,sha256 BASE64`: the SHA-256 of the whole file in lower-case hex.", True),
    ("Tus-Resumable", "`1.0.0`", False),
)
PIECE = _headers(
    ("Upload-Offset", "The byte of the file that the piece begins with.", True),
    ("Upload-Checksum", "`sha256 BASE64` of the piece: one that arrives damaged is not kept.", False),
    ("Tus-Resumable", "`1.0.0`", False),
) | {
    "requestBody": {
        "required": True,
        "content": {tus.PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/projects/{slug:slug}/uploads", response=answers(BatchOut, status=201, errors=WRITE_ERRORS))
def open_upload(request: ApiRequest, slug: str, sent: UploadIn) -> Status[BatchOut]:
    """An empty batch that files can be sent to, also after interruptions, until it is closed."""
    project = visible_project(request.auth, slug)
    batch = open_batch(
        project=project,
        user=request.auth,
        name=sent.name,
        source=_source(project, sent.source),
        captured_at=captured_at_of(sent.captured_at),
    )
    return Status(201, batch_out(request.auth, batch.pk))


@router.post("/batches/{int:batch_id}/manifest", response=answers(Known, errors=(*WRITE_ERRORS, 409)))
def send_manifest(request: ApiRequest, batch_id: int, sent: ManifestIn) -> Known:
    """Which files are needed. Content that the project holds is linked at once; the others are expected from now on."""
    batch = visible_batch(request.auth, batch_id)
    if batch.sealed_at is not None:
        raise _sealed(batch)
    announce_files(batch=batch, files=[(file.name, file.size_bytes) for file in sent.files])
    files = [ManifestFile(file.name, file.sha256) for file in sent.files]
    try:
        known = known_files(batch=batch, files=files)
    except BatchSealedError as error:
        raise _sealed(batch) from error
    met = {one.name for one in known}
    return Known(
        known=[one.name for one in known if one.outcome != "rejected"],
        rejected=[RejectedFile(name=one.name, reason=one.reason) for one in known if one.outcome == "rejected"],
        missing=[file.name for file in files if file.name not in met],
    )


@router.post(
    "/batches/{int:batch_id}/uploads",
    response=answers(None, status=201, errors=(400, 401, 404, 409, 412, 507)),
    openapi_extra=CREATION,
)
def begin_upload(request: ApiRequest, batch_id: int) -> HttpResponse:
    """Begin a file, or go on with it (tus 1.0.0): `Location` is its address, `Upload-Offset` how far it is.

    With `Upload-Outcome` (`stored`, `linked`, `repeated`, `rejected`, `archive`) nothing need be sent.
    """
    batch = visible_batch(request.auth, batch_id)
    return _shaped(lambda: tus.create(request, batch, f"/api/v1/batches/{batch.pk}/uploads"))


@router.get("/batches/{int:batch_id}/uploads/{sha256}", response=answers(UploadOut, errors=(401, 404, 422)))
def show_upload(request: ApiRequest, batch_id: int, sha256: Sha256) -> UploadOut:
    """How far a file is, and what became of it. HEAD gives the same in tus' headers."""
    arrival = file_state(batch=visible_batch(request.auth, batch_id), sha256=_content_hash(sha256))
    if arrival is None:
        raise ApiError(404)
    return UploadOut(
        name=arrival.name,
        size_bytes=arrival.size_bytes,
        offset_bytes=arrival.offset_bytes,
        outcome=arrival.outcome,
        reason=arrival.reason,
    )


@router.api_operation(["HEAD"], "/batches/{int:batch_id}/uploads/{sha256}", include_in_schema=False)
def head_upload(request: ApiRequest, batch_id: int, sha256: Sha256) -> HttpResponse:
    """The same in tus' headers."""
    batch = visible_batch(request.auth, batch_id)
    return _shaped(lambda: tus.show(request, batch, _content_hash(sha256)))


@router.patch(
    "/batches/{int:batch_id}/uploads/{sha256}",
    response=answers(None, status=204, errors=(400, 401, 404, 409, 412, 413, 415, 460, 507)),
    openapi_extra=PIECE,
)
def send_piece(request: ApiRequest, batch_id: int, sha256: Sha256) -> HttpResponse:
    """One more piece of a file (tus 1.0.0). It is on disk when this answers; the last one makes the file an image."""
    batch = visible_batch(request.auth, batch_id)
    return _shaped(lambda: tus.append(request, batch, _content_hash(sha256)))


@router.post("/batches/{int:batch_id}/seal", response=answers(BatchOut, errors=(401, 404)))
def seal_upload(request: ApiRequest, batch_id: int) -> BatchOut:
    """No more files will come. What was expected and has not arrived is listed in `rejected`."""
    seal_batch(batch=visible_batch(request.auth, batch_id))
    return batch_out(request.auth, batch_id)


def _content_hash(sha256: str) -> str:
    if not tus.SHA256.fullmatch(sha256):
        raise ApiError(404)
    return sha256


def _shaped(answer: Any) -> HttpResponse:
    try:
        found: HttpResponse = answer()
    except tus.TusError as error:
        raise ApiError(error.status, error.message, headers=error.headers) from error
    return found


def _source(project: Project, source_id: int | None) -> Source | None:
    if source_id is None:
        return None
    found = project.sources.filter(pk=source_id).first()
    if found is None:
        raise invalid("source", f"The project has no source with the id {source_id}.")
    return found


def _sealed(batch: Batch) -> ApiError:
    return ApiError(409, f"The upload of “{batch.name}” is finished. Open a new one.")
