"""Batches: rename and delete. Uploading is in `upload`, segmenting in `runs`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef

from webapp import storage
from webapp.models import Batch, BatchImage, Image, Measurement, Prediction, Region, Run, User
from webapp.pipeline import rollups
from webapp.pipeline.contents import remove_unheld_pictures


def rename_batch(*, batch: Batch, user: User | None, name: str) -> None:
    """ValueError where the name is empty or longer than 200 characters."""
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise ValueError(f"a batch name has 1 to 200 characters, this one has {len(name)}")
    Batch.objects.filter(pk=batch.pk).update(name=name)


@transaction.atomic
def delete_batch(*, batch: Batch, user: User | None) -> int:
    """Delete a batch with its images, their numbers and files; returns how many images went.

    Images that another batch shares stay as they are; images of a data set stay without their numbers.
    """
    Batch.objects.select_for_update().get(pk=batch.pk)
    elsewhere = BatchImage.objects.filter(image=OuterRef("pk")).exclude(batch=batch)
    own = list(Image.objects.filter(~Exists(elsewhere), batch_images__batch=batch).values_list("pk", flat=True))
    delete_predictions(own)
    unused = Image.objects.filter(pk__in=own, annotations__isnull=True)
    forget_originals(list(unused.values_list("sha256", flat=True)))
    unused.delete()
    runs = list(batch.runs.values_list("pk", flat=True))
    archives = [storage.archive_path(archive.path) for archive in batch.archives.all()]
    batch.delete()
    Run.objects.filter(pk__in=runs, predictions__isnull=True).delete()
    transaction.on_commit(lambda: remove_files(archives))
    return len(own)


def delete_predictions(image_ids: Collection[int]) -> None:
    """Delete every prediction of these images, their rows, roll-up shares and mask files."""
    # Images first, in order, as the workers lock them: nobody waits in a circle.
    list(Image.objects.filter(pk__in=image_ids).order_by("pk").select_for_update().values_list("pk"))
    predictions = Prediction.objects.filter(image_id__in=image_ids)
    ids = list(predictions.select_for_update().values_list("pk", flat=True))
    rollups.subtract(ids)
    Measurement.objects.filter(prediction__in=ids).delete()
    Region.objects.filter(prediction__in=ids).delete()
    predictions.delete()
    files = [path(pk) for pk in ids for path in (storage.mask_path, storage.overlay_path)]
    transaction.on_commit(lambda: remove_files(files))


def forget_originals(sha256s: Collection[str]) -> None:
    """On commit remove the files of content that no project holds any more."""
    transaction.on_commit(lambda: remove_unheld_pictures(sha256s))


def remove_files(paths: Collection[Path]) -> None:
    storage.remove(paths)
