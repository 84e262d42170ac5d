"""Where files lie. Originals are named by their content, the rest by what made it.

Below PIXELWISE_DATA, or, where PIXELWISE_STORAGE names a bucket, in it under the same names; the paths below are then
places in this machine's cache. Whoever opens a path of the store says `fetch` first, which costs nothing where the
files are here anyway; whoever asks, writes or removes does it by the verbs of `stored_files`, which are here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from webapp.stored_files import (
    exists,
    fetch,
    fetch_all,
    fetch_folder,
    here,
    keep_folder,
    kept,
    move_into_place,
    remove,
    remove_folder,
    temporary_file,
    temporary_folder,
    write,
    write_all,
)

__all__ = [
    "exists",
    "fetch",
    "fetch_all",
    "fetch_folder",
    "keep_folder",
    "move_into_place",
    "remove",
    "remove_folder",
    "temporary_file",
    "temporary_folder",
    "write",
    "write_all",
]


def original_path(sha256: str) -> Path:
    """An uploaded picture, byte for byte. No ending: its format stands in the database."""
    return kept() / "originals" / sha256[:2] / sha256


def thumbnail_path(sha256: str) -> Path:
    """WebP, longer side at most 480 px."""
    return kept() / "thumbnails" / sha256[:2] / f"{sha256}.webp"


def view_path(sha256: str) -> Path:
    """WebP of a picture whose own format browsers do not show; made when first looked at."""
    return kept() / "views" / sha256[:2] / f"{sha256}.webp"


def annotation_path(mask_sha256: str) -> Path:
    """A person's mask: 8-bit grey PNG of project label indices."""
    return kept() / "annotations" / mask_sha256[:2] / f"{mask_sha256}.png"


def mask_path(prediction_id: int) -> Path:
    """A predicted mask: 8-bit grey PNG of project label indices, same size as its picture."""
    return kept() / "predictions" / f"{prediction_id // 1000:06d}" / f"{prediction_id}.png"


def overlay_path(prediction_id: int) -> Path:
    """WebP thumbnail of the picture with its mask laid over, longer side at most 480 px."""
    return mask_path(prediction_id).with_suffix(".webp")


def remove_masks(prediction_ids: Iterable[int]) -> None:
    """What tries left behind that came to no result."""
    remove([path(pk) for pk in prediction_ids for path in (mask_path, overlay_path)])


def evaluation_folder(evaluation_id: int) -> Path:
    return kept() / "evaluations" / str(evaluation_id)


def evaluation_mask_path(evaluation_id: int, dataset_image_id: int) -> Path:
    """What a model version made of a labelled image: 8-bit grey PNG of project label indices."""
    return evaluation_folder(evaluation_id) / f"{dataset_image_id}.png"


def evaluation_overlay_path(evaluation_id: int, dataset_image_id: int) -> Path:
    """WebP thumbnail of the labelled image with this mask laid over, longer side at most 480 px."""
    return evaluation_mask_path(evaluation_id, dataset_image_id).with_suffix(".webp")


def truth_overlay_path(dataset_image_id: int) -> Path:
    """The same with the annotation laid over."""
    return kept() / "truths" / f"{dataset_image_id // 1000:06d}" / f"{dataset_image_id}.webp"


def import_path(name: str) -> Path:
    """A model file from elsewhere, as it was uploaded."""
    return kept() / "imports" / name


def archive_path(name: str) -> Path:
    return kept() / "archives" / name


def dataset_import_folder(import_id: int) -> Path:
    """What a data set on its way in needs: its unpacked files, and what was read of them so far. Never in a bucket."""
    return here() / "archives" / f"data-set-{import_id}"


def dataset_export_path(export_id: int) -> Path:
    """A data set as a ZIP, made when somebody asked for it."""
    return kept() / "exports" / f"data-set-{export_id}.zip"


def report_path(name: str) -> Path:
    """A file that a worker wrote for people to download; removed after some days."""
    return kept() / "reports" / name


def model_folder(folder: str) -> Path:
    return kept() / "models" / folder


def training_folder(training_run_id: int) -> Path:
    """What a training writes on its way: its checkpoint, and what it makes of four validation pictures."""
    return kept() / "trainings" / str(training_run_id)


def preview_path(training_run_id: int, place: int, epoch: int | None) -> Path:
    """WebP of one of these pictures with the mask of an epoch laid over; with its truth where `epoch` is None."""
    name = "truth" if epoch is None else f"epoch-{epoch}"
    return training_folder(training_run_id) / "previews" / f"{place}-{name}.webp"


def encoder_folder() -> Path:
    """Learnt weights of encoders that somebody put there, to start trainings from."""
    return here() / "encoders"
