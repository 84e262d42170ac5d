"""The pages of data sets: what there is, what is on its way, one of them, its files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as PillowImage

from tests.cast import signed_in
from tests.data_sets import write_set, zipped
from tests.views.visit import words
from webapp.actions.datasets import import_dataset, pack_dataset
from webapp.models import Dataset, DatasetExport, DatasetImport, Project, User
from webapp.pipeline.export_dataset import run_export
from webapp.pipeline.import_dataset import run_import


def page(user: User, address: str, status: int = 200) -> str:
    answer = signed_in(user).get(address)
    assert answer.status_code == status
    return str(answer.content.decode())


@pytest.fixture
def dataset(alice: User, project: Project, tmp_path: Path) -> Dataset:
    folder = write_set(tmp_path / "set", validation_kinds=((), (1,)))
    return import_dataset(project=project, user=alice, path=folder, name="Spring tiles", split="given")


def test_an_empty_project_says_what_to_do(alice: User, project: Project) -> None:
    text = words(page(alice, f"/p/{project.slug}/data/"))
    assert "No data set yet" in text
    assert "This project has no annotated images yet" in text
    assert f"/p/{project.slug}/data/" in page(alice, f"/p/{project.slug}/models/")


def test_the_list_has_splits_labels_and_what_is_missing(alice: User, project: Project, dataset: Dataset) -> None:
    text = words(page(alice, f"/p/{project.slug}/data/"))
    assert "Spring tiles" in text
    assert "15 training" in text
    assert "5 test (locked)" in text
    assert "dent 4 missing in a split" in text
    assert "2 things to know" in text
    assert dataset.checksum[:12] in text
    assert "Freeze 25 annotated images" in text


def test_a_data_set_from_before_counting_is_shown(alice: User, project: Project) -> None:
    old = Dataset.objects.create(project=project, name="Old", checksum="5" * 64)
    assert "were not counted" in page(alice, f"/p/{project.slug}/data/")
    assert "has no training image to show it on" in page(alice, f"/p/{project.slug}/data/{old.pk}/")


def test_one_data_set(alice: User, project: Project, dataset: Dataset) -> None:
    text = words(page(alice, f"/p/{project.slug}/data/{dataset.pk}/"))
    assert "No validation image shows dent" in text
    assert "6 images 144 px, 1.2%" in text
    assert dataset.checksum in text
    assert "Dirty lens" in text
    assert text.count("Pack as") == 5


def test_examples_are_small_pictures_and_the_first_is_the_image_itself(
    alice: User, project: Project, dataset: Dataset
) -> None:
    client = signed_in(alice)

    def shown(place: int, query: str = "") -> np.ndarray:
        answer = client.get(f"/p/{project.slug}/data/{dataset.pk}/preview/{place}.webp{query}")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
        return np.asarray(PillowImage.open(io.BytesIO(answer.content)))

    assert shown(0).shape == (224, 224, 3)
    np.testing.assert_array_equal(shown(0), shown(3))
    assert not np.array_equal(shown(0), shown(3, "?presets=light&presets=dirty-lens&presets=made-up"))
    assert client.get(f"/p/{project.slug}/data/{dataset.pk}/preview/8.webp").status_code == 404


def test_upload_read_shown(alice: User, project: Project, tmp_path: Path) -> None:
    content = zipped(write_set(tmp_path / "set", "coco"))
    client = signed_in(alice)
    sent = SimpleUploadedFile("autumn.zip", content, "application/zip")
    answer = client.post(f"/p/{project.slug}/data/upload", {"file": sent, "new_labels_are_defects": "on"}, follow=True)
    text = words(answer.content.decode())
    assert "autumn Waiting for a worker Stop" in text
    assert 'hx-get="/p/' in answer.content.decode()
    wanted = DatasetImport.objects.get()
    assert (wanted.created_by, wanted.split, wanted.cityscapes_classes) == (alice, "auto", 19)
    while run_import(wanted.pk):
        pass
    text = words(page(alice, f"/p/{project.slug}/data/status"))
    assert "autumn COCO instances" in text
    assert "hx-get" not in page(alice, f"/p/{project.slug}/data/status")


def test_a_failed_import_says_why_and_goes_from_the_list(alice: User, project: Project) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("notes.txt", "<b>nothing</b>")
    client = signed_in(alice)
    client.post(f"/p/{project.slug}/data/upload", {"file": SimpleUploadedFile("x.zip", stream.getvalue())})
    wanted = DatasetImport.objects.get()
    run_import(wanted.pk)
    text = words(page(alice, f"/p/{project.slug}/data/"))
    assert "Could not be read" in text
    assert "the ZIP: expected a data set" in text
    client.post(f"/p/{project.slug}/data/imports/{wanted.pk}/dismiss")
    assert not DatasetImport.objects.exists()


def test_what_is_no_zip_is_refused_in_the_form_and_for_scripts(alice: User, project: Project) -> None:
    client, address = signed_in(alice), f"/p/{project.slug}/data/upload"
    answer = client.post(address, {"file": SimpleUploadedFile("x.zip", b"no")})
    assert answer.status_code == 422
    assert "this file is none" in answer.content.decode()
    script = client.post(address, {"file": SimpleUploadedFile("x.zip", b"no")}, headers={"Accept": "application/json"})
    assert "this file is none" in script.json()["error"]["message"]
    assert "Choose a ZIP" in client.post(address, {}).content.decode()
    assert "moon" in client.post(address, {"grouping": "moon"}).content.decode()
    assert not DatasetImport.objects.exists()


def test_annotations_are_frozen_with_the_grouping_chosen(alice: User, project: Project, dataset: Dataset) -> None:
    client, address = signed_in(alice), f"/p/{project.slug}/data/freeze"
    client.post(address, {"name": "  Mine ", "grouping": ["likeness", "day"]})
    wanted = DatasetImport.objects.get()
    assert (wanted.name, wanted.grouping, wanted.archive) == ("Mine", ["day", "likeness"], "")
    run_import(wanted.pk)
    frozen = Dataset.objects.exclude(pk=dataset.pk).get()
    assert frozen.dataset_images.count() == 25
    tested = dataset.dataset_images.filter(split="test").values_list("annotation", flat=True)
    assert set(tested) <= set(frozen.dataset_images.filter(split="test").values_list("annotation", flat=True))
    text = words(page(alice, f"/p/{project.slug}/data/{frozen.pk}/"))
    assert "images that look alike" in text
    assert "5 images stay test images" in text


def test_too_few_annotations_are_refused(alice: User, project: Project) -> None:
    answer = signed_in(alice).post(f"/p/{project.slug}/data/freeze", {})
    assert answer.status_code == 422
    assert "at least 2 images" in answer.content.decode()


def test_packed_and_downloaded(alice: User, project: Project, dataset: Dataset) -> None:
    client, address = signed_in(alice), f"/p/{project.slug}/data/{dataset.pk}/"
    answer = client.post(f"{address}pack", {"format": "voc"}, follow=True)
    assert "Being packed" in answer.content.decode()
    assert 'hx-select="#downloads"' in answer.content.decode()
    assert client.get(f"{address}voc.zip").status_code == 404
    run_export(DatasetExport.objects.get().pk)
    assert "ZIP, " in page(alice, address)
    packed = client.get(f"{address}voc.zip")
    assert packed["Content-Disposition"] == 'attachment; filename="Spring tiles-voc.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(packed.streaming_content))) as archive:
        assert "SegmentationClass/part-00.png" in archive.namelist()
    assert "Expected a format" in words(client.post(f"{address}pack", {"format": "x"}, follow=True).content.decode())


def test_names_are_text(alice: User, project: Project, dataset: Dataset) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(name="<script>alert(1)</script>", notes=["<i>note</i>"])
    export = pack_dataset(dataset=dataset, user=None, format="coco")
    DatasetExport.objects.filter(pk=export.pk).update(state="failed", error="<u>broken</u>")
    for address in (f"/p/{project.slug}/data/", f"/p/{project.slug}/data/{dataset.pk}/"):
        text = page(alice, address)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<script>alert" not in text
        assert "<u>broken" not in text
        assert "<i>note" not in text
