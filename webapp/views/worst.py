"""The worst images of a scope, ready to be judged where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from analytics import ImageRow, Scope, image_rows
from webapp.models import Project, Review
from webapp.views.grid import version_query

WORST_COUNT = 12


@dataclass(frozen=True)
class WorstImage:
    """`judged` says who judged it and how; empty where nobody did. `defect_area_fraction` 0–1."""

    image_id: int
    prediction_id: int
    name: str
    verdict: str
    model_verdict: str
    defect_area_fraction: float
    overlay: str
    href: str
    judged: str


def worst_images(cursor: Any, project: Project, scope: Scope) -> list[WorstImage]:
    """The failed images with the largest defect area; with a label in the scope those with most of it."""
    rows = image_rows(cursor, scope, verdict=None if scope.label_id else "fail", limit=WORST_COUNT).items
    said = _standing_reviews(project, [row.image_id for row in rows])
    query = scope.images_query(defective=True)
    return [_worst(project, row, said.get(row.image_id), query) for row in rows]


def judged_words(review: Review) -> str:
    who = str(review.user) if review.user else "somebody who left"
    return f"Judged {review.verdict} by {who}"


def _standing_reviews(project: Project, image_ids: list[int]) -> dict[int, Review]:
    newest = project.reviews.filter(image__in=image_ids).order_by("image", "-pk").distinct("image")
    return {row.image_id: row for row in newest.select_related("user") if not row.is_withdrawn}


def _worst(project: Project, row: ImageRow, review: Review | None, query: str) -> WorstImage:
    return WorstImage(
        image_id=row.image_id,
        prediction_id=row.prediction_id,
        name=row.name.rpartition("/")[2],
        verdict=row.verdict,
        model_verdict=row.model_verdict,
        defect_area_fraction=row.defect_area_fraction,
        overlay=reverse("prediction-overlay", args=[row.prediction_id]) + version_query(project),
        href=f"{reverse('image', args=[project.slug, row.image_id])}?{query}",
        judged=judged_words(review) if review else "",
    )
