"""Leases are told by the database's clock: machines whose own clocks differ take nothing from each other."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.images import picture, png
from tests.trainings import drawn_dataset, queued_training
from tests.workers import LEASE
from webapp.actions.evaluations import start_evaluation
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Project, Report, TrainingRun, User
from webapp.pipeline import report_lease
from webapp.pipeline.claims import requeue_lost
from webapp.pipeline.evaluation_claims import claim_evaluation, requeue_lost_evaluations
from webapp.pipeline.held_claims import HeldClaims
from webapp.pipeline.report_lease import ReportHeartbeat, requeue_lost_reports
from webapp.pipeline.training_lease import TrainingHeartbeat, requeue_lost_trainings
from webapp.services import examination

pytestmark = pytest.mark.django_db

WORKER = "elsewhere:1"
Clock = Callable[[int], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Go to a machine whose clock is so many hours ahead of the database's."""
    now = timezone.now

    def ahead(hours: int) -> None:
        monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=hours))

    return ahead


def test_of_predictions(project: Project, clock: Clock) -> None:
    add_color_model(project=project, user=None)
    batch = upload_batch(project=project, user=None, files=[("a.png", io.BytesIO(png(picture())))])
    clock(-1)
    batch.runs.get().predictions.all().claim(worker=WORKER, count=1, lease=LEASE)
    clock(1)
    assert requeue_lost() == 0
    clock(-1)
    HeldClaims(WORKER, LEASE).renew()
    clock(0)
    assert requeue_lost() == 0


def test_of_trainings(project: Project, clock: Clock) -> None:
    training_run = queued_training(project)
    clock(-1)
    assert TrainingRun.objects.claim(training_run.pk, worker=WORKER, lease=LEASE)
    clock(1)
    assert requeue_lost_trainings() == 0
    clock(-1)
    TrainingHeartbeat(training_run.pk, WORKER)._renew()
    clock(0)
    assert requeue_lost_trainings() == 0


def test_of_evaluations(project: Project, clock: Clock) -> None:
    version = add_color_model(project=project, user=None)
    evaluation = start_evaluation(model_version=version, dataset=drawn_dataset(project), user=None)
    clock(-1)
    assert claim_evaluation(evaluation.pk, worker=WORKER) is not None
    clock(1)
    assert requeue_lost_evaluations() == 0


def test_of_reports(project: Project, clock: Clock) -> None:
    wanted = Report.objects.create(
        project=project, user=User.objects.create_user("alice@example.com", name="Alice"), kind="csv"
    )
    clock(-1)
    held = report_lease.claim(wanted.pk)
    assert held is not None
    clock(1)
    assert requeue_lost_reports() == 0
    clock(-1)
    ReportHeartbeat(held)._renew()
    clock(0)
    assert requeue_lost_reports() == 0


@pytest.mark.parametrize(
    ("hours", "sign", "says"),
    [
        (0, "✓", "this clock agrees with the database's"),
        (1, "–", "this clock is 3600 s ahead of the database's"),
        (-1, "–", "this clock is 3600 s behind the database's"),
    ],
)
def test_the_doctor_compares_the_clocks(clock: Clock, hours: int, sign: str, says: str) -> None:
    clock(hours)
    (found,) = (finding for finding in examination._database() if finding.part == "Time")
    assert (found.sign, found.says) == (sign, says)
