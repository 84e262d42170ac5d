"""From a labelled folder to a live model and its scores, by the commands a person types."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as PillowImage

from analytics.statistics import wilson
from segmentation.architectures import build
from segmentation.augment_presets import augmentation_for
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.train_settings import TrainSettings
from segmentation.weights import load_spec, save_model
from tests.images import RED, picture, png
from tests.trainings import drawn_dataset
from webapp import storage
from webapp.actions.datasets import import_dataset
from webapp.actions.evaluations import start_evaluation
from webapp.actions.labels import change_labels, label_input
from webapp.models import Batch, Dataset, ModelVersion, Project, TrainingRun, batch_progress
from webapp.pipeline.evaluate_dataset import run_evaluation
from webapp.pipeline.training_lease import TrainingHeartbeat

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


def test_classes_are_mapped_by_hand(project: Project, folder: Path) -> None:
    project.labels.filter(name="rust").delete()
    labels = set(project.labels.values_list("name", flat=True))
    answer("import_dataset", str(folder), "--project", project.slug, "--map", "rust=paint", "--map", "background=")
    assert set(project.labels.values_list("name", flat=True)) == labels
    member = Dataset.objects.get().dataset_images.get(name="1")
    mask = np.asarray(PillowImage.open(storage.annotation_path(member.annotation.mask_sha256)))
    assert set(np.unique(mask)) == {255, project.labels.get(name="paint").index}
    for wrong, why in (("rust", "class=label"), ("moss=paint", "no 'moss'")):
        with pytest.raises(CommandError, match=why):
            call_command("import_dataset", str(folder), "--project", project.slug, "--map", wrong)


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
def test_train_makes_a_live_model_with_card_and_provenance(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the heartbeat has a connection of its own, which does not see the rows of this test's transaction
    monkeypatch.setattr(TrainingHeartbeat, "every_seconds", 600.0)
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
    low, high = scores["missed_interval"]
    assert low == 0
    assert high == pytest.approx(1000 * wilson(0, scores["counts"]["defective"]).high)
    assert scores["rejected_interval"] == [0, pytest.approx(1000 * wilson(0, scores["counts"]["good"]).high)]


def test_evaluate_says_it_in_words(project: Project, folder: Path) -> None:
    model = answer("train", "--project", project.slug, "--architecture", "nearest-color")["model"]
    out = io.StringIO()
    call_command("evaluate", "--model", str(model), "--dataset", str(folder), stdout=out)
    assert re.search(r"rust +1\.000 +1\.000 +1\.000 +1\.000 +1\.000", out.getvalue())
    assert "missed defective images: 0 of 2 = 0 per 1,000 (95 % interval 0 to 658)" in out.getvalue()
    assert "Confidence is off by 0.000 on average" in out.getvalue()


def test_a_label_the_model_does_not_know_counts_as_missed(project: Project, folder: Path) -> None:
    model = answer("train", "--project", project.slug, "--architecture", "nearest-color")["model"]
    (folder / "classes.json").write_text(json.dumps({"0": "background", "2": "burr"}))
    scores = answer("evaluate", "--model", str(model), "--dataset", str(folder))
    assert scores["iou"]["burr"] == 0
    assert scores["defective_count"] == 2


def test_evaluate_goes_by_what_the_labels_are_called_today(project: Project, folder: Path) -> None:
    model = answer("train", "--project", project.slug, "--architecture", "nearest-color")["model"]
    rust, paint = project.labels.get(name="rust"), project.labels.get(name="paint")
    for label, name in ((paint, "varnish"), (rust, "paint")):
        change_labels(project=project, user=None, changes={label.pk: replace(label_input(label), name=name)})
    (folder / "classes.json").write_text(json.dumps({"0": "background", "2": "paint"}))
    scores = answer("evaluate", "--model", str(model), "--dataset", str(folder))
    assert scores["iou"] == {"background": 1.0, "paint": 1.0, "varnish": None}
    assert scores["counts"] == {"defective": 2, "good": 2, "missed": 0, "rejected": 0}

    dataset = import_dataset(project=project, user=None, path=folder)
    evaluation = start_evaluation(model_version=ModelVersion.objects.get(pk=model), dataset=dataset, user=None)
    run_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    assert evaluation.scores["iou"] == scores["iou"], "the page says the same"


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


def test_every_option_of_train_reaches_the_library(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[TrainSettings] = []

    def learn(train_pairs: Any, validation_pairs: Any, spec: ModelSpec, settings: TrainSettings) -> Any:
        asked.append(settings)
        assert (spec.architecture, spec.encoder) == ("fpn", "resnet18")
        raise ValueError("enough was seen")

    monkeypatch.setattr("webapp.pipeline.train.train", learn)
    answer("import_dataset", str(folder), "--project", project.slug)
    arguments = ["--project", project.slug, "--architecture", "fpn", "--encoder", "resnet18", "--minutes", "2.5"]
    arguments += ["--crop-px", "96", "--seed", "7", "--loss", "focal", "--augment", "light, mirrored"]
    arguments += ["--mirrored-views"]
    with pytest.raises(CommandError, match="enough was seen"):
        call_command("train", *arguments, "--start", str(folder))
    (settings,) = asked
    assert (settings.minutes, settings.epochs, settings.crop_px, settings.seed) == (2.5, None, 96, 7)
    assert (settings.loss, settings.pretrained, settings.device) == ("focal", folder, "cpu")
    assert settings.augmentation == augmentation_for(["light", "mirrored"])
    assert settings.mirrors == ("horizontally",)
    with pytest.raises(CommandError, match="enough was seen"):
        call_command("train", "--project", project.slug, "--resume")
    assert asked[1] == settings, "a resumed training is the same training"
    assert TrainingRun.objects.count() == 1


def test_train_recommends_for_the_target(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingHeartbeat, "every_seconds", 600.0)
    drawn_dataset(project, train=16)
    model = answer("train", "--project", project.slug, "--target", "edge", "--epochs", "1", "--crop-px", "64")["model"]
    training_run = TrainingRun.objects.get()
    assert (training_run.target, training_run.architecture) == ("edge", "linknet-light")
    assert "a device at the line" in training_run.settings["why"]

    arguments = ["--start", str(model), "--epochs", "1", "--crop-px", "64"]
    found = ModelVersion.objects.get(pk=answer("train", "--project", project.slug, *arguments)["model"])
    card = (storage.model_folder(found.folder) / "card.md").read_text()
    assert "| kept of the earlier model | 100.0% of all weights |" in card


def test_options_of_train_reach_the_network(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrainingHeartbeat, "every_seconds", 600.0)
    drawn_dataset(project)
    arguments = ["--architecture", "segnet", "--options", '{"width": 8}', "--epochs", "1", "--crop-px", "64"]
    found = ModelVersion.objects.get(pk=answer("train", "--project", project.slug, *arguments)["model"])
    assert load_spec(storage.model_folder(found.folder)).options == {"width": 8}


def test_train_takes_the_parent_by_its_id(project: Project, folder: Path) -> None:
    answer("import_dataset", str(folder), "--project", project.slug)
    spec = ModelSpec("segnet", (LabelSpec(0, "background", "#808080"),), options={"width": 8})
    save_model(storage.model_folder("one"), spec, build(spec), card="")
    parent = ModelVersion.objects.create(
        project=project, number=1, architecture="segnet", origin="imported", folder="one", weights_sha256="0" * 64
    )
    with pytest.raises(CommandError, match="cannot start from version 1"):
        call_command("train", "--project", project.slug, "--architecture", "unet", "--start", str(parent.pk))
    (storage.model_folder("one") / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("train", "--project", project.slug, "--start", str(parent.pk))
    training_run = TrainingRun.objects.get()
    assert (training_run.start, training_run.parent, training_run.epochs_wanted) == ("parent", parent, 40)
    assert (training_run.architecture, training_run.settings["options"]) == ("segnet", {"width": 8})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--architecture", "magic"], "magic"),
        (["--architecture", "unet", "--loss", "sorrow"], "sorrow"),
        (["--architecture", "unet", "--augment", "earthquake"], "earthquake"),
        (["--architecture", "unet", "--crop-px", "3"], "32 to 2048"),
        (["--start", "hub"], "Random forest, the recommended network, has no encoder"),
        (["--encoder", "resnet34"], "Random forest, the recommended network, has no encoder"),
        (["--architecture", "segnet", "--options", "width=8"], "expected a JSON object such as"),
        (["--options", '{"width": 8}'], "Name the architecture"),
        (["--target", "moon"], "'pc', 'gpu-server', 'edge'"),
        (["--resume"], "nothing to resume"),
    ],
)
def test_train_refuses_what_cannot_be(project: Project, folder: Path, arguments: list[str], told: str) -> None:
    answer("import_dataset", str(folder), "--project", project.slug)
    with pytest.raises(CommandError, match=told):
        call_command("train", "--project", project.slug, *arguments)
