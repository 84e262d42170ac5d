"""What changes data sets: upload one, freeze annotations, take an import off the list, pack one for download."""

from __future__ import annotations

from pathlib import Path, PurePath

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp import storage
from webapp.actions.dataset_deletion import delete_dataset
from webapp.actions.datasets import dismiss_import, freeze_annotations, pack_dataset, upload_dataset
from webapp.actions.refused import Refused
from webapp.forms.datasets import FreezeForm, UploadForm
from webapp.models import DatasetImport, Project
from webapp.views.asking import person, project_of
from webapp.views.datasets import dataset_of, index_page

_BLOCK_BYTES = 1 << 20


@require_POST
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """A ZIP from the form. Scripts, which show how far it is, get their answer in JSON."""
    project = project_of(request, slug)
    form = UploadForm(request.POST, request.FILES, auto_id="upload-%s")
    if form.is_valid():
        try:
            _take_over(request, project, form)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    wants_json = request.headers.get("Accept") == "application/json"
    if not form.is_valid():
        if wants_json:
            first = next(iter(form.errors.values()))[0]
            return JsonResponse({"error": {"code": "invalid", "message": str(first), "fields": {}}}, status=422)
        return index_page(request, project, upload=form, status=422)
    messages.success(request, "The ZIP has arrived. A worker reads it now; this page follows.")
    if wants_json:
        return JsonResponse({"url": reverse("data-sets", args=[project.slug])}, status=201)
    return redirect("data-sets", project.slug)


@require_POST
def freeze(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    form = FreezeForm(request.POST, auto_id="freeze-%s")
    if form.is_valid():
        try:
            freeze_annotations(project=project, user=person(request), **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
    if not form.is_valid():
        return index_page(request, project, freeze=form, status=422)
    messages.success(request, "A worker freezes the annotations now; this page follows.")
    return redirect("data-sets", project.slug)


@require_POST
def dismiss(request: HttpRequest, slug: str, dataset_import_id: int) -> HttpResponse:
    project = project_of(request, slug)
    wanted = get_object_or_404(DatasetImport.objects.filter(project=project), pk=dataset_import_id)
    dismiss_import(dataset_import=wanted)
    return redirect("data-sets", project.slug)


@require_POST
def pack(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    project = project_of(request, slug)
    dataset = dataset_of(project, dataset_id)
    try:
        pack_dataset(dataset=dataset, user=person(request), format=request.POST.get("format", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"{reverse('data-set', args=[project.slug, dataset.pk])}#downloads")


@require_POST
def delete(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    project = project_of(request, slug)
    dataset = dataset_of(project, dataset_id)
    try:
        delete_dataset(dataset=dataset, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("data-set", project.slug, dataset.pk)
    messages.success(request, f"The data set {dataset.name} is deleted.")
    return redirect("data-sets", project.slug)


def _take_over(request: HttpRequest, project: Project, form: UploadForm) -> None:
    values = dict(form.cleaned_data)
    sent: UploadedFile = values.pop("file")
    values["name"] = values["name"] or PurePath(sent.name or "").stem
    with storage.temporary_file() as file:
        for block in sent.chunks(_BLOCK_BYTES):
            file.write(block)
        file.flush()
        upload_dataset(project=project, user=person(request), archive=Path(file.name), **values)
