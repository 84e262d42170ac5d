"""Archives: pictures come out with their folders, everything else is named with its reason."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.images import picture, png
from webapp import storage
from webapp.actions.upload import upload_batch
from webapp.models import Archive, Batch, Project
from webapp.pipeline import unpack as unpacking
from webapp.pipeline.unpack import unpack

pytestmark = pytest.mark.django_db


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
