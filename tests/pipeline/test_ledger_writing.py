"""What a worker found stands in the ledger, column by column, with its roll-ups."""

from __future__ import annotations

import io
from dataclasses import astuple

import pytest
from django.db import IntegrityError, connection

from benchmarks.ledger_rows import WORKER, Ledger
from tests.images import picture, png
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.models import InspectionDay, Label, Measurement, Prediction, Project, Region
from webapp.pipeline import rollups
from webapp.pipeline.save import Outcome, save_outcomes
from webapp.pipeline.segment import segment_run

pytestmark = pytest.mark.django_db


def test_a_segmented_image_keeps_shapes_and_look(project: Project) -> None:
    add_color_model(project=project, user=None)
    batch = open_batch(project=project, user=None, source=project.sources.get())
    add_file(batch=batch, name="a.png", stream=io.BytesIO(png(picture(red=0.5))))
    seal_batch(batch=batch)
    segment_run(batch.runs.get().pk)
    done = Prediction.objects.get()
    assert (done.state, done.is_current, done.source) == ("done", True, project.sources.get())
    assert done.brightness is not None
    assert done.sharpness is not None
    assert done.warmth is not None
    assert done.warmth > 0, "half of the picture is red"
    for region in Region.objects.all():
        assert region.length_px is not None
        assert region.breadth_px is not None
        assert region.length_px >= region.breadth_px > 0
    assert InspectionDay.objects.get().brightness_sum == done.brightness


def test_a_chunk_is_written_as_it_was_found() -> None:
    ledger = Ledger(labels=4, regions=2)
    outcomes, predictions = ledger.claimed(6)
    lost = outcomes[0].prediction_id
    Prediction.objects.filter(pk=lost).update(claimed_by="another")
    failed = outcomes[1] = Outcome(outcomes[1].prediction_id, "is damaged")
    held = save_outcomes(outcomes, ledger.model_version, worker=WORKER)
    assert held == {one.pk for one in predictions} - {lost}
    assert Prediction.objects.get(pk=failed.prediction_id).error == "is damaged"
    for outcome in outcomes[2:]:
        assert not isinstance(outcome.found, str)
        done = Prediction.objects.select_related("image").get(pk=outcome.prediction_id)
        assert (done.project, done.captured_at) == (ledger.project, done.image.captured_at)
        assert (done.source_id, done.mm_per_pixel, done.confidence) == (
            done.image.source_id,
            0.1,
            outcome.found.confidence,
        )
        assert (done.brightness, done.sharpness, done.warmth) == (5000, 9000, 100)
        assert [row.area_fraction for row in done.measurements.order_by("label__index")] == [
            row.area_fraction for row in outcome.found.measurements
        ]
        columns = ("label__index", "area_px", "x_px", "y_px", "width_px", "height_px", "centroid_x_px")
        columns += ("centroid_y_px", "length_px", "breadth_px", "orientation_deg")
        found = [astuple(region) for region in outcome.found.regions]
        assert list(done.regions.order_by("pk").values_list(*columns)) == found
    assert (Measurement.objects.count(), Region.objects.count()) == (16, 32)
    assert rollups.differences(ledger.project.pk) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE region SET label_id = (SELECT max(id) FROM label)",
        "UPDATE region SET prediction_id = prediction_id + 1000",
        "DELETE FROM measurement",
        "DELETE FROM measurement; DELETE FROM prediction",
    ],
)
def test_a_region_without_its_measurement_is_refused(wrong: str) -> None:
    ledger = Ledger(labels=2, regions=1)
    ledger.pipeline(*ledger.claimed(1))
    Label.objects.create(project=ledger.project, index=2, name="not measured", color="#000000")
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(wrong)
    with pytest.raises(IntegrityError, match="region_is_measured"):
        connection.check_constraints()


def test_writing_takes_as_many_queries_for_many_images_as_for_few(django_assert_max_num_queries: object) -> None:
    ledger = Ledger(labels=3, regions=1)
    outcomes, predictions = ledger.claimed(30)
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        assert ledger.pipeline(outcomes, predictions) == 180
