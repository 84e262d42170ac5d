"""Model versions of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.cast import signed_in
from webapp import storage
from webapp.actions import model_versions
from webapp.models import Batch, ModelLabel, ModelVersion, Project, Run, User, Workspace
from webapp.pipeline.color_model import write_color_model


def text(answer: Any) -> str:
    return str(answer.content.decode())


def models_page(user: User, project: Project) -> str:
    return text(signed_in(user).get(f"/p/{project.slug}/models/"))


def test_without_a_model_the_page_says_that_batches_wait(alice: User, project: Project) -> None:
    Batch.objects.create(project=project, name="First")
    page = models_page(alice, project)
    assert "No model is live." in page
    assert "1 batch waits now" in page
    assert f"manage.py import_dataset FOLDER --project {project.slug}" in page
    assert f"manage.py train --project {project.slug} --architecture unet --minutes 60" in page


def test_first_model_goes_live_and_the_waiting_batch_starts(alice: User, project: Project) -> None:
    batch = Batch.objects.create(project=project, name="First")
    page = text(signed_in(alice).post(f"/p/{project.slug}/models/colors", follow=True))
    assert "Version 1 is live." in page
    assert Run.objects.get(batch=batch).model_version.number == 1
    page = text(signed_in(alice).post(f"/p/{project.slug}/models/colors", follow=True))
    assert "Version 2 is ready; make it live when you want to use it." in page


def test_versions_with_their_scores(alice: User, project: Project) -> None:
    version = model_versions.add_color_model(project=project, user=alice)
    ModelLabel.objects.filter(model_version=version, label__name="crack").update(validation_iou=0.7134)
    page = models_page(alice, project)
    assert "0.71" in page
    assert 'width="0.7134"' in page
    assert page.count("not measured") == 4
    assert "Label colours" in page
    assert "nearest-color" in page


def test_going_live_and_rolling_back(alice: User, project: Project) -> None:
    for _ in range(2):
        model_versions.add_color_model(project=project, user=alice)
    client = signed_in(alice)
    assert "Make version 2 live" in models_page(alice, project)
    page = text(client.post(f"/p/{project.slug}/models/2/live", follow=True))
    assert "Version 2 is live. New batches are segmented with it." in page
    assert "Roll back to version 1" in page
    client.post(f"/p/{project.slug}/models/1/live")
    project.refresh_from_db()
    assert project.live_model is not None
    assert project.live_model.number == 1


def test_starter_model_is_offered_where_its_labels_are(
    alice: User, acme: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = Project.objects.create(workspace=acme, name="Blank", slug="blank")
    blank.labels.create(index=0, name="background", color="#000000")
    with write_color_model(list(project.labels.all())) as folder:
        monkeypatch.setattr(model_versions, "STARTER_FOLDER", folder)
        assert "Use the starter model" in models_page(alice, project)
        assert "which this project does not have" in models_page(alice, blank)
        refused = text(signed_in(alice).post("/p/blank/models/starter", follow=True))
        assert "The starter model needs the labels" in refused
        signed_in(alice).post(f"/p/{project.slug}/models/starter")
        assert project.model_versions.get().origin == "starter"
        assert "This project has it already." in models_page(alice, project)


def test_model_card_is_text(alice: User, project: Project) -> None:
    version = model_versions.add_color_model(project=project, user=alice)
    card = storage.model_folder(version.folder) / "card.md"
    card.write_text("# Card\n<script>alert(1)</script>")
    page = text(signed_in(alice).get(f"/p/{project.slug}/models/1/"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert version.weights_sha256 in page


def test_a_missing_version_is_not_found_and_a_missing_card_is_told(
    alice: User, project: Project, data_folder: Path
) -> None:
    version = model_versions.add_color_model(project=project, user=alice)
    client = signed_in(alice)
    assert client.get(f"/p/{project.slug}/models/7/").status_code == 404
    assert client.get(f"/p/{project.slug}/models/{10**30}/").status_code == 404
    (storage.model_folder(version.folder) / "card.md").unlink()
    assert "This version came without a card." in text(client.get(f"/p/{project.slug}/models/1/"))


def test_failed_training_is_told(alice: User, project: Project) -> None:
    dataset = project.datasets.create(name="tiles", checksum="0" * 64)
    project.training_runs.create(
        dataset=dataset, architecture="unet", state="failed", error="Out of memory.", finished_at=timezone.now()
    )
    assert "Out of memory." in models_page(alice, project)
    assert not ModelVersion.objects.exists()
