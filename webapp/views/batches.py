"""The list of batches, and one batch: how far it is, its pictures, what was left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from analytics.statistics import Interval, wilson
from webapp.actions.privacy import people_labels
from webapp.forms.batches import BatchForm
from webapp.models import Batch, ModelVersion, Project, SkippedFile
from webapp.models.batch_images import SHOWS, Show, batch_image_page
from webapp.models.model_results import model_results
from webapp.models.progress import BatchProgress, batch_progress, batches_with_progress
from webapp.pipeline.open_uploads import open_upload, open_uploads
from webapp.pipeline.receive import picture_limits
from webapp.views.asking import project_of
from webapp.views.grid import GRID_LENGTH, items_of_batch, more_of
from webapp.views.polling import next_pause
from webapp.views.uploads import upload_urls

LIST_LENGTH = 30
SKIPPED_LENGTH = 200


@require_safe
def index(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    batches = Batch.objects.filter(project=project).select_related("source", "created_by", "project")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        batches = batches.filter(pk__lt=int(before))
    found = list(batches[: LIST_LENGTH + 1])
    rows = batches_with_progress(found[:LIST_LENGTH])
    seen = " ".join(_fingerprint(progress) for _, progress in rows)
    context = {
        "project": project,
        "tab": "batches",
        "rows": rows,
        "older": found[LIST_LENGTH - 1].pk if len(found) > LIST_LENGTH else None,
        "is_first_page": not before,
        "pause": next_pause(request, seen) if any(not progress.is_final for _, progress in rows) else None,
        "seen": seen,
        **uploader(project),
    }
    return render(request, "batches/index.html", context)


@require_safe
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """The upload page; with ?batch=ID it goes on with an upload that was left open."""
    project = project_of(request, slug)
    batch = None
    if "batch" in request.GET:
        batch_id = request.GET["batch"]
        if not batch_id.isdecimal() or len(batch_id) > 18:
            raise Http404("no such batch")
        batch = get_object_or_404(Batch, project=project, pk=int(batch_id), sealed_at__isnull=True)
    context = {
        "project": project,
        "tab": "batches",
        "open_upload": open_upload(batch) if batch else None,
        "open_uploads": [] if batch else open_uploads(project),
        **uploader(project, batch),
    }
    return render(request, "batches/new.html", context)


def uploader(project: Project, batch: Batch | None = None) -> dict[str, Any]:
    """What the upload panel needs; `batch` is an open one to go on with."""
    limits, people = picture_limits(), people_labels(project)
    open_batch = {"id": batch.pk, "name": batch.name, "urls": upload_urls(batch, project.slug)} if batch else None
    return {
        "upload_form": BatchForm(project),
        "upload_batch": batch,
        "upload_open_batch": json.dumps(open_batch) if open_batch else "",
        "upload_max_bytes": limits.max_bytes,
        "upload_max_mb": limits.max_bytes // 1_000_000,
        "upload_has_sources": project.sources.exists(),
        "upload_people": people,
        "upload_live_model": project.live_model,
        "upload_csrf_cookie": settings.CSRF_COOKIE_NAME,
        "upload_open_seconds": settings.PIXELWISE_UPLOAD_SECONDS,
    }


@dataclass(frozen=True)
class View:
    """How a person looks at a batch: whose results, which pictures."""

    batch: Batch
    model_version: ModelVersion | None
    is_chosen: bool
    show: Show

    @property
    def query(self) -> str:
        """As the pages of its images take it, to know the way back and the neighbours."""
        return urlencode({"in": self.batch.pk, "show": self.show} | self.model_parameter)

    @property
    def model_parameter(self) -> dict[str, int]:
        """Only where a person chose: otherwise the address keeps meaning the newest."""
        return {"model": self.model_version.pk} if self.model_version is not None and self.is_chosen else {}


@require_safe
def show(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    batch = _batch(request, slug, batch_id)
    view = _view(request, batch)
    status = _status(request, view, batch_progress(batch))
    rejected = batch.skipped_files.filter(kind=SkippedFile.Kind.REJECTED)
    repeated = batch.skipped_files.filter(kind=SkippedFile.Kind.REPEATED)
    context = {
        "project": batch.project,
        "tab": "batches",
        "batch": batch,
        "results": model_results(batch),
        "model_versions": ModelVersion.objects.filter(project=batch.project).select_related(None),
        "rejected": rejected[:SKIPPED_LENGTH],
        "repeated": repeated[:SKIPPED_LENGTH],
        "skipped_length": SKIPPED_LENGTH,
        **status,
        **_grid(request, view, status["shown"]),
    }
    return render(request, "batches/show.html", context)


@require_safe
def status(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """The part of the page that changes while workers work; asks for itself again until all is over."""
    view = _view(request, _batch(request, slug, batch_id))
    progress = batch_progress(view.batch)
    response = render(request, "batches/_status.html", _status(request, view, progress))
    if request.GET.get("seen") != _fingerprint(progress):
        trigger_client_event(response, "batch-changed", {"isFinal": progress.is_final})
    return response


@require_safe
def images(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """The grid from its start, or with ?after its next page."""
    view = _view(request, _batch(request, slug, batch_id))
    template = "images/_grid_page.html" if request.GET.get("after") else "batches/_grid.html"
    shown = batch_progress(view.batch, model_version=view.model_version)
    return render(request, template, _grid(request, view, shown))


@require_safe
def progress(request: HttpRequest, slug: str, batch_id: int) -> JsonResponse:
    found = batch_progress(_batch(request, slug, batch_id))
    names = (
        "status",
        "image_count",
        "done_count",
        "failed_count",
        "fail_verdict_count",
        "waiting_count",
        "duplicate_count",
        "rejected_count",
        "images_per_second",
        "eta_seconds",
    )
    return JsonResponse({name: getattr(found, name) for name in names} | {"is_over": found.is_final})


def _batch(request: HttpRequest, slug: str, batch_id: int) -> Batch:
    visible = Batch.objects.visible_to(request.user)
    return get_object_or_404(
        visible.select_related("project__live_model", "source", "created_by"), project__slug=slug, pk=batch_id
    )


def _view(request: HttpRequest, batch: Batch) -> View:
    """What the address asks for. 404 for a model version that never ran over the batch."""
    show = request.GET.get("show", "all")
    if show not in SHOWS:
        raise Http404("no such filter")
    runs = list(batch.runs.select_related("model_version"))
    newest = runs[0].model_version if runs else None
    wanted = request.GET.get("model")
    if not wanted:
        return View(batch, newest, is_chosen=False, show=show)
    chosen = next((run.model_version for run in runs if str(run.model_version_id) == wanted), None)
    if chosen is None:
        raise Http404("this model version has no run over the batch")
    return View(batch, chosen, is_chosen=True, show=show)


def _status(request: HttpRequest, view: View, newest: BatchProgress) -> dict[str, Any]:
    is_newest = newest.model_version is None or newest.model_version == view.model_version
    shown = newest if is_newest else batch_progress(view.batch, model_version=view.model_version)
    seen = _fingerprint(newest)
    return {
        "batch": view.batch,
        "project": view.batch.project,
        "view": view,
        "progress": newest,
        "shown": shown,
        "is_newest": is_newest,
        "open_upload": None if view.batch.sealed_at else open_upload(view.batch),
        "is_unpacking": newest.status == "uploading" and view.batch.sealed_at is not None,
        "pass_count": shown.done_count - shown.fail_verdict_count,
        "defect_rate": shown.fail_verdict_count / shown.done_count if shown.done_count else None,
        "interval": _interval(shown),
        "pause": None if newest.is_final else next_pause(request, seen),
        "seen": seen,
    }


def _grid(request: HttpRequest, view: View, shown: BatchProgress) -> dict[str, Any]:
    try:
        page = batch_image_page(
            view.batch, view.model_version, show=view.show, after=request.GET.get("after"), limit=GRID_LENGTH
        )
    except ValueError as error:
        raise Http404(str(error)) from error
    address = reverse("batch-images", args=[view.batch.project.slug, view.batch.pk])
    filters = _filters(view, shown)
    count = next(one.count for one in filters if one.show == view.show)
    return {
        "batch": view.batch,
        "project": view.batch.project,
        "view": view,
        "shown": shown,
        "filters": filters,
        "items": items_of_batch(page.items, view.batch.project, view.query),
        "is_more": bool(request.GET.get("after")),
        "more": more_of(
            request,
            href=f"{address}?{urlencode({'show': view.show, **view.model_parameter, 'after': page.next})}",
            length=len(page.items),
            count=count,
        )
        if page.next
        else None,
    }


@dataclass(frozen=True)
class Filter:
    show: Show
    word: str
    count: int
    href: str


def _filters(view: View, shown: BatchProgress) -> list[Filter]:
    """The choices above the grid; those of rare states only where there are such pictures."""
    judged = shown.done_count
    counts: list[tuple[Show, str, int]] = [
        ("all", "All", shown.image_count),
        ("fail", "Fail", shown.fail_verdict_count),
        ("pass", "Pass", judged - shown.fail_verdict_count),
        ("failed", "Could not be processed", shown.failed_count),
        ("waiting", "Not segmented", shown.image_count - judged - shown.failed_count),
    ]
    return [
        Filter(show, word, count, f"?{urlencode({'show': show} | view.model_parameter)}#pictures")
        for show, word, count in counts
        if count or show in ("all", "fail", "pass", view.show)
    ]


def _interval(progress: BatchProgress) -> Interval | None:
    return wilson(progress.fail_verdict_count, progress.done_count) if progress.done_count else None


def _fingerprint(progress: BatchProgress) -> str:
    """Changes when anything that the page shows has changed."""
    counts = (progress.image_count, progress.done_count, progress.failed_count, progress.waiting_count)
    return "-".join([progress.status, *map(str, counts), str(progress.rejected_count)])
