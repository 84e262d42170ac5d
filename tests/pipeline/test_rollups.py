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
from webapp.models import InspectionRollup, LabelRollup, Prediction, Project, Run
from webapp.pipeline import rollups
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db


def segment_everything(project: Project) -> None:
    for run in Run.objects.filter(model_version__project=project, state=Run.State.RUNNING).order_by("id"):
        while segment_run(run.pk):
            pass


@pytest.mark.parametrize("seed", range(6))
def test_equal_a_recount_after_random_changes(project: Project, seed: int) -> None:
    rng = random.Random(seed)
    models = [add_color_model(project=project, user=None) for _ in range(2)]
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
