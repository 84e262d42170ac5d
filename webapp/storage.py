"""Where files lie below PIXELWISE_DATA. Originals are named by their content, the rest by what made it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings


def _root() -> Path:
    return Path(settings.PIXELWISE_DATA)


def original_path(sha256: str) -> Path:
    """An uploaded picture, byte for byte. No ending: its format stands in the database."""
    return _root() / "originals" / sha256[:2] / sha256


def thumbnail_path(sha256: str) -> Path:
    """WebP, longer side at most 480 px."""
    return _root() / "thumbnails" / sha256[:2] / f"{sha256}.webp"


def view_path(sha256: str) -> Path:
    """WebP of a picture whose own format browsers do not show; made when first looked at."""
    return _root() / "views" / sha256[:2] / f"{sha256}.webp"


def annotation_path(mask_sha256: str) -> Path:
    """A person's mask: 8-bit grey PNG of project label indices."""
    return _root() / "annotations" / mask_sha256[:2] / f"{mask_sha256}.png"


def mask_path(prediction_id: int) -> Path:
    """A predicted mask: 8-bit grey PNG of project label indices, same size as its picture."""
    return _root() / "predictions" / f"{prediction_id // 1000:06d}" / f"{prediction_id}.png"


def overlay_path(prediction_id: int) -> Path:
    """WebP thumbnail of the picture with its mask laid over, longer side at most 480 px."""
    return mask_path(prediction_id).with_suffix(".webp")


def remove_mask(prediction_id: int) -> None:
    """What a try left behind that came to no result."""
    mask_path(prediction_id).unlink(missing_ok=True)
    overlay_path(prediction_id).unlink(missing_ok=True)


def evaluation_folder(evaluation_id: int) -> Path:
    return _root() / "evaluations" / str(evaluation_id)


def evaluation_mask_path(evaluation_id: int, dataset_image_id: int) -> Path:
    """What a model version made of a labelled image: 8-bit grey PNG of project label indices."""
    return evaluation_folder(evaluation_id) / f"{dataset_image_id}.png"


def evaluation_overlay_path(evaluation_id: int, dataset_image_id: int) -> Path:
    """WebP thumbnail of the labelled image with this mask laid over, longer side at most 480 px."""
    return evaluation_mask_path(evaluation_id, dataset_image_id).with_suffix(".webp")


def truth_overlay_path(dataset_image_id: int) -> Path:
    """The same with the annotation laid over."""
    return _root() / "truths" / f"{dataset_image_id // 1000:06d}" / f"{dataset_image_id}.webp"


def import_path(name: str) -> Path:
    """A model file from elsewhere, as it was uploaded."""
    return _root() / "imports" / name


def archive_path(name: str) -> Path:
    return _root() / "archives" / name


def dataset_import_folder(import_id: int) -> Path:
    """What a data set on its way in needs: its unpacked files, and what was read of them so far."""
    return _root() / "archives" / f"data-set-{import_id}"


def dataset_export_path(export_id: int) -> Path:
    """A data set as a ZIP, made when somebody asked for it."""
    return _root() / "exports" / f"data-set-{export_id}.zip"


def report_path(name: str) -> Path:
    """A file that a worker wrote for people to download; removed after some days."""
    return _root() / "reports" / name


def model_folder(folder: str) -> Path:
    return _root() / "models" / folder


def training_folder(training_run_id: int) -> Path:
    """What a training writes on its way: its checkpoint, and what it makes of four validation pictures."""
    return _root() / "trainings" / str(training_run_id)


def preview_path(training_run_id: int, place: int, epoch: int | None) -> Path:
    """WebP of one of these pictures with the mask of an epoch laid over; with its truth where `epoch` is None."""
    name = "truth" if epoch is None else f"epoch-{epoch}"
    return training_folder(training_run_id) / "previews" / f"{place}-{name}.webp"


def encoder_folder() -> Path:
    """Learnt weights of encoders that somebody put there, to start trainings from."""
    return _root() / "encoders"


def temporary_folder() -> Path:
    path = _root() / "tmp"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """An open file on the same disk as the store, gone afterwards unless it was moved away."""
    with tempfile.NamedTemporaryFile(dir=temporary_folder(), delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def move_into_place(source: Path, target: Path) -> None:
    """Durably and atomically: readers see the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.chmod(0o640)
    source.replace(target)


def write(target: Path, content: bytes) -> None:
    """Write a derived file atomically; it can be made again, so it is not synced to disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file() as file:
        file.write(content)
        file.flush()
        Path(file.name).chmod(0o640)
        Path(file.name).replace(target)
