"""Roll-ups equal a recount after any order of runs, re-runs, rule changes and deletions."""

from __future__ import annotations

import io
import random

import pytest

from tests.images import picture, png
from webapp.actions.batches import delete_batch
from webapp.actions.model_versions import add_color_model
from webapp.actions.runs import cancel_run, retry_failed, start_run
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.actions.verdicts import change_rule, judge_again
from webapp.models import InspectionRollup, LabelRollup, Measurement, ModelLabel, ModelVersion, Prediction, Project, Run
from webapp.pipeline import rollups
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db


def segment_everything(project: Project) -> None:
    for run in Run.objects.filter(model_version__project=project, state=Run.State.RUNNING).order_by("id"):
        while segment_run(run.pk):
            pass


def give_own_limits(model_version: ModelVersion, **limits: int) -> None:
    for name, limit in limits.items():
        ModelLabel.objects.filter(model_version=model_version, label__name=name).update(min_region_px=limit)


@pytest.mark.parametrize("seed", range(6))
def test_equal_a_recount_after_random_changes(project: Project, seed: int) -> None:
    rng = random.Random(seed)
    models = [add_color_model(project=project, user=None) for _ in range(2)]
    give_own_limits(models[1], rust=300, paint=5)
    for _ in range(14):
        _one_change(rng, project, models)
        assert rollups.differences(project.pk) == []
    segment_everything(project)
    assert rollups.differences(project.pk) == []
    inspected = sum(row.inspected_count for row in InspectionRollup.objects.filter(project=project, is_current=True))
    assert inspected == Prediction.objects.filter(is_current=True, image__project=project).count()
    assert judge_again(project=project) == 0, "the rule in SQL and the worker's rule disagree"


def _one_change(rng: random.Random, project: Project, models: list) -> None:
    batches = list(project.batches.all())
    choice = rng.choice(["upload", "upload", "run", "segment", "segment", "rule", "delete", "cancel", "retry"])
    if choice == "upload" or not batches:
        batch = open_batch(project=project, user=None, source=rng.choice([None, *project.sources.all()]))
        for _ in range(rng.randint(1, 4)):
            rgb = picture(red=rng.choice([0, 0.1, 0.5]), mark=rng.randint(0, 9))
            add_file(batch=batch, name=f"{rng.random()}.png", stream=io.BytesIO(png(rgb)))
        seal_batch(batch=batch)
    elif choice == "run":
        start_run(batch=rng.choice(batches), model_version=rng.choice(models), user=None)
    elif choice == "segment":
        segment_everything(project)
    elif choice == "rule":
        change_rule(project=project, user=None, min_region_px=rng.choice([None, 1, 200, 100_000]))
    elif choice == "delete":
        delete_batch(batch=rng.choice(batches), user=None)
    else:
        run = Run.objects.filter(batch__in=batches).order_by("?").first()
        if run is not None:
            (cancel_run if choice == "cancel" else retry_failed)(run=run, user=None)


def segmented(project: Project, *reds: float) -> list[Prediction]:
    batch = open_batch(project=project, user=None)
    for red in reds:
        add_file(batch=batch, name=f"{red}.png", stream=io.BytesIO(png(picture(red=red))))
    seal_batch(batch=batch)
    segment_everything(project)
    return list(Prediction.objects.filter(image__project=project).order_by("image__batch_images__name"))


def affected(project: Project) -> int:
    return sum(row.affected_count for row in LabelRollup.objects.filter(project=project, label__name="rust"))


def test_a_labels_own_limit_judges_new_and_stored_images_alike(project: Project) -> None:
    """A tenth of 1,200 pixels is rust in one image, half of it in the other."""
    model_version = add_color_model(project=project, user=None)
    give_own_limits(model_version, rust=300, paint=7)
    small, large = segmented(project, 0.1, 0.5)
    largest = {row.prediction_id: row.largest_region_px for row in Measurement.objects.filter(label__name="rust")}
    assert largest[small.pk] < 300 <= largest[large.pk]
    assert (small.verdict, large.verdict, affected(project)) == ("pass", "fail", 1)
    assert (small.min_region_px, set(limits_of(small))) == (1, {None, 300, 7})
    assert judge_again(project=project) == 0
    assert change_rule(project=project, user=None, min_region_px=5) == 1, "the project's own number is for all labels"
    assert (set(limits_of(small)), affected(project), rollups.differences(project.pk)) == ({None}, 2, [])
    assert change_rule(project=project, user=None, min_region_px=None) == 1
    assert (set(limits_of(small)), affected(project), rollups.differences(project.pk)) == ({None, 300, 7}, 1, [])


def limits_of(prediction: Prediction) -> list[int | None]:
    return list(prediction.measurements.values_list("min_region_px", flat=True))


def test_differences_name_what_is_wrong_and_rebuild_mends_it(project: Project) -> None:
    add_color_model(project=project, user=None)
    batch = open_batch(project=project, user=None)
    add_file(batch=batch, name="a.png", stream=io.BytesIO(png(picture(red=0.5))))
    seal_batch(batch=batch)
    segment_everything(project)
    LabelRollup.objects.filter(label__name="rust").update(pixels=1)
    assert len(rollups.differences(project.pk)) == 2
    rollups.rebuild(project.pk)
    assert rollups.differences(project.pk) == []
