"""The images behind a scope, and one image: its picture, its mask and what the mask says."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from webapp.actions.reviews import REASONS
from webapp.models import Image, Prediction
from webapp.views.files import is_too_large_to_show
from webapp.views.grid import version_query
from webapp.views.image_list import ImageList, list_of
from webapp.views.verdict_words import verdict_words

REGIONS_LENGTH = 100
LONGEST_PAUSE_S = 15

_UNFINISHED = (Prediction.State.QUEUED, Prediction.State.CLAIMED)


@require_safe
def show(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    image = visible_image(request, slug, image_id)
    project = image.project
    origin = list_of(request, project, image)
    predictions = list(_predictions(image).order_by("-model_version__number"))
    prediction = _chosen(predictions, origin)
    context = {
        "tab": "images" if request.GET.get("list") == "images" else "batches",
        "origin": origin,
        "predictions": predictions,
        "is_waiting": prediction is None or prediction.state in _UNFINISHED,
        "batches": image.batch_images.select_related("batch").order_by("batch_id"),
        "mm_per_pixel": image.mm_per_pixel or (image.source.mm_per_pixel if image.source is not None else None),
        "version": version_query(project),
        "facts": _facts(image, prediction),
        "pause": 2,
        **result_context(image, prediction),
    }
    return render(request, "images/show.html", context)


@require_safe
def state(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    """Asked by the page of an image that waits; makes it load again once there is something to see."""
    image = visible_image(request, slug, image_id)
    prediction = _chosen(list(_predictions(image)), list_of(request, image.project, image))
    if prediction is not None and prediction.state not in _UNFINISHED:
        return HttpResponseClientRefresh()
    before = request.GET.get("pause", "")
    pause = min(int(before[:4]) * 2, LONGEST_PAUSE_S) if before.isdecimal() else 2
    context = {"project": image.project, "image": image, "prediction": prediction, "pause": max(pause, 1)}
    return render(request, "images/_waiting.html", context)


def result_context(image: Image, prediction: Prediction | None) -> dict[str, Any]:
    """What the verdict's box shows: what the model found, and what people said of it."""
    is_done = prediction is not None and prediction.state == Prediction.State.DONE
    history = list(image.reviews.select_related("user").order_by("-pk"))
    return {
        "project": image.project,
        "image": image,
        "prediction": prediction,
        "history": history,
        "review": history[0] if history and not history[0].is_withdrawn else None,
        "final_verdict": image.reviewed_verdict or (prediction.verdict if prediction and is_done else None),
        "reasons": REASONS,
        **(_found(prediction) if prediction and is_done else {}),
    }


def visible_image(request: HttpRequest, slug: str, image_id: int) -> Image:
    visible = Image.objects.visible_to(request.user).select_related("project__live_model", "source")
    return get_object_or_404(visible, project__slug=slug, pk=image_id)


def _predictions(image: Image) -> QuerySet[Prediction]:
    """What counts of an image: a shadow run's results are shown where a version is put live, not here."""
    return image.predictions.filter(is_shadow=False).select_related("model_version", "run")


def _chosen(predictions: list[Prediction], origin: ImageList) -> Prediction | None:
    """The prediction of the list's model version; without one the current, else the newest there is."""
    if origin.model_version is not None:
        return next((one for one in predictions if one.model_version_id == origin.model_version.pk), None)
    current = next((one for one in predictions if one.is_current), None)
    return current or max(predictions, key=lambda one: one.pk, default=None)


def _found(prediction: Prediction) -> dict[str, Any]:
    measurements = list(prediction.measurements.select_related("label").order_by("label__index"))
    regions = prediction.regions.select_related("label").exclude(Q(label__index=0, label__is_defect=False))
    return {
        "measurements": measurements,
        "verdict_words": verdict_words(prediction, measurements),
        "regions": regions.order_by("-label__is_defect", "-area_px", "id")[:REGIONS_LENGTH],
        "region_count": sum(row.region_count for row in measurements if row.label.index or row.label.is_defect),
        "regions_length": REGIONS_LENGTH,
    }


def _mask_address(image: Image, prediction: Prediction, version: str) -> str:
    """Of the mask, or of a thinned one where picture and mask are more than a browser can hold."""
    address = reverse("prediction-mask", args=[prediction.pk]) + version
    return f"{address}&view=1" if is_too_large_to_show(image) else address


def _facts(image: Image, prediction: Prediction | None) -> dict[str, Any]:
    """What viewer.js is told."""
    version = version_query(image.project)
    is_done = prediction is not None and prediction.state == Prediction.State.DONE
    return {
        "width": image.width_px,
        "height": image.height_px,
        "thumbnail": reverse("image-thumbnail", args=[image.pk]) + version,
        "picture": reverse("image-view", args=[image.pk]) + version,
        "mask": _mask_address(image, prediction, version) if prediction and is_done else None,
    }
