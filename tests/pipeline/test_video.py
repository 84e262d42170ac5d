"""Videos: frames become images with times of their own, once each, and the video itself is gone afterwards."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analytics import Scope
from analytics.tabs.zones import presences, read_zones
from segmentation.pictures import read_rgb
from segmentation.video_files import video_kind
from tests.images import GREY, png
from tests.inspections import executed
from tests.videos import Draw, square, with_movie_time, write_video
from webapp import storage
from webapp.actions.model_versions import add_color_model
from webapp.actions.refused import Refused
from webapp.actions.upload import upload_batch
from webapp.actions.zones import rectangle
from webapp.models import Archive, Batch, Image, Project, Run, Source
from webapp.pipeline import blurred_video, left_archives, video
from webapp.pipeline.blurred_video import unpack_blurred_video
from webapp.pipeline.left_archives import remove_left_archives
from webapp.pipeline.segment import segment_run
from webapp.pipeline.video import unpack_video

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 12, 12, 0, tzinfo=UTC)


def moving(number: int) -> np.ndarray:
    return square(8 * number, 40)


def still(number: int) -> np.ndarray:
    return square(0, 0)


def film(folder: Path, draw: Draw = moving, *, count: int = 10, fps: float = 2.0, ending: str = "avi") -> bytes:
    codec = "mp4v" if ending == "mp4" else "MJPG"
    return write_video(folder / f"drawn.{ending}", draw, count=count, fps=fps, codec=codec).read_bytes()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outside of the project's data."""
    return tmp_path_factory.mktemp("drawn")


def uploaded(project: Project, content: bytes, name: str = "door/clip.avi", **options: object) -> Batch:
    return upload_batch(project=project, user=None, files=[(name, io.BytesIO(content))], **options)


def taken_apart(project: Project, content: bytes, name: str = "door/clip.avi", **options: object) -> Batch:
    batch = uploaded(project, content, name, **options)
    for archive in batch.archives.all():
        step = unpack_blurred_video if batch.blur == Batch.Blur.MODEL else unpack_video
        while step(archive.pk).is_more:
            pass
    return batch


def names(batch: Batch) -> list[str]:
    return list(batch.batch_images.order_by("image__captured_at").values_list("name", flat=True))


def reasons(batch: Batch) -> dict[str, str]:
    return dict(batch.skipped_files.values_list("name", "reason"))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_frames_are_images_with_their_time_in_the_recording(project: Project, folder: Path, tmp_path: Path) -> None:
    batch = taken_apart(project, film(folder), captured_at=NOON)
    assert names(batch) == [f"door/clip.avi 00:00:0{second}.0" for second in range(5)]
    images = list(batch.images.order_by("captured_at"))
    assert [image.captured_at for image in images] == [NOON + timedelta(seconds=second) for second in range(5)]
    assert {(image.captured_at_from, image.frame_seconds, image.format) for image in images} == {("given", 1.0, "JPEG")}
    shown = read_rgb(storage.original_path(images[3].sha256))
    assert np.abs(shown.astype(int) - moving(6)).mean() < 4, "the seventh frame, two a second"
    assert reasons(batch) == {}
    assert not Archive.objects.exists()
    assert sorted(path.parent.name for path in files_in(tmp_path)) == sorted(image.sha256[:2] for image in images)


def test_times_come_from_the_person_then_the_camera_then_the_upload(project: Project, folder: Path) -> None:
    since_1904 = int((NOON - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds())
    content = with_movie_time(film(folder, count=3, ending="mp4"), since_1904)
    by_camera = taken_apart(project, content, "a.mp4", frame_seconds=0.5).images.order_by("captured_at")
    assert [(one.captured_at, one.captured_at_from) for one in by_camera] == [
        (NOON + timedelta(seconds=step / 2), "exif") for step in range(3)
    ]
    unset = film(folder, still, count=3, ending="mp4")
    before = datetime.now(UTC)
    unknown = taken_apart(project, unset, "b.mp4").images.order_by("captured_at").first()
    assert unknown is not None
    assert unknown.captured_at_from == "upload"
    assert before <= unknown.captured_at <= datetime.now(UTC)


def test_a_square_that_is_in_a_zone_in_k_of_n_frames_is_there_k_of_n_times(project: Project, folder: Path) -> None:
    add_color_model(project=project, user=None)
    source = Source.objects.get()
    source.zones.create(name="Left", shape=rectangle(left=0, top=0, width=0.35, height=1))
    batch = taken_apart(project, film(folder), captured_at=NOON, source=source)
    for run in Run.objects.filter(batch=batch):
        while segment_run(run.pk):
            pass
    found = executed(read_zones, Scope(project_id=project.pk, time_zone="UTC"))
    (left,) = presences(found)
    assert (left.label.name, left.seen_count, left.n) == ("rust", 3, 5), "its centre is at 10, 20, 30, 40, 50 %"
    assert left.area_fraction == pytest.approx(3 / 5 * 32 * 32 / (160 * 120), rel=0.02)
    assert left.seconds == 3.0


def test_frames_that_look_the_same_count_each(project: Project, folder: Path) -> None:
    assert taken_apart(project, film(folder, still)).images.count() == 5


def test_a_worker_killed_on_the_way_leaves_none_out_and_adds_none_twice(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uploaded(project, film(folder, still), captured_at=NOON)
    archive = Archive.objects.get()
    keep, kept = video.link_pictures, []

    def dies(batch: Batch, pictures: list[object]) -> object:
        kept.append(pictures)
        if len(kept) == 3:
            raise SystemExit("killed")
        return keep(batch, pictures)

    with monkeypatch.context() as patched:
        patched.setattr(video, "link_pictures", dies)
        with pytest.raises(SystemExit):
            unpack_video(archive.pk)
    assert batch.images.count() == 2
    assert not unpack_video(archive.pk).is_more
    assert names(batch) == [f"door/clip.avi 00:00:0{second}.0" for second in range(5)]
    assert reasons(batch) == {}


def test_a_step_ends_in_time_and_the_next_goes_on(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "STEP_SECONDS", 0.0)
    batch = uploaded(project, film(folder))
    archive = Archive.objects.get()
    steps = [unpack_video(archive.pk).is_more for _ in range(6)]
    assert steps == [True] * 5 + [False]
    assert batch.images.count() == 5


def test_the_same_video_again_gives_the_same_images_at_the_finest_interval(project: Project, folder: Path) -> None:
    content = film(folder)
    taken_apart(project, content, frame_seconds=1.0)
    again = taken_apart(project, content, "again.avi", frame_seconds=0.5)
    assert (Image.objects.count(), again.images.count()) == (10, 10)
    assert set(Image.objects.values_list("frame_seconds", flat=True)) == {0.5}


def test_what_comes_before_a_cut_is_kept_and_the_cut_told(project: Project, folder: Path) -> None:
    content = film(folder, count=20)
    batch = taken_apart(project, content[: len(content) * 8 // 10], captured_at=NOON)
    assert names(batch) == [f"door/clip.avi 00:00:0{second}.0" for second in range(batch.images.count())]
    assert 4 <= batch.images.count() <= 8
    assert "ends too early" in reasons(batch)["door/clip.avi"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"Dear Sir or Madam,", "not a video that can be read here (looks like text)"),
        ("a.mp4", b"", "is empty"),
        ("a.txt", b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom", "before its table of frames"),
    ],
)
def test_what_is_no_video_is_listed_at_once(project: Project, name: str, content: bytes, reason: str) -> None:
    batch = uploaded(project, content, name)
    assert reason in reasons(batch)[name]
    assert not Archive.objects.exists()


def test_a_photo_with_a_videos_name_is_a_photo(project: Project) -> None:
    assert uploaded(project, png(still(0)), "a.mp4").images.get().format == "PNG"


def test_a_video_that_stops_its_worker_again_and_again_is_given_up(project: Project, folder: Path) -> None:
    batch = uploaded(project, film(folder))
    Archive.objects.update(attempts_count=video.MOST_ATTEMPTS, next_frame=2)
    archive = Archive.objects.get()
    assert not unpack_video(archive.pk).is_more
    assert "stopped the worker" in reasons(batch)["door/clip.avi"]
    assert not storage.archive_path(archive.path).exists()


def textured(number: int) -> np.ndarray:
    """A red square with a pattern that a mosaic must take away, moving over grey."""
    rgb = np.full((120, 160, 3), GREY, np.uint8)
    noise = np.random.default_rng(number).integers(-34, 35, (48, 48, 1))
    rgb[40:88, 10 * number : 10 * number + 48] = np.array((220, 30, 30)) + noise
    return rgb


def people_marked(project: Project) -> None:
    project.labels.filter(name="rust").update(is_person=True)
    add_color_model(project=project, user=None)
    project.refresh_from_db()


def test_no_file_holds_a_person_as_they_were(project: Project, folder: Path, tmp_path: Path) -> None:
    people_marked(project)
    content = film(folder, textured, count=8)
    plain = taken_apart(project, content, "plain.avi", blur_people=False)
    contrasts = {contrast(storage.original_path(image.sha256), image.name) for image in plain.images.all()}
    assert min(contrasts) > 8, "the pattern is in the frames to begin with"
    Image.objects.all().delete()
    for path in files_in(tmp_path):
        if "models" not in path.parts:
            path.unlink()
    batch = taken_apart(project, content, blur_people=True)
    assert batch.blur == Batch.Blur.MODEL
    for run in Run.objects.filter(batch=batch):
        while segment_run(run.pk):
            pass
    assert batch.images.count() == 4
    stored = [path for path in files_in(tmp_path) if "models" not in path.parts]
    assert {path.parts[-3] for path in stored} >= {"originals", "thumbnails"}
    pictures = {image.sha256: image.name for image in batch.images.all()}
    for path in stored:
        assert not video_kind(path.read_bytes()[:16]), path
        if path.stem in pictures:
            assert contrast(path, pictures[path.stem]) < 3, path


def contrast(path: Path, name: str) -> float:
    """How much neighbouring pixels of the person differ: of a pattern much, within a block of a mosaic hardly."""
    number = round(float(name[-4:]) * 2)
    shown = read_rgb(path).astype(float)[42:86, 10 * number + 2 : 10 * number + 46, 0]
    return float(np.median(np.abs(np.diff(shown, axis=1))))


def test_without_a_model_that_knows_people_nothing_is_taken(project: Project, folder: Path) -> None:
    with pytest.raises(Refused, match="no label of the live model is marked as people"):
        uploaded(project, film(folder), blur_people=True)
    assert not Batch.objects.exists()


def test_a_model_that_lost_its_people_meanwhile_stores_nothing(project: Project, folder: Path, tmp_path: Path) -> None:
    people_marked(project)
    batch = uploaded(project, film(folder), blur_people=True)
    project.labels.update(is_person=False)
    archive = Archive.objects.get()
    assert not unpack_video(archive.pk).is_more, "the plain task does not touch it"
    assert storage.archive_path(archive.path).exists()
    assert not unpack_blurred_video(archive.pk).is_more
    assert not batch.images.exists()
    assert "was not stored" in reasons(batch)["door/clip.avi"]
    assert not [path for path in files_in(tmp_path) if "models" not in path.parts]


def test_the_project_says_what_batches_start_with(project: Project) -> None:
    people_marked(project)
    Project.objects.update(blur_people=True)
    project.refresh_from_db()
    photos = [("a.png", io.BytesIO(png(still(0))))]
    assert upload_batch(project=project, user=None, files=photos).blur == Batch.Blur.MODEL


def test_a_video_whose_row_is_gone_is_removed(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded(project, film(folder))
    path = storage.archive_path(Archive.objects.get().path)
    monkeypatch.setattr(left_archives, "_LEFT_AFTER_SECONDS", 0)
    assert remove_left_archives() == 0
    Archive.objects.all().delete()
    assert remove_left_archives() == 1
    assert not path.exists()


def test_only_people_are_looked_for(project: Project) -> None:
    people_marked(project)
    found = blurred_video.people_finder(Batch(project=project))(textured(0))
    assert found.sum() == pytest.approx(48 * 48, rel=0.06)
