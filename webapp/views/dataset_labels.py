"""A data set on its way in waits for words: what each of its classes stands for in the project."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from webapp.actions.datasets import name_classes
from webapp.actions.refused import Refused
from webapp.models import DatasetImport, Project
from webapp.views.asking import project_of

IGNORED = "ignore"
_NAMED = "label:"


@dataclass(frozen=True)
class ClassRow:
    """A class of the data set; `chosen` is the value of the choice that is set now."""

    place: int
    name: str
    color: str
    chosen: str


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str, dataset_import_id: int) -> HttpResponse:
    """The page between upload and reading; it can be left and found again from the list."""
    project = project_of(request, slug)
    wanted = get_object_or_404(DatasetImport.objects.filter(project=project), pk=dataset_import_id)
    error = ""
    if request.method == "POST":
        try:
            name_classes(dataset_import=wanted, label_names=_answer(request, wanted))
        except Refused as refused:
            error = str(refused)
        else:
            messages.success(request, "A worker reads the images now; this page follows.")
            return redirect("data-sets", project.slug)
    if wanted.state != DatasetImport.State.ASKING:
        return redirect("data-sets", project.slug)
    labels = list(project.labels.all())
    context = {
        "project": project,
        "tab": "models",
        "wanted": wanted,
        "rows": _rows(request, project, wanted),
        "choices": [(f"{_NAMED}{label.name}", label.name) for label in labels],
        "new": [(f"{_NAMED}{name}", name) for name in _new_names(project, wanted)],
        "ignored": IGNORED,
        "error": error,
    }
    return render(request, "datasets/import_labels.html", context, status=422 if error else 200)


def _answer(request: HttpRequest, wanted: DatasetImport) -> dict[str, str]:
    """Class → label, "" where it is ignored; classes without a choice are left out."""
    answer = {}
    for place, label in enumerate(wanted.found_labels):
        value = request.POST.get(f"class-{place}", "")
        if value == IGNORED:
            answer[label["name"]] = ""
        elif value.removeprefix(_NAMED).strip() and value.startswith(_NAMED):
            answer[label["name"]] = value.removeprefix(_NAMED)
    return answer


def _rows(request: HttpRequest, project: Project, wanted: DatasetImport) -> list[ClassRow]:
    """Chosen at first: the label of the same name, else a new one."""
    known = {label.name.lower(): label.name for label in project.labels.all()}
    rows = []
    for place, label in enumerate(wanted.found_labels):
        name = " ".join(label["name"].split())
        own = f"{_NAMED}{known.get(name.lower(), name)}"
        rows.append(ClassRow(place, label["name"], label["color"], request.POST.get(f"class-{place}", own)))
    return rows


def _new_names(project: Project, wanted: DatasetImport) -> list[str]:
    known = {label.name.lower() for label in project.labels.all()}
    names = (" ".join(label["name"].split()) for label in wanted.found_labels)
    return list(dict.fromkeys(name for name in names if name.lower() not in known))
