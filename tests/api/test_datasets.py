"""Data sets through the API: upload, follow, list."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.conftest import ApiClient
from tests.data_sets import write_set, zipped
from webapp.models import DatasetImport, Project
from webapp.pipeline.import_dataset import run_import


def test_upload_follow_and_list(api: ApiClient, project: Project, tmp_path: Path) -> None:
    path = f"projects/{project.slug}/datasets"
    assert api.get(path).json() == []
    sent = SimpleUploadedFile("spring.zip", zipped(write_set(tmp_path / "set", "voc")))
    answer = api.upload(path, file=sent, group_by="likeness, part", defects="false", split="auto")
    assert answer.status_code == 202
    started = answer.json()
    assert (started["name"], started["status"], started["dataset"]) == ("spring", "waiting", None)
    wanted = DatasetImport.objects.get(pk=started["id"])
    assert (wanted.grouping, wanted.new_labels_are_defects) == (["likeness", "part"], False)
    while run_import(wanted.pk):
        pass
    done = api.get(f"{path}/imports/{wanted.pk}").json()
    assert (done["status"], done["done_count"], done["image_count"], done["error"]) == ("done", 25, 25, "")
    [row] = api.get(path).json()
    assert row["id"] == done["dataset"]
    assert row["images"] == {"train": 15, "val": 5, "test": 5}
    assert {label["label"]: label["train"]["images"] for label in row["labels"]}["dent"] == 3
    assert not project.labels.get(name="dent").is_defect
    assert len(row["checksum"]) == 64
    assert row["notes"] == ["New labels in the project: Rust, dent."]


def test_without_a_file_the_annotations_are_frozen(api: ApiClient, project: Project, tmp_path: Path) -> None:
    path = f"projects/{project.slug}/datasets"
    refused = api.upload(path, name="Mine")
    assert refused.status_code == 422
    assert "annotations" in refused.json()["error"]["message"]
    api.upload(path, file=SimpleUploadedFile("a.zip", zipped(write_set(tmp_path / "set"))))
    run_import(DatasetImport.objects.get().pk)
    frozen = api.upload(path, name="Mine", group_by="batch,source")
    assert frozen.status_code == 202
    assert DatasetImport.objects.get(pk=frozen.json()["id"]).grouping == ["batch", "source"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "yolo"}, "format"),
        ({"split": "dice"}, "split"),
        ({"group_by": "moon"}, "grouping"),
        ({"defects": "perhaps"}, "defects"),
        ({"cityscapes_classes": "20"}, "cityscapes_classes"),
        ({"colour": "red"}, "colour"),
        ({"name": ["a", "b"]}, "name"),
    ],
)
def test_what_is_not_expected_is_named(
    api: ApiClient, project: Project, tmp_path: Path, fields: dict[str, str], field: str
) -> None:
    content = zipped(write_set(tmp_path / "set"))
    answer = api.upload(f"projects/{project.slug}/datasets", file=SimpleUploadedFile("a.zip", content), **fields)
    assert answer.status_code == 422
    assert list(answer.json()["error"]["fields"]) == [field]
    assert not DatasetImport.objects.exists()


def test_no_zip(api: ApiClient, project: Project) -> None:
    path = f"projects/{project.slug}/datasets"
    answer = api.upload(path, file=SimpleUploadedFile("a.zip", b"no archive"))
    assert answer.json()["error"]["fields"] == {
        "file": "Expected a ZIP with a data set; this file is none, or its end is missing."
    }
    assert api.upload(path, file="text").status_code == 422


def test_classes_are_mapped_and_a_set_is_deleted(api: ApiClient, project: Project, tmp_path: Path) -> None:
    path = f"projects/{project.slug}/datasets"
    content = zipped(write_set(tmp_path / "set"))
    for wrong in ("dent", ["dent=a", "dent=b"]):
        refused = api.upload(path, file=SimpleUploadedFile("a.zip", content), map=wrong)
        assert list(refused.json()["error"]["fields"]) == ["map"]
    answer = api.upload(path, file=SimpleUploadedFile("a.zip", content), map=["dent=Rust", "background="])
    assert answer.status_code == 202
    while run_import(answer.json()["id"]):
        pass
    [row] = api.get(path).json()
    assert {label["label"].lower(): label["train"]["images"] for label in row["labels"]}["rust"] == 9
    assert "dent" not in [label["label"] for label in row["labels"]]
    assert api("DELETE", f"{path}/{row['id']}").status_code == 204
    assert api.get(path).json() == []
    assert api("DELETE", f"{path}/{row['id']}").status_code == 404


def test_a_class_that_is_not_there_is_told(api: ApiClient, project: Project, tmp_path: Path) -> None:
    path = f"projects/{project.slug}/datasets"
    sent = SimpleUploadedFile("a.zip", zipped(write_set(tmp_path / "set")))
    started = api.upload(path, file=sent, map="moon=Rust").json()
    run_import(started["id"])
    told = api.get(f"{path}/imports/{started['id']}").json()
    assert told["status"] == "failed"
    assert "expected classes among background, Rust, dent" in told["error"]
