"""Checked pictures into their batch: one short transaction for a whole group, however many files it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from segmentation.pictures import PictureFacts
from webapp.models import Batch, BatchImage, Image, Prediction, Run, SkippedFile
from webapp.pipeline.added_files import AddedFile
from webapp.pipeline.queueing import queue_images, running_run


@dataclass(frozen=True)
class CheckedPicture:
    """A picture whose file is in the store. `name` is clean, `sha256` in lower-case hex.

    Of a frame of a video: `captured`, when and how that is known, and `frame_seconds`, for how long it stands.
    """

    name: str
    sha256: str
    size_bytes: int
    facts: PictureFacts
    captured: tuple[datetime, str] | None = None
    frame_seconds: float | None = None


class BatchSealedError(Exception):
    """The batch was closed while files were still on their way."""


@transaction.atomic(savepoint=False)
def link_pictures(batch: Batch, pictures: Sequence[CheckedPicture]) -> list[AddedFile]:
    """Make pictures members of the batch, as new images where the project lacks their content.

    Outcomes in the order given. BatchSealedError where nobody waits for files any more. Their content is to be held
    (`contents.hold_content`) by a transaction that began before their files were put into the store.
    """
    _lock(batch)
    times = {picture.sha256: _time_of(batch, picture) for picture in pictures}
    known = _images(batch, times)
    _place_unplaced(batch, known.values(), times)
    new = {picture.sha256: picture for picture in reversed(pictures) if picture.sha256 not in known}
    rows = [_new_image(batch, picture) for picture in reversed(new.values())]
    Image.objects.bulk_create(rows, ignore_conflicts=True)
    images = known | _images(batch, new)
    files = [(picture.name, images[picture.sha256]) for picture in pictures]
    return _link(batch, files, known={image.pk for image in known.values()})


@transaction.atomic
def link_known(batch: Batch, files: Sequence[tuple[str, str]]) -> list[AddedFile | None]:
    """(name, sha256) of files that somebody is about to send; those whose content the project has become members.

    In the order given: what became of each, None for those that must be sent. BatchSealedError as above.
    """
    _lock(batch)
    known = _images(batch, {sha256 for _, sha256 in files})
    _place_unplaced(batch, known.values(), {})
    linked = iter(
        _link(
            batch,
            [(name, known[sha256]) for name, sha256 in files if sha256 in known],
            known={image.pk for image in known.values()},
        )
    )
    return [next(linked) if sha256 in known else None for _, sha256 in files]


def picture_columns(name: str, size_bytes: int, facts: PictureFacts) -> dict[str, Any]:
    """Columns of an Image that its file alone decides."""
    return {
        "name": name,
        "format": facts.format,
        "size_bytes": size_bytes,
        "width_px": facts.width,
        "height_px": facts.height,
        "latitude": facts.latitude,
        "longitude": facts.longitude,
        "mm_per_pixel": facts.georeference and facts.georeference.mm_per_pixel,
        "georeference": facts.georeference and facts.georeference.as_json(),
    }


def time_of(facts: PictureFacts) -> tuple[datetime, str]:
    """When a picture was captured, and how that is known. A camera's bare clock is read in the installation's zone."""
    if facts.captured_at is None:
        return timezone.now(), Image.TimeSource.UPLOAD
    if timezone.is_naive(facts.captured_at):
        return timezone.make_aware(facts.captured_at), Image.TimeSource.EXIF
    return facts.captured_at, Image.TimeSource.EXIF


def _lock(batch: Batch) -> None:
    """One group of a project at a time: two with the same contents in another order would wait for each other.

    A batch that still unpacks is open for what comes out of its archives.
    """
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.sealed_at is not None and not batch.archives.exists():
        raise BatchSealedError(batch.name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('link'), %s)", [batch.project_id])


def _images(batch: Batch, sha256s: Collection[str]) -> dict[str, Image]:
    found = Image.objects.filter(project=batch.project_id, sha256__in=list(sha256s)) if sha256s else []
    return {image.sha256: image for image in found}


def _new_image(batch: Batch, picture: CheckedPicture) -> Image:
    captured_at, captured_at_from = _time_of(batch, picture)
    return Image(
        project_id=batch.project_id,
        source_id=batch.source_id,
        sha256=picture.sha256,
        captured_at=captured_at,
        captured_at_from=captured_at_from,
        frame_seconds=picture.frame_seconds,
        **picture_columns(picture.name, picture.size_bytes, picture.facts),
    )


def _capture_time(batch: Batch, facts: PictureFacts) -> tuple[datetime, str]:
    if batch.captured_at is not None:
        return batch.captured_at, Image.TimeSource.GIVEN
    return time_of(facts)


def _time_of(batch: Batch, picture: CheckedPicture) -> tuple[datetime, str]:
    return picture.captured or _capture_time(batch, picture.facts)


def _place_unplaced(batch: Batch, images: Iterable[Image], times: Mapping[str, tuple[datetime, str]]) -> None:
    """An image known only from a data set takes its source and time from the first batch it comes with."""
    own = {"image": OuterRef("pk")}
    unplaced = Image.objects.filter(
        ~Exists(BatchImage.objects.filter(**own)),
        ~Exists(Prediction.objects.filter(**own)),
        pk__in=[image.pk for image in images],
    )
    for image in unplaced.order_by("pk"):
        image.source_id = batch.source_id
        if image.sha256 in times:
            image.captured_at, image.captured_at_from = times[image.sha256]
        elif batch.captured_at is not None:
            image.captured_at, image.captured_at_from = batch.captured_at, Image.TimeSource.GIVEN
        elif image.captured_at_from != Image.TimeSource.EXIF:
            image.captured_at, image.captured_at_from = timezone.now(), Image.TimeSource.UPLOAD
        image.save(update_fields=["source", "captured_at", "captured_at_from"])


def _link(batch: Batch, files: Sequence[tuple[str, Image]], *, known: Collection[int]) -> list[AddedFile]:
    """Members of the batch under the first name that each content came with; queued where a run is going on."""
    if not files:
        return []
    wanted: dict[int, str] = {}
    for name, image in files:
        wanted.setdefault(image.pk, name)
    members = BatchImage.objects.filter(batch=batch, image__in=list(wanted))
    before = set(members.values_list("image_id", flat=True))
    rows = [
        BatchImage(batch=batch, image_id=pk, name=wanted[pk], was_known=pk in known)
        for pk in wanted
        if pk not in before
    ]
    BatchImage.objects.bulk_create(rows)
    links = {link.image_id: link for link in members}
    added = [_outcome(name, links[image.pk]) for name, image in files]
    _list_repeated(batch, [one for one in added if one.outcome == "repeated"])
    wake = _queue(batch, [row.image_id for row in rows])
    return [replace(added[0], wake_run_id=wake), *added[1:]]


def _outcome(name: str, link: BatchImage) -> AddedFile:
    if link.name != name:
        return AddedFile(name, "repeated", f"the same image as {link.name}", image_id=link.image_id)
    return AddedFile(name, "linked" if link.was_known else "stored", image_id=link.image_id)


def _list_repeated(batch: Batch, repeated: Sequence[AddedFile]) -> None:
    if not repeated:
        return
    rows = SkippedFile.objects.filter(batch=batch, kind=SkippedFile.Kind.REPEATED)
    listed = set(rows.filter(name__in=[one.name for one in repeated]).values_list("name", flat=True))
    reasons = {one.name: one.reason[:500] for one in repeated if one.name not in listed}
    SkippedFile.objects.bulk_create(
        SkippedFile(batch=batch, name=name, kind=SkippedFile.Kind.REPEATED, reason=reason)
        for name, reason in reasons.items()
    )


def _queue(batch: Batch, image_ids: Sequence[int]) -> int | None:
    """Queue new members. The run's id where no other images of it wait: only the first ones call a worker."""
    if not image_ids:
        return None
    run = running_run(batch, user=batch.created_by)
    count = queue_images(run, image_ids) if run is not None else 0
    if run is None or not count:
        return None
    return run.pk if _waiting(run, count + 1) <= count else None


def _waiting(run: Run, most: int) -> int:
    return len(run.predictions.filter(state=Prediction.State.QUEUED)[:most])
