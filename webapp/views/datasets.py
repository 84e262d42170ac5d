"""The data sets of a project: what there is, what is on its way, and one of them with its labels and examples."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from segmentation.augment_presets import PRESETS
from segmentation.datasets import FORMATS
from webapp.actions.dataset_deletion import obstacles
from webapp.actions.datasets import LEAST_IMAGES
from webapp.forms.datasets import FreezeForm, UploadForm
from webapp.models import Dataset, DatasetExport, DatasetImage, DatasetImport, Project
from webapp.models.dataset_facts import facts_of
from webapp.pipeline.dataset_members import annotation_count
from webapp.views.asking import project_of
from webapp.views.polling import next_pause

SHOWN = 50
EXAMPLES = range(8)
FIRST_PRESETS = ("light", "camera")
_UNFINISHED = (DatasetImport.State.WAITING, DatasetImport.State.RUNNING)


@require_safe
def index(request: HttpRequest, slug: str) -> HttpResponse:
    return index_page(request, project_of(request, slug))


def index_page(
    request: HttpRequest,
    project: Project,
    *,
    upload: UploadForm | None = None,
    freeze: FreezeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The list with its two forms; the forms keep what was wrong in them."""
    count = annotation_count(project)
    context = _list(request, project) | {
        "upload_form": upload or UploadForm(auto_id="upload-%s"),
        "freeze_form": freeze or FreezeForm(auto_id="freeze-%s"),
        "formats": FORMATS.values(),
        "annotation_count": count,
        "can_freeze": count >= LEAST_IMAGES,
    }
    return render(request, "datasets/index.html", context, status=status)


@require_safe
def status(request: HttpRequest, slug: str) -> HttpResponse:
    """The part of the list that follows the workers."""
    return render(request, "datasets/_list.html", _list(request, project_of(request, slug)))


@require_safe
def show(request: HttpRequest, slug: str, dataset_id: int) -> HttpResponse:
    project = project_of(request, slug)
    dataset = dataset_of(project, dataset_id)
    exports = {export.format: export for export in dataset.exports.all()}
    packing = any(export.state == DatasetExport.State.WAITING for export in exports.values())
    seen = " ".join(f"{name}:{export.state}" for name, export in sorted(exports.items()))
    chosen = [name for name in request.GET.getlist("presets") if name in PRESETS]
    if "presets" not in request.GET and "shown" not in request.GET:
        chosen = list(FIRST_PRESETS)
    [facts] = facts_of([dataset], project.labels.all())
    context = {
        "project": project,
        "tab": "models",
        "facts": facts,
        "dataset": dataset,
        "downloads": [(one, exports.get(one.name)) for one in FORMATS.values()],
        "seen": seen,
        "pause": next_pause(request, seen) if packing else 0,
        "presets": [(preset, preset.name in chosen) for preset in PRESETS.values() if preset.name != "rare-copied"],
        "chosen": chosen,
        "examples": EXAMPLES if example_member(dataset) is not None else (),
        "trainings": dataset.training_runs.count(),
        "obstacles": obstacles(dataset),
    }
    return render(request, "datasets/show.html", context)


def dataset_of(project: Project, dataset_id: int) -> Dataset:
    """404 where the project has no such data set."""
    datasets = Dataset.objects.filter(project=project).select_related("created_by")
    return get_object_or_404(datasets, pk=dataset_id)


def example_member(dataset: Dataset) -> DatasetImage | None:
    """The training image that examples are drawn of: the one chosen when it was frozen, else the first."""
    members = dataset.dataset_images.filter(split=DatasetImage.Split.TRAIN).select_related("annotation__image")
    return members.filter(name=dataset.preview_name).first() or members.order_by("name").first()


def _list(request: HttpRequest, project: Project) -> dict[str, Any]:
    imports = list(
        DatasetImport.objects.filter(project=project)
        .exclude(state=DatasetImport.State.DONE)
        .select_related("created_by")[:SHOWN]
    )
    datasets = list(Dataset.objects.filter(project=project).select_related("created_by").order_by("-pk")[:SHOWN])
    seen = " ".join(f"{one.pk}:{one.state}:{one.done_count}" for one in imports) + f" {len(datasets)}"
    is_going_on = any(one.state in _UNFINISHED for one in imports)
    return {
        "project": project,
        "tab": "models",
        "imports": imports,
        "datasets": facts_of(datasets, project.labels.all()),
        "seen": seen,
        "pause": next_pause(request, seen) if is_going_on else 0,
    }
