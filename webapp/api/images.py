"""Images of a batch, one image's numbers, regions and mask."""

from __future__ import annotations

from typing import Annotated

from django.db.models import Q
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router

from webapp import storage
from webapp.actions.reviews import standing_review
from webapp.api.auth import ApiRequest
from webapp.api.batches import visible_batch
from webapp.api.errors import ApiError, invalid
from webapp.api.inputs import Cursor, Id, Limit, place
from webapp.api.schemas.errors import answers
from webapp.api.schemas.images import ImageOut, ImagePage, ImageRow, RegionOut, RegionPage, Verdict, state_of
from webapp.models import Image, ModelVersion, Prediction, User, batch_progress

router = Router()

Model = Annotated[Id | None, Query(description="A model version by id; without it the newest result counts.")]

PNG_FILE = {"image/png": {"schema": {"type": "string", "format": "binary"}}}


@router.get("/batches/{int:batch_id}/images", response=answers(ImagePage))
def list_images(
    request: ApiRequest,
    batch_id: int,
    cursor: Cursor = "",
    limit: Limit = 100,
    verdict: Verdict | None = None,
    model: Model = None,
) -> ImagePage:
    """In the order they came, with the results of the batch's newest run or of a chosen model version."""
    batch = visible_batch(request.auth, batch_id)
    chosen = _model(request.auth, batch.project_id, model) or batch_progress(batch).model_version
    links = batch.batch_images.filter(pk__gt=place(cursor)).select_related("image").order_by("pk")
    if verdict is not None:
        by_the_model = Q(
            image__predictions__model_version=chosen,
            image__predictions__is_shadow=False,
            image__predictions__state=Prediction.State.DONE,
        )
        found_so = Q(image__reviewed_verdict=verdict) | Q(
            image__reviewed_verdict=None, image__predictions__verdict=verdict
        )
        links = links.filter(by_the_model & found_so)
    found = list(links[: limit + 1])
    page = found[:limit]
    predictions = {
        row.image_id: row
        for row in Prediction.objects.filter(
            model_version=chosen, is_shadow=False, image__in=[link.image_id for link in page]
        )
    }
    return ImagePage(
        items=[ImageRow.of(link, predictions.get(link.image_id)) for link in page],
        next=str(page[-1].pk) if len(found) > limit else None,
    )


@router.get("/images/{int:image_id}", response=answers(ImageOut))
def show_image(request: ApiRequest, image_id: int, model: Model = None) -> ImageOut:
    """One image and every label's numbers in it."""
    image = visible_image(request.auth, image_id)
    prediction = _prediction(request.auth, image, model)
    if prediction is None or prediction.state != Prediction.State.DONE:
        return ImageOut.of(image, prediction, [])
    measurements = prediction.measurements.select_related("label").order_by("label__index")
    return ImageOut.of(image, prediction, list(measurements), standing_review(image))


@router.get("/images/{int:image_id}/regions", response=answers(RegionPage))
def list_regions(
    request: ApiRequest, image_id: int, cursor: Cursor = "", limit: Limit = 100, model: Model = None
) -> RegionPage:
    """Every connected component of every label, background too; none while the image is not done."""
    prediction = _prediction(request.auth, visible_image(request.auth, image_id), model)
    if prediction is None or prediction.state != Prediction.State.DONE:
        return RegionPage(items=[], next=None)
    regions = prediction.regions.filter(pk__gt=place(cursor)).select_related("label").order_by("pk")
    found = list(regions[: limit + 1])
    page = found[:limit]
    return RegionPage(items=[RegionOut.of(row) for row in page], next=str(page[-1].pk) if len(found) > limit else None)


@router.get(
    "/images/{int:image_id}/mask.png",
    response=answers(None),
    openapi_extra={"responses": {200: {"content": PNG_FILE}}},
)
def show_mask(request: ApiRequest, image_id: int, model: Model = None) -> FileResponse:
    """8-bit grey PNG of the same size as the image; a pixel's value is the index of its label."""
    prediction = _prediction(request.auth, visible_image(request.auth, image_id), model)
    if prediction is None or prediction.state != Prediction.State.DONE:
        raise ApiError(404, f"This image has no mask yet: its state is “{state_of(prediction)}”.")
    try:
        file = storage.fetch(storage.mask_path(prediction.pk)).open("rb")
    except FileNotFoundError as error:
        raise ApiError(404, "The mask of this image is not in the store any more.") from error
    return FileResponse(file, content_type="image/png")


def visible_image(user: User, image_id: int) -> Image:
    return get_object_or_404(Image.objects.visible_to(user).select_related("project", "source"), pk=image_id)


def _model(user: User, project_id: int, model_id: int | None) -> ModelVersion | None:
    if model_id is None:
        return None
    chosen = ModelVersion.objects.visible_to(user).filter(project=project_id, pk=model_id).first()
    if chosen is None:
        raise invalid("model", f"The project has no model {model_id}.")
    return chosen


def _prediction(user: User, image: Image, model_id: int | None) -> Prediction | None:
    """The result by the model asked for; else the one in force, or the newest where none is done."""
    rows = image.predictions.filter(is_shadow=False).select_related("model_version")
    chosen = _model(user, image.project_id, model_id)
    if chosen is not None:
        return rows.filter(model_version=chosen).first()
    return rows.order_by("-is_current", "-pk").first()
