"""Roll-ups equal a recount after any order of runs, re-runs, rule changes and deletions."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from analytics.buckets import AREA_EDGES, quantile
from tests.images import picture, png
from tests.inspections import PIXELS, Plant, build_plant
from webapp.actions.batches import delete_batch
from webapp.actions.model_versions import add_color_model
from webapp.actions.runs import cancel_run, retry_failed, start_run
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.actions.verdicts import change_rule, judge_again
from webapp.models import (
    Image,
    InspectionDay,
    InspectionRollup,
    LabelDay,
    LabelRollup,
    Measurement,
    ModelLabel,
    ModelVersion,
    Prediction,
    Project,
    RollupZone,
    Run,
    SpreadRollup,
)
from webapp.pipeline import rollups
from webapp.pipeline.rollup_zone import match_zone
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
    SpreadRollup.objects.filter(label__name="rust", period="day", is_all_sources=True).update(area_counts=[1] * 82)
    assert [row[0] for row in rollups.differences(project.pk)] == ["label_rollup"] * 2 + ["spread_rollup"] * 2
    rollups.rebuild(project.pk)
    assert rollups.differences(project.pk) == []


def inspect(plant: Plant, rng: random.Random) -> None:
    """A new image is taken within three days around the end of a month, and counted."""
    found = {label: [rng.randint(1, 60) for _ in range(rng.randint(0, 2))] for label in ("scratch", "dust")}
    image = plant.image(
        found,
        captured_at=datetime(2026, 5, 31, 12, tzinfo=UTC) + timedelta(minutes=rng.randint(-2000, 2000)),
        captured_at_from=rng.choice(["exif", "upload"]),
        source=rng.choice([None, plant.line_1, plant.line_2]),
        confidence=rng.choice([None, rng.random()]),
    )
    look = {"brightness": rng.randint(0, 10_000), "sharpness": rng.randint(0, 20_000), "warmth": rng.randint(-99, 99)}
    if rng.random() < 0.7:
        Prediction.objects.filter(image=image).update(**look)
    rollups.add(list(Prediction.objects.filter(image=image).values_list("pk", flat=True)))


def inspect_again(plant: Plant, rng: random.Random) -> None:
    """Another model version's result becomes an image's current one."""
    image = any_image(plant, rng)
    versions = list(plant.project.model_versions.exclude(predictions__image=image))
    if not versions:
        return
    old = list(Prediction.objects.filter(image=image, is_current=True).values_list("pk", flat=True))
    rollups.subtract(old)
    Prediction.objects.filter(pk__in=old).update(is_current=False)
    rollups.add(old)
    rollups.add([plant.predict(image, {"pit": [rng.randint(1, 60)]}, model_version=versions[0]).pk])


def review(plant: Plant, rng: random.Random) -> None:
    image = any_image(plant, rng)
    ids = list(image.predictions.values_list("pk", flat=True))
    rollups.subtract(ids)
    Image.objects.filter(pk=image.pk).update(reviewed_verdict=rng.choice([None, "pass", "fail"]))
    rollups.add(ids)


def change_the_rule(plant: Plant, rng: random.Random) -> None:
    change_rule(project=plant.project, user=None, min_region_px=rng.choice([None, 5, 30]))


def delete_a_batch(plant: Plant, rng: random.Random) -> None:
    delete_batch(batch=plant.batch, user=None)
    plant.runs.clear()
    plant.batch = plant.new_batch("next")


def any_image(plant: Plant, rng: random.Random) -> Image:
    if not plant.project.images.exists():
        inspect(plant, rng)
    return rng.choice(list(plant.project.images.order_by("pk")))


CHANGES: tuple[Callable[[Plant, random.Random], None], ...] = (
    inspect,
    inspect,
    inspect,
    inspect_again,
    review,
    change_the_rule,
    delete_a_batch,
)


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns"])
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(order=st.lists(st.sampled_from(range(len(CHANGES))), min_size=4, max_size=9), rng=st.randoms())
def test_every_table_equals_a_recount_after_any_interleaving(
    db: None, settings: Any, tmp_path: Any, zone: str, order: list[int], rng: random.Random
) -> None:
    settings.TIME_ZONE, settings.PIXELWISE_DATA = zone, tmp_path
    with transaction.atomic():
        plant = build_plant(slug=f"plant-{rng.random()}"[:20])
        plant.new_model_version()
        inspect(plant, rng)
        for number in order:
            CHANGES[number](plant, rng)
        assert rollups.differences(plant.project.pk) == []
        transaction.set_rollback(True)


def test_days_are_the_installations_also_where_zones_have_half_hours(db: None, settings: Any) -> None:
    """18:00 UTC is 23:30 in India, 18:45 is a quarter past midnight: one hour, two days, here also two months."""
    settings.TIME_ZONE = "Asia/Kolkata"
    plant = build_plant()
    evening = datetime(2026, 5, 31, 18, tzinfo=UTC)
    for minutes in (0, 29, 30, 45):
        plant.image({"scratch": [50]}, captured_at=evening + timedelta(minutes=minutes))
    plant.count_up()
    assert [row.inspected_count for row in InspectionRollup.objects.all()] == [4]
    days = {row.day: row.inspected_count for row in InspectionDay.objects.all()}
    assert days == {date(2026, 5, 31): 2, date(2026, 6, 1): 2}
    labels = {row.day: row.affected_count for row in LabelDay.objects.filter(label__name="scratch")}
    assert labels == {date(2026, 5, 31): 2, date(2026, 6, 1): 2}
    months = SpreadRollup.objects.filter(label__name="scratch", period="month", is_all_sources=True)
    assert {row.start: sum(row.area_counts) for row in months} == {date(2026, 5, 1): 2, date(2026, 6, 1): 2}
    assert rollups.differences(plant.project.pk) == []


def test_a_day_knows_sums_and_squares_of_what_images_look_like(db: None) -> None:
    plant = build_plant()
    for confidence, brightness, warmth in ((0.5, 4000, -20), (0.25, 6000, 10)):
        image = plant.image(confidence=confidence)
        Prediction.objects.filter(image=image).update(brightness=brightness, sharpness=1, warmth=warmth)
    plant.image(confidence=None)
    plant.count_up()
    day = InspectionDay.objects.get()
    assert (day.inspected_count, day.confidence_count, day.feature_count) == (3, 2, 2)
    assert (day.confidence_sum, day.confidence_squares) == (7500, 5000**2 + 2500**2)
    assert (day.brightness_sum, day.brightness_squares) == (10_000, 4000**2 + 6000**2)
    assert (day.warmth_sum, day.warmth_squares, day.sharpness_sum) == (-10, 500, 2)


def test_spreads_count_areas_and_places_of_each_source_and_of_all(db: None) -> None:
    plant = build_plant()
    plant.image({"scratch": [50]}, source=plant.line_1)
    plant.image({"scratch": [500, 20]}, source=plant.line_2)
    plant.image(source=plant.line_2)
    plant.count_up()
    rows = SpreadRollup.objects.filter(label__name="scratch", period="day")
    assert rows.count() == 3
    everything = rows.get(is_all_sources=True)
    assert (sum(everything.area_counts), everything.area_counts[0], sum(everything.place_counts)) == (3, 1, 3)
    whole = everything.area_counts + [0] * (len(AREA_EDGES) - len(everything.area_counts))
    assert everything.area_counts[-1] > 0
    assert quantile(whole, 1.0) == min(edge for edge in AREA_EDGES if edge >= 520 / PIXELS)
    assert rows.get(source=plant.line_2).area_counts[0] == 1
    assert sum(rows.get(source=plant.line_1).place_counts) == 1


def test_another_time_zone_or_none_yet_counts_everything_anew(db: None, settings: Any) -> None:
    plant = build_plant()
    plant.image({"scratch": [50]}, captured_at=datetime(2026, 5, 12, 23, tzinfo=UTC))
    assert match_zone() == 1, "nothing was ever counted by days"
    assert InspectionDay.objects.get().day == date(2026, 5, 12)
    assert match_zone() == 0
    settings.TIME_ZONE = "Europe/Berlin"
    assert match_zone() == 1
    assert (InspectionDay.objects.get().day, RollupZone.objects.get().name) == (date(2026, 5, 13), "Europe/Berlin")
    assert rollups.differences(plant.project.pk) == []
