"""A shadow run shows what a version would change, and changes no number until that version is used."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from analytics import Scope, build_dashboard, dashboard_json
from tests.cast import person
from tests.images import picture, png
from webapp.actions.model_versions import add_color_model, go_live
from webapp.actions.promotion import promote, start_shadow_run
from webapp.actions.refused import Refused
from webapp.actions.runs import cancel_run, start_run
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.models import (
    Batch,
    Image,
    InspectionRollup,
    Membership,
    ModelVersion,
    Prediction,
    Project,
    Run,
    User,
)
from webapp.models.shadow import shadow_result
from webapp.pipeline import rollups
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db


def segment_everything() -> None:
    for run in Run.objects.filter(state=Run.State.RUNNING).order_by("id"):
        while segment_run(run.pk):
            pass


def numbers(project: Project, **limits: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        return dashboard_json(build_dashboard(cursor, Scope(project_id=project.pk, time_zone="UTC", **limits)))


@pytest.fixture
def batch(project: Project) -> Batch:
    """Six segmented images: three grey, two half red (rust), one half blue (paint)."""
    add_color_model(project=project, user=None)
    batch = open_batch(project=project, user=None)
    shares = [(0, 0), (0, 0), (0, 0), (0.5, 0), (0.5, 0), (0, 0.5)]
    for mark, (red, blue) in enumerate(shares):
        rgb = picture(red=red, blue=blue, mark=mark)
        add_file(batch=batch, name=f"{mark}.png", stream=io.BytesIO(png(rgb)))
    seal_batch(batch=batch)
    segment_everything()
    return batch


@pytest.fixture
def blind(project: Project, batch: Batch) -> ModelVersion:
    """A version for which red is paint and blue is rust: it fails the one and passes the two."""
    rust, paint = project.labels.get(name="rust"), project.labels.get(name="paint")
    colors = {rust.pk: paint.color, paint.pk: rust.color}
    for pk, color in colors.items():
        project.labels.filter(pk=pk).update(color=color)
    version = add_color_model(project=project, user=None)
    for label in (rust, paint):
        label.save()
    return version


def test_shows_the_changed_verdicts(blind: ModelVersion) -> None:
    run = start_shadow_run(model_version=blind, user=None)
    assert not shadow_result(run).is_over
    segment_everything()
    result = shadow_result(run)
    assert result.is_over
    assert (result.image_count, result.pass_count, result.fail_count) == (6, 4, 2)
    assert (result.pass_to_fail_count, result.fail_to_pass_count) == (1, 2)
    assert {pair.image.name for pair in result.changed} == {"3.png", "4.png", "5.png"}
    run.refresh_from_db()
    assert run.state == Run.State.DONE


def test_changes_no_number_of_any_dashboard(project: Project, batch: Batch, blind: ModelVersion) -> None:
    scopes: list[dict[str, Any]] = [{}, {"model_version_id": blind.pk}, {"batch_id": batch.pk}]
    scopes.append({"batch_id": batch.pk, "model_version_id": blind.pk})
    before = [numbers(project, **scope) for scope in scopes]
    rows = list(InspectionRollup.objects.values())
    start_shadow_run(model_version=blind, user=None)
    waiting = [numbers(project, **scope) for scope in scopes]
    segment_everything()
    assert waiting == before
    assert [numbers(project, **scope) for scope in scopes] == before
    assert list(InspectionRollup.objects.values()) == rows
    assert rollups.differences(project.pk) == []
    assert not Prediction.objects.filter(model_version=blind, is_current=True).exists()


def test_is_taken_over_without_segmenting_again(project: Project, batch: Batch, blind: ModelVersion) -> None:
    start_shadow_run(model_version=blind, user=None, image_count=4)
    segment_everything()
    found = set(Prediction.objects.filter(model_version=blind).values_list("pk", "finished_at"))
    go_live(model_version=blind, user=None)
    assert numbers(project)["defective"] == 2
    run = start_run(batch=batch, model_version=blind, user=None)
    assert run.predictions.filter(state="queued").count() == 2
    assert Prediction.objects.filter(model_version=blind, is_current=True).count() == 4
    assert rollups.differences(project.pk) == []
    segment_everything()
    assert found < set(Prediction.objects.filter(model_version=blind).values_list("pk", "finished_at"))
    assert not Prediction.objects.filter(is_shadow=True).exists()
    assert numbers(project)["defective"] == 1
    assert rollups.differences(project.pk) == []


def test_what_still_waits_is_taken_over_too(project: Project, batch: Batch, blind: ModelVersion) -> None:
    shadow = start_shadow_run(model_version=blind, user=None)
    claimed = shadow.predictions.all().claim(worker="elsewhere:1", count=2, lease=timedelta(minutes=1))
    run = start_run(batch=batch, model_version=blind, user=None)
    assert run.predictions.count() == 6
    assert {row.pk for row in run.predictions.filter(state="claimed")} == {row.pk for row in claimed}
    run.predictions.filter(state="claimed").update(state="queued", claimed_by="", lease_until=None)
    segment_everything()
    assert numbers(project)["defective"] == 1
    assert rollups.differences(project.pk) == []


def test_a_cancelled_shadow_run_can_be_asked_again(blind: ModelVersion) -> None:
    cancel_run(run=start_shadow_run(model_version=blind, user=None), user=None)
    again = start_shadow_run(model_version=blind, user=None)
    segment_everything()
    assert len(shadow_result(again).compared) == 6


@pytest.fixture
def admin(project: Project) -> User:
    user = person("anna")
    Membership.objects.create(workspace=project.workspace, user=user, role=Membership.Role.ADMIN)
    return user


def test_a_stopped_comparison_puts_nothing_live(project: Project, blind: ModelVersion, admin: User) -> None:
    start_shadow_run(model_version=blind, user=None, image_count=2)
    segment_everything()
    run = start_shadow_run(model_version=blind, user=None)
    cancel_run(run=run, user=None)
    assert len(shadow_result(run).compared) == 2
    with pytest.raises(Refused, match="was stopped, so it does not show what would change"):
        promote(model_version=blind, user=admin)
    project.refresh_from_db()
    assert project.live_model != blind
    start_shadow_run(model_version=blind, user=None)
    segment_everything()
    assert promote(model_version=blind, user=admin).shadow["image_count"] == 6


def fail_all(run: Run) -> None:
    run.predictions.update(state="failed", error="the picture is broken", finished_at=timezone.now())


def delete_all(run: Run) -> None:
    Image.objects.filter(pk__in=run.shadow_images.values("image")).delete()


@pytest.mark.parametrize("lose", [fail_all, delete_all])
def test_a_comparison_of_nothing_puts_nothing_live(
    blind: ModelVersion, admin: User, lose: Callable[[Run], None]
) -> None:
    run = start_shadow_run(model_version=blind, user=None, image_count=2)
    lose(run)
    result = shadow_result(run)
    assert (result.is_over, result.is_in_vain) == (True, True)
    with pytest.raises(Refused, match="compared no image: all failed or were deleted meanwhile"):
        promote(model_version=blind, user=admin)
    assert not blind.promotions.exists()


def test_looks_at_the_newest_images(batch: Batch, blind: ModelVersion) -> None:
    run = start_shadow_run(model_version=blind, user=None, image_count=2)
    newest = batch.images.order_by("-captured_at", "-pk")[:2]
    assert set(run.shadow_images.values_list("image", flat=True)) == {image.pk for image in newest}


def test_is_refused_where_there_is_nothing_to_compare(project: Project) -> None:
    live = add_color_model(project=project, user=None)
    other = add_color_model(project=project, user=None)
    with pytest.raises(Refused, match="live already"):
        start_shadow_run(model_version=live, user=None)
    with pytest.raises(Refused, match="verdict yet"):
        start_shadow_run(model_version=other, user=None)
    with pytest.raises(Refused, match="1 to 2,000"):
        start_shadow_run(model_version=other, user=None, image_count=0)


def test_the_database_forbids_a_current_shadow(blind: ModelVersion) -> None:
    start_shadow_run(model_version=blind, user=None)
    segment_everything()
    shadows = Prediction.objects.filter(is_shadow=True)
    Prediction.objects.filter(is_current=True).update(is_current=False)
    with pytest.raises(IntegrityError, match="prediction_shadow_is_not_current"), transaction.atomic():
        shadows.update(is_current=True)
    with pytest.raises(IntegrityError, match="run_shadow_has_no_batch"), transaction.atomic():
        Run.objects.filter(kind="shadow").update(batch=Batch.objects.get())
