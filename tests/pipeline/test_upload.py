"""Files in: stored once, linked when known, listed with a reason when refused."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from tests.images import encoded, picture, png
from webapp import storage
from webapp.actions.batches import delete_batch
from webapp.actions.model_versions import add_color_model, go_live
from webapp.actions.runs import start_run
from webapp.actions.upload import ManifestFile, add_file, known_files, open_batch, seal_batch, upload_batch
from webapp.models import Batch, Image, Measurement, Prediction, Project, Region, Run, batch_progress
from webapp.pipeline import rollups
from webapp.pipeline.receive import clean_name
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)


def uploaded(project: Project, files: dict[str, bytes], **options: object) -> Batch:
    pairs = [(name, io.BytesIO(content)) for name, content in files.items()]
    return upload_batch(project=project, user=None, files=pairs, **options)


def segmented(batch: Batch) -> Batch:
    for run in Run.objects.filter(batch=batch):
        while segment_run(run.pk):
            pass
    return batch


def jpeg_taken_at(text: str, red: float = 0) -> bytes:
    exif = PillowImage.Exif()
    exif.get_ifd(0x8769)[0x9003] = text
    return encoded(picture(red=red), "JPEG", exif=exif)


def test_a_picture_is_stored_byte_for_byte_under_its_hash(project: Project) -> None:
    content = png(picture())
    image = uploaded(project, {"shift 1/a.png": content}).images.get()
    assert image.name == "shift 1/a.png"
    assert storage.original_path(image.sha256).read_bytes() == content
    assert (image.width_px, image.height_px, image.format, image.size_bytes) == (40, 30, "PNG", len(content))


def test_known_content_is_linked_in_a_later_batch_and_listed_when_repeated_in_one(project: Project) -> None:
    content = png(picture())
    first = uploaded(project, {"a.png": content, "again.png": content})
    second = uploaded(project, {"b.png": content})
    assert Image.objects.count() == 1
    assert [row.reason for row in first.skipped_files.all()] == ["the same image as a.png"]
    assert [progress.duplicate_count for progress in map(batch_progress, (first, second))] == [1, 1]


def test_manifest_links_what_the_project_has_and_only_that(project: Project) -> None:
    image = uploaded(project, {"a.png": png(picture())}).images.get()
    batch = open_batch(project=project, user=None)
    files = [ManifestFile("x/b.png", image.sha256), ManifestFile("c.png", "0" * 64)]
    assert [(one.name, one.outcome) for one in known_files(batch=batch, files=files)] == [("x/b.png", "linked")]
    assert [row.name for row in batch.batch_images.all()] == ["x/b.png"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "empty"),
        ("text.jpg", b"hello there", "not an image"),
        ("cut.png", png(picture())[:80], "damaged"),
        ("page.jpg", b"%PDF-1.7 stuff", "PDF"),
    ],
)
def test_what_is_no_picture_is_listed_with_its_reason(project: Project, name: str, content: bytes, reason: str) -> None:
    batch = uploaded(project, {name: content, "good.png": png(picture())})
    assert batch.images.count() == 1
    skipped = batch.skipped_files.get()
    assert (skipped.name, skipped.kind) == (name, "rejected")
    assert reason in skipped.reason


def test_capture_time_comes_from_the_person_then_the_camera_then_the_clock(project: Project) -> None:
    taken = jpeg_taken_at("2026:05:11 08:30:00")
    by_camera = uploaded(project, {"a.jpg": taken}).images.get()
    given = uploaded(project, {"b.jpg": jpeg_taken_at("2026:05:11 08:30:00", red=0.5)}, captured_at=NOON).images.get()
    unknown = uploaded(project, {"c.png": png(picture())}).images.get()
    assert (by_camera.captured_at, by_camera.captured_at_from) == (
        datetime(2026, 5, 11, 8, 30, tzinfo=UTC),
        "exif",
    )
    assert (given.captured_at, given.captured_at_from) == (NOON, "given")
    assert unknown.captured_at_from == "upload"


def test_a_bare_camera_clock_is_read_in_the_zone_of_the_installation(project: Project) -> None:
    with timezone.override("Europe/Berlin"):
        image = uploaded(project, {"a.jpg": jpeg_taken_at("2026:05:11 08:30:00")}).images.get()
    assert image.captured_at == datetime(2026, 5, 11, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("a/b.png", "a/b.png"),
        ("C:\\photos\\b.png", "C:/photos/b.png"),
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/b.png", "abs/b.png"),
        ("b\x00\n.png", "b.png"),
        ("", "unnamed"),
        ("x" * 600 + ".png", "x" * 496 + ".png"),
    ],
)
def test_names_are_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


def test_a_batch_without_a_model_waits_and_starts_when_one_goes_live(project: Project) -> None:
    batch = uploaded(project, {"a.png": png(picture(red=0.5))})
    assert batch_progress(batch).status == "waiting"
    add_color_model(project=project, user=None)
    assert batch_progress(batch).status == "queued"
    progress = batch_progress(segmented(batch))
    assert (progress.status, progress.done_count, progress.fail_verdict_count) == ("done", 1, 1)


def test_known_pictures_are_done_at_once_and_keep_their_numbers(project: Project) -> None:
    add_color_model(project=project, user=None)
    content = png(picture(red=0.5))
    segmented(uploaded(project, {"a.png": content}))
    again = batch_progress(uploaded(project, {"b.png": content}))
    assert (again.status, again.done_count) == ("done", 1)
    assert Prediction.objects.count() == 1


def test_an_open_batch_is_segmented_while_it_is_uploaded(project: Project) -> None:
    add_color_model(project=project, user=None)
    batch = open_batch(project=project, user=None)
    add_file(batch=batch, name="a.png", stream=io.BytesIO(png(picture())))
    segmented(batch)
    assert (batch_progress(batch).status, batch_progress(batch).done_count) == ("uploading", 1)
    seal_batch(batch=batch)
    assert batch_progress(batch).status == "done"
    assert batch.runs.get().state == Run.State.DONE


def test_another_model_version_keeps_the_old_numbers_beside(project: Project) -> None:
    old = add_color_model(project=project, user=None)
    batch = segmented(uploaded(project, {"a.png": png(picture(red=0.5))}))
    new = add_color_model(project=project, user=None)
    start_run(batch=batch, model_version=new, user=None)
    segmented(batch)
    assert Prediction.objects.get(is_current=True).model_version == new
    assert Prediction.objects.get(is_current=False).model_version == old
    assert Measurement.objects.count() == 6
    assert rollups.differences(project.pk) == []


def test_a_deleted_batch_takes_its_own_images_and_leaves_shared_ones(project: Project) -> None:
    go_live(model_version=add_color_model(project=project, user=None), user=None)
    shared, own = png(picture(red=0.2)), png(picture(red=0.4))
    first = segmented(uploaded(project, {"shared.png": shared, "own.png": own}))
    second = uploaded(project, {"shared.png": shared})
    gone = Image.objects.get(name="own.png")
    files = [storage.original_path(gone.sha256), storage.mask_path(gone.predictions.get().pk)]
    assert all(path.exists() for path in files)
    assert delete_batch(batch=first, user=None) == 1
    assert [row.name for row in Image.objects.all()] == ["shared.png"]
    assert batch_progress(second).done_count == 1
    assert rollups.differences(project.pk) == []
    assert Region.objects.exclude(prediction__image__name="shared.png").count() == 0


@pytest.mark.django_db(transaction=True)
def test_files_of_a_deleted_batch_are_removed(project: Project) -> None:
    batch = uploaded(project, {"own.png": png(picture())})
    path = storage.original_path(batch.images.get().sha256)
    assert path.exists()
    delete_batch(batch=batch, user=None)
    assert not path.exists()
