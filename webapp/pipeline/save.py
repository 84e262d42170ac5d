"""Write a chunk's results and their roll-ups in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from segmentation.look import Look
from segmentation.measure import PictureMeasurement, verdict
from webapp import storage
from webapp.models import Label, ModelVersion, Prediction
from webapp.pipeline import rollups
from webapp.pipeline.copying import copy_numbers
from webapp.pipeline.current import displace_current
from webapp.pipeline.result_rows import MEASUREMENT_COLUMNS, REGION_COLUMNS, Found, measurement_rows, region_rows

# What image and source say at this moment is kept with the result, so that the ledger never changes with them.
_MAKE_DONE = """
    UPDATE prediction SET
        state = 'done', error = '', claimed_by = '', lease_until = NULL, finished_at = %(now)s,
        verdict = found.verdict, min_region_px = %(min_region_px)s,
        defect_area_fraction = found.defect_area_fraction, confidence = found.confidence,
        is_current = found.is_current,
        project_id = image.project_id, source_id = image.source_id, captured_at = image.captured_at,
        mm_per_pixel = coalesce(image.mm_per_pixel, source.mm_per_pixel),
        brightness = found.brightness, sharpness = found.sharpness, warmth = found.warmth
    FROM unnest(
        %(ids)s::bigint[], %(verdicts)s::text[], %(fractions)s::float8[], %(confidences)s::float8[],
        %(current)s::boolean[], %(brightness)s::smallint[], %(sharpness)s::smallint[], %(warmth)s::smallint[]
    ) AS found (id, verdict, defect_area_fraction, confidence, is_current, brightness, sharpness, warmth)
    JOIN prediction AS claimed ON claimed.id = found.id
    JOIN image ON image.id = claimed.image_id
    LEFT JOIN source ON source.id = image.source_id
    WHERE prediction.id = found.id
"""

_MINE = "prediction.id = ANY(%(ids)s) AND prediction.state = 'claimed' AND prediction.claimed_by = %(worker)s"
_LOCK_IMAGES = f"""
    SELECT FROM image JOIN prediction ON prediction.image_id = image.id WHERE {_MINE}
    ORDER BY image.id FOR NO KEY UPDATE OF image
"""
_LOCK_HELD = f"SELECT id, image_id, run_id, is_shadow FROM prediction WHERE {_MINE} ORDER BY id FOR UPDATE"  # noqa: S608


@dataclass(frozen=True)
class Drawn:
    """A mask as the bytes of its PNG, and its overlay as those of a WebP."""

    mask: bytes
    overlay: bytes


@dataclass(frozen=True)
class Outcome:
    """What came of one prediction: numbers in project label indices, or an error in words.

    `look` is what the picture looked like, where anybody looked; `drawn` is written with the numbers.
    """

    prediction_id: int
    found: PictureMeasurement | str
    look: Look | None = None
    drawn: Drawn | None = None


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


@dataclass(frozen=True)
class _Held:
    """What a worker's claimed prediction belongs to."""

    image_id: int
    run_id: int
    is_shadow: bool


@dataclass(frozen=True)
class _Done:
    """One outcome that has numbers."""

    found: PictureMeasurement
    look: Look | None


@transaction.atomic
def save_outcomes(outcomes: Sequence[Outcome], model_version: ModelVersion, *, worker: str) -> set[int]:
    """Judge and save what `worker` found for predictions it still holds; returns the ids of these.

    Results for claims that were lost meanwhile (lease run out, run cancelled, batch deleted) are dropped:
    whoever holds the claim now writes them. While this transaction is open nobody changes the rule, and nobody else
    can be done with one of these: no mask replaces that of the result that counts.
    """
    rule = _locked_rule(model_version)
    held = _lock_held(outcomes, worker)
    storage.write_all(_files(outcome for outcome in outcomes if outcome.prediction_id in held))
    done: dict[int, _Done] = {}
    for outcome in outcomes:
        if outcome.prediction_id not in held:
            continue
        if isinstance(outcome.found, str):
            _fail(outcome.prediction_id, outcome.found)
        else:
            done[outcome.prediction_id] = _Done(outcome.found, outcome.look)
    if done:
        _write_rows({prediction_id: one.found for prediction_id, one in done.items()}, rule)
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


def _lock_held(outcomes: Sequence[Outcome], worker: str) -> dict[int, _Held]:
    """Lock the images first, in order: two model versions of one image never race for being current."""
    mine: dict[str, Any] = {"ids": [outcome.prediction_id for outcome in outcomes], "worker": worker}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_IMAGES, mine)
        cursor.execute(_LOCK_HELD, mine)
        return {pk: _Held(*belongs) for pk, *belongs in cursor.fetchall()}


def _files(outcomes: Iterable[Outcome]) -> dict[Path, bytes]:
    files: dict[Path, bytes] = {}
    for outcome in outcomes:
        if outcome.drawn is not None:
            files[storage.mask_path(outcome.prediction_id)] = outcome.drawn.mask
            files[storage.overlay_path(outcome.prediction_id)] = outcome.drawn.overlay
    return files


def _fail(prediction_id: int, error: str) -> None:
    Prediction.objects.filter(pk=prediction_id).update(
        state=Prediction.State.FAILED,
        error=error[:500],
        claimed_by="",
        lease_until=None,
        finished_at=timezone.now(),
    )


def _write_rows(found: Found, rule: Rule) -> None:
    rows = measurement_rows(found, rule.labels, rule.label_limits)
    with connection.cursor() as cursor:
        copy_numbers(cursor, "measurement", MEASUREMENT_COLUMNS, rows)
        copy_numbers(cursor, "region", REGION_COLUMNS, region_rows(found, rule.labels))


def _make_done(done: Mapping[int, _Done], held: Mapping[int, _Held], rule: Rule) -> None:
    """The newest run's prediction is its image's current one; what a shadow run found stays aside."""
    counted = [held[prediction_id] for prediction_id in done if not held[prediction_id].is_shadow]
    newest = displace_current({prediction.image_id: prediction.run_id for prediction in counted})
    found, looks = [one.found for one in done.values()], [one.look for one in done.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            _MAKE_DONE,
            {
                "now": timezone.now(),
                "min_region_px": rule.min_region_px,
                "ids": list(done),
                "verdicts": [rule.verdict(one) for one in found],
                "fractions": [rule.defect_area_fraction(one) for one in found],
                "confidences": [one.confidence for one in found],
                "current": [held[prediction_id].image_id in newest for prediction_id in done],
                "brightness": [look and look.brightness for look in looks],
                "sharpness": [look and look.sharpness for look in looks],
                "warmth": [look and look.warmth for look in looks],
            },
        )
    rollups.add(list(done))
