"""From a labelled folder to a live model and its scores, by the commands a person types."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as PillowImage

from tests.images import RED, picture, png
from webapp import storage
from webapp.models import Batch, Dataset, ModelVersion, Project, TrainingRun, batch_progress

pytestmark = pytest.mark.django_db


def answer(*arguments: str) -> dict[str, Any]:
    """The last line a command prints with --json."""
    printed = io.StringIO()
    call_command(*arguments, "--json", stdout=printed, stderr=io.StringIO())
    found: dict[str, Any] = json.loads(printed.getvalue().strip().splitlines()[-1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six training, three validation and four test pictures; every other one is half red, which is rust."""
    path = tmp_path / "parts"
    (path / "images").mkdir(parents=True)
    (path / "masks").mkdir()
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for place in range(13):
        split = "train" if place < 6 else "val" if place < 9 else "test"
        rgb = picture(red=0.5 if place % 2 else 0, width=64, height=48, mark=place)
        (path / "images" / f"{place}.png").write_bytes(png(rgb))
        mask = (rgb == RED).all(axis=2).astype(np.uint8) * 2
        PillowImage.fromarray(mask).save(path / "masks" / f"{place}.png")
        splits[split].append(str(place))
    (path / "classes.json").write_text(json.dumps({"0": "background", "2": "rust"}))
    (path / "splits.json").write_text(json.dumps(splits))
    return path


def test_import_adds_missing_labels_and_freezes_images_masks_and_split(project: Project, folder: Path) -> None:
    project.labels.filter(name="rust").delete()
    found = answer("import_dataset", str(folder), "--project", project.slug)
    assert found["images"] == {"train": 6, "val": 3, "test": 4}
    rust = project.labels.get(name="rust")
    assert rust.is_defect
    member = Dataset.objects.get().dataset_images.get(name="1")
    mask = np.asarray(PillowImage.open(storage.annotation_path(member.annotation.mask_sha256)))
    assert set(np.unique(mask)) == {0, rust.index}
    assert answer("import_dataset", str(folder), "--project", project.slug)["dataset"] == found["dataset"]


def test_a_bad_folder_is_refused_with_the_file_at_fault(project: Project, folder: Path) -> None:
    (folder / "masks" / "3.png").unlink()
    with pytest.raises(CommandError, match=r"3\.png"):
        call_command("import_dataset", str(folder), "--project", project.slug)
    assert not Dataset.objects.exists()


def test_an_unknown_project_names_those_that_exist(project: Project, folder: Path) -> None:
    with pytest.raises(CommandError, match=project.slug):
        call_command("import_dataset", str(folder), "--project", "nowhere")


def test_training_without_a_data_set_says_how_to_get_one(project: Project) -> None:
    with pytest.raises(CommandError, match="import_dataset"):
        call_command("train", "--project", project.slug, "--architecture", "unet", "--epochs", "1")


def test_an_unknown_architecture_or_encoder_is_refused(project: Project, folder: Path) -> None:
    call_command("import_dataset", str(folder), "--project", project.slug, "--json", stdout=io.StringIO())
    with pytest.raises(CommandError, match="unet"):
        call_command("train", "--project", project.slug, "--architecture", "magic", "--epochs", "1")
    arguments = ["--project", project.slug, "--architecture", "unet", "--encoder", "magic", "--epochs", "1"]
    with pytest.raises(CommandError, match="magic"):
        call_command("train", *arguments)
    assert TrainingRun.objects.get().state == TrainingRun.State.FAILED


@pytest.mark.slow
def test_train_makes_a_live_model_with_card_and_provenance(project: Project, folder: Path) -> None:
    dataset = answer("import_dataset", str(folder), "--project", project.slug)["dataset"]
    found = answer("train", "--project", project.slug, "--architecture", "unet", "--epochs", "2")
    model_version = ModelVersion.objects.get(pk=found["model"])
    project.refresh_from_db()
    assert project.live_model == model_version
    assert set(found["iou"]) == {"background", "rust"}
    assert model_version.training_run is not None
    assert (model_version.training_run.dataset_id, model_version.training_run.state) == (dataset, "done")
    assert model_version.training_run.epochs.count() == 2
    card = (storage.model_folder(model_version.folder) / "card.md").read_text()
    assert model_version.training_run.dataset.checksum in card

    scores = answer("evaluate", "--model", str(found["model"]), "--dataset", str(folder))
    assert set(scores["iou"]) == {"background", "rust"}
    assert {"missed_per_1000", "rejected_per_1000"} <= set(scores)


def test_evaluate_is_exact_where_the_answer_is_known(project: Project, folder: Path) -> None:
    model = answer("train", "--project", project.slug, "--architecture", "nearest-color")["model"]
    scores = answer("evaluate", "--model", str(model), "--dataset", str(folder))
    assert scores["iou"] == {"background": 1.0, "rust": 1.0, "paint": None}
    assert (scores["missed_per_1000"], scores["rejected_per_1000"], scores["image_count"]) == (0, 0, 4)


def test_a_label_the_model_does_not_know_counts_as_missed(project: Project, folder: Path) -> None:
    model = answer("train", "--project", project.slug, "--architecture", "nearest-color")["model"]
    (folder / "classes.json").write_text(json.dumps({"0": "background", "2": "burr"}))
    scores = answer("evaluate", "--model", str(model), "--dataset", str(folder))
    assert scores["iou"]["burr"] == 0
    assert scores["defective_count"] == 2


def test_segment_makes_a_batch_of_a_folder(project: Project, folder: Path) -> None:
    answer("train", "--project", project.slug, "--architecture", "nearest-color")
    (folder / "images" / "notes.txt").write_text("no picture")
    found = answer("segment", str(folder / "images"), "--project", project.slug)
    assert (found["images"], found["done"], found["defective"], found["rejected"]) == (13, 13, 6, 1)
    batch = Batch.objects.get(pk=found["batch"])
    assert batch_progress(batch).status == "done"


def test_segment_without_a_model_says_how_to_get_one(project: Project, folder: Path) -> None:
    with pytest.raises(CommandError, match="Train one"):
        call_command("segment", str(folder / "images"), "--project", project.slug)
