"""How good model versions are, and what they would change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from webapp.models import Evaluation, Promotion
from webapp.models.comparison import ComparedImage, Comparison
from webapp.models.learned_images import learned_counts
from webapp.models.shadow import ShadowPair, ShadowResult


class EvaluationIn(Schema):
    """`dataset`: id of a data set with images kept apart; the newest without it."""

    dataset: int | None = None


class EvaluationOut(Schema):
    """`split`: `test`, or `val` where there are no test images. `scores` is empty until `state` is `done`.

    `done_count` of `image_count` images are judged. `learned_image_count`: of these images, how many the model learned
    from in another data set; above 0 its scores are too good. Speed is that of `device` on the machine that judged.
    """

    id: int
    dataset: int
    split: str
    state: str
    error: str
    image_count: int
    done_count: int
    learned_image_count: int
    seconds_per_1000_images: float | None
    device: str
    finished_at: datetime | None
    scores: dict[str, Any]

    @classmethod
    def of(cls, evaluation: Evaluation) -> EvaluationOut:
        is_done = evaluation.state == Evaluation.State.DONE
        learned = learned_counts(evaluation.model_version.project, evaluation.dataset, evaluation.split)
        return cls(
            id=evaluation.pk,
            dataset=evaluation.dataset_id,
            split=evaluation.split,
            state=evaluation.state,
            error=evaluation.error,
            image_count=evaluation.image_count,
            done_count=evaluation.done_count,
            learned_image_count=learned.get(evaluation.model_version_id, 0),
            seconds_per_1000_images=evaluation.seconds_per_1000_images if is_done else None,
            device=evaluation.device if is_done else "",
            finished_at=evaluation.finished_at if not evaluation.is_going_on else None,
            scores=evaluation.scores if is_done else {},
        )


class ShadowIn(Schema):
    """How many of the newest images to look at."""

    image_count: int = Field(50, ge=1, le=2000)


class ShadowChange(Schema):
    """An image whose verdict would be another. `*_area_fraction`: its defect area, 0–1."""

    image: int
    name: str
    before: str
    after: str
    before_area_fraction: float
    after_area_fraction: float

    @classmethod
    def of(cls, pair: ShadowPair) -> ShadowChange:
        assert pair.after is not None  # noqa: S101
        return cls(
            image=pair.image.pk,
            name=pair.image.name,
            before=pair.before.verdict or "",
            after=pair.after.verdict or "",
            before_area_fraction=pair.before.defect_area_fraction or 0.0,
            after_area_fraction=pair.after.defect_area_fraction or 0.0,
        )


class ShadowOut(Schema):
    """`status`: `running`, `done` or `cancelled`. Of `done_count` images `pass_count` pass today, and so on."""

    id: int
    status: str
    image_count: int
    done_count: int
    failed_count: int
    pass_count: int
    fail_count: int
    pass_to_fail: int
    fail_to_pass: int
    changed: list[ShadowChange]

    @classmethod
    def of(cls, result: ShadowResult) -> ShadowOut:
        return cls(
            id=result.run.pk,
            status="cancelled" if result.is_stopped else "done" if result.is_over else "running",
            image_count=result.image_count,
            done_count=len(result.compared),
            failed_count=result.failed_count,
            pass_count=result.pass_count,
            fail_count=result.fail_count,
            pass_to_fail=result.pass_to_fail_count,
            fail_to_pass=result.fail_to_pass_count,
            changed=[ShadowChange.of(pair) for pair in result.changed],
        )


class PromotionIn(Schema):
    note: str = Field("", max_length=500)


class PromotionOut(Schema):
    """`kind`: `live` or `roll-back`. `shadow`: what was known then of the verdicts that would change."""

    at: datetime
    kind: str
    model: int
    previous: int | None
    note: str
    shadow: dict[str, int]

    @classmethod
    def of(cls, promotion: Promotion) -> PromotionOut:
        return cls(
            at=promotion.at,
            kind=promotion.kind,
            model=promotion.model_version_id,
            previous=promotion.previous_id,
            note=promotion.note,
            shadow=promotion.shadow,
        )


class ComparedOut(Schema):
    """One labelled image under both models; `iou_*` is its mean IoU 0–1."""

    name: str
    image: int
    is_defective: bool
    fails_a: bool
    fails_b: bool
    iou_a: float | None
    iou_b: float | None

    @classmethod
    def of(cls, one: ComparedImage) -> ComparedOut:
        return cls(
            name=one.name,
            image=one.image_id,
            is_defective=one.is_defective,
            fails_a=one.first.fails,
            fails_b=one.second.fails,
            iou_a=one.first.mean_iou,
            iou_b=one.second.mean_iou,
        )


class ComparisonOut(Schema):
    """`p_value`: exact McNemar test of “both are equally often right”. `images`: largest disagreement first."""

    dataset: int
    split: str
    both_right: int
    only_a_right: int
    only_b_right: int
    both_wrong: int
    p_value: float
    images: list[ComparedOut]

    @classmethod
    def of(cls, comparison: Comparison, evaluation: Evaluation, p_value: float) -> ComparisonOut:
        return cls(
            dataset=evaluation.dataset_id,
            split=evaluation.split,
            both_right=comparison.both_right_count,
            only_a_right=comparison.only_first_right_count,
            only_b_right=comparison.only_second_right_count,
            both_wrong=comparison.both_wrong_count,
            p_value=p_value,
            images=[ComparedOut.of(one) for one in comparison.images],
        )
