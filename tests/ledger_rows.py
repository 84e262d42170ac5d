"""Two weeks of inspections with everything that the dashboards count, for the lines of docs/ledger.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from tests.inspections import NOON, Plant, build_plant
from webapp.models import (
    Annotation,
    Dataset,
    DatasetImage,
    Image,
    Prediction,
    ProjectEvent,
    Promotion,
    Review,
    Source,
    User,
)

FIRST, LAST = date(2026, 5, 12), date(2026, 5, 18)
_DAY = timedelta(days=1)


def two_weeks() -> Plant:
    """Five images from `FIRST` to `LAST`, two before, one after; one failed is overruled, one passed is found bad."""
    plant = build_plant()
    second = plant.new_batch("Second")
    Source.objects.filter(pk=plant.line_1.pk).update(mm_per_pixel=0.5)
    Source.objects.filter(pk=plant.line_2.pk).update(mm_per_pixel=0.25, kind="asset")
    plant.project.labels.filter(name="scratch").update(cost=2)
    plant.project.labels.filter(name="pit").update(cost=5)
    plant.image({"scratch": [60]}, captured_at=NOON - 2 * _DAY, source=plant.line_1)
    plant.image(captured_at=NOON - 3 * _DAY)
    shown = plant.image({"scratch": [60, 5]}, source=plant.line_1)
    plant.image({"scratch": [20], "pit": [40]}, source=plant.line_1, captured_at=NOON + _DAY * 11.5 / 24, batch=second)
    overruled = plant.image({"pit": [30]}, source=plant.line_2, captured_at=NOON + _DAY)
    found = plant.image({"scratch": [19], "dust": [200]}, source=plant.line_2, captured_at=NOON + _DAY)
    unplaced = plant.image(captured_at=NOON + 6 * _DAY, captured_at_from="upload")
    plant.image({"scratch": [500]}, captured_at=NOON + 7 * _DAY)
    plant.line_1.zones.create(name="Corner", shape=((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)))
    plant.line_1.zones.create(name="Far", shape=((0.6, 0.6), (1, 0.6), (1, 1)))
    plant.line_2.zones.create(name="Whole", shape=((0, 0), (1, 0), (1, 1), (0, 1)))
    Image.objects.filter(source=plant.line_1).update(frame_seconds=2.5)
    for image, latitude in ((shown, 48.1), (overruled, 48.2)):
        Image.objects.filter(pk=image.pk).update(latitude=latitude, longitude=11.5)
    _look(plant)
    _say(plant, overruled, found)
    _audit(plant, {found: "fail", unplaced: "pass"})
    _change(plant, found)
    images = list(plant.project.images.order_by("pk"))
    evaluated(plant, images, [(hit, 7, hit % 3) for hit in range(len(images))])
    return plant.count_up()


def evaluated(plant: Plant, images: Sequence[Image], rows: Sequence[tuple[int, int, int]]) -> None:
    """An evaluation of the live version; `rows`: scratch marked rightly, wrongly and missed, image by image."""
    dataset = Dataset.objects.create(project=plant.project, name="set", checksum="0" * 64)
    evaluation = plant.model_version.evaluations.create(
        dataset=dataset,
        split="test",
        state="done",
        scores={"iou": {}},
        image_count=len(rows),
        seconds_per_1000_images=1,
        finished_at=NOON,
    )
    for place, (image, (hit, wrong, missed)) in enumerate(zip(images, rows, strict=True)):
        annotation = Annotation.objects.create(image=image, mask_sha256=f"{place:064d}")
        member = DatasetImage.objects.create(dataset=dataset, annotation=annotation, name=str(place), split="test")
        evaluation.images.create(
            dataset_image=member,
            is_defective=hit + missed > 0,
            fails=hit > 1,
            largest_region_px=0,
            label_pixels={str(plant.labels["scratch"].pk): [hit, wrong, missed]},
        )


def _look(plant: Plant) -> None:
    """Pictures that differ in look and confidence."""
    for number, prediction in enumerate(Prediction.objects.filter(project=plant.project).order_by("pk")):
        Prediction.objects.filter(pk=prediction.pk).update(
            brightness=5_000 + 100 * number,
            sharpness=3_000 + 10 * number,
            warmth=number - 4,
            confidence=0.8 + number / 100,
        )


def _say(plant: Plant, overruled: Image, found: Image) -> None:
    """Two people's words: on one image both, blind; one word taken back."""
    anna, ben = (User.objects.create_user(f"{name}@example.com") for name in ("anna", "ben"))
    words: list[tuple[Image, User, str, dict[str, Any]]] = [
        (overruled, anna, "fail", {}),
        (overruled, anna, "pass", {"reason": "Dust"}),
        (found, ben, "fail", {}),
        (found, anna, "fail", {"is_blind": True}),
        (found, ben, "pass", {"is_blind": True}),
        (plant.project.images.order_by("pk")[2], ben, "pass", {}),
        (plant.project.images.order_by("pk")[2], ben, "pass", {"is_withdrawn": True}),
    ]
    for image, user, verdict, more in words:
        prediction = image.predictions.get()
        seen = {"prediction": prediction, "model_verdict": prediction.verdict}
        plant.project.reviews.create(image=image, user=user, verdict=verdict, **seen, **more)
    _at(Review, NOON)
    for image, verdict in ((overruled, "pass"), (found, "fail")):
        Image.objects.filter(pk=image.pk).update(reviewed_verdict=verdict)


def _audit(plant: Plant, verdicts: dict[Image, str]) -> None:
    sample = plant.project.audit_samples.create(week=date(2026, 5, 11), seed=1)
    for image, verdict in verdicts.items():
        stratum = sample.strata.create(source=image.source, passed_count=1)
        stratum.images.create(image=image, verdict=verdict, judged_at=NOON)


def _change(plant: Plant, found: Image) -> None:
    """A newer version that fails another image went live and back; the rule was changed."""
    newer = plant.new_model_version()
    plant.predict(found, {"scratch": [60]}, model_version=newer, is_current=False)
    Promotion.objects.create(project=plant.project, model_version=newer, previous=plant.model_version)
    plant.project.events.create(kind="rule", sentence="The limit is 20 px.")
    _at(Promotion, NOON)
    _at(ProjectEvent, NOON + _DAY)


def _at(table: Any, when: datetime) -> None:
    table.objects.update(at=when)
