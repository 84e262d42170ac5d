"""Export a version for another runtime and keep what its check says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.utils import timezone

from segmentation.export import export_model
from segmentation.model_files import CHECKED_IMAGES, INT8
from segmentation.pairs import Pair
from segmentation.pictures import PictureError, read_rgb
from webapp import storage
from webapp.models import DatasetImage, Image, ModelExport, ModelVersion
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.training_data import dataset_pairs

VALIDATION_COUNT = 64
MAX_ATTEMPTS = 2
_STOPPED = (
    f"The worker stopped {MAX_ATTEMPTS} times while it exported this version, most often because its memory ran out. "
    "Free some memory or export on a larger machine."
)


def run_export(export_id: int) -> None:
    """Export a queued export and check it on the project's newest images; what goes wrong stands in its row."""
    with only_one("model_export", export_id) as is_mine:
        queued = ModelExport.objects.filter(pk=export_id, state=ModelExport.State.QUEUED)
        export = queued.select_related("model_version").first()
        if not is_mine or export is None:
            return
        if export.attempts_count >= MAX_ATTEMPTS:
            _fail(export, _STOPPED)
            return
        queued.update(attempts_count=export.attempts_count + 1)
        _export(export)


def _export(export: ModelExport) -> None:
    version = export.model_version
    try:
        folder = storage.fetch_folder(storage.model_folder(version.folder))
        validation = validation_pairs(version) if export.backend == INT8 else []
        check = export_model(folder, export.backend, newest_pictures(version), validation=validation)
        storage.keep_folder(folder)
    except ValueError as error:
        _fail(export, str(error))
        return
    except Exception as error:
        _fail(export, f"{type(error).__name__}: {error}")
        raise
    ModelExport.objects.filter(pk=export.pk).update(
        state=ModelExport.State.DONE,
        error="",
        agreement_fraction=check.agreement_fraction,
        image_count=check.image_count,
        file_bytes=check.file_bytes,
        speed_ratio=check.speed_ratio,
        validation_count=check.validation_count,
        label_ious=[
            {"label": label, "before": before, "after": check.iou_after.get(label)}
            for label, before in check.iou_before.items()
        ],
        finished_at=timezone.now(),
    )


def newest_pictures(model_version: ModelVersion) -> Iterator[np.ndarray]:
    """The project's newest images that can be read, as many as a check looks at."""
    found = 0
    images = Image.objects.filter(project=model_version.project_id).order_by("-captured_at", "-pk")
    for sha256 in images.values_list("sha256", flat=True)[: 2 * CHECKED_IMAGES]:
        try:
            picture = read_rgb(storage.fetch(storage.original_path(sha256)))
        except (PictureError, OSError):
            continue
        found += 1
        yield picture
        if found == CHECKED_IMAGES:
            return


def validation_pairs(model_version: ModelVersion) -> list[Pair]:
    """Labelled pictures that training looked at to choose, but did not learn from; none where it was not trained here.

    At most VALIDATION_COUNT, spread evenly over the data set, so that the export is done in minutes.
    """
    run = model_version.training_run
    if run is None:
        return []
    labels = [row.label for row in model_version.model_labels.select_related("label").order_by("index")]
    pairs = dataset_pairs(run.dataset, DatasetImage.Split.VALIDATION, labels)
    step = max(1, -(-len(pairs) // VALIDATION_COUNT))
    return pairs[::step]


def _fail(export: ModelExport, reason: str) -> None:
    text = reason[:1].upper() + reason[1:1000]
    ModelExport.objects.filter(pk=export.pk).update(
        state=ModelExport.State.FAILED, error=text or "It failed.", finished_at=timezone.now()
    )
