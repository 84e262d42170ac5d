"""A database that goes away, a full disk, an upload broken off: nobody is blamed, nothing is lost or left behind."""

from __future__ import annotations

import errno
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from segmentation.spent import Spent
from tests.images import picture, png
from webapp import storage
from webapp.actions.model_versions import add_color_model
from webapp.actions.runs import cancel_run
from webapp.actions.upload import add_file, open_batch, upload_batch
from webapp.models import Archive, Image, Prediction, Project, Run, batch_progress
from webapp.pipeline import outages, receive, unsaved
from webapp.pipeline.claims import give_back
from webapp.pipeline.segment import _segment, compute, loaded, segment_run
from webapp.pipeline.sweep import sweep
from webapp.pipeline.unpack import unpack
from webapp.services.in_hand import InHand
from webapp.services.living import worker_name

pytestmark = pytest.mark.django_db

LEASE = timedelta(seconds=60)


@pytest.fixture
def run(project: Project) -> Run:
    add_color_model(project=project, user=None)
    files = [(f"{mark}.png", io.BytesIO(png(picture(red=0.5, mark=mark)))) for mark in range(3)]
    return upload_batch(project=project, user=None, files=files).runs.get()


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_no_fault_of_an_image(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as during:
        during.setattr(storage, "write", full_disk)
        for _ in range(5):
            with pytest.raises(OSError, match="No space"):
                segment_run(run.pk)
    assert set(run.predictions.values_list("state", "attempts_count")) == {("queued", 0)}
    segment_run(run.pk)
    assert set(run.predictions.values_list("state", flat=True)) == {"done"}


def test_results_are_saved_once_the_database_is_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks after the rows were written, so that nobody knows whether they were."""
    save, tries = unsaved.save_outcomes, []

    def broken(*arguments: Any, **named: Any) -> set[int]:
        tries.append(1)
        if len(tries) == 1:
            save(*arguments, **named)
            raise OperationalError("server closed the connection unexpectedly")
        return save(*arguments, **named)

    monkeypatch.setattr(unsaved, "save_outcomes", broken)
    monkeypatch.setattr(outages, "_PAUSE_SECONDS", 0)
    segment_run(run.pk)
    assert len(tries) == 2
    assert set(run.predictions.values_list("state", "attempts_count")) == {("done", 1)}
    assert all(storage.mask_path(pk).exists() for pk in run.predictions.values_list("pk", flat=True))


def test_patience_with_a_database_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("connection refused")

    with pytest.raises(OperationalError, match="refused"):
        outages.once_it_answers(away, timedelta(seconds=-1))


def leave_mask(prediction: Prediction) -> None:
    """A worker was killed between writing the mask and committing its row."""
    storage.write(storage.mask_path(prediction.pk), b"of an earlier try")
    storage.write(storage.overlay_path(prediction.pk), b"of an earlier try")


def test_masks_of_an_image_set_aside_are_removed(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=1, lease=LEASE)
    leave_mask(claimed[0])
    Prediction.objects.filter(pk=claimed[0].pk).update(attempts_count=2)
    give_back(Prediction.objects.filter(pk=claimed[0].pk), "the worker stopped")
    assert not storage.mask_path(claimed[0].pk).exists()
    assert not storage.overlay_path(claimed[0].pk).exists()


def test_masks_of_a_run_cancelled_meanwhile_are_removed(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=1, lease=LEASE)
    leave_mask(claimed[0])
    found = unsaved.Unsaved(run.model_version, "a:1", LEASE)
    for outcome in compute(loaded(run.model_version), run.model_version, claimed, worker="a:1"):
        found.add(outcome, Spent())
    cancel_run(run=run, user=None)
    found.save(Spent())
    assert run.predictions.get(pk=claimed[0].pk).state == "cancelled"
    assert not storage.mask_path(claimed[0].pk).exists()


def test_a_file_that_breaks_between_two_tries_leaves_no_mask(run: Run) -> None:
    claimed = run.predictions.all().claim(worker=worker_name(), count=1, lease=LEASE)
    leave_mask(claimed[0])
    storage.original_path(claimed[0].image.sha256).write_bytes(b"no picture")
    _segment(run, claimed, worker_name(), InHand(None))
    assert run.predictions.get(pk=claimed[0].pk).state == "failed"
    assert not storage.mask_path(claimed[0].pk).exists()


def test_an_upload_broken_off_is_closed_with_what_came(project: Project, settings: Any) -> None:
    settings.PIXELWISE_UPLOAD_SECONDS = 3600
    add_color_model(project=project, user=None)
    batch = open_batch(project=project, user=None)
    add_file(batch=batch, name="a.png", stream=io.BytesIO(png(picture())))
    earlier = timezone.now() - timedelta(hours=2)
    type(batch).objects.update(created_at=earlier)
    sweep()
    assert batch_progress(batch).status == "uploading", "its newest file came just now"
    Image.objects.update(created_at=earlier)
    assert sweep().runs == [batch.runs.get().pk]
    segment_run(batch.runs.get().pk)
    batch.refresh_from_db()
    assert batch_progress(batch).status == "done"


def test_an_archive_waits_while_the_disk_is_full(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", png(picture()))
    packed.seek(0)
    batch = upload_batch(project=project, user=None, files=[("all.zip", packed)])
    (archive_id,) = batch.archives.values_list("pk", flat=True)
    with monkeypatch.context() as during:
        during.setattr(receive, "move_all_into_place", full_disk)
        with pytest.raises(OSError, match="No space"):
            unpack(archive_id)
    assert Archive.objects.filter(pk=archive_id).exists()
    unpack(archive_id)
    assert batch_progress(batch).image_count == 1
    assert not batch.skipped_files.exists()


def test_an_archive_is_seen_only_with_its_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.png", png(picture()))
    packed.seek(0)
    batch = open_batch(project=project, user=None)
    outside = len(connection.savepoint_ids)
    move, depths = storage.move_into_place, []

    def noting(*paths: Any) -> None:
        depths.append(len(connection.savepoint_ids))
        move(*paths)

    monkeypatch.setattr(storage, "move_into_place", noting)
    add_file(batch=batch, name="all.zip", stream=packed)
    assert depths == [outside + 1]
