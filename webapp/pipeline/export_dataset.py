"""A data set as a ZIP in any of the formats. Needs no torch."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from segmentation import exif
from segmentation.datasets import DatasetError, open_writer
from segmentation.datasets.writer import DatasetWriter
from segmentation.masks import read_mask
from segmentation.pictures import PictureError, opened_picture, read_rgb
from segmentation.spec import LabelSpec
from webapp import storage
from webapp.models import DatasetExport, DatasetImage
from webapp.pipeline.one_worker import only_one

MAX_ATTEMPTS = 2
# Kept byte for byte; other programs cannot read the rest.
_ENDINGS = {"JPEG": ".jpg", "PNG": ".png"}


def run_export(export_id: int) -> None:
    """Write the ZIP of an export that waits. What went wrong is put on record."""
    with only_one("dataset_export", export_id) as is_mine:
        export = DatasetExport.objects.filter(pk=export_id, state=DatasetExport.State.WAITING).first()
        if not is_mine or export is None:
            return
        if export.attempts_count >= MAX_ATTEMPTS:
            _fail(export, f"The worker stopped {MAX_ATTEMPTS} times while it packed this data set.")
            return
        DatasetExport.objects.filter(pk=export.pk).update(attempts_count=export.attempts_count + 1)
        try:
            size_bytes = _pack(export)
        except (DatasetError, PictureError, OSError) as error:
            _fail(export, str(error))
            return
        DatasetExport.objects.filter(pk=export.pk).update(state=DatasetExport.State.DONE, size_bytes=size_bytes)


def waiting_exports() -> list[int]:
    """The oldest export that no worker has finished."""
    waiting = DatasetExport.objects.filter(state=DatasetExport.State.WAITING).order_by("pk")
    return list(waiting.values_list("pk", flat=True)[:1])


def _pack(export: DatasetExport) -> int:
    """Returns the ZIP's size in bytes."""
    labels = [
        LabelSpec(label.index, label.name, label.color, label.is_defect)
        for label in export.dataset.project.labels.order_by("index")
    ]
    members = export.dataset.dataset_images.select_related("annotation__image").order_by("name")
    with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as name, storage.temporary_file() as packed:
        folder = Path(name)
        with open_writer(export.format, folder / "data-set", labels) as writer:
            for member in members.iterator(chunk_size=500):
                _add(writer, member)
        # Pictures do not get smaller by packing.
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted((folder / "data-set").rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder / "data-set").as_posix())
        packed.flush()
        size_bytes = Path(packed.name).stat().st_size
        storage.move_into_place(Path(packed.name), storage.dataset_export_path(export.pk))
        return size_bytes


def _add(writer: DatasetWriter, member: DatasetImage) -> None:
    original = storage.fetch(storage.original_path(member.annotation.image.sha256))
    mask = read_mask(storage.fetch(storage.annotation_path(member.annotation.mask_sha256)))
    ending = _ENDINGS.get(member.annotation.image.format)
    if ending is not None and _is_upright(original):
        writer.add(member.name, original.read_bytes(), mask, split=member.split, ending=ending)
    else:
        writer.add(member.name, read_rgb(original), mask, split=member.split)


def _is_upright(path: Path) -> bool:
    """Programs elsewhere do not turn pictures as their camera says, and the masks are for the turned ones."""
    with opened_picture(path) as image:
        return exif.read(image, path.read_bytes()).orientation == 1


def _fail(export: DatasetExport, reason: str) -> None:
    DatasetExport.objects.filter(pk=export.pk).update(
        state=DatasetExport.State.FAILED, error=(reason or "failed")[:1000]
    )
