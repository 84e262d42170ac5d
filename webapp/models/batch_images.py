"""The pictures of a batch in the order people look at them: worst first, a page at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from django.db.models import Case, F, FilteredRelation, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from webapp.models.images import Batch, BatchImage
from webapp.models.learning import ModelVersion
from webapp.models.runs import Prediction

Show = Literal["all", "fail", "pass", "failed", "waiting"]
SHOWS: tuple[Show, ...] = get_args(Show)

# Below every share of area: what failed comes after what was judged, what waits comes last.
_FAILED_RANK = -1.0
_WAITING_RANK = -2.0

_CONDITIONS: dict[Show, Q] = {
    "all": Q(),
    "fail": Q(found__state=Prediction.State.DONE, final_verdict=Prediction.Verdict.FAIL),
    "pass": Q(found__state=Prediction.State.DONE, final_verdict=Prediction.Verdict.PASS),
    "failed": Q(found__state=Prediction.State.FAILED),
    "waiting": Q(found__isnull=True)
    | Q(found__state__in=[Prediction.State.QUEUED, Prediction.State.CLAIMED, Prediction.State.CANCELLED]),
}


@dataclass(frozen=True)
class BatchImageRow:
    """One picture of a batch under one model version; `name` keeps its sub-folders.

    `verdict` is the one that counts, a person's where there is one; `model_verdict` is the model version's.
    `state` is None where the model version was never asked about the picture. `confidence` and
    `defect_area_fraction` are 0–1, None until it is done.
    """

    image_id: int
    name: str
    rank: float
    prediction_id: int | None
    state: str | None
    verdict: str | None
    confidence: float | None
    defect_area_fraction: float | None
    error: str
    model_verdict: str | None

    @property
    def is_overruled(self) -> bool:
        """Whether a person said otherwise than the model."""
        return self.verdict != self.model_verdict


@dataclass(frozen=True)
class BatchImagePage:
    """`next` is what `after` takes to get the following page; None on the last."""

    items: tuple[BatchImageRow, ...]
    next: str | None


@dataclass(frozen=True)
class Place:
    """Where a picture stands in the list: `position` counts from 1; ids are None at an end."""

    previous_id: int | None
    next_id: int | None
    position: int
    count: int


def batch_image_page(
    batch: Batch,
    model_version: ModelVersion | None,
    *,
    show: Show = "all",
    after: str | None = None,
    limit: int = 60,
) -> BatchImagePage:
    """A page of a batch's pictures, largest defect area first, in one query.

    The page is found by its predecessor's last row, not by counting. ValueError for an `after` that no
    page gave.
    """
    rows = _ranked(batch, model_version, show)
    if after:
        rank, image_id = _read_key(after)
        rows = rows.filter(_behind(rank, image_id))
    found = [BatchImageRow(*row) for row in rows.values_list(*_COLUMNS)[: limit + 1]]
    page = found[:limit]
    is_last = len(found) <= limit
    return BatchImagePage(tuple(page), None if is_last else f"{page[-1].rank!r}_{page[-1].image_id}")


def batch_image_place(
    batch: Batch, model_version: ModelVersion | None, image_id: int, *, show: Show = "all"
) -> Place | None:
    """A picture's neighbours in the same order; None where it is not in the list."""
    rows = _ranked(batch, model_version, show)
    here = rows.filter(image_id=image_id).values_list("rank", flat=True).first()
    if here is None:
        return None
    ahead = rows.filter(Q(rank__gt=here) | Q(rank=here, image_id__gt=image_id))
    ids = rows.values_list("image_id", flat=True)
    return Place(
        previous_id=ahead.order_by("rank", "image_id").values_list("image_id", flat=True).first(),
        next_id=ids.filter(_behind(here, image_id)).first(),
        position=ahead.count() + 1,
        count=rows.count(),
    )


_COLUMNS = (
    "image_id",
    "name",
    "rank",
    "found__id",
    "found__state",
    "final_verdict",
    "found__confidence",
    "found__defect_area_fraction",
    "error",
    "found__verdict",
)


def _ranked(batch: Batch, model_version: ModelVersion | None, show: Show) -> QuerySet[Any]:
    chosen = model_version.pk if model_version is not None else 0
    rank = Case(
        When(found__state=Prediction.State.DONE, then=F("found__defect_area_fraction")),
        When(found__state=Prediction.State.FAILED, then=Value(_FAILED_RANK)),
        default=Value(_WAITING_RANK),
        output_field=FloatField(),
    )
    return (
        BatchImage.objects.filter(batch=batch)
        .annotate(found=FilteredRelation("image__predictions", condition=_counted_by(chosen)))
        .annotate(
            final_verdict=Case(
                When(found__state=Prediction.State.DONE, then=Coalesce("image__reviewed_verdict", "found__verdict"))
            )
        )
        .annotate(rank=rank, error=Case(When(found__error__isnull=False, then=F("found__error")), default=Value("")))
        .filter(_CONDITIONS[show])
        .order_by("-rank", "-image_id")
    )


def _counted_by(model_version_id: int) -> Q:
    return Q(image__predictions__model_version=model_version_id, image__predictions__is_shadow=False)


def _behind(rank: float, image_id: int) -> Q:
    return Q(rank__lt=rank) | Q(rank=rank, image_id__lt=image_id)


def _read_key(after: str) -> tuple[float, int]:
    rank, _, image_id = after.partition("_")
    try:
        key = float(rank), int(image_id)
    except ValueError:
        key = math.nan, 0
    if not math.isfinite(key[0]) or not 0 < key[1] < 2**63:
        raise ValueError(f"expected the “next” of an earlier page, got {after[:60]!r}")
    return key
