"""The upload page's own questions and answers: open a batch, which files are known, small files, large ones, seal."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from webapp import tus
from webapp.actions.upload import (
    AddedFile,
    BatchSealedError,
    ManifestFile,
    add_files,
    announce_files,
    file_state,
    known_files,
    open_batch,
    reject_unsent,
    seal_batch,
)
from webapp.forms.batches import BatchForm
from webapp.forms.file_group import CONTENT_TYPE, GroupError, received_group
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
        "files": "batch-files",
        "uploads": "batch-uploads",
        "seal": "batch-seal",
        "progress": "batch-progress",
        "batch": "batch",
    }
    return {key: reverse(name, args=[slug, batch.pk]) for key, name in names.items()}


def _said_in_words(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What may go wrong with any upload, in the one shape that the page reads."""

    @wraps(view)
    def answered(request: HttpRequest, **place: Any) -> HttpResponse:
        try:
            return view(request, **place)
        except tus.TusError as error:
            refusal = _refusal(error.status, "refused", error.message)
            for name, value in error.headers.items():
                refusal[name] = value
            return refusal
        except GroupError as error:
            return _refusal(400, "invalid_files", str(error))
        except BatchSealedError as error:
            return _refusal(409, "batch_sealed", f"The upload of “{error}” is finished. Start a new batch.")
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return _refusal(507, "storage_full", "The server's disk is full. Tell who runs it, then press “Try again”.")

    return answered


@require_POST
@_said_in_words
def manifest(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Which of these files the project holds already; they are linked here and need not be sent.

    `announced` are files that will be asked about later; `too_large` those that the browser will not send: they are
    put on record with their reason.
    """
    batch = _batch(request, slug, batch_id)
    if batch.sealed_at is not None:
        raise BatchSealedError(batch.name)
    body = _body(request)
    files, announced, too_large = _manifest_files(body), _sizes(body, "announced"), _sizes(body, "too_large")
    if files is None or announced is None or too_large is None:
        return _refusal(
            400,
            "invalid_manifest",
            'Expected {"files": [{"name", "sha256"}], "announced": [{"name", "size_bytes"}], '
            f'"too_large": [{{"name", "size_bytes"}}]}}: at most {MOST_MANIFEST_FILES} of each, '
            "SHA-256 in lower-case hex.",
        )
    announce_files(batch=batch, files=announced)
    for name, size_bytes in too_large:
        reject_unsent(batch=batch, name=name, size_bytes=size_bytes)
    return JsonResponse({"known": _rows(known_files(batch=batch, files=files))})


@require_POST
@_said_in_words
def files(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """A group of small files. What is wrong with a content is an outcome with a reason, not an error of the request."""
    batch = _batch(request, slug, batch_id)
    if batch.sealed_at is not None:
        raise BatchSealedError(batch.name)
    if request.content_type != CONTENT_TYPE:
        return _refusal(415, "unsupported_media_type", f"Expected {CONTENT_TYPE}, got {request.content_type}.")
    with received_group(request) as sent:
        added = add_files(batch=batch, files=sent)
    return JsonResponse({"files": _rows(added)})


@require_http_methods(["POST", "OPTIONS"])
@_said_in_words
def uploads(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Begin a large file that comes in pieces (tus)."""
    batch = _batch(request, slug, batch_id)
    if request.method == "OPTIONS":
        return tus.told(HttpResponse(status=204))
    return tus.create(request, batch, reverse("batch-uploads", args=[slug, batch_id]))


@require_http_methods(["HEAD", "GET", "PATCH"])
@_said_in_words
def upload(request: HttpRequest, slug: str, batch_id: int, sha256: str) -> HttpResponse:
    """HEAD: how far it is. PATCH: one more piece. GET: what became of it, in JSON."""
    batch = _batch(request, slug, batch_id)
    if request.method == "PATCH":
        return tus.append(request, batch, sha256)
    answer = tus.show(request, batch, sha256)
    arrival = file_state(batch=batch, sha256=sha256) if request.method == "GET" else None
    if arrival is None:
        return answer
    return JsonResponse({"name": arrival.name, "outcome": arrival.outcome, "reason": arrival.reason})


@require_POST
def seal(request: HttpRequest, slug: str, batch_id: int) -> JsonResponse:
    batch = _batch(request, slug, batch_id)
    seal_batch(batch=batch)
    return JsonResponse({"id": batch.pk, "sealed": True})


def _batch(request: HttpRequest, slug: str, batch_id: int) -> Batch:
    visible = Batch.objects.visible_to(request.user).select_related("project", "created_by")
    return get_object_or_404(visible, project__slug=slug, pk=batch_id)


def _rows(files: Sequence[AddedFile]) -> list[dict[str, str]]:
    return [{"name": one.name, "outcome": one.outcome, "reason": one.reason} for one in files]


def _body(request: HttpRequest) -> dict[str, Any] | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
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


def _sizes(body: dict[str, Any] | None, key: str) -> list[tuple[str, int]] | None:
    entries = _entries(body, key)
    if entries is None or not all(_is_size(one.get("size_bytes")) for one in entries):
        return None
    return [(one["name"], one["size_bytes"]) for one in entries]


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 2**53


def _refusal(status: int, code: str, message: str, fields: Any = None) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "fields": fields or {}}}, status=status)
