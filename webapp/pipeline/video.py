"""A video taken apart by a worker: frames become images of the batch, each with its own time.

One step works for some seconds and is called again, so that a worker is free for others in between. A frame and the
place to go on from are saved in one transaction: a killed worker's successor leaves none out and adds none twice.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import F
from PIL import Image as Pillow

from segmentation.pictures import inspect_picture
from segmentation.privacy import FindPeople, obscured
from segmentation.video import Frame, VideoError, VideoLimits, clock, frames
from segmentation.video_files import read_container
from webapp import storage
from webapp.models import Archive, ArrivedFile, Batch, Image
from webapp.pipeline.contents import hold_content
from webapp.pipeline.linking import CheckedPicture, link_pictures
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.outages import is_of_the_machine
from webapp.pipeline.receive import picture_limits, reject
from webapp.stored_groups import move_all_into_place

STEP_SECONDS = 20.0
MOST_ATTEMPTS = 3
"""So often a worker may die over a video without getting on before it is given up."""

MAX_FRAMES = 50_000
MAX_SECONDS = 24 * 3600.0
_QUALITY = 95


@dataclass(frozen=True)
class Step:
    """`runs` have new work; `is_more`: the video is not at its end."""

    runs: list[int]
    is_more: bool


def unpack_video(archive_id: int) -> Step:
    """Take a video apart for some seconds. One whose people are to be blurred is left to `unpack_blurred_video`."""
    return take_apart(archive_id, lambda batch: None, blurs=(Batch.Blur.NONE,))


def take_apart(archive_id: int, finder: Callable[[Batch], FindPeople | None], *, blurs: tuple[str, ...]) -> Step:
    """A step of a video whose batch has one of `blurs`; what `finder` finds is blurred before anything is stored.

    `finder` raises VideoError where nothing can find people: then nothing of the video is kept.
    """
    with only_one("archive", archive_id) as is_mine:
        archive = (
            Archive.objects.select_related("batch__project__live_model", "batch__created_by")
            .filter(pk=archive_id, kind=Archive.Kind.VIDEO, batch__blur__in=blurs)
            .first()
        )
        return _step(archive, finder) if is_mine and archive is not None else Step([], False)


def _step(archive: Archive, finder: Callable[[Batch], FindPeople | None]) -> Step:
    wake: set[int] = set()
    path = storage.archive_path(archive.path)
    ends = time.monotonic() + STEP_SECONDS
    try:
        found = storage.fetch(path)
        _begin(archive, found)
        find_people = finder(archive.batch)
        started = _start_of(archive, found)
        every = archive.batch.frame_seconds
        for frame in frames(found, every_seconds=every, first=archive.next_frame, limits=_limits()):
            run_id = _keep(archive, frame, find_people, started)
            wake |= {run_id} if run_id is not None else set()
            if time.monotonic() > ends:
                return Step(sorted(wake), True)
    except (VideoError, OSError) as error:
        if is_of_the_machine(error):
            Archive.objects.filter(pk=archive.pk).update(attempts_count=0)
            raise
        reject(archive.batch, archive.name, str(error) if isinstance(error, VideoError) else "cannot be read")
    archive.delete()
    storage.remove([path])
    return Step(sorted(wake), False)


def _begin(archive: Archive, path: Path) -> None:
    """Count the attempt before anything can kill the process; once a frame is kept it counts no more."""
    if archive.attempts_count >= MOST_ATTEMPTS:
        kept = f"the {archive.next_frame:,} frames until there are kept" if archive.next_frame else "none of it is kept"
        raise VideoError(f"stopped the worker that read it, {MOST_ATTEMPTS} times at the same place; {kept}")
    Archive.objects.filter(pk=archive.pk).update(attempts_count=F("attempts_count") + 1)
    if archive.next_frame == 0:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == archive.sha256:
                return
        ArrivedFile.objects.filter(batch=archive.batch, sha256=archive.sha256).delete()
        raise VideoError("arrived with other content than was announced: it changed while it was sent. Send it again")


def _limits() -> VideoLimits:
    pictures = picture_limits()
    return VideoLimits(
        max_seconds=MAX_SECONDS,
        max_pixels=min(VideoLimits.max_pixels, pictures.max_pixels),
        max_frames=MAX_FRAMES,
    )


def _start_of(archive: Archive, path: Path) -> tuple[datetime, str]:
    """When the recording began: what a person gave, else the camera's clock in the file, else the upload."""
    if archive.batch.captured_at is not None:
        return archive.batch.captured_at, Image.TimeSource.GIVEN
    container = read_container(path)
    if container is not None and container.started_at is not None:
        return container.started_at, Image.TimeSource.EXIF
    return archive.created_at, Image.TimeSource.UPLOAD


def _keep(archive: Archive, frame: Frame, find_people: FindPeople | None, started: tuple[datetime, str]) -> int | None:
    """Store a frame as an image of the batch; returns the run that has new work by it."""
    rgb = frame.rgb if find_people is None else obscured(frame.rgb, find_people(frame.rgb))
    content = _jpeg(rgb, f"{archive.sha256} {round(frame.seconds * 1000)} ms")
    sha256 = hashlib.sha256(content).hexdigest()
    with storage.temporary_file() as file:
        file.write(content)
        file.flush()
        picture = CheckedPicture(
            name=f"{archive.name} {clock(frame.seconds)}"[-500:],
            sha256=sha256,
            size_bytes=len(content),
            facts=inspect_picture(file.name, limits=picture_limits()),
            captured=(started[0] + timedelta(seconds=frame.seconds), started[1]),
            frame_seconds=archive.batch.frame_seconds,
        )
        with transaction.atomic():
            hold_content([sha256])
            move_all_into_place([(Path(file.name), storage.original_path(sha256))])
            added = link_pictures(archive.batch, [picture])[0]
            Image.objects.filter(pk=added.image_id or 0, frame_seconds__gt=picture.frame_seconds).update(
                frame_seconds=picture.frame_seconds
            )
            Archive.objects.filter(pk=archive.pk).update(next_frame=frame.number + 1, attempts_count=0)
    return added.wake_run_id


def _jpeg(rgb: npt.NDArray[np.uint8], place: str) -> bytes:
    """A frame as a file. Its place makes it differ from others that look the same: each counts as a frame."""
    stream = io.BytesIO()
    Pillow.fromarray(rgb).save(stream, "JPEG", quality=_QUALITY, subsampling=0, comment=place.encode())
    return stream.getvalue()
