"""The upload's own questions and answers, in JSON: open a batch, which files are known, one file, seal."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.actions.upload import (
    ManifestFile,
    add_file,
    link_known,
    open_batch,
    reject_unsent,
    seal_batch,
)
from webapp.forms.batches import BatchForm
from webapp.models import Batch
from webapp.views.asking import person, project_of

MOST_MANIFEST_FILES = 1000

_SHA256 = re.compile(r"[0-9a-f]{64}")


@require_POST
def open_(request: HttpRequest, slug: str) -> JsonResponse:
    project = project_of(request, slug)
    body = _body(request)
    if body is None:
        return _refusal(400, "invalid_json", "Expected a JSON object with name, source and captured_at.")
    form = BatchForm(project, body)
    if not form.is_valid():
        return _refusal(422, "invalid", "The batch could not be opened.", form.errors)
    batch = open_batch(project=project, user=person(request), **form.cleaned_data)
    return JsonResponse({"id": batch.pk, "name": batch.name, "urls": upload_urls(batch, slug)}, status=201)


def upload_urls(batch: Batch, slug: str) -> dict[str, str]:
    """Where the files of a batch go, and where to look at it."""
    names = {
        "manifest": "batch-manifest",
        "file": "batch-file",
        "seal": "batch-seal",
        "progress": "batch-progress",
        "batch": "batch",
    }
    return {key: reverse(name, args=[slug, batch.pk]) for key, name in names.items()}


@require_POST
def manifest(request: HttpRequest, slug: str, batch_id: int) -> JsonResponse:
    """Which of these files the project holds already; they are linked here and need not be sent.

    `too_large` lists files that the browser will not send; they are put on record with their reason.
    """
    batch = _batch(request, slug, batch_id)
    if batch.sealed_at is not None:
        return _sealed(batch)
    body = _body(request)
    files, too_large = _manifest_files(body), _large_files(body)
    if files is None or too_large is None:
        return _refusal(
            400,
            "invalid_manifest",
            f'Expected {{"files": [{{"name", "sha256"}}], "too_large": [{{"name", "size_bytes"}}]}}: '
            f"at most {MOST_MANIFEST_FILES} of each, SHA-256 in lower-case hex.",
        )
    for name, size_bytes in too_large:
        reject_unsent(batch=batch, name=name, size_bytes=size_bytes)
    return JsonResponse({"known": link_known(batch=batch, files=files)})


@require_POST
def file(request: HttpRequest, slug: str, batch_id: int) -> JsonResponse:
    """One file. What is wrong with its content is an outcome with a reason, not an error of the request."""
    batch = _batch(request, slug, batch_id)
    if batch.sealed_at is not None:
        return _sealed(batch)
    sent = request.FILES.get("file")
    if sent is None:
        return _refusal(400, "no_file", "Expected multipart form data with one file in the field “file”.")
    added = add_file(batch=batch, name=request.POST.get("name") or sent.name or "", stream=sent)
    return JsonResponse({"name": added.name, "outcome": added.outcome, "reason": added.reason})


@require_POST
def seal(request: HttpRequest, slug: str, batch_id: int) -> JsonResponse:
    batch = _batch(request, slug, batch_id)
    seal_batch(batch=batch)
    return JsonResponse({"id": batch.pk, "sealed": True})


def _batch(request: HttpRequest, slug: str, batch_id: int) -> Batch:
    visible = Batch.objects.visible_to(request.user).select_related("project", "created_by")
    return get_object_or_404(visible, project__slug=slug, pk=batch_id)


def _body(request: HttpRequest) -> dict[str, Any] | None:
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _entries(body: dict[str, Any] | None, key: str) -> list[dict[str, Any]] | None:
    """A list of objects, empty where the key is left out; None where it is anything else or too long."""
    entries = body.get(key, []) if body is not None else None
    if not isinstance(entries, list) or len(entries) > MOST_MANIFEST_FILES:
        return None
    return entries if all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in entries) else None


def _manifest_files(body: dict[str, Any] | None) -> list[ManifestFile] | None:
    entries = _entries(body, "files")
    if entries is None or not all(_SHA256.fullmatch(str(one.get("sha256"))) for one in entries):
        return None
    return [ManifestFile(one["name"], one["sha256"]) for one in entries]


def _large_files(body: dict[str, Any] | None) -> list[tuple[str, int]] | None:
    entries = _entries(body, "too_large")
    if entries is None or not all(isinstance(one.get("size_bytes"), int) for one in entries):
        return None
    return [(one["name"], one["size_bytes"]) for one in entries]


def _sealed(batch: Batch) -> JsonResponse:
    return _refusal(409, "batch_sealed", f"The upload of “{batch.name}” is finished. Start a new batch.")


def _refusal(status: int, code: str, message: str, fields: Any = None) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "fields": fields or {}}}, status=status)
