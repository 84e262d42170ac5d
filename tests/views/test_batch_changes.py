"""What a person can do to a batch, and what outsiders cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.views.visit import Visit, running, start_visit
from webapp.models import Batch, Image, Prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def test_run_with_another_model(visit: Visit) -> None:
    visit.plant.image({"scratch": [60]})
    newer = visit.plant.new_model_version()
    response = visit.client.post(visit.address("batch-run", visit.plant.batch.pk), {"model_version": newer.pk})
    assert response.status_code == 302
    run = visit.plant.batch.runs.get(model_version=newer)
    assert (run.state, run.predictions.count(), run.created_by) == ("running", 1, visit.alice)


def test_no_run_with_a_foreign_model(visit: Visit) -> None:
    foreign = Batch.objects.exclude(project=visit.plant.project).get().project.live_model
    assert foreign is not None
    for model_version in (foreign.pk, "", "x"):
        response = visit.client.post(visit.address("batch-run", visit.plant.batch.pk), {"model_version": model_version})
        assert response.status_code == 404


def test_cancel_keeps_what_is_done(visit: Visit) -> None:
    batch, run = running(visit, 5)
    response = visit.client.post(visit.address("batch-cancel", batch.pk, run.pk), follow=True)
    assert "5 images will not be segmented" in response.content.decode()
    assert "Segment the rest" in response.content.decode()
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_retry_queues_only_what_failed(visit: Visit) -> None:
    batch, run = running(visit, 3)
    first = run.predictions.earliest("id")
    Prediction.objects.filter(pk=first.pk).update(state="failed", error="is damaged")
    response = visit.client.post(visit.address("batch-retry", batch.pk, run.pk), follow=True)
    assert "1 image will be tried again" in response.content.decode()
    first.refresh_from_db()
    assert (first.state, first.error) == ("queued", "")
    response = visit.client.post(visit.address("batch-retry", batch.pk, run.pk), follow=True)
    assert "nothing to try again" in response.content.decode()


def test_rename(visit: Visit) -> None:
    batch = visit.plant.batch
    visit.client.post(visit.address("batch-rename", batch.pk), {"name": " Shift 7 "})
    batch.refresh_from_db()
    assert batch.name == "Shift 7"
    response = visit.client.post(visit.address("batch-rename", batch.pk), {"name": " "}, follow=True)
    assert "The name was not changed" in response.content.decode()


def test_delete_takes_the_pictures_along(visit: Visit) -> None:
    visit.plant.image({"scratch": [60]})
    visit.plant.count_up()
    response = visit.client.post(visit.address("batch-delete", visit.plant.batch.pk), follow=True)
    assert "with 1 image that only it held" in response.content.decode()
    assert not Batch.objects.filter(pk=visit.plant.batch.pk).exists()
    assert not Image.objects.filter(project=visit.plant.project).exists()


@pytest.mark.parametrize("name", ["batch-run", "batch-finish", "batch-rename", "batch-delete"])
def test_others_change_nothing(visit: Visit, name: str) -> None:
    address = visit.address(name, visit.plant.batch.pk)
    assert visit.outsider.post(address).status_code == 404
    assert visit.client.get(address).status_code == 405
    assert Batch.objects.filter(pk=visit.plant.batch.pk, name="First").exists()


@pytest.mark.parametrize("name", ["batch-cancel", "batch-retry"])
def test_others_touch_no_run(visit: Visit, name: str) -> None:
    batch, run = running(visit, 2)
    assert visit.outsider.post(visit.address(name, batch.pk, run.pk)).status_code == 404
    assert visit.client.post(visit.address(name, visit.plant.batch.pk, run.pk)).status_code == 404
    run.refresh_from_db()
    assert run.state == "running"
