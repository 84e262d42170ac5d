"""Write a chunk's results and their roll-ups in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from segmentation.measure import PictureMeasurement, verdict
from webapp.models import Image, Label, ModelVersion, Prediction
from webapp.pipeline import rollups
from webapp.pipeline.current import displace_current

_MEASUREMENT_COPY = (
    "COPY measurement (prediction_id, label_id, pixels, area_fraction, region_count, largest_region_px, confidence, "
    "min_region_px) FROM STDIN"
)
_REGION_COPY = (
    "COPY region (prediction_id, label_id, area_px, x_px, y_px, width_px, height_px, centroid_x_px, centroid_y_px) "
    "FROM STDIN"
)


@dataclass(frozen=True)
class Outcome:
    """What came of one prediction: numbers in project label indices, or an error in words."""

    prediction_id: int
    found: PictureMeasurement | str


@dataclass(frozen=True)
class Rule:
    """What the project's labels and limits say at this moment. `labels`: index → id.

    `label_limits`: index → the label's own limit, for labels that have one.
    """

    labels: dict[int, int]
    defects: frozenset[int]
    min_region_px: int
    label_limits: dict[int, int]

    def verdict(self, found: PictureMeasurement) -> str:
        return verdict(found.measurements, self.defects, self.min_region_px, self.label_limits)

    def defect_area_fraction(self, found: PictureMeasurement) -> float:
        return min(1.0, sum(row.area_fraction for row in found.measurements if row.label_index in self.defects))


@transaction.atomic
def save_outcomes(outcomes: Sequence[Outcome], model_version: ModelVersion, *, worker: str) -> set[int]:
    """Judge and save what `worker` found for predictions it still holds; returns the ids of these.

    Results for claims that were lost meanwhile (lease run out, run cancelled, batch deleted) are dropped:
    whoever holds the claim now writes them. While this transaction is open nobody changes the rule.
    """
    rule = _locked_rule(model_version)
    held = _lock_held(outcomes, worker)
    done: dict[int, PictureMeasurement] = {}
    for outcome in outcomes:
        if outcome.prediction_id not in held:
            continue
        if isinstance(outcome.found, str):
            _release(outcome.prediction_id, state=Prediction.State.FAILED, error=outcome.found[:500])
        else:
            done[outcome.prediction_id] = outcome.found
    if done:
        with connection.cursor() as cursor:
            _copy(cursor, _MEASUREMENT_COPY, _measurement_rows(done, rule))
            _copy(cursor, _REGION_COPY, _region_rows(done, rule))
        _make_done(done, held, rule)
    return set(held)


def _locked_rule(model_version: ModelVersion) -> Rule:
    """The rule in force, held still: who changes rule or labels locks the project's row for update."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min_region_px FROM project WHERE id = %s FOR KEY SHARE", [model_version.project_id])
        (min_region_px,) = cursor.fetchone()
    labels = Label.objects.filter(project=model_version.project_id)
    return Rule(
        labels={label.index: label.pk for label in labels},
        defects=frozenset(label.index for label in labels if label.is_defect),
        min_region_px=min_region_px or model_version.min_region_px,
        label_limits={} if min_region_px else _label_limits(model_version),
    )


def _label_limits(model_version: ModelVersion) -> dict[int, int]:
    limits = model_version.model_labels.values_list("label__index", "min_region_px")
    return {index: limit for index, limit in limits if limit is not None}


def _lock_held(outcomes: Sequence[Outcome], worker: str) -> dict[int, Prediction]:
    """Lock the images first, in order: two model versions of one image never race for being current."""
    wanted = Prediction.objects.select_related("image__source").filter(
        pk__in=[outcome.prediction_id for outcome in outcomes],
        state=Prediction.State.CLAIMED,
        claimed_by=worker,
    )
    image_ids = list(wanted.values_list("image_id", flat=True))
    list(Image.objects.filter(pk__in=image_ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    locked = wanted.order_by("pk").select_for_update(of=("self",))
    return {prediction.pk: prediction for prediction in locked}


def _release(prediction_id: int, **values: object) -> None:
    Prediction.objects.filter(pk=prediction_id).update(
        claimed_by="", lease_until=None, finished_at=timezone.now(), **values
    )


def _copy(cursor: Any, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _measurement_rows(done: dict[int, PictureMeasurement], rule: Rule) -> Iterator[tuple[Any, ...]]:
    """A row for every label of the project, also for one that came while the picture was segmented."""
    for prediction_id, found in done.items():
        rows = {row.label_index: row for row in found.measurements}
        for index, label_id in rule.labels.items():
            row, limit = rows.get(index), rule.label_limits.get(index)
            if row is None:
                yield (prediction_id, label_id, 0, 0.0, 0, 0, None, limit)
            else:
                yield (
                    prediction_id,
                    label_id,
                    row.pixels,
                    row.area_fraction,
                    row.region_count,
                    row.largest_region_px,
                    row.mean_confidence,
                    limit,
                )


def _region_rows(done: dict[int, PictureMeasurement], rule: Rule) -> Iterator[tuple[Any, ...]]:
    for prediction_id, found in done.items():
        for region in found.regions:
            yield (
                prediction_id,
                rule.labels[region.label_index],
                region.area_px,
                region.x_px,
                region.y_px,
                region.width_px,
                region.height_px,
                region.centroid_x_px,
                region.centroid_y_px,
            )


def _make_done(done: dict[int, PictureMeasurement], held: dict[int, Prediction], rule: Rule) -> None:
    """The newest run's prediction is its image's current one; what a shadow run found stays aside."""
    counted = [held[prediction_id] for prediction_id in done if not held[prediction_id].is_shadow]
    newest = displace_current({prediction.image_id: prediction.run_id for prediction in counted})
    for prediction_id, found in done.items():
        _release(
            prediction_id,
            state=Prediction.State.DONE,
            error="",
            verdict=rule.verdict(found),
            min_region_px=rule.min_region_px,
            defect_area_fraction=rule.defect_area_fraction(found),
            confidence=found.confidence,
            is_current=held[prediction_id].image_id in newest,
            **_ledger_columns(held[prediction_id]),
        )
    rollups.add(list(done))


def _ledger_columns(prediction: Prediction) -> dict[str, object]:
    """What image and source say at this moment; the ledger keeps it."""
    image = prediction.image
    return {
        "project": image.project_id,
        "source": image.source_id,
        "captured_at": image.captured_at,
        "mm_per_pixel": image.source.mm_per_pixel if image.source else None,
    }
