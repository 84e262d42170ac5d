"""What a person can do to a batch: run it again, cancel, retry, rename, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from webapp.actions.batches import delete_batch, rename_batch
from webapp.actions.runs import cancel_run, retry_failed, start_run
from webapp.actions.upload import seal_batch
from webapp.models import Batch, ModelVersion, Run
from webapp.views.asking import person


@require_POST
def run(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Segment the batch with a chosen model version, beside what others found."""
    batch = _batch(request, slug, batch_id)
    versions = ModelVersion.objects.filter(project=batch.project_id)
    wanted = request.POST.get("model_version", "")
    model_version = get_object_or_404(versions, pk=int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0)
    start_run(batch=batch, model_version=model_version, user=person(request))
    messages.success(request, f"The batch is being segmented with model {model_version}. Earlier numbers stay.")
    return redirect("batch", slug, batch.pk)


@require_POST
def cancel(request: HttpRequest, slug: str, batch_id: int, run_id: int) -> HttpResponse:
    batch = _batch(request, slug, batch_id)
    stopped = cancel_run(run=get_object_or_404(Run, batch=batch, pk=run_id), user=person(request))
    messages.success(request, f"The run is cancelled: {_pictures(stopped)} will not be segmented. What is done stays.")
    return redirect("batch", slug, batch.pk)


@require_POST
def retry(request: HttpRequest, slug: str, batch_id: int, run_id: int) -> HttpResponse:
    batch = _batch(request, slug, batch_id)
    again = retry_failed(run=get_object_or_404(Run, batch=batch, pk=run_id), user=person(request))
    if again:
        messages.success(request, f"{_pictures(again).capitalize()} will be tried again.")
    else:
        messages.info(request, "No image of this run has failed: there is nothing to try again.")
    return redirect("batch", slug, batch.pk)


@require_POST
def finish(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    """Close an upload that was left open, with the files that came."""
    batch = _batch(request, slug, batch_id)
    seal_batch(batch=batch)
    messages.success(request, "The upload is finished.")
    return redirect("batch", slug, batch.pk)


@require_POST
def rename(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    batch = _batch(request, slug, batch_id)
    try:
        rename_batch(batch=batch, user=person(request), name=request.POST.get("name", ""))
    except ValueError:
        messages.error(request, "The name was not changed: give one of 1 to 200 characters.")
    return redirect("batch", slug, batch.pk)


@require_POST
def delete(request: HttpRequest, slug: str, batch_id: int) -> HttpResponse:
    batch = _batch(request, slug, batch_id)
    deleted = delete_batch(batch=batch, user=person(request))
    messages.success(request, f"Batch “{batch.name}” is deleted, with {_pictures(deleted)} that only it held.")
    return redirect("batches", slug)


def _batch(request: HttpRequest, slug: str, batch_id: int) -> Batch:
    visible = Batch.objects.visible_to(request.user).select_related("project", "created_by")
    return get_object_or_404(visible, project__slug=slug, pk=batch_id)


def _pictures(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
