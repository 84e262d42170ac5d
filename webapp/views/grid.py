"""One picture of a grid, the same on the page of a batch and on the page of a scope."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from analytics import ImageRow
from webapp.models import Prediction, Project
from webapp.models.batch_images import BatchImageRow

GRID_LENGTH = 60


@dataclass(frozen=True)
class More:
    """The button below a grid: where its next page is; `shown_count` of `count` images are on the page so far."""

    href: str
    shown_count: int
    count: int


def more_of(request: HttpRequest, *, href: str, length: int, count: int) -> More:
    """`href` with what the next page has to know of those before it; `count` is known on the first page."""
    shown = _number(request.GET.get("shown")) + length
    whole = count or _number(request.GET.get("of"))
    return More(f"{href}&{urlencode({'shown': shown, 'of': whole})}", shown, whole)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


@dataclass(frozen=True)
class GridItem:
    """`state` is done, failed, cancelled or waiting; `overlay` is empty until it is done. Shares are 0–1."""

    image_id: int
    name: str
    state: str
    verdict: str
    confidence: float | None
    defect_area_fraction: float | None
    error: str
    href: str
    thumbnail: str
    overlay: str
    is_overruled: bool = False

    @property
    def file_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.name.rpartition("/")[0]


def version_query(project: Project) -> str:
    """Makes addresses of files unique to this installation, so that browsers may keep them for good."""
    return f"?v={int(project.created_at.timestamp() * 1000):x}"


def items_of_batch(rows: tuple[BatchImageRow, ...], project: Project, query: str) -> list[GridItem]:
    """`query` is how an image's page knows the list that it was opened from."""
    return [
        _item(
            project,
            image_id=row.image_id,
            prediction_id=row.prediction_id if row.state == Prediction.State.DONE else None,
            name=row.name,
            state=_state(row.state),
            verdict=row.verdict or "",
            confidence=row.confidence,
            defect_area_fraction=row.defect_area_fraction,
            error=row.error,
            query=query,
            is_overruled=row.is_overruled,
        )
        for row in rows
    ]


def items_of_scope(rows: tuple[ImageRow, ...], project: Project, query: str) -> list[GridItem]:
    return [
        _item(
            project,
            image_id=row.image_id,
            prediction_id=row.prediction_id,
            name=row.name,
            state="done",
            verdict=row.verdict,
            confidence=row.confidence,
            defect_area_fraction=row.defect_area_fraction,
            error="",
            query=query,
            is_overruled=row.verdict != row.model_verdict,
        )
        for row in rows
    ]


def _item(
    project: Project,
    *,
    image_id: int,
    prediction_id: int | None,
    name: str,
    state: str,
    verdict: str,
    confidence: float | None,
    defect_area_fraction: float | None,
    error: str,
    query: str,
    is_overruled: bool,
) -> GridItem:
    version = version_query(project)
    overlay = reverse("prediction-overlay", args=[prediction_id]) + version if prediction_id is not None else ""
    page = reverse("image", args=[project.slug, image_id])
    return GridItem(
        image_id=image_id,
        name=name,
        state=state,
        verdict=verdict,
        confidence=confidence,
        defect_area_fraction=defect_area_fraction,
        error=error,
        href=f"{page}?{query}" if query else page,
        thumbnail=reverse("image-thumbnail", args=[image_id]) + version,
        overlay=overlay,
        is_overruled=is_overruled,
    )


def _state(state: str | None) -> str:
    if state in (Prediction.State.DONE, Prediction.State.FAILED, Prediction.State.CANCELLED):
        return state
    return "waiting"
