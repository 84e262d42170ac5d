"""Hostile ZIPs through the intake and the worker that unpacks: what is whole comes out, the rest is named in words."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from pathlib import Path

import pytest

from segmentation.datasets import DatasetError
from tests.hostile.archives import Entry, archive, hostile_zips, linked
from tests.hostile.mutations import mutated
from tests.hostile.samples import zipped
from tests.hostile.test_samples import NOT_FOR_PEOPLE
from tests.images import picture, png
from webapp import storage
from webapp.actions.upload import upload_batch
from webapp.models import Archive, Batch, Project
from webapp.pipeline.archives import ArchiveError
from webapp.pipeline.model_archive import unpack_model
from webapp.pipeline.unpack import unpack
from webapp.pipeline.unpack_dataset import unpack_dataset


def unpacked(project: Project, content: bytes) -> Batch:
    batch = upload_batch(project=project, user=None, files=[("photos.zip", io.BytesIO(content))])
    for waiting in Archive.objects.all():
        unpack(waiting.pk)
    assert not Archive.objects.exists()
    return batch


@pytest.mark.django_db
@pytest.mark.parametrize("kind", hostile_zips())
def test_whole_pictures_come_out_and_the_rest_is_named(kind: str, project: Project, data_folder: Path) -> None:
    expected = hostile_zips()[kind]
    batch = unpacked(project, expected.content)
    names = list(batch.batch_images.values_list("name", flat=True))
    assert len(names) == len(expected.names)
    assert set(names) == {name for name in expected.names if name != "*2"}
    refused = dict(batch.skipped_files.values_list("name", "reason"))
    assert refused.keys() == {name for name, _ in expected.reasons}
    for name, words in expected.reasons:
        assert words in refused[name]
        assert not NOT_FOR_PEOPLE.search(refused[name])
    assert not list(storage.temporary_folder().iterdir())


@pytest.mark.django_db
def test_mutated_archives_never_stop_the_worker(project: Project, data_folder: Path) -> None:
    whole = zipped({f"part {mark}.png": png(picture(mark=mark)) for mark in range(3)})
    for seed in range(40):
        batch = unpacked(project, mutated(whole, seed))
        told = batch.batch_images.count() + batch.skipped_files.count()
        assert told > 0, f"seed {seed}: nothing came out and nothing was said"
        for reason in batch.skipped_files.values_list("reason", flat=True):
            assert reason, f"seed {seed}"
            assert not NOT_FOR_PEOPLE.search(reason), f"seed {seed}: {reason}"


@pytest.mark.parametrize("kind", sorted(hostile_zips().keys() - {"a million entries"}))
def test_no_archive_writes_outside_its_folder(kind: str, tmp_path: Path) -> None:
    """A data set's and a model's ZIP are written to disk: nothing may land elsewhere, nor as a link."""
    source = tmp_path / "sent.zip"
    source.write_bytes(hostile_zips()[kind].content)
    for name, open_ in (("data set", unpack_dataset), ("model", unpack_model)):
        inside = tmp_path / name / "inside"
        inside.mkdir(parents=True)
        with contextlib.suppress(DatasetError, ArchiveError):
            open_(source, inside)
        assert [path.name for path in (tmp_path / name).iterdir()] == ["inside"]
        assert not [path for path in inside.rglob("*") if path.is_symlink()]
    assert {path.name for path in tmp_path.iterdir()} == {"sent.zip", "data set", "model"}


def test_data_sets_and_models_say_which_file_is_wrong(tmp_path: Path) -> None:
    cases = {
        "link": linked("images/a.png", "/etc/passwd"),
        "password": archive([Entry(b"config.json", b"{}", flags=1)]),
        "damaged": archive([Entry(b"config.json", b"{}", crc=1)]),
    }
    for words, content in cases.items():
        source = tmp_path / f"{words}.zip"
        source.write_bytes(content)
        with pytest.raises(DatasetError, match=f"the ZIP|{words}") as refused:
            unpack_dataset(source, tmp_path / f"set {words}")
        assert words in str(refused.value)
    for words in ("password", "damaged"):
        (tmp_path / words).mkdir()
        with pytest.raises(ArchiveError, match=words):
            unpack_model(tmp_path / f"{words}.zip", tmp_path / words)


def test_folder_names_too_long_for_a_disk_are_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "sent.zip"
    source.write_bytes(zipped({"images/" + "é" * 150 + ".png": b"x"}))
    with pytest.raises(DatasetError, match="longer than 240 bytes: éé"):
        unpack_dataset(source, tmp_path / "set")


def test_the_longest_list_costs_little_to_refuse(tmp_path: Path) -> None:
    """zipfile itself would make an object of every entry first."""
    source = tmp_path / "sent.zip"
    source.write_bytes(archive([Entry(b"a", b"x")], copies=10_001))
    with pytest.raises(ArchiveError, match="an archive may hold 10,000"):
        unpack_model(source, tmp_path)
    assert len(zipfile.ZipFile(source).infolist()) == 10_001


def test_seeds_repeat() -> None:
    content = random.Random(1).randbytes(500)
    assert mutated(content, 7) == mutated(content, 7) != mutated(content, 8)
