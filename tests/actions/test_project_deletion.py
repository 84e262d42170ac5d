"""Deleting a project: every row and every file of it, and nothing of anybody else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from tests.inspections import Plant, build_plant
from webapp import storage
from webapp.actions.project_deletion import delete_project
from webapp.models import (
    Annotation,
    Archive,
    Dataset,
    DatasetImage,
    EvaluatedImage,
    Evaluation,
    Image,
    Intake,
    ModelLabel,
    Notification,
    Prediction,
    SeenFile,
    SkippedFile,
    TrainingEpoch,
    TrainingRun,
    User,
    Workspace,
)


def full_plant(acme: Workspace, slug: str) -> Plant:
    """A project with a row in every table and a file of every kind."""
    plant = build_plant(acme, slug)
    first = plant.image({"scratch": [60], "pit": [5]}, source=plant.line_1)
    plant.image(source=plant.line_2)
    plant.line_1.zones.create(name="door", shape=((0, 0), (1, 0), (1, 1)))
    SkippedFile.objects.create(batch=plant.batch, name="a.txt", kind="rejected", reason="no picture")
    Archive.objects.create(batch=plant.batch, name="a.zip", path=f"{slug}.zip")
    Archive.objects.create(batch=plant.batch, name="still coming.zip", path="")
    half = {"batch": plant.batch, "name": "half.zip", "sha256": slug.ljust(64, "1"), "size_bytes": 9}
    plant.project.partial_uploads.create(**half)
    plant.batch.arrived_files.create(name="a.zip", sha256=slug.ljust(64, "2"), size_bytes=9, outcome="archive")
    plant.batch.announced_files.create(name="still to come.png", size_bytes=9)
    annotation = Annotation.objects.create(image=first, mask_sha256=slug.ljust(64, "0"))
    dataset = Dataset.objects.create(project=plant.project, name="set", checksum="0" * 64)
    DatasetImage.objects.create(dataset=dataset, annotation=annotation, name="a", split="train")
    plant.project.dataset_imports.create(name="on its way", archive=f"set-of-{slug}.zip")
    dataset.exports.create(format="voc", state="done", size_bytes=1)
    training = TrainingRun.objects.create(project=plant.project, dataset=dataset, architecture="unet")
    TrainingEpoch.objects.create(training_run=training, number=1, loss=1.0, seconds=1.0)
    _judge(plant, dataset)
    _keep(plant, first)
    ModelLabel.objects.create(model_version=plant.model_version, index=0, label=plant.labels["scratch"])
    intake = Intake.objects.create(project=plant.project, kind="folder", folder=f"/srv/{slug}", source=plant.line_1)
    now = timezone.now()
    SeenFile.objects.create(intake=intake, path="a", version="1", size_bytes=1, modified_at=now, seen_at=now)
    for path in files_of(plant):
        storage.write(path, b"x")
    return plant.count_up()


def _judge(plant: Plant, dataset: Dataset) -> None:
    """Another version, judged, shadowed, exported and live."""
    version, member = plant.new_model_version(), dataset.dataset_images.get()
    evaluation = Evaluation.objects.create(model_version=version, dataset=dataset, split="test")
    evaluation.images.create(dataset_image=member, is_defective=True, fails=False, largest_region_px=0)
    shadow = version.runs.create(kind="shadow")
    shadow.shadow_images.create(image=plant.project.images.first())
    version.exports.create(backend="onnx")
    plant.project.model_imports.create(name="mine.zip", path=f"model-of-{plant.project.slug}.zip")
    plant.project.promotions.create(model_version=version, previous=plant.model_version)


def _keep(plant: Plant, image: Image) -> None:
    """What people said, drew, saved and asked for."""
    project, person = plant.project, User.objects.order_by("pk").first()
    assert person is not None
    project.reviews.create(image=image, verdict="pass")
    sample = project.audit_samples.create(week=date(2026, 5, 11), seed=1)
    sample.strata.create(passed_count=1).images.create(image=image)
    project.saved_views.create(user=person, name="mine", page="dashboard")
    project.draft_rules.create(name="stricter")
    project.events.create(kind="rule", sentence="The rule changed.")
    project.reports.create(kind="csv")
    project.reports.create(kind="csv", state="done", path=f"report-of-{project.slug}.csv")
    schedule = project.report_schedules.create(
        user=person, name="weekly", kind="csv", every="week", next_at=timezone.now()
    )
    schedule.recipients.add(person)
    Notification.objects.create(user=person, project=project, sentence="Ready.")


def files_of(plant: Plant) -> list[Path]:
    images = Image.objects.filter(project=plant.project)
    predictions = Prediction.objects.filter(image__project=plant.project)
    masks = Annotation.objects.filter(image__project=plant.project)
    return [
        *(path(image.sha256) for image in images for path in (storage.original_path, storage.thumbnail_path)),
        *(path(one.pk) for one in predictions for path in (storage.mask_path, storage.overlay_path)),
        *(storage.annotation_path(one.mask_sha256) for one in masks),
        *(path(*one) for one in _evaluated(plant) for path in _EVALUATED),
        *(storage.truth_overlay_path(member) for _, member in _evaluated(plant)),
        *(storage.import_path(one.path) for one in plant.project.model_imports.all()),
        storage.archive_path(f"{plant.project.slug}.zip"),
        storage.model_folder(plant.model_version.folder) / "model.json",
        *(storage.archive_path(one.archive) for one in plant.project.dataset_imports.all()),
        *(storage.dataset_import_folder(one.pk) / "members.jsonl" for one in plant.project.dataset_imports.all()),
        *(storage.dataset_export_path(one.pk) for data in plant.project.datasets.all() for one in data.exports.all()),
        storage.report_path(f"report-of-{plant.project.slug}.csv"),
        *(storage.preview_path(one.pk, 0, 1) for one in plant.project.training_runs.all()),
    ]


_EVALUATED = (storage.evaluation_mask_path, storage.evaluation_overlay_path)


def _evaluated(plant: Plant) -> list[tuple[int, int]]:
    """Evaluation and image of the data set."""
    rows = EvaluatedImage.objects.filter(evaluation__model_version__project=plant.project)
    return list(rows.values_list("evaluation", "dataset_image"))


def row_counts() -> dict[str, int]:
    """Rows of every table that a project has a share in."""
    people = {"User", "Workspace", "Membership", "Invitation", "ApiToken", "LedgerReader", "RollupZone"}
    models = [model for model in apps.get_app_config("webapp").get_models() if model.__name__ not in people]
    return {model.__name__: model._default_manager.count() for model in models}


def test_every_row_and_file_goes_and_the_neighbour_stays(
    alice: User, acme: Workspace, django_capture_on_commit_callbacks: Any
) -> None:
    kept = full_plant(acme, "kept")
    before = row_counts()
    assert all(before.values()), f"full_plant lacks rows of {[name for name, rows in before.items() if not rows]}"
    gone = full_plant(acme, "gone")
    files = files_of(gone)
    with django_capture_on_commit_callbacks(execute=True):
        delete_project(project=gone.project, user=alice)
    assert row_counts() == before
    assert [path for path in files if path.exists()] == []
    assert not storage.model_folder(gone.model_version.folder).exists()
    assert all(path.exists() for path in files_of(kept))


def test_content_that_another_project_holds_keeps_its_files(
    alice: User, acme: Workspace, django_capture_on_commit_callbacks: Any
) -> None:
    kept, gone = full_plant(acme, "kept"), full_plant(acme, "gone")
    shared = Image.objects.filter(project=kept.project).first()
    other = Image.objects.filter(project=gone.project).first()
    assert shared is not None
    assert other is not None
    Image.objects.filter(pk=other.pk).update(sha256=shared.sha256)
    Annotation.objects.filter(image=other).update(mask_sha256=Annotation.objects.get(image=shared).mask_sha256)
    with django_capture_on_commit_callbacks(execute=True):
        delete_project(project=gone.project, user=alice)
    assert all(path.exists() for path in files_of(kept))


def test_members_cannot_delete(bob: User, acme: Workspace) -> None:
    plant = full_plant(acme, "kept")
    before = row_counts()
    with pytest.raises(PermissionDenied, match="Only an administrator of Acme"):
        delete_project(project=plant.project, user=bob)
    assert row_counts() == before
