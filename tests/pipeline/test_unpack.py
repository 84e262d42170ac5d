"""Archives: pictures come out with their folders, everything else is named with its reason."""

from __future__ import annotations

import errno
import io
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.images import picture, png
from webapp import storage
from webapp.actions.upload import upload_batch
from webapp.models import Archive, Batch, Image, Project
from webapp.pipeline import receive
from webapp.pipeline import unpack as unpacking
from webapp.pipeline.sweep import sweep
from webapp.pipeline.unpack import unpack

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What a killed worker leaves: nothing after it is done."""


def zipped(files: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    stream.seek(0)
    return stream


def unpacked(project: Project, files: dict[str, bytes]) -> Batch:
    batch = upload_batch(project=project, user=None, files=[("photos.zip", zipped(files))])
    for archive in Archive.objects.all():
        path = storage.archive_path(archive.path)
        unpack(archive.pk)
        assert not path.exists()
    return batch


def names(batch: Batch) -> set[str]:
    return set(batch.batch_images.values_list("name", flat=True))


def reasons(batch: Batch) -> dict[str, str]:
    return dict(batch.skipped_files.values_list("name", "reason"))


def test_sub_folders_are_kept_and_system_files_left_out(project: Project) -> None:
    batch = unpacked(
        project,
        {
            "line 1/a.png": png(picture(mark=1)),
            "line 2/a.png": png(picture(mark=2)),
            "__MACOSX/line 1/._a.png": b"x",
            "line 1/Thumbs.db": b"x",
            ".DS_Store": b"x",
        },
    )
    assert names(batch) == {"line 1/a.png", "line 2/a.png"}
    assert reasons(batch) == {}


def test_broken_entries_are_listed_and_the_rest_goes_on(project: Project) -> None:
    batch = unpacked(project, {"notes.txt": b"hello", "a.png": png(picture(mark=1)), "cut.png": png(picture())[:60]})
    assert names(batch) == {"a.png"}
    assert set(reasons(batch)) == {"notes.txt", "cut.png"}


def test_names_that_climb_out_stay_inside(project: Project) -> None:
    assert names(unpacked(project, {"../../etc/a.png": png(picture(mark=1))})) == {"etc/a.png"}


def test_a_bomb_is_not_opened(project: Project) -> None:
    batch = unpacked(project, {"bomb.png": b"\0" * 30_000_000})
    assert "200 times" in reasons(batch)["bomb.png"]


def test_too_many_files_are_refused_whole(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILES", 1)
    batch = unpacked(project, {f"{mark}.png": png(picture(mark=mark)) for mark in range(2)})
    assert names(batch) == set()
    assert "may hold 1" in reasons(batch)["photos.zip"]


def test_too_much_in_all_is_refused_whole(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_TOTAL_BYTES", 100)
    batch = unpacked(project, {"a.png": png(picture(mark=1)), "b.png": png(picture(mark=2))})
    assert names(batch) == set()
    assert "an archive may hold 1e-07 GB" in reasons(batch)["photos.zip"]


def test_archives_inside_and_folders_without_end_are_listed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FOLDERS", 3)
    inner = zipped({"inner.png": png(picture(mark=1))}).getvalue()
    batch = unpacked(
        project,
        {"in.zip": inner, "in.tar.gz": b"x", "1/2/3/a.png": png(picture(mark=2)), "1/2/3/4/b.png": png(picture())},
    )
    assert names(batch) == {"1/2/3/a.png"}
    told = reasons(batch)
    assert told["1/2/3/4/b.png"] == "lies more than 3 folders deep"
    assert "archive inside an archive" in told["in.zip"]
    assert "archive inside an archive" in told["in.tar.gz"]


def test_a_member_over_the_limit_of_a_photo_is_not_unpacked(project: Project, settings: Any) -> None:
    settings.PIXELWISE_MAX_FILE_MB = 1
    large = random.Random(1).randbytes(1_200_000)
    assert reasons(unpacked(project, {"large.png": large})) == {"large.png": "has 1.2 MB; at most 1 MB are accepted"}


def test_many_members_go_group_by_group(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    store = unpacking.store_files

    def noted(batch: Batch, files: Any, **options: Any) -> Any:
        sizes.append(len(files))
        return store(batch, files, **options)

    monkeypatch.setattr(unpacking, "store_files", noted)
    monkeypatch.setattr(unpacking, "GROUP_FILES", 4)
    batch = unpacked(project, {f"{mark}.png": png(picture(mark=mark)) for mark in range(10)})
    assert sizes == [4, 4, 2]
    assert len(names(batch)) == 10


def test_memory_stays_flat_whatever_a_member_has(project: Project, tmp_path: Path) -> None:
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w") as packed, packed.open("large.png", "w") as member:
        for _ in range(120):
            member.write(bytes(1_000_000))
    with large.open("rb") as stream:
        batch = upload_batch(project=project, user=None, files=[("large.zip", stream)])
    tracemalloc.start()
    unpack(Archive.objects.get().pk)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "not an image" in reasons(batch)["large.png"]
    assert most_bytes < 30_000_000


def test_unpacking_twice_counts_once(project: Project, tmp_path: Path) -> None:
    files = {"a.png": png(picture(mark=1)), "b.png": png(picture(mark=1)), "c.txt": b"no"}
    batch = upload_batch(project=project, user=None, files=[("photos.zip", zipped(files))])
    archive = Archive.objects.get()
    content = storage.archive_path(archive.path).read_bytes()
    unpack(archive.pk)
    Archive.objects.bulk_create([archive])
    storage.archive_path(archive.path).write_bytes(content)
    unpack(archive.pk)
    assert names(batch) == {"a.png"}
    assert set(reasons(batch)) == {"b.png", "c.txt"}


def waiting(project: Project, files: dict[str, bytes]) -> Archive:
    """An archive that no worker has begun with."""
    upload_batch(project=project, user=None, files=[("photos.zip", zipped(files))])
    return Archive.objects.get()


def many(count: int) -> dict[str, bytes]:
    return {f"{mark}.png": png(picture(mark=mark)) for mark in range(count)}


def mortal(monkeypatch: pytest.MonkeyPatch, dies: Callable[[bytes], bool]) -> None:
    """Whoever looks at a picture of which `dies` says so is killed."""
    inspect = receive.inspect_picture

    def inspected(path: Path, **options: Any) -> Any:
        if dies(path.read_bytes()):
            raise Killed
        return inspect(path, **options)

    monkeypatch.setattr(receive, "inspect_picture", inspected)


def deaths_over(archive: Archive) -> int:
    """How many workers die until one comes to the end."""
    for count in range(20):
        assert (archive.pk, "zip") in sweep().archives
        try:
            unpack(archive.pk)
        except Killed:
            continue
        return count
    raise AssertionError("it kills workers for ever")


@pytest.mark.parametrize("place", [0, 2, 9])
def test_a_file_at_which_workers_die_is_set_aside_and_the_others_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(unpacking, "GROUP_FILES", 4)
    files = many(10)
    archive = waiting(project, files)
    mortal(monkeypatch, lambda content: content == files[f"{place}.png"])
    assert deaths_over(archive) == (2 if place == 0 else 3), "in its group, and then alone"
    assert names(archive.batch) == files.keys() - {f"{place}.png"}
    told = reasons(archive.batch)
    assert told.keys() == {f"{place}.png"}
    assert "the worker stopped 2 times while it unpacked this file" in told[f"{place}.png"]
    assert not Archive.objects.exists()
    assert not storage.archive_path(archive.path).exists()


def test_a_worker_that_is_killed_again_and_again_elsewhere_sets_nothing_aside(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "GROUP_FILES", 4)
    files = many(10)
    archive = waiting(project, files)
    restarts = [files[name] for name in ("1.png", "2.png", "5.png", "6.png", "9.png")]

    def once(content: bytes) -> bool:
        if content in restarts:
            restarts.remove(content)
            return True
        return False

    mortal(monkeypatch, once)
    assert deaths_over(archive) == 5
    assert names(archive.batch) == files.keys()
    assert reasons(archive.batch) == {}


def test_the_next_worker_goes_on_where_the_last_one_died(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "GROUP_FILES", 4)
    files = many(10)
    archive = waiting(project, files)
    seen: list[bytes] = []

    def dies_once(content: bytes) -> bool:
        seen.append(content)
        return seen.count(files["5.png"]) == 1 and content == files["5.png"]

    mortal(monkeypatch, dies_once)
    assert deaths_over(archive) == 1
    assert {name for name, content in files.items() if seen.count(content) > 1} == {"4.png", "5.png"}
    assert Image.objects.count() == 10


def test_an_archive_that_kills_whoever_opens_it_is_given_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = waiting(project, many(2))

    def deadly(*given: Any, **options: Any) -> Any:
        raise Killed

    monkeypatch.setattr(unpacking, "opened_archive", deadly)
    assert deaths_over(archive) == 4
    assert reasons(archive.batch) == {
        "photos.zip": "stopped the worker that opened it, 4 times; none of it is kept",
    }
    assert not storage.archive_path(archive.path).exists()


def test_a_full_disk_is_no_files_fault(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = waiting(project, many(2))

    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(receive, "move_all_into_place", full)
        for _ in range(6):
            with pytest.raises(OSError, match="No space"):
                unpack(archive.pk)
    unpack(archive.pk)
    assert len(names(archive.batch)) == 2
    assert reasons(archive.batch) == {}
