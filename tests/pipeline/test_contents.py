"""Content that several rows share: whoever removes it and whoever is about to lean on it wait for each other."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.data_sets import write_set
from tests.images import picture, png
from webapp import storage
from webapp.actions.batches import delete_batch
from webapp.actions.upload import StreamedFile, add_file, add_files, open_batch, upload_batch
from webapp.models import Annotation, Batch, DatasetImport, Image, Project
from webapp.pipeline import contents, left_originals, receive
from webapp.pipeline.contents import remove_unheld_masks, remove_unheld_pictures
from webapp.pipeline.import_dataset import import_labelled
from webapp.pipeline.left_originals import remove_left_originals
from webapp.pipeline.sweep import sweep

CONTENT = png(picture(mark=7))
SHA256 = hashlib.sha256(CONTENT).hexdigest()

_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


class Killed(BaseException):
    """What a killed process leaves: nothing after it is done."""


class Meanwhile:
    """Something done by another process, with a connection of its own, until it is done or waits for a lock of ours."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._is_done = Event()
        self._thread = Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()
        ends = time.monotonic() + 20
        while not self._is_done.wait(0.02) and time.monotonic() < ends:
            with connection.cursor() as cursor:
                cursor.execute(_WAITING)
                if cursor.fetchone()[0]:
                    return

    def join(self) -> None:
        self._thread.join(20)
        assert self._is_done.is_set()

    def _run(self) -> None:
        try:
            self._action()
        finally:
            connection.close()
            self._is_done.set()


def uploaded(project: Project) -> Batch:
    return upload_batch(project=project, user=None, files=[("a.png", io.BytesIO(CONTENT))])


@pytest.fixture
def elsewhere(project: Project) -> Batch:
    """An open batch of another project."""
    other = Project.objects.create(workspace=project.workspace, name="Other", slug="other")
    return open_batch(project=other, user=None)


def added(batch: Batch) -> None:
    add_file(batch=batch, name="b.png", stream=io.BytesIO(CONTENT))


@pytest.mark.django_db(transaction=True)
def test_content_that_comes_while_it_is_removed_is_stored_anew(
    project: Project, elsewhere: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uploaded(project)
    remove, upload = storage.remove, Meanwhile(lambda: added(elsewhere))

    def removing(paths: Collection[Path]) -> None:
        if storage.original_path(SHA256) in paths:
            upload.start()
        remove(paths)

    monkeypatch.setattr(storage, "remove", removing)
    delete_batch(batch=batch, user=None)
    upload.join()
    assert elsewhere.images.get().sha256 == SHA256
    assert storage.original_path(SHA256).read_bytes() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_content_is_not_removed_before_the_row_of_a_new_image_is_there(
    project: Project, elsewhere: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uploaded(project)
    link, deletion = receive.link_pictures, Meanwhile(lambda: delete_batch(batch=batch, user=None))

    def linking(*given: Any) -> Any:
        deletion.start()
        return link(*given)

    monkeypatch.setattr(receive, "link_pictures", linking)
    added(elsewhere)
    deletion.join()
    assert not Batch.objects.filter(project=project).exists()
    assert storage.original_path(SHA256).read_bytes() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_nothing_is_removed_while_a_command_reads_a_data_set(project: Project, tmp_path: Path) -> None:
    """Its photos and masks have no rows yet."""
    removed: list[int] = []

    def remove_all() -> None:
        photos = [path.name for path in (tmp_path / "originals").glob("*/*")]
        masks = [path.stem for path in (tmp_path / "annotations").glob("*/*")]
        removed.append(remove_unheld_pictures(photos) + remove_unheld_masks(masks))

    def halfway(done: int, total: int) -> None:
        if done == total // 2:
            other_process = Meanwhile(remove_all)
            other_process.start()
            other_process.join()

    dataset = import_labelled(project=project, user=None, path=write_set(tmp_path / "set", "folder"), progress=halfway)
    remove_all()
    assert removed == [0, 0]
    assert dataset.dataset_images.count() == 25
    for annotation in Annotation.objects.select_related("image"):
        assert storage.original_path(annotation.image.sha256).exists()
        assert storage.annotation_path(annotation.mask_sha256).exists()


@pytest.mark.django_db
def test_nothing_is_removed_while_a_worker_reads_a_data_set(project: Project) -> None:
    storage.write(storage.original_path(SHA256), CONTENT)
    storage.write(storage.annotation_path(SHA256), CONTENT)
    wanted = DatasetImport.objects.create(project=project, name="Tiles", state=DatasetImport.State.RUNNING)
    assert (remove_unheld_pictures([SHA256]), remove_unheld_masks([SHA256])) == (0, 0)
    wanted.delete()
    assert (remove_unheld_pictures([SHA256]), remove_unheld_masks([SHA256])) == (1, 1)
    assert not storage.original_path(SHA256).exists()
    assert not storage.annotation_path(SHA256).exists()


@pytest.mark.django_db
def test_many_go_a_part_at_a_time_and_what_is_held_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_AT_ONCE", 3)
    uploaded(project)
    others = [hashlib.sha256(bytes([number])).hexdigest() for number in range(8)]
    for sha256 in others:
        storage.write(storage.original_path(sha256), b"x")
    assert remove_unheld_pictures([SHA256, *others]) == 8
    assert storage.original_path(SHA256).exists()
    assert not any(storage.original_path(sha256).exists() for sha256 in others)


@pytest.mark.django_db
def test_a_group_takes_one_statement_to_hold_its_content(project: Project, tmp_path: Path) -> None:
    batch = open_batch(project=project, user=None)
    files = []
    for mark in range(24):
        content = png(picture(mark=mark))
        path = tmp_path / f"new-{mark}"
        path.write_bytes(content)
        files.append(StreamedFile(f"{mark}.png", path, hashlib.sha256(content).hexdigest(), len(content)))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        add_files(batch=batch, files=files)
    assert batch.images.count() == 24
    assert len([query for query in queries if "'content'" in query["sql"]]) == 1
    assert len(queries) <= 14


class TestLeftOriginals:
    """A process was killed between a file and its row."""

    pytestmark = pytest.mark.django_db

    def left(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
        def killed(*given: Any) -> Any:
            raise Killed

        batch = open_batch(project=project, user=None)
        with monkeypatch.context() as patched:
            patched.setattr(receive, "link_pictures", killed)
            with pytest.raises(Killed):
                added(batch)
        return storage.original_path(SHA256)

    def aged(self, path: Path) -> None:
        hours_ago = time.time() - 2 * 3600
        os.utime(path, (hours_ago, hours_ago))

    def looked_long_ago(self, tmp_path: Path) -> None:
        self.aged(tmp_path / "run" / "originals-looked-at")

    def test_one_that_no_image_has_is_removed_after_an_hour(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = self.left(project, monkeypatch)
        kept = upload_batch(project=project, user=None, files=[("b.png", io.BytesIO(png(picture())))]).images.get()
        self.aged(storage.original_path(kept.sha256))
        sweep()
        assert path.exists(), "its row may still come"
        self.aged(path)
        sweep()
        assert path.exists(), "once an hour is enough"
        self.looked_long_ago(tmp_path)
        sweep()
        assert not path.exists()
        assert storage.original_path(kept.sha256).exists()

    def test_one_that_is_sent_again_stays(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = self.left(project, monkeypatch)
        self.aged(path)
        added(open_batch(project=project, user=None))
        assert remove_left_originals() == 0
        assert path.read_bytes() == CONTENT

    def test_where_most_have_no_row_the_database_is_another_ones(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(left_originals, "_FEW", 2)
        image = uploaded(project).images.get()
        others = [storage.original_path(hashlib.sha256(bytes([number])).hexdigest()) for number in range(3)]
        for path in others:
            storage.write(path, b"x")
            self.aged(path)
        assert remove_left_originals() == 0
        assert all(path.exists() for path in others)
        others.pop().unlink()
        self.looked_long_ago(tmp_path)
        assert remove_left_originals() == 2
        assert Image.objects.get() == image
