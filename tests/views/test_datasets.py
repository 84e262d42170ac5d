"""The pages of data sets: what there is, what is on its way, one of them, its files."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from django.utils import timezone
from PIL import Image as PillowImage

from tests.cast import signed_in
from tests.data_sets import write_set, zipped
from tests.views.visit import words
from webapp import storage
from webapp.actions.dataset_deletion import delete_dataset
from webapp.actions.datasets import freeze_annotations, import_dataset, pack_dataset
from webapp.models import (
    Annotation,
    Batch,
    BatchImage,
    Dataset,
    DatasetExport,
    DatasetImport,
    Evaluation,
    Image,
    ModelVersion,
    Project,
    TrainingRun,
    User,
)
from webapp.pipeline.export_dataset import run_export
from webapp.pipeline.freezing import require_unchanged
from webapp.pipeline.import_dataset import run_import
from webapp.pipeline.new_labels import create_label


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
    assert "imported before Pixelwise counted labels" in page(alice, f"/p/{project.slug}/data/")
    assert "has no training image to show it on" in page(alice, f"/p/{project.slug}/data/{old.pk}/")


def test_one_data_set(alice: User, project: Project, dataset: Dataset) -> None:
    text = words(page(alice, f"/p/{project.slug}/data/{dataset.pk}/"))
    assert "No validation image shows dent" in text
    assert "6 images 144 px, 1.2%" in text
    assert dataset.checksum in text
    assert "Dirty lens" in text
    assert text.count("Make ZIP as") == 5


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
    assert not run_import(wanted.pk)
    assert "autumn Waiting for its labels Stop" in words(page(alice, f"/p/{project.slug}/data/status"))
    address = f"/p/{project.slug}/data/imports/{wanted.pk}/labels"
    assert re.findall(r'<option value="([^"]*)" selected', page(alice, address))[-1] == "label:dent"
    assert client.post(address, {}).status_code == 422
    assert DatasetImport.objects.get().state == "asking"
    client.post(address, {"class-0": "ignore", "class-1": "label:rust", "class-2": "label:rust"})
    while run_import(wanted.pk):
        pass
    text = words(page(alice, f"/p/{project.slug}/data/status"))
    assert "autumn COCO instances" in text
    assert not project.labels.filter(name="dent").exists()
    dataset = Dataset.objects.get()
    rust = project.labels.get(name__iexact="rust")
    assert dataset.label_counts["train"] == {str(rust.index): 9}
    assert client.get(address).status_code == 302
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


def test_labels_that_all_match_are_not_asked_for_unless_wanted(alice: User, project: Project, tmp_path: Path) -> None:
    for name in ("background", "Rust", "dent"):
        if not project.labels.filter(name__iexact=name).exists():
            create_label(project, name=name, color="#123456", is_defect=True)
    archive = zipped(write_set(tmp_path / "set"))
    client = signed_in(alice)
    for ask, state in (("unknown", "done"), ("always", "asking"), ("never", "done")):
        sent = SimpleUploadedFile("x.zip", archive)
        client.post(f"/p/{project.slug}/data/upload", {"file": sent, "ask": ask})
        wanted = DatasetImport.objects.latest("pk")
        while run_import(wanted.pk):
            pass
        wanted.refresh_from_db()
        assert (wanted.state, wanted.error) == (state, "")


class TestDeleting:
    def test_what_only_it_holds_goes(self, alice: User, project: Project, dataset: Dataset) -> None:
        kept = Image.objects.filter(project=project).order_by("pk").first()
        assert kept is not None
        batch = Batch.objects.create(project=project, name="Night")
        BatchImage.objects.create(batch=batch, image=kept)
        gone = Image.objects.filter(project=project).order_by("pk").last()
        assert gone is not None
        mask = storage.annotation_path(gone.annotations.get().mask_sha256)
        assert storage.original_path(gone.sha256).exists()
        assert mask.exists()
        failed = TrainingRun.objects.create(
            project=project,
            dataset=dataset,
            architecture="unet",
            minutes=1,
            state="failed",
            error="no memory",
            finished_at=timezone.now(),
        )
        address = f"/p/{project.slug}/data/{dataset.pk}/"
        assert "1 training that made no model" in words(page(alice, address))
        with TestCase.captureOnCommitCallbacks(execute=True):
            answer = signed_in(alice).post(f"{address}delete", follow=True)
        assert "Spring tiles is deleted" in words(answer.content.decode())
        assert list(Image.objects.filter(project=project)) == [kept]
        assert not Annotation.objects.exists()
        assert not TrainingRun.objects.filter(pk=failed.pk).exists()
        assert storage.original_path(kept.sha256).exists()
        assert not storage.original_path(gone.sha256).exists()
        assert not mask.exists()

    def test_what_another_set_shares_stays(self, alice: User, project: Project, dataset: Dataset) -> None:
        wanted = freeze_annotations(project=project, user=alice, name="Mine")
        run_import(wanted.pk)
        delete_dataset(dataset=dataset, user=alice)
        frozen = Dataset.objects.get()
        require_unchanged(frozen)
        assert Annotation.objects.count() == 25

    def test_a_version_its_scores_or_a_training_hold_it(self, alice: User, project: Project, dataset: Dataset) -> None:
        address = f"/p/{project.slug}/data/{dataset.pk}/"
        run = TrainingRun.objects.create(project=project, dataset=dataset, architecture="unet", minutes=1)
        assert "1 training on it is not finished" in words(page(alice, address))
        refused = signed_in(alice).post(f"{address}delete", follow=True)
        assert "This data set cannot be deleted. 1 training on it" in words(refused.content.decode())
        TrainingRun.objects.filter(pk=run.pk).update(state="done", finished_at=timezone.now())
        version = ModelVersion.objects.create(
            project=project, number=3, architecture="unet", origin="trained", training_run=run, folder="x"
        )
        Evaluation.objects.create(model_version=version, dataset=dataset, split="test")
        text = words(page(alice, address))
        assert "Version 3 learned from it; it is the proof of where it comes from." in text
        assert "The scores of version 3 were measured on it." in text
        signed_in(alice).post(f"{address}delete")
        assert Dataset.objects.filter(pk=dataset.pk).exists()
