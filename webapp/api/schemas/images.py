"""Images and what one model version found in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Schema

from webapp.api.inputs import Text
from webapp.api.schemas.models import ModelRef
from webapp.api.schemas.sources import SourceRef
from webapp.models import BatchImage, Image, Measurement, Prediction, Region, Review

State = Literal["waiting", "queued", "running", "done", "failed", "cancelled"]
Verdict = Literal["pass", "fail"]


class ReviewOut(Schema):
    """A person's word on an image. `is_blind`: judged in an audit by the photo alone."""

    verdict: Verdict
    reason: str
    by: str
    at: datetime
    is_blind: bool

    @classmethod
    def of(cls, row: Review) -> ReviewOut:
        return cls(
            verdict=_verdict(row.verdict),
            reason=row.reason,
            by=str(row.user) if row.user else "",
            at=row.at,
            is_blind=row.is_blind,
        )


class ReviewRow(ReviewOut):
    """One line of an image's history. `is_withdrawn`: the word `verdict` was taken back here.

    `model_verdict` is what the model said when the person looked.
    """

    model_verdict: Verdict | None
    is_withdrawn: bool

    @classmethod
    def of_row(cls, row: Review) -> ReviewRow:
        return cls(
            **ReviewOut.of(row).dict(),
            model_verdict=_verdict(row.model_verdict) if row.model_verdict else None,
            is_withdrawn=row.is_withdrawn,
        )


class ReviewIn(Schema):
    """`reason` is needed where `verdict` is not the model's."""

    verdict: Verdict
    reason: Text = ""


class ImageRow(Schema):
    """One image of a batch. `confidence`, `defect_area_fraction`: 0–1; null unless `state` is "done".

    `verdict` is the one that counts, a person's where there is one; `model_verdict` is the model's.
    """

    id: int
    name: str
    state: State
    verdict: Verdict | None
    model_verdict: Verdict | None
    confidence: float | None
    defect_area_fraction: float | None
    captured_at: datetime
    error: str

    @classmethod
    def of(cls, link: BatchImage, prediction: Prediction | None) -> ImageRow:
        return cls(
            id=link.image_id,
            name=link.name,
            captured_at=link.image.captured_at,
            **_result(link.image, prediction),
        )


class ImagePage(Schema):
    items: list[ImageRow]
    next: str | None


class MeasurementOut(Schema):
    """One label's numbers in one image; labels that are absent have zeros. `confidence` is null for those."""

    label: str
    label_index: int
    is_defect: bool
    pixels: int
    area_fraction: float
    region_count: int
    largest_region_px: int
    confidence: float | None

    @classmethod
    def of(cls, row: Measurement) -> MeasurementOut:
        return cls(
            label=row.label.name,
            label_index=row.label.index,
            is_defect=row.label.is_defect,
            pixels=row.pixels,
            area_fraction=row.area_fraction,
            region_count=row.region_count,
            largest_region_px=row.largest_region_px,
            confidence=row.confidence,
        )


class ImageOut(Schema):
    """`width` and `height` in pixels, after turning the picture as its camera says; the mask has the same.

    `captured_at_from`: "exif" (the camera), "given" (with the upload) or "upload" (nothing said; the time of
    upload). `error` says why the image failed. `min_region_px` is the rule that the model judged by.
    `verdict` is the one that counts: a person's newest word, which `review` tells, else `model_verdict`.
    """

    id: int
    project: str
    name: str
    sha256: str
    format: str
    width: int
    height: int
    captured_at: datetime
    captured_at_from: str
    latitude: float | None
    longitude: float | None
    source: SourceRef | None
    model: ModelRef | None
    state: State
    error: str
    verdict: Verdict | None
    model_verdict: Verdict | None
    review: ReviewOut | None
    min_region_px: int | None
    confidence: float | None
    defect_area_fraction: float | None
    measurements: list[MeasurementOut]

    @classmethod
    def of(
        cls,
        image: Image,
        prediction: Prediction | None,
        measurements: list[Measurement],
        review: Review | None = None,
    ) -> ImageOut:
        return cls(
            id=image.pk,
            project=image.project.slug,
            name=image.name,
            sha256=image.sha256,
            format=image.format,
            width=image.width_px,
            height=image.height_px,
            captured_at=image.captured_at,
            captured_at_from=image.captured_at_from,
            latitude=image.latitude,
            longitude=image.longitude,
            source=SourceRef.of(image.source) if image.source else None,
            model=ModelRef.of(prediction.model_version) if prediction else None,
            min_region_px=prediction.min_region_px if prediction else None,
            measurements=[MeasurementOut.of(row) for row in measurements],
            review=ReviewOut.of(review) if review else None,
            **_result(image, prediction),
        )


class RegionOut(Schema):
    """One connected component of one label; `x_px`, `y_px` is the upper left corner of its box."""

    id: int
    label: str
    label_index: int
    is_defect: bool
    area_px: int
    x_px: int
    y_px: int
    width_px: int
    height_px: int
    centroid_x_px: float
    centroid_y_px: float

    @classmethod
    def of(cls, row: Region) -> RegionOut:
        return cls(
            id=row.pk,
            label=row.label.name,
            label_index=row.label.index,
            is_defect=row.label.is_defect,
            area_px=row.area_px,
            x_px=row.x_px,
            y_px=row.y_px,
            width_px=row.width_px,
            height_px=row.height_px,
            centroid_x_px=row.centroid_x_px,
            centroid_y_px=row.centroid_y_px,
        )


class RegionPage(Schema):
    items: list[RegionOut]
    next: str | None


def _verdict(verdict: str) -> Verdict:
    return "fail" if verdict == Review.Verdict.FAIL else "pass"


def _result(image: Image, prediction: Prediction | None) -> dict[str, Any]:
    """What a prediction says; of one that is not done only how it stands."""
    done = prediction is not None and prediction.state == Prediction.State.DONE
    return {
        "state": state_of(prediction),
        "error": prediction.error if prediction else "",
        "verdict": (image.reviewed_verdict or prediction.verdict) if prediction and done else None,
        "model_verdict": prediction.verdict if prediction and done else None,
        "confidence": prediction.confidence if prediction and done else None,
        "defect_area_fraction": prediction.defect_area_fraction if prediction and done else None,
    }


def state_of(prediction: Prediction | None) -> State:
    if prediction is None:
        return "waiting"
    states: dict[str, State] = {
        Prediction.State.QUEUED: "queued",
        Prediction.State.CLAIMED: "running",
        Prediction.State.DONE: "done",
        Prediction.State.FAILED: "failed",
        Prediction.State.CANCELLED: "cancelled",
    }
    return states[prediction.state]
