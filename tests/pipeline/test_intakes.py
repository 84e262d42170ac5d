"""A watched folder: every file once, whole, with its reason where it is refused, whoever is killed meanwhile."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.images import picture, png
from tests.intakes import look_now, put, states
from webapp.actions.batches import delete_batch
from webapp.actions.model_versions import add_color_model
from webapp.models import Archive, Batch, BatchImage, Image, Intake, Prediction, Project, SeenFile
from webapp.pipeline import intakes
from webapp.pipeline.intake_folder import FolderPlace
from webapp.pipeline.intakes import look, waiting_intakes
from webapp.pipeline.open_uploads import open_uploads
from webapp.pipeline.sweep import sweep
from webapp.tasks import look_into

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What a killed worker leaves: nothing after it is done."""


def test_a_file_is_taken_at_the_second_look_and_never_again(intake: Intake, incoming: Path) -> None:
    put(incoming, "line 3/left/a.png", png(picture()))
    look_now(intake)
    assert states(intake) == {"line 3/left/a.png": "waiting"}
    assert not Image.objects.exists()
    look_now(intake, times=3)
    assert states(intake) == {"line 3/left/a.png": "stored"}
    batch = Batch.objects.get()
    assert batch.name.startswith("line 3 · ")
    assert (batch.source, batch.sealed_at) == (intake.source, None)
    assert [row.name for row in batch.batch_images.all()] == ["line 3/left/a.png"]
    assert (intake.error, intake.looked_at is not None) == ("", True)


def test_what_still_grows_waits(intake: Intake, incoming: Path, settings: LazySettings) -> None:
    content = png(picture())
    put(incoming, "a.png", content[:40])
    look_now(intake)
    put(incoming, "a.png", content[:60])
    look_now(intake)
    put(incoming, "a.png", content)
    settings.PIXELWISE_WATCH_SECONDS = 60
    look_now(intake, times=3)
    assert states(intake) == {"a.png": "waiting"}
    settings.PIXELWISE_WATCH_SECONDS = 0
    look_now(intake)
    assert states(intake) == {"a.png": "stored"}
    assert SeenFile.objects.count() == 1


def test_refused_and_known_files_are_told_with_their_reason(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.png", png(picture()))
    put(incoming, "again.png", png(picture()))
    put(incoming, "notes.txt", b"hello there")
    put(incoming, ".hidden.png", png(picture(red=1)))
    look_now(intake, times=2)
    assert states(intake) == {"a.png": "stored", "again.png": "repeated", "notes.txt": "rejected"}
    reasons = dict(SeenFile.objects.values_list("path", "reason"))
    assert reasons["again.png"] == "the same image as a.png"
    assert "not an image" in reasons["notes.txt"]
    assert {row.name for row in Batch.objects.get().skipped_files.all()} == {"again.png", "notes.txt"}


def test_a_zip_is_handed_to_those_who_unpack(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.zip", b"PK\x05\x06" + bytes(18))
    look_now(intake, times=2)
    assert states(intake) == {"a.zip": "archive"}
    assert Archive.objects.get().batch == Batch.objects.get()


def test_too_large_is_told_before_anything_is_copied(intake: Intake, incoming: Path, settings: LazySettings) -> None:
    settings.PIXELWISE_MAX_FILE_MB = 0
    put(incoming, "a.png", png(picture()))
    look_now(intake)
    assert "at most 0 MB" in SeenFile.objects.get(state="rejected").reason


def test_a_file_written_anew_under_its_name_is_taken_anew(intake: Intake, incoming: Path) -> None:
    put(incoming, "latest.png", png(picture()))
    look_now(intake, times=2)
    put(incoming, "latest.png", png(picture(red=0.5)))
    look_now(intake, times=2)
    assert Image.objects.count() == 2
    assert list(SeenFile.objects.values_list("state", flat=True)) == ["stored", "stored"]


def test_links_are_refused_and_never_followed(intake: Intake, incoming: Path, tmp_path: Path) -> None:
    secret = put(tmp_path / "elsewhere", "secret.png", png(picture(red=1)))
    (incoming / "link.png").symlink_to(secret)
    (incoming / "folder").symlink_to(secret.parent)
    look_now(intake, times=3)
    assert states(intake) == {"link.png": "rejected", "folder": "rejected"}
    assert not Image.objects.exists()


def test_a_link_swapped_in_after_the_listing_is_not_followed(intake: Intake, incoming: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "a.png", png(picture(red=1)))
    put(incoming, "sub/a.png", png(picture(red=1)))
    descriptor = os.open(incoming, os.O_RDONLY)
    try:
        place = FolderPlace(descriptor)
        (entry,) = place.entries("")
        (incoming / "sub").rename(incoming / "was")
        (incoming / "sub").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(NotADirectoryError), place.opened(entry):
            pass
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("how", ["gone", "link", "not allowed any more"])
def test_a_folder_that_cannot_be_watched_says_why_and_goes_on_later(
    intake: Intake, incoming: Path, settings: LazySettings, how: str
) -> None:
    put(incoming, "a.png", png(picture()))
    inner = incoming.with_name("away")
    Intake.objects.filter(pk=intake.pk).update(folder=str(incoming / "camera"))
    if how == "link":
        inner.mkdir()
        (incoming / "camera").symlink_to(inner)
    if how == "not allowed any more":
        (incoming / "camera").mkdir()
        settings.PIXELWISE_WATCH_FOLDERS = [str(inner)]
    look_now(intake)
    assert ("Expected a folder at or below" if how.startswith("not") else "is not there, or a link") in intake.error
    assert intake.next_look_at > timezone.now() + timedelta(seconds=30)
    settings.PIXELWISE_WATCH_FOLDERS = [str(incoming)]
    Intake.objects.filter(pk=intake.pk).update(folder=str(incoming))
    look_now(intake, times=2)
    assert (intake.error, states(intake)["a.png"]) == ("", "stored")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_worker_loses_nothing_and_takes_nothing_twice(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    for number in range(5):
        put(incoming, f"{number}.png", png(picture(mark=number)))
    look_now(intake)
    store = intakes.store_files

    def killed(*given: Any, **options: Any) -> Any:
        if moment == "after":
            store(*given, **options)
        raise Killed

    monkeypatch.setattr(intakes, "store_files", killed)
    with pytest.raises(Killed):
        look_now(intake)
    assert set(states(intake).values()) == {"taking"}
    monkeypatch.setattr(intakes, "store_files", store)
    look_now(intake, times=2)
    assert Image.objects.count() == BatchImage.objects.count() == 5
    assert Batch.objects.count() == 1
    assert set(states(intake).values()) == {"stored"}
    assert not Batch.objects.get().skipped_files.exists()


def test_a_file_at_which_workers_die_is_set_aside_and_the_others_go_on(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(("a.png", "bomb.png", "c.png", "d.png")):
        put(incoming, name, png(picture(mark=number)))
    look_now(intake)
    store = intakes.store_files

    def mortal(batch: Batch, files: list[Any]) -> Any:
        if any(file.name == "bomb.png" for file in files):
            raise Killed
        return store(batch, files)

    monkeypatch.setattr(intakes, "store_files", mortal)
    for _ in range(3):
        with pytest.raises(Killed):
            look_now(intake)
    look_now(intake)
    assert states(intake) == {"a.png": "stored", "bomb.png": "rejected", "c.png": "stored", "d.png": "stored"}
    assert "stopped 3 times" in SeenFile.objects.get(path="bomb.png").reason


def test_a_full_disk_is_told_and_nothing_is_lost(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(incoming, "a.png", png(picture()))
    look_now(intake)

    def full(*given: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(intakes, "store_files", full)
        look_now(intake, times=5)
    assert "No space left" in intake.error
    look_now(intake)
    assert (intake.error, states(intake)) == ("", {"a.png": "stored"})


def test_the_batch_of_an_hour_is_sealed_when_the_hour_is_over(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_color_model(project=intake.project, user=None)
    put(incoming, "a.png", png(picture()))
    look_now(intake, times=2)
    first = Batch.objects.get()
    assert first.sealed_at is None
    assert Prediction.objects.count() == 1
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(intakes, "_hour", lambda now: later.replace(minute=0, second=0, microsecond=0))
    put(incoming, "b.png", png(picture(red=0.5)))
    look_now(intake, times=2)
    first.refresh_from_db()
    assert first.sealed_at is not None
    second = Batch.objects.exclude(pk=first.pk).get()
    assert [row.name for row in second.batch_images.all()] == ["b.png"]


def test_a_batch_that_a_person_closed_is_followed_by_another(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.png", png(picture()))
    look_now(intake, times=2)
    Batch.objects.update(sealed_at=timezone.now())
    put(incoming, "b.png", png(picture(red=0.5)))
    look_now(intake, times=2)
    assert Batch.objects.count() == 2
    assert set(states(intake).values()) == {"stored"}


def test_a_file_that_goes_before_its_turn_leaves_no_empty_batch(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(incoming, "a.png", png(picture()))
    look_now(intake)
    listed = FolderPlace.entries

    def entries(self: FolderPlace, after: str) -> Any:
        found = list(listed(self, after))
        path.unlink(missing_ok=True)
        return iter(found)

    monkeypatch.setattr(FolderPlace, "entries", entries)
    look_now(intake)
    assert states(intake) == {}
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(intakes, "_hour", lambda now: later)
    look_now(intake)
    assert not Batch.objects.exists()


def test_files_of_a_deleted_batch_stay_taken(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.png", png(picture()))
    look_now(intake, times=2)
    delete_batch(batch=Batch.objects.get(), user=None)
    look_now(intake, times=2)
    assert not Image.objects.exists()
    assert states(intake) == {"a.png": "stored"}


def test_time_that_is_up_gives_way_and_goes_on_where_it_was(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        put(incoming, f"{number}.png", png(picture(mark=number)))
    look_now(intake)
    monkeypatch.setattr(intakes, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(intakes, "TAKEN_AT_ONCE", 3)
    monkeypatch.setattr(intakes, "LISTED_AT_ONCE", 4)
    slices = 0
    while look_now(intake).is_unfinished:
        slices += 1
    assert slices == 3
    assert Image.objects.count() == 7
    assert intake.cursor == ""


def test_the_clock_calls_a_worker_who_looks(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.png", png(picture()))
    assert sweep().intakes == [intake.pk]
    look_into(intake.pk)
    assert sweep().intakes == []
    assert states(intake) == {"a.png": "waiting"}


def test_a_batch_that_fills_by_itself_is_not_offered_as_a_broken_upload(intake: Intake, incoming: Path) -> None:
    put(incoming, "a.png", png(picture()))
    look_now(intake, times=2)
    assert open_uploads(intake.project) == []


def test_what_is_off_or_not_due_is_left_alone(intake: Intake) -> None:
    assert waiting_intakes() == [intake.pk]
    look_now(intake)
    assert waiting_intakes() == []
    Intake.objects.update(next_look_at=timezone.now(), is_on=False)
    assert waiting_intakes() == []
    assert look(intake.pk).runs == []


@pytest.mark.parametrize("after", ["", "a.png", "a/1.png", "a/b/2.png", "a/z", "zz"])
def test_entries_come_in_the_order_of_their_paths_from_anywhere(tmp_path: Path, after: str) -> None:
    names = ["a-b.png", "a.png", "a/1.png", "a/b/2.png", "a/b/3.png", "a/c.png", "ä.png", "b/x/y/z.png"]
    for name in names:
        put(tmp_path, name, b"x")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        found = [entry.path for entry in FolderPlace(descriptor).entries(after)]
    finally:
        os.close(descriptor)
    assert found == sorted(name for name in names if name > after)


def test_names_that_are_no_text_and_paths_that_are_too_long(intake: Intake, incoming: Path) -> None:
    (Path(os.fsdecode(os.fsencode(incoming) + b"/caf\xe9.png"))).write_bytes(png(picture()))
    deep = incoming
    for _ in range(6):
        deep = deep / ("d" * 200)
    put(deep, "a.png", png(picture(red=1)))
    look_now(intake, times=2)
    found = states(intake)
    assert found.pop("caf\\xe9.png") == "stored"
    (state,) = found.values()
    assert state == "rejected"
    assert "longer than 1024 bytes" in SeenFile.objects.get(state="rejected").reason


def test_a_project_goes_with_its_intakes(intake: Intake, incoming: Path) -> None:
    from_project = Project.objects.get(pk=intake.project_id)
    put(incoming, "a.png", png(picture()))
    look_now(intake, times=2)
    from_project.intakes.all().delete()
    assert not SeenFile.objects.exists()
    assert Image.objects.count() == 1


def test_a_batch_closed_while_files_are_taken_is_followed_by_another_with_all_of_them(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(incoming, "a.png", png(picture()))
    put(incoming, "b.png", png(picture(red=0.5)))
    put(incoming, "c.zip", b"PK\x05\x06" + bytes(18))
    put(incoming, "notes.txt", b"hello there")
    look_now(intake)
    store, groups = intakes.store_files, []

    def closed_meanwhile(batch: Batch, files: Any) -> Any:
        groups.append(batch)
        if len(groups) == 1:
            Batch.objects.filter(pk=batch.pk).update(sealed_at=timezone.now())
        return store(batch, files)

    monkeypatch.setattr(intakes, "store_files", closed_meanwhile)
    look_now(intake)
    assert intake.error == ""
    assert states(intake) == {"a.png": "stored", "b.png": "stored", "c.zip": "archive", "notes.txt": "rejected"}
    closed, following = groups
    assert not closed.images.exists()
    assert not closed.skipped_files.exists()
    assert (following.images.count(), following.archives.count(), following.skipped_files.count()) == (2, 1, 1)
    assert Archive.objects.count() == 1


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, ValueError])
def test_an_error_of_our_own_is_not_told_as_one_of_the_folder(
    intake: Intake, incoming: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    put(incoming, "a.png", png(picture()))
    look_now(intake)

    def broken(*given: Any) -> Any:
        raise error("ours")

    with monkeypatch.context() as patched:
        patched.setattr(intakes, "store_files", broken)
        with pytest.raises(error, match="ours"):
            look_now(intake)
    intake.refresh_from_db()
    assert intake.error == ""
    look_now(intake)
    assert states(intake) == {"a.png": "stored"}
