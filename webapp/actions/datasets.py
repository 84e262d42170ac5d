"""Data sets: ask for one to be imported, frozen or packed; workers do it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from django.db import transaction

from segmentation.datasets import FORMATS
from webapp import storage
from webapp.actions.refused import Refused
from webapp.models import Dataset, DatasetExport, DatasetImport, Project, User
from webapp.models.dataset_groupings import ALIKE, GROUPINGS
from webapp.pipeline.dataset_members import annotation_count
from webapp.pipeline.import_dataset import LEAST_IMAGES, forget_files, import_labelled
from webapp.tasks import export_dataset as export_task
from webapp.tasks import import_dataset as import_task
from webapp.tasks import queue_on_commit


def import_dataset(
    *,
    project: Project,
    user: User | None,
    path: Path,
    name: str = "",
    format: str | None = None,
    cityscapes_classes: int = 19,
    split: str = DatasetImport.Split.AUTO,
    grouping: Collection[str] = (ALIKE,),
    new_labels_are_defects: bool = True,
    label_names: Mapping[str, str] | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Dataset:
    """Copy a data set from this machine's disk into the store as a frozen Dataset of the project, here and now.

    Labels that the project lacks are added to it, as defects where the data set says so (without labels.json: all
    but background) and `new_labels_are_defects` does not forbid it. `label_names`: class of the data set → label of
    the project, empty = not judged; what it does not mention goes by its own name. The same data set twice
    gives the same Dataset. DatasetError or PictureError names a bad file; no Dataset is made then.
    """
    _check(split, grouping, format)
    return import_labelled(
        project=project,
        user=user,
        path=path,
        name=name,
        format=format,
        cityscapes_classes=cityscapes_classes,
        split=split,
        grouping=grouping,
        new_labels_are_defects=new_labels_are_defects,
        label_names=label_names,
        progress=progress,
    )


def upload_dataset(
    *,
    project: Project,
    user: User | None,
    archive: Path,
    name: str,
    format: str = "",
    cityscapes_classes: int = 19,
    split: str = DatasetImport.Split.AUTO,
    grouping: Collection[str] = (ALIKE,),
    new_labels_are_defects: bool = True,
    label_names: Mapping[str, str] | None = None,
    ask: str = DatasetImport.Ask.NEVER,
) -> DatasetImport:
    """Take over a ZIP with a data set (the file is moved) and have a worker read it.

    `label_names` as for `import_dataset`; without them `ask` says when the worker waits for `name_classes`.
    Refused where it is no ZIP or something else cannot be.
    """
    _check(split, grouping, format)
    if not zipfile.is_zipfile(archive):
        raise Refused("Expected a ZIP with a data set; this file is none, or its end is missing.", field="file")
    with transaction.atomic():
        wanted = DatasetImport.objects.create(
            project=project,
            created_by=user,
            name=_name(name) or "Data set",
            format=format,
            cityscapes_classes=cityscapes_classes,
            split=split,
            grouping=sorted(set(grouping)),
            new_labels_are_defects=new_labels_are_defects,
            label_names=None if label_names is None else dict(label_names),
            ask=ask,
        )
        wanted.archive = f"data-set-{wanted.pk}.zip"
        wanted.save(update_fields=["archive"])
        storage.move_into_place(archive, storage.archive_path(wanted.archive))
        queue_on_commit(import_task, wanted.pk)
    return wanted


@transaction.atomic
def name_classes(*, dataset_import: DatasetImport, label_names: Mapping[str, str]) -> None:
    """Say which label each class of a data set stands for; nothing = not judged. A worker then goes on reading.

    Refused where it is not waiting for this, or where a class is missing or all would be ignored.
    """
    waiting = DatasetImport.objects.select_for_update().get(pk=dataset_import.pk)
    if waiting.state != DatasetImport.State.ASKING:
        raise Refused("This data set is not waiting for its labels.")
    found = [str(label["name"]) for label in waiting.found_labels]
    missing = [name for name in found if name not in label_names]
    if missing:
        raise Refused(f"Choose what {missing[0]} stands for: a label, or that it is ignored.")
    if not any(label_names[name].strip() for name in found):
        raise Refused("Every class would be ignored. Choose a label for at least one.")
    waiting.state = DatasetImport.State.WAITING
    waiting.label_names = {name: label_names[name] for name in found}
    waiting.save(update_fields=["state", "label_names"])
    queue_on_commit(import_task, waiting.pk)


@transaction.atomic
def freeze_annotations(
    *, project: Project, user: User | None, name: str, grouping: Collection[str] = (ALIKE,)
) -> DatasetImport:
    """Have a worker freeze the newest annotation of every image into a data set with a new split.

    Images that an earlier data set keeps for testing stay test images.
    """
    _check(DatasetImport.Split.AUTO, grouping, "")
    if annotation_count(project) < LEAST_IMAGES:
        raise Refused(f"A data set needs at least {LEAST_IMAGES} images with annotations.")
    wanted = DatasetImport.objects.create(
        project=project,
        created_by=user,
        name=_name(name) or "Annotations",
        grouping=sorted(set(grouping)),
    )
    queue_on_commit(import_task, wanted.pk)
    return wanted


@transaction.atomic
def dismiss_import(*, dataset_import: DatasetImport) -> None:
    """Take a finished or failed import off the list; one that goes on is stopped at its next slice."""
    wanted = DatasetImport.objects.select_for_update().get(pk=dataset_import.pk)
    wanted.delete()
    transaction.on_commit(lambda: forget_files(dataset_import))


@transaction.atomic
def pack_dataset(*, dataset: Dataset, user: User | None, format: str) -> DatasetExport:
    """Have a worker pack a data set; what is packed already is left alone, what failed is tried again."""
    if format not in FORMATS:
        raise Refused(f"Expected a format among {', '.join(FORMATS)}, got {format[:40]!r}.", field="format")
    export, is_new = DatasetExport.objects.select_for_update().get_or_create(
        dataset=dataset, format=format, defaults={"created_by": user}
    )
    is_lost = export.state == DatasetExport.State.DONE and not storage.exists(storage.dataset_export_path(export.pk))
    if is_new or is_lost or export.state == DatasetExport.State.FAILED:
        export.state, export.error, export.attempts_count = DatasetExport.State.WAITING, "", 0
        export.save(update_fields=["state", "error", "attempts_count"])
        queue_on_commit(export_task, export.pk)
    return export


def label_names(pairs: Collection[str]) -> dict[str, str] | None:
    """“old=new” each → class to label; “old=” is ignored. None where there are none. Refused where one is no pair."""
    named: dict[str, str] = {}
    for pair in pairs:
        old, sign, new = (part.strip() for part in pair.rpartition("="))
        if not sign or not old:
            raise Refused(f"Expected class=label, got {pair[:80]!r}.", field="map")
        if named.setdefault(old, new) != new:
            raise Refused(f"{old[:80]} is mapped twice, to {named[old][:80]!r} and {new[:80]!r}.", field="map")
    return named or None


def _name(name: str) -> str:
    return " ".join("".join(letter for letter in name if letter.isprintable()).split())[:200]


def _check(split: str, grouping: Collection[str], format: str | None) -> None:
    if split not in DatasetImport.Split.values:
        raise Refused(f"Expected a split among {', '.join(DatasetImport.Split.values)}, got {split!r}.", field="split")
    unknown = sorted(set(grouping) - set(GROUPINGS))
    if unknown:
        raise Refused(f"Expected groupings among {', '.join(GROUPINGS)}, got {unknown[0]!r}.", field="grouping")
    if format and format not in FORMATS:
        raise Refused(f"Expected a format among {', '.join(FORMATS)}, got {format!r}.", field="format")
