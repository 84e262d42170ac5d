"""Data sets on their way in and out: read by a worker in slices, split with care, frozen, packed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from segmentation.datasets import FORMATS, open_dataset, open_writer
from segmentation.masks import mask_png
from tests.data_sets import KINDS, LABELS, drawn, photo, write_set, zipped
from tests.images import png
from webapp import storage
from webapp.actions.datasets import freeze_annotations, import_dataset, pack_dataset, upload_dataset
from webapp.actions.refused import Refused
from webapp.models import Annotation, Dataset, DatasetExport, DatasetImport, Image, Project
from webapp.pipeline import import_dataset as importing
from webapp.pipeline.export_dataset import run_export
from webapp.pipeline.freezing import ChangedDatasetError, require_unchanged
from webapp.pipeline.import_dataset import run_import, waiting_imports

pytestmark = pytest.mark.django_db


def archive_of(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    path.write_bytes(zipped(folder))
    return path


def counts(dataset: Dataset) -> dict[str, int]:
    return {split: dataset.dataset_images.filter(split=split).count() for split in ("train", "val", "test")}


def names(dataset: Dataset, split: str) -> set[str]:
    return set(dataset.dataset_images.filter(split=split).values_list("name", flat=True))


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_becomes_the_same_data_set(project: Project, tmp_path: Path, format_: str) -> None:
    folder = write_set(tmp_path / "set", format_)
    dataset = import_dataset(project=project, user=None, path=folder)
    assert dataset.format == format_
    assert counts(dataset) == {"train": 15, "val": 5, "test": 5}
    rust, dent = project.labels.get(name="rust"), project.labels.get(name="dent")
    assert dataset.label_counts["train"] == {"0": 15, str(rust.index): 6, str(dent.index): 3}
    assert dataset.label_pixels["val"][str(dent.index)] == 24
    assert dataset.notes == ["New labels in the project: dent."]
    assert dataset.preview_name in names(dataset, "train")
    require_unchanged(dataset)


def test_blind_validation_is_dealt_anew_and_the_test_images_stay(project: Project, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", validation_kinds=((), (1,)))
    dataset = import_dataset(project=project, user=None, path=folder)
    assert any("no dent" in note and "The test images stay as given." in note for note in dataset.notes)
    assert names(dataset, "test") == {f"test-{number}" for number in range(5)}
    dent = str(project.labels.get(name="dent").index)
    assert dataset.label_counts["val"][dent] > 0
    assert dataset.label_counts["train"][dent] > 0
    kept = import_dataset(project=project, user=None, path=folder, split="given")
    assert names(kept, "val") == {f"val-{number}" for number in range(5)}
    assert any("No validation image shows dent" in note for note in kept.notes)


def test_without_splits_twins_stay_together(project: Project, tmp_path: Path) -> None:
    with open_writer("folder", tmp_path / "set", LABELS) as writer:
        for part in range(20):
            for exposure in range(3):
                dimmed = (photo(part) * (1 - 0.2 * exposure)).astype(np.uint8)
                writer.add(f"{exposure}/{part}", dimmed, drawn(*KINDS[part % 5]), split="train")
    (tmp_path / "set" / "splits.json").unlink()
    dataset = import_dataset(project=project, user=None, path=tmp_path / "set")
    sides: dict[str, set[str]] = {}
    for row in dataset.dataset_images.all():
        sides.setdefault(row.name.split("/")[1], set()).add(row.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert set(counts(dataset).values()) >= {9}
    by_group: dict[int, set[str]] = {}
    for group, split in dataset.dataset_images.values_list("group_number", "split"):
        by_group.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in by_group.values())


def test_leaking_twins_are_told(project: Project, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "images" / "part-00.png").write_bytes(png((photo(200) * 0.9).astype(np.uint8)))
    dataset = import_dataset(project=project, user=None, path=folder)
    assert any("1 training or validation image looks almost the same as a test image" in note for note in dataset.notes)


def test_a_changed_row_breaks_the_checksum(project: Project, tmp_path: Path) -> None:
    dataset = import_dataset(project=project, user=None, path=write_set(tmp_path / "set"))
    dataset.dataset_images.filter(name="test-3").update(split="train")
    with pytest.raises(ChangedDatasetError, match="is not what was frozen"):
        require_unchanged(dataset)


class TestUpload:
    def upload(self, project: Project, tmp_path: Path, **more: Any) -> DatasetImport:
        archive = archive_of(write_set(tmp_path / "set", "voc"))
        return upload_dataset(project=project, user=None, archive=archive, name="Parts", **more)

    def test_a_worker_reads_it_in_slices(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = self.upload(project, tmp_path)
        assert waiting_imports() == [wanted.pk]
        monkeypatch.setattr(importing, "SLICE_SECONDS", 0.0)
        turns = 1
        while run_import(wanted.pk):
            wanted.refresh_from_db()
            assert wanted.state == "running"
            turns += 1
            assert turns < 200
        wanted.refresh_from_db()
        assert (wanted.state, wanted.done_count, wanted.image_count) == ("done", 25, 25)
        assert turns > 1
        assert counts(wanted.dataset) == {"train": 15, "val": 5, "test": 5}
        assert wanted.dataset.notes == ["New labels in the project: dent."]
        assert not storage.dataset_import_folder(wanted.pk).exists()
        assert not storage.archive_path(wanted.archive).exists()
        assert waiting_imports() == []
        assert run_import(wanted.pk) is False

    def test_half_a_line_of_a_killed_worker_is_read_again(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = self.upload(project, tmp_path)
        monkeypatch.setattr(importing, "SLICE_SECONDS", 0.0)
        assert run_import(wanted.pk)
        lines = storage.dataset_import_folder(wanted.pk) / "members.jsonl"
        with lines.open("a") as file:
            file.write('{"name": "half')
        monkeypatch.setattr(importing, "SLICE_SECONDS", 60)
        assert run_import(wanted.pk) is False
        wanted.refresh_from_db()
        assert wanted.dataset.dataset_images.count() == 25

    def test_what_kills_the_worker_again_and_again_is_given_up(self, project: Project, tmp_path: Path) -> None:
        wanted = self.upload(project, tmp_path)
        DatasetImport.objects.filter(pk=wanted.pk).update(state="running", attempts_count=3)
        assert run_import(wanted.pk) is False
        wanted.refresh_from_db()
        assert "stopped 3 times" in wanted.error

    def test_a_fault_is_told_without_the_servers_folders(self, project: Project, tmp_path: Path) -> None:
        folder = write_set(tmp_path / "set", "voc")
        (folder / "ImageSets/Segmentation/train.txt").write_text("part-00\nghost\n")
        archive = archive_of(folder)
        wanted = upload_dataset(project=project, user=None, archive=archive, name="Parts")
        assert run_import(wanted.pk) is False
        wanted.refresh_from_db()
        assert wanted.error.startswith("wrapped/ImageSets/Segmentation/train.txt, line 2: lists 'ghost'")
        assert wanted.state == "failed"
        assert not Dataset.objects.exists()
        assert not storage.dataset_import_folder(wanted.pk).exists()

    def test_an_archive_that_is_none_or_hides_something(self, project: Project, tmp_path: Path) -> None:
        (tmp_path / "no.zip").write_bytes(b"no archive")
        with pytest.raises(Refused, match="Expected a ZIP"):
            upload_dataset(project=project, user=None, archive=tmp_path / "no.zip", name="x")
        with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
            link = zipfile.ZipInfo("images/a.png")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        wanted = upload_dataset(project=project, user=None, archive=tmp_path / "link.zip", name="x")
        run_import(wanted.pk)
        wanted.refresh_from_db()
        assert wanted.error == "images/a.png in the ZIP is a link, not a file"

    def test_names_that_climb_out_stay_inside(self, project: Project, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "up.zip", "w") as archive:
            archive.writestr("../../../escaped.txt", "x")
        wanted = upload_dataset(project=project, user=None, archive=tmp_path / "up.zip", name="x")
        run_import(wanted.pk)
        wanted.refresh_from_db()
        assert "expected a data set" in wanted.error
        assert not list(tmp_path.rglob("escaped.txt"))


class TestAnnotations:
    def annotate(self, project: Project, count: int = 20) -> None:
        for number in range(count):
            content = png(photo(number))
            sha256 = f"{number:064x}"
            storage.write(storage.original_path(sha256), content)
            image = Image.objects.create(
                project=project,
                source=project.sources.get() if number % 2 else None,
                name=f"shift/{number % 15}.png",
                sha256=sha256,
                format="PNG",
                size_bytes=len(content),
                width_px=32,
                height_px=24,
                captured_at="2026-05-12T12:00:00Z",
                captured_at_from="exif" if number < 5 else "upload",
            )
            for labels in ((), KINDS[number % 5]):
                mask_sha256 = f"{number:032x}{len(labels):032x}"
                storage.write(storage.annotation_path(mask_sha256), mask_png(drawn(*labels)))
                Annotation.objects.get_or_create(image=image, mask_sha256=mask_sha256)

    def freeze(self, project: Project, *grouping: str) -> Dataset:
        wanted = freeze_annotations(project=project, user=None, name=" ", grouping=grouping)
        while run_import(wanted.pk):
            pass
        wanted.refresh_from_db()
        assert wanted.error == ""
        assert wanted.dataset is not None
        return wanted.dataset

    def test_the_newest_annotation_of_each_image(self, project: Project) -> None:
        self.annotate(project)
        dataset = self.freeze(project)
        assert (dataset.name, dataset.format) == ("Annotations", "annotations")
        assert dataset.dataset_images.count() == 20
        assert set(dataset.dataset_images.values_list("annotation", flat=True)) <= set(
            Annotation.objects.filter(image__project=project)
            .order_by("image", "-id")
            .distinct("image")
            .values_list("pk", flat=True)
        )
        assert all(counts(dataset).values())

    def test_images_of_one_source_and_one_day_stay_together(self, project: Project) -> None:
        self.annotate(project)
        by_source = self.freeze(project, "source")
        splits = by_source.dataset_images.filter(annotation__image__source__isnull=False)
        assert len(set(splits.values_list("split", flat=True))) == 1
        by_day = self.freeze(project, "day")
        splits = by_day.dataset_images.filter(annotation__image__captured_at_from="exif")
        assert len(set(splits.values_list("split", flat=True))) == 1

    def test_test_images_of_an_earlier_set_never_go_to_training(self, project: Project) -> None:
        self.annotate(project)
        first = self.freeze(project)
        self.annotate_more(project)
        second = self.freeze(project)
        assert names(first, "test") <= names(second, "test")
        assert any("because an earlier data set" in note for note in second.notes)

    def annotate_more(self, project: Project) -> None:
        for image in Image.objects.filter(project=project):
            sha256 = f"f{image.pk:063x}"
            storage.write(storage.annotation_path(sha256), mask_png(drawn(1, 2)))
            Annotation.objects.create(image=image, mask_sha256=sha256)

    def test_too_few_are_refused(self, project: Project) -> None:
        with pytest.raises(Refused, match="at least 2 images"):
            freeze_annotations(project=project, user=None, name="x")
        self.annotate(project, 2)
        with pytest.raises(Refused, match="groupings among"):
            freeze_annotations(project=project, user=None, name="x", grouping=["moon"])


@pytest.mark.parametrize("format_", FORMATS)
def test_a_data_set_goes_out_in_any_format_and_comes_back_the_same(
    project: Project, tmp_path: Path, format_: str
) -> None:
    dataset = import_dataset(project=project, user=None, path=write_set(tmp_path / "set"))
    export = pack_dataset(dataset=dataset, user=None, format=format_)
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error) == ("done", "")
    packed = storage.dataset_export_path(export.pk)
    assert packed.stat().st_size == export.size_bytes
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "out")
    back = open_dataset(tmp_path / "out")
    assert {split: set(found) for split, found in back.splits.items()} == {
        split: names(dataset, split) for split in ("train", "val", "test")
    }
    again = import_dataset(project=project, user=None, path=tmp_path / "out", split="given")
    assert again == dataset


def test_a_picture_that_its_camera_turned_goes_out_upright(project: Project, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    turned = PillowImage.fromarray(np.ascontiguousarray(np.rot90(photo(1), 1)))
    details = PillowImage.Exif()
    details[274] = 6
    (folder / "images" / "part-01.png").unlink()
    turned.save(folder / "images" / "part-01.jpg", exif=details, quality=95)
    dataset = import_dataset(project=project, user=None, path=folder)
    export = pack_dataset(dataset=dataset, user=None, format="coco")
    run_export(export.pk)
    with zipfile.ZipFile(storage.dataset_export_path(export.pk)) as archive:
        assert "images/part-01.png" in archive.namelist()
        content = json.loads(archive.read("annotations/instances_train.json"))
    [row] = [row for row in content["images"] if row["file_name"] == "part-01.png"]
    assert (row["width"], row["height"]) == (32, 24)


def test_packing_again_uses_what_is_there(project: Project, tmp_path: Path) -> None:
    dataset = import_dataset(project=project, user=None, path=write_set(tmp_path / "set"))
    export = pack_dataset(dataset=dataset, user=None, format="voc")
    run_export(export.pk)
    assert pack_dataset(dataset=dataset, user=None, format="voc").state == "done"
    storage.dataset_export_path(export.pk).unlink()
    assert pack_dataset(dataset=dataset, user=None, format="voc").state == "waiting"
    with pytest.raises(Refused, match="Expected a format"):
        pack_dataset(dataset=dataset, user=None, format="yolo")
    assert DatasetExport.objects.count() == 1
