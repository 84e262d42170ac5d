"""Versions judged on images kept apart, drawn so that the right answer is known: everything about `rust` is exact."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from analytics.tabs.area_known_errors import areas_from_images
from tests.images import RED, picture, png
from tests.trainings import drawn_dataset
from webapp import storage, tasks
from webapp.actions.datasets import import_dataset
from webapp.actions.evaluations import evaluate_all, start_evaluation
from webapp.actions.model_versions import add_color_model
from webapp.actions.refused import Refused
from webapp.actions.verdicts import change_rule
from webapp.models import Dataset, Evaluation, ModelVersion, Project
from webapp.models.leaderboard import holdout
from webapp.pipeline.evaluate_dataset import run_evaluation
from webapp.pipeline.evaluation_claims import claim_evaluation, requeue_lost_evaluations, waiting_evaluations
from webapp.pipeline.sweep import sweep

pytestmark = pytest.mark.django_db


def write_folder(path: Path, splits: dict[str, int]) -> Path:
    """Pictures of 40 × 30 px; of each split every other one is half red, and that half is rust."""
    (path / "images").mkdir(parents=True)
    (path / "masks").mkdir()
    names: dict[str, list[str]] = {split: [] for split in splits}
    for split, count in splits.items():
        for place in range(count):
            name = f"{split}-{place}"
            rgb = picture(red=0.5 if place % 2 else 0, mark=sum(map(len, names.values())))
            (path / "images" / f"{name}.png").write_bytes(png(rgb))
            PillowImage.fromarray((rgb == RED).all(axis=2).astype(np.uint8)).save(path / "masks" / f"{name}.png")
            names[split].append(name)
    (path / "classes.json").write_text(json.dumps({"0": "background", "1": "rust"}))
    (path / "splits.json").write_text(json.dumps(names))
    return path


@pytest.fixture
def dataset(project: Project, tmp_path: Path) -> Dataset:
    folder = write_folder(tmp_path / "parts", {"train": 2, "val": 2, "test": 4})
    return import_dataset(project=project, user=None, path=folder)


@pytest.fixture
def exact(project: Project) -> ModelVersion:
    return add_color_model(project=project, user=None)


def wrong_colors(project: Project) -> ModelVersion:
    """A version that takes red for paint, so that it misses all rust."""
    project.labels.filter(name="rust").update(color="#00ff00")
    project.labels.filter(name="paint").update(color="#dc1e1e")
    version = add_color_model(project=project, user=None)
    project.labels.filter(name="rust").update(color="#dc1e1e")
    project.labels.filter(name="paint").update(color="#1e3cdc")
    return version


def evaluated(version: ModelVersion, dataset: Dataset) -> Evaluation:
    evaluation = start_evaluation(model_version=version, dataset=dataset, user=None)
    run_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    return evaluation


def test_scores_are_exact_where_the_answer_is_known(exact: ModelVersion, dataset: Dataset) -> None:
    found = evaluated(exact, dataset)
    assert (found.state, found.split, found.image_count, found.done_count) == ("done", "test", 4, 4)
    assert found.scores["iou"] == {"background": 1.0, "rust": 1.0, "paint": None}
    assert found.scores["counts"] == {"defective": 2, "good": 2, "missed": 0, "rejected": 0}
    assert found.seconds_per_1000_images is not None
    assert found.seconds_per_1000_images > 0
    assert found.device == "cpu"
    assert "images" not in found.scores
    rows = found.images.order_by("dataset_image__name")
    assert [(row.dataset_image.name, row.is_defective, row.fails) for row in rows] == [
        ("test-0", False, False),
        ("test-1", True, True),
        ("test-2", False, False),
        ("test-3", True, True),
    ]
    assert all(row.mean_iou == 1.0 for row in rows)


def test_errors_are_counted_image_by_image(
    project: Project, exact: ModelVersion, dataset: Dataset, tmp_path: Path
) -> None:
    """Every other picture is half red; where people drew ten rows of forty pixels more, those count as missed."""
    ids = {label.name: str(label.pk) for label in project.labels.all()}
    rows = evaluated(exact, dataset).images.order_by("dataset_image__name")
    assert [row.label_pixels for row in rows[:2]] == [
        {ids["background"]: [1200, 0, 0]},
        {ids["background"]: [600, 0, 0], ids["rust"]: [600, 0, 0]},
    ]
    folder = write_folder(tmp_path / "more", {"train": 2, "test": 24})
    for path in sorted((folder / "masks").glob("test-*.png")):
        mask = np.array(PillowImage.open(path))
        mask[15:25] |= mask[:10]
        PillowImage.fromarray(mask).save(path)
    generous = import_dataset(project=project, user=None, path=folder)
    images = [row.label_pixels for row in evaluated(exact, generous).images.all()]
    assert images.count({ids["background"]: [200, 400, 0], ids["rust"]: [600, 0, 400]}) == 12
    areas = areas_from_images(images, {int(ids["rust"]): 6_000, int(ids["paint"]): 0})
    assert not isinstance(areas, str)
    assert areas[int(ids["rust"])].value == pytest.approx(10_000)
    assert int(ids["paint"]) not in areas


def test_keeps_the_mask_of_each_image_in_project_labels(exact: ModelVersion, dataset: Dataset) -> None:
    found = evaluated(exact, dataset)
    row = found.images.get(dataset_image__name="test-1")
    mask = np.asarray(PillowImage.open(storage.evaluation_mask_path(found.pk, row.dataset_image_id)))
    assert mask.shape == (30, 40)
    assert (mask[:15] == 1).all()
    assert (mask[15:] == 0).all()
    for path in (
        storage.evaluation_overlay_path(found.pk, row.dataset_image_id),
        storage.truth_overlay_path(row.dataset_image_id),
    ):
        shown = np.asarray(PillowImage.open(path).convert("RGB")).astype(int)
        assert shown[5, 5, 0] - shown[25, 5, 0] > 30


def test_a_blind_version_misses_every_defect(project: Project, dataset: Dataset) -> None:
    found = evaluated(wrong_colors(project), dataset)
    assert found.scores["iou"]["rust"] == 0
    assert found.scores["counts"] == {"defective": 2, "good": 2, "missed": 2, "rejected": 0}
    assert not found.images.filter(fails=True).exists()


def test_the_rule_in_force_judges(project: Project, exact: ModelVersion, dataset: Dataset) -> None:
    change_rule(project=project, user=None, min_region_px=10_000)
    exact.refresh_from_db()
    found = evaluated(exact, dataset)
    assert found.scores["counts"]["missed"] == 2
    assert found.scores["min_region_px"] == 10_000


def test_all_that_have_no_scores_are_started(project: Project, exact: ModelVersion, dataset: Dataset) -> None:
    evaluated(exact, dataset)
    second = wrong_colors(project)
    started = evaluate_all(dataset=dataset, user=None)
    assert [one.model_version_id for one in started] == [second.pk]
    assert evaluate_all(dataset=dataset, user=None) == []


def test_validation_stands_in_for_a_missing_test_split(project: Project, exact: ModelVersion) -> None:
    dataset = drawn_dataset(project, train=1, val=2, test=0)
    assert holdout(dataset).split == "val"
    assert evaluated(exact, dataset).split == "val"
    only = drawn_dataset(project, train=3, val=0, test=0)
    with pytest.raises(Refused, match="no test or validation images"):
        start_evaluation(model_version=exact, dataset=only, user=None)


def test_a_broken_model_says_why_and_can_be_asked_again(exact: ModelVersion, dataset: Dataset) -> None:
    weights = storage.model_folder(exact.folder) / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"nothing")
    found = evaluated(exact, dataset)
    assert found.state == "failed"
    assert "model.safetensors" in found.error
    weights.write_bytes(content)
    assert evaluated(exact, dataset).state == "done"


def test_a_dead_worker_loses_nothing(exact: ModelVersion, dataset: Dataset) -> None:
    evaluation = start_evaluation(model_version=exact, dataset=dataset, user=None)
    assert claim_evaluation(evaluation.pk, worker="elsewhere:1") is not None
    assert claim_evaluation(evaluation.pk, worker="elsewhere:2") is None
    assert waiting_evaluations() == []
    assert requeue_lost_evaluations() == 0
    Evaluation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert requeue_lost_evaluations() == 1
    assert waiting_evaluations() == [evaluation.pk]
    run_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.attempts_count) == ("done", 2)


def test_the_clock_wakes_a_worker_for_it(exact: ModelVersion, dataset: Dataset) -> None:
    evaluation = start_evaluation(model_version=exact, dataset=dataset, user=None)
    assert sweep().evaluations == [evaluation.pk]
    tasks.evaluate(evaluation.pk)
    evaluation.refresh_from_db()
    assert evaluation.state == "done"
    assert sweep().evaluations == []


def test_what_was_asked_anew_meanwhile_is_not_overwritten(
    exact: ModelVersion, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = start_evaluation(model_version=exact, dataset=dataset, user=None)
    path = storage.annotation_path(dataset.dataset_images.filter(split="test")[0].annotation.mask_sha256)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    claimed = storage.evaluation_overlay_path

    def stolen(evaluation_id: int, dataset_image_id: int) -> Path:
        Evaluation.objects.update(claimed_by="elsewhere:1")
        return claimed(evaluation_id, dataset_image_id)

    monkeypatch.setattr(storage, "evaluation_overlay_path", stolen)
    run_evaluation(evaluation.pk)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.claimed_by, evaluation.done_count) == ("running", "elsewhere:1", 0)
