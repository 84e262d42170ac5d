"""Two model versions on the same labelled images: who is right where, the largest disagreement first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp.models.judging import EvaluatedImage, Evaluation


@dataclass(frozen=True)
class ComparedImage:
    """One labelled image under both versions. `disagreement`: share of pixels that differ, None until counted."""

    name: str
    image_id: int
    first: EvaluatedImage
    second: EvaluatedImage
    disagreement: float | None = None

    @property
    def is_defective(self) -> bool:
        return self.first.is_defective

    @property
    def is_verdict_changed(self) -> bool:
        return self.first.fails != self.second.fails

    @property
    def iou_difference(self) -> float:
        """How much better the second is, −1 to 1; 0 where either says nothing."""
        if self.first.mean_iou is None or self.second.mean_iou is None:
            return 0.0
        return self.second.mean_iou - self.first.mean_iou


@dataclass(frozen=True)
class Comparison:
    """`images`: verdicts that differ first, then by the share of pixels that differ, where it was counted; before
    that by how far the overlap with the truth differs.
    """

    images: tuple[ComparedImage, ...]

    @property
    def both_right_count(self) -> int:
        return sum(1 for one in self.images if one.first.is_right and one.second.is_right)

    @property
    def only_first_right_count(self) -> int:
        return sum(1 for one in self.images if one.first.is_right and not one.second.is_right)

    @property
    def only_second_right_count(self) -> int:
        return sum(1 for one in self.images if one.second.is_right and not one.first.is_right)

    @property
    def both_wrong_count(self) -> int:
        one_right = self.only_first_right_count + self.only_second_right_count
        return len(self.images) - self.both_right_count - one_right

    @property
    def changed_count(self) -> int:
        return sum(1 for one in self.images if one.is_verdict_changed)


def compare(first: Evaluation, second: Evaluation, shares: Mapping[int, float] | None = None) -> Comparison:
    """The images that both have judged, in two queries. `shares`: data set image id → share of pixels that differ."""
    shares = shares or {}
    rows = EvaluatedImage.objects.select_related("dataset_image__annotation")
    others = {row.dataset_image_id: row for row in rows.filter(evaluation=second)}
    images = [
        ComparedImage(
            name=row.dataset_image.name,
            image_id=row.dataset_image.annotation.image_id,
            first=row,
            second=others[row.dataset_image_id],
            disagreement=shares.get(row.dataset_image_id),
        )
        for row in rows.filter(evaluation=first)
        if row.dataset_image_id in others
    ]
    images.sort(
        key=lambda one: (
            not one.is_verdict_changed,
            -(one.disagreement or 0.0),
            -abs(one.iou_difference),
            one.name,
        )
    )
    return Comparison(tuple(images))
