"""Write a chunk's results and their roll-ups in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from segmentation.measure import PictureMeasurement
from webapp.models import Image, Label, Prediction
from webapp.pipeline import rollups

_MEASUREMENT_COPY = (
    "COPY measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px, confidence) "
    "FROM STDIN"
)
_REGION_COPY = (
    "COPY region (prediction_id, label_id, area_px, x_px, y_px, width_px, height_px, centroid_x_px, centroid_y_px) "
    "FROM STDIN"
)


@dataclass(frozen=True)
class Found:
    """One picture's numbers under the project's rule. `defect_area_fraction` is 0–1."""

    measurement: PictureMeasurement
    verdict: str
    min_region_px: int
    defect_area_fraction: float


@dataclass(frozen=True)
class Outcome:
    """What came of one prediction: numbers, or an error in words."""

    prediction_id: int
    found: Found | str


@transaction.atomic
def save_outcomes(outcomes: Sequence[Outcome], *, worker: str) -> int:
    """Save what `worker` found for predictions it still holds; returns how many that were.

    Results for claims that were lost meanwhile (lease run out, run cancelled, batch deleted) are dropped:
    whoever holds the claim now writes them.
    """
    held = _lock_held(outcomes, worker)
    done: dict[int, Found] = {}
    for outcome in outcomes:
        if outcome.prediction_id not in held:
            continue
        if isinstance(outcome.found, str):
            _release(outcome.prediction_id, state=Prediction.State.FAILED, error=outcome.found[:500])
        else:
            done[outcome.prediction_id] = outcome.found
    if done:
        _copy_rows(done, project_id=next(iter(held.values())).model_version.project_id)
        _make_done(done, held)
    return len(held)


def _lock_held(outcomes: Sequence[Outcome], worker: str) -> dict[int, Prediction]:
    """Lock the images first, in order: two model versions of one image never race for being current."""
    wanted = Prediction.objects.filter(
        pk__in=[outcome.prediction_id for outcome in outcomes],
        state=Prediction.State.CLAIMED,
        claimed_by=worker,
    )
    image_ids = list(wanted.values_list("image_id", flat=True))
    list(Image.objects.filter(pk__in=image_ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    locked = wanted.select_related("model_version").order_by("pk").select_for_update(of=("self",))
    return {prediction.pk: prediction for prediction in locked}


def _release(prediction_id: int, **values: object) -> None:
    Prediction.objects.filter(pk=prediction_id).update(
        claimed_by="", lease_until=None, finished_at=timezone.now(), **values
    )


def _copy_rows(done: dict[int, Found], *, project_id: int) -> None:
    label_ids = dict(Label.objects.filter(project=project_id).values_list("index", "pk"))
    with connection.cursor() as cursor:
        _copy(cursor, _MEASUREMENT_COPY, _measurement_rows(done, label_ids))
        _copy(cursor, _REGION_COPY, _region_rows(done, label_ids))


def _copy(cursor: Any, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _measurement_rows(done: dict[int, Found], label_ids: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    for prediction_id, found in done.items():
        for row in found.measurement.measurements:
            if row.label_index in label_ids:
                yield (
                    prediction_id,
                    label_ids[row.label_index],
                    row.pixels,
                    row.area_fraction,
                    row.region_count,
                    row.largest_region_px,
                    row.mean_confidence,
                )


def _region_rows(done: dict[int, Found], label_ids: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    for prediction_id, found in done.items():
        for region in found.measurement.regions:
            yield (
                prediction_id,
                label_ids[region.label_index],
                region.area_px,
                region.x_px,
                region.y_px,
                region.width_px,
                region.height_px,
                region.centroid_x_px,
                region.centroid_y_px,
            )


def _make_done(done: dict[int, Found], held: dict[int, Prediction]) -> None:
    """The newest run's prediction is its image's current one; its predecessor is counted over to the old."""
    by_image = {held[prediction_id].image_id: held[prediction_id] for prediction_id in done}
    current = {
        prediction.image_id: prediction
        for prediction in Prediction.objects.filter(image_id__in=by_image, is_current=True)
    }
    replaced = [
        prediction.pk for image_id, prediction in current.items() if prediction.run_id < by_image[image_id].run_id
    ]
    rollups.subtract(replaced)
    Prediction.objects.filter(pk__in=replaced).update(is_current=False)
    rollups.add(replaced)
    for prediction_id, found in done.items():
        predecessor = current.get(held[prediction_id].image_id)
        _release(
            prediction_id,
            state=Prediction.State.DONE,
            error="",
            verdict=found.verdict,
            min_region_px=found.min_region_px,
            defect_area_fraction=found.defect_area_fraction,
            confidence=found.measurement.confidence,
            is_current=predecessor is None or predecessor.pk in replaced,
        )
    rollups.add(list(done))
