"""Data sets: list them, upload one, freeze the project's annotations, ask how far it is."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router, Status

from webapp.actions.dataset_deletion import delete_dataset as delete
from webapp.actions.datasets import freeze_annotations, label_names, upload_dataset
from webapp.api.auth import ApiRequest
from webapp.api.errors import invalid
from webapp.api.multipart import Form, received_form
from webapp.api.projects import visible_project
from webapp.api.schemas.datasets import DatasetImportOut, DatasetOut
from webapp.api.schemas.errors import READ_ERRORS, answers
from webapp.models import Dataset, DatasetImport, Project, User
from webapp.models.dataset_facts import facts_of
from webapp.models.dataset_groupings import ALIKE

router = Router()

FIELDS = ("file", "name", "format", "split", "group_by", "defects", "cityscapes_classes", "map")
UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "A ZIP with a data set. Left out, the project's annotations are frozen.",
                    },
                    "name": {"type": "string", "maxLength": 200, "description": "Name of the data set."},
                    "format": {
                        "type": "string",
                        "description": "folder, voc, coco, coco-panoptic or cityscapes; left out, found by looking.",
                    },
                    "split": {
                        "type": "string",
                        "description": "auto (as given unless validation lacks labels), given or anew. Given test "
                        "images stay test images.",
                    },
                    "group_by": {
                        "type": "string",
                        "description": "What stays on one side of a new split, separated by commas: likeness, part, "
                        "folder, batch, source, day.",
                    },
                    "defects": {"type": "boolean", "description": "New labels are defects; true unless said."},
                    "cityscapes_classes": {"type": "integer", "enum": [19, 30]},
                    "map": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "class=label, once for each class that is another label of the project; "
                        "class= is not judged. Other classes go by their own name.",
                    },
                },
            },
            "encoding": {"file": {"contentType": "application/zip"}},
        }
    },
}


@router.get("/projects/{slug:slug}/datasets", response=answers(list[DatasetOut], errors=READ_ERRORS))
def list_datasets(request: ApiRequest, slug: str) -> list[DatasetOut]:
    """Newest first, with the images and labels of each split."""
    project = visible_project(request.auth, slug)
    datasets = list(Dataset.objects.visible_to(request.auth).filter(project=project).order_by("-pk"))
    return [DatasetOut.of(facts) for facts in facts_of(datasets, project.labels.all())]


@router.post(
    "/projects/{slug:slug}/datasets",
    response=answers(DatasetImportOut, status=202, errors=(400, 401, 404, 411, 413, 415, 422, 507)),
    openapi_extra={"requestBody": UPLOAD_BODY},
)
def create_dataset(request: ApiRequest, slug: str) -> Status[DatasetImportOut]:
    """Upload a ZIP with a labelled data set, or freeze the project's annotations. A worker reads it."""
    project = visible_project(request.auth, slug)
    with received_form(request) as form:
        wanted = _started(project, request.auth, form)
    return Status(202, DatasetImportOut.of(wanted))


@router.delete(
    "/projects/{slug:slug}/datasets/{int:dataset_id}", response=answers(None, status=204, errors=(401, 404, 422))
)
def delete_dataset(request: ApiRequest, slug: str, dataset_id: int) -> Status[None]:
    """Delete a data set with the images that only it holds. Refused where a version or its scores lean on it."""
    project = visible_project(request.auth, slug)
    datasets = Dataset.objects.visible_to(request.auth).filter(project=project)
    delete(dataset=get_object_or_404(datasets, pk=dataset_id), user=request.auth)
    return Status(204, None)


@router.get(
    "/projects/{slug:slug}/datasets/imports/{int:dataset_import_id}",
    response=answers(DatasetImportOut, errors=READ_ERRORS),
)
def show_dataset_import(request: ApiRequest, slug: str, dataset_import_id: int) -> DatasetImportOut:
    """How far a data set is on its way in, and what went wrong."""
    project = visible_project(request.auth, slug)
    imports = DatasetImport.objects.visible_to(request.auth).filter(project=project)
    return DatasetImportOut.of(get_object_or_404(imports, pk=dataset_import_id))


def _started(project: Project, user: User, form: Form) -> DatasetImport:
    unknown = sorted({*form.values, *form.files} - set(FIELDS))
    if unknown:
        raise invalid(unknown[0] or "body", f"Expected the fields {', '.join(FIELDS)}, got “{unknown[0][:40]}”.")
    grouping = [name.strip() for name in _value(form, "group_by", ALIKE).split(",") if name.strip()]
    files = form.files.get("file", [])
    if not files:
        if "file" in form.values:
            raise invalid("file", "Expected a ZIP as a file, got text.")
        return freeze_annotations(project=project, user=user, name=_value(form, "name"), grouping=grouping)
    if len(files) > 1:
        raise invalid("file", f"Expected one ZIP, got {len(files)} files.")
    return upload_dataset(
        project=project,
        user=user,
        archive=files[0].path,
        name=_value(form, "name") or PurePath(files[0].name).stem,
        format=_value(form, "format"),
        split=_value(form, "split", DatasetImport.Split.AUTO),
        grouping=grouping,
        label_names=label_names(form.values.get("map", [])),
        new_labels_are_defects=_chosen(form, "defects", {"": True, "true": True, "false": False}),
        cityscapes_classes=_chosen(form, "cityscapes_classes", {"": 19, "19": 19, "30": 30}),
    )


def _value(form: Form, field: str, default: str = "") -> str:
    values = form.values.get(field, [])
    if len(values) > 1:
        raise invalid(field, f"Expected one value, got {len(values)}.")
    return values[0].strip() or default if values else default


def _chosen(form: Form, field: str, known: dict[str, Any]) -> Any:
    value = _value(form, field).lower()
    if value not in known:
        raise invalid(field, f"Expected {' or '.join(filter(None, known))}, got “{value[:40]}”.")
    return known[value]
