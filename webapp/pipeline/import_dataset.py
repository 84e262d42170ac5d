"""Data sets are read and frozen: by a command in one go, by a worker a slice at a time. Needs no torch."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from django.db.models import Min
from django.utils import timezone

from segmentation.datasets import DatasetError, LabelledDataset, open_dataset
from segmentation.pictures import PictureError
from webapp import storage
from webapp.models import BatchImage, Dataset, DatasetImport, Project, User
from webapp.models.dataset_groupings import ALIKE
from webapp.pipeline.contents import reading_data_set
from webapp.pipeline.dataset_members import (
    Member,
    annotated_images,
    annotation_count,
    member_of_annotation,
    names_of,
    store_member,
)
from webapp.pipeline.freezing import freeze
from webapp.pipeline.new_labels import match_dataset_labels, unknown_labels
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.unpack_dataset import unpack_dataset

SLICE_SECONDS = 60.0
"""A worker gives way to other work after this long, and goes on later."""
MAX_ATTEMPTS = 3
SHOW_EVERY_SECONDS = 2.0
ANNOTATIONS = "annotations"
LEAST_IMAGES = 2

Progress = Callable[[int, int], object]


def import_labelled(
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
    progress: Progress = lambda done, total: None,
) -> Dataset:
    """Copy a data set on this machine's disk into the store, in one go, and freeze it."""
    source = open_dataset(path, format=format, cityscapes_classes=cityscapes_classes)
    names = names_of(source)
    _require_enough(len(names))
    matched = match_dataset_labels(project, source.labels, are_defects=new_labels_are_defects, names=label_names)
    members = []
    with reading_data_set():
        for place, (given, member) in enumerate(names):
            members.append(store_member(source, member, given, matched.table))
            progress(place + 1, len(names))
        return freeze(
            project,
            members,
            user=user,
            name=name or path.resolve().name,
            format=source.format,
            rule=split,
            grouping=grouping,
            notes=[*source.notes, *_label_notes(matched.added)],
        )


def run_import(import_id: int) -> bool:
    """Go on with an import for about a minute; true while there is more to do. What went wrong is put on record."""
    with only_one("dataset_import", import_id) as is_mine:
        wanted = DatasetImport.objects.unfinished().select_related("project", "created_by").filter(pk=import_id).first()
        if not is_mine or wanted is None:
            return False
        if wanted.attempts_count >= MAX_ATTEMPTS:
            return _fail(wanted, f"The worker stopped {MAX_ATTEMPTS} times while it read this data set.")
        DatasetImport.objects.filter(pk=wanted.pk).update(
            state=DatasetImport.State.RUNNING, attempts_count=wanted.attempts_count + 1
        )
        try:
            is_unfinished = _Slice(wanted).go_on()
        except (DatasetError, PictureError, ValueError, OSError) as error:
            return _fail(wanted, _for_people(error, storage.dataset_import_folder(wanted.pk)))
        DatasetImport.objects.filter(pk=wanted.pk).update(attempts_count=0)
        return is_unfinished


def waiting_imports() -> list[int]:
    """The oldest unfinished import: its lock keeps a second worker away from it."""
    return list(DatasetImport.objects.unfinished().order_by("pk").values_list("pk", flat=True)[:1])


class _Slice:
    """One turn of a worker at an import; what is done is kept in the import's folder, a line for each image."""

    def __init__(self, wanted: DatasetImport) -> None:
        self.wanted = wanted
        self.folder = storage.dataset_import_folder(wanted.pk)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lines = self.folder / "members.jsonl"
        self.ends_at = time.monotonic() + SLICE_SECONDS
        self.shown_at = 0.0

    def go_on(self) -> bool:
        return self._go_on_with_archive() if self.wanted.archive else self._go_on_with_annotations()

    def _go_on_with_archive(self) -> bool:
        files = self.folder / "files"
        unpack_dataset(storage.fetch(storage.archive_path(self.wanted.archive)), files)
        source = open_dataset(
            files, format=self.wanted.format or None, cityscapes_classes=self.wanted.cityscapes_classes
        )
        names = names_of(source)
        _require_enough(len(names))
        done = self._done_count()
        if not done and self._has_to_ask(source):
            return False
        matched = match_dataset_labels(
            self.wanted.project,
            source.labels,
            are_defects=self.wanted.new_labels_are_defects,
            names=self.wanted.label_names,
        )
        self._remember_added(matched.added)
        with self.lines.open("a", encoding="utf-8") as lines:
            for given, name in names[done:]:
                lines.write(store_member(source, name, given, matched.table).to_json() + "\n")
                lines.flush()
                done += 1
                if self._is_over(done, len(names)):
                    return True
        self._finish(source.format, [*source.notes, *_label_notes(self._added())])
        return False

    def _has_to_ask(self, source: LabelledDataset) -> bool:
        """True where a person has to say first what the classes stand for; the page then shows them."""
        ask = self.wanted.ask
        if self.wanted.label_names is not None or ask == DatasetImport.Ask.NEVER:
            return False
        if ask == DatasetImport.Ask.UNKNOWN and not unknown_labels(self.wanted.project, source.labels):
            return False
        DatasetImport.objects.filter(pk=self.wanted.pk).update(
            state=DatasetImport.State.ASKING,
            found_labels=[{"name": label.name, "color": label.color.lower()} for label in source.labels],
            image_count=len(names_of(source)),
        )
        return True

    def _go_on_with_annotations(self) -> bool:
        total = annotation_count(self.wanted.project)
        _require_enough(total)
        members = self._members()
        taken, done = {member.name for member in members}, {member.image_sha256 for member in members}
        first_batches = BatchImage.objects.filter(image__project=self.wanted.project).values_list("image_id")
        batches = dict(first_batches.annotate(first=Min("batch_id")).values_list("image_id", "first"))
        with self.lines.open("a", encoding="utf-8") as lines:
            for annotation in annotated_images(self.wanted.project):
                if annotation.image.sha256 in done:
                    continue
                lines.write(member_of_annotation(annotation, batches, taken).to_json() + "\n")
                lines.flush()
                done.add(annotation.image.sha256)
                if self._is_over(len(done), total):
                    return True
        self._finish(ANNOTATIONS, [])
        return False

    def _finish(self, format: str, notes: list[str]) -> None:
        if not DatasetImport.objects.filter(pk=self.wanted.pk).exists():
            # It was taken off the list meanwhile.
            return
        members = self._members()
        dataset = freeze(
            self.wanted.project,
            members,
            user=self.wanted.created_by,
            name=self.wanted.name,
            format=format,
            rule=self.wanted.split,
            grouping=self.wanted.grouping,
            notes=notes,
        )
        DatasetImport.objects.filter(pk=self.wanted.pk).update(
            state=DatasetImport.State.DONE,
            dataset=dataset,
            done_count=len(members),
            image_count=len(members),
            finished_at=timezone.now(),
        )
        forget_files(self.wanted)

    def _members(self) -> list[Member]:
        if not self.lines.exists():
            return []
        return [Member.from_json(line) for line in self.lines.read_text("utf-8").splitlines()[: self._done_count()]]

    def _done_count(self) -> int:
        """Whole lines; one that a killed worker left half is cut off."""
        if not self.lines.exists():
            return 0
        content = self.lines.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.lines.open("r+b") as lines:
                lines.truncate(whole)
        return content[:whole].count(b"\n")

    def _remember_added(self, added: Collection[str]) -> None:
        if added:
            with (self.folder / "added.txt").open("a", encoding="utf-8") as file:
                file.writelines(f"{name}\n" for name in added)

    def _added(self) -> list[str]:
        file = self.folder / "added.txt"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def _is_over(self, done: int, total: int) -> bool:
        """True at the end of the slice, of which at least one image is read; tells the page now and then."""
        is_over = time.monotonic() > self.ends_at
        if is_over or time.monotonic() - self.shown_at > SHOW_EVERY_SECONDS:
            self.shown_at = time.monotonic()
            DatasetImport.objects.filter(pk=self.wanted.pk).update(done_count=done, image_count=total)
        return is_over


def forget_files(wanted: DatasetImport) -> None:
    """Remove what an import needed on its way."""
    shutil.rmtree(storage.dataset_import_folder(wanted.pk), ignore_errors=True)
    if wanted.archive:
        storage.remove([storage.archive_path(wanted.archive)])


def _fail(wanted: DatasetImport, reason: str) -> bool:
    DatasetImport.objects.filter(pk=wanted.pk).update(
        state=DatasetImport.State.FAILED, error=reason[:1000], finished_at=timezone.now()
    )
    forget_files(wanted)
    return False


def _for_people(error: Exception, folder: Path) -> str:
    """The message without where the server keeps its files."""
    text = str(error).replace(f"{folder / 'files'}/", "").replace(str(folder / "files"), "the ZIP")
    return text or type(error).__name__


def _label_notes(added: Collection[str]) -> list[str]:
    return [f"New labels in the project: {', '.join(added)}."] if added else []


def _require_enough(count: int) -> None:
    if count < LEAST_IMAGES:
        raise DatasetError(f"expected at least {LEAST_IMAGES} labelled images, found {count}")
