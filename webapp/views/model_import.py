"""A model from elsewhere: upload its file, say what its outputs stand for, and it becomes a version."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from webapp.actions.model_imports import name_outputs, take_model_file
from webapp.actions.refused import Refused
from webapp.models import ModelImport, Project
from webapp.views.asking import person, project_of

EARLIER_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    error = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            if file is None:
                raise Refused("Choose the model's file first.", field="file")
            taken = take_model_file(project=project, user=person(request), name=file.name or "", stream=file)
            return redirect("model-import-labels", project.slug, taken.pk)
        except Refused as refused:
            error = str(refused)
    context = {
        "project": project,
        "tab": "models",
        "error": error,
        "earlier": project.model_imports.select_related("model_version")[:EARLIER_SHOWN],
    }
    return render(request, "models/import.html", context, status=422 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str, import_id: int) -> HttpResponse:
    """What the worker found in the file, and the question which output is which label."""
    project = project_of(request, slug)
    taken = get_object_or_404(ModelImport.objects.select_related("model_version"), project=project, pk=import_id)
    if request.method == "POST":
        try:
            name_outputs(
                model_import=taken,
                user=person(request),
                label_indices=_chosen(request, taken),
                licence=request.POST.get("licence", ""),
            )
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect("model-import-labels", project.slug, taken.pk)
    context = {
        "project": project,
        "tab": "models",
        "taken": taken,
        "outputs": _outputs(project, taken),
        "labels": project.labels.all(),
        "is_going_on": taken.state in (ModelImport.State.UPLOADED, ModelImport.State.MAPPED),
    }
    template = "models/_import_state.html" if request.headers.get("HX-Request") else "models/import_labels.html"
    return render(request, template, context)


def _chosen(request: HttpRequest, taken: ModelImport) -> list[int]:
    given = [request.POST.get(f"output-{place}", "") for place in range(int(taken.facts.get("output_count", 0)))]
    return [int(text) for text in given if text.isdecimal() and len(text) < 4]


def _outputs(project: Project, taken: ModelImport) -> list[dict[str, object]]:
    """Each output with the label that is likely meant: of the same name, else of the same place if still free."""
    count = int(taken.facts.get("output_count", 0))
    names = [str(name) for name in taken.facts.get("names", [])][:count]
    names += [""] * (count - len(names))
    labels = list(project.labels.all())
    by_name = {label.name.lower(): label.index for label in labels}
    likely = [by_name.get(name.lower()) for name in names]
    for place, label in enumerate(labels[:count]):
        if likely[place] is None and label.index not in likely:
            likely[place] = label.index
    return [{"place": place, "name": names[place], "likely": likely[place]} for place in range(count)]
