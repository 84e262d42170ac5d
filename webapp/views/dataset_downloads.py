"""Files of a data set: the packed ZIP, and examples of what training may make of one of its images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from segmentation.augment_presets import PRESETS, augmentation_for, example
from segmentation.masks import overlay, read_mask
from segmentation.pictures import PictureError, read_rgb, thumbnail
from segmentation.spec import LabelSpec
from webapp import storage
from webapp.models import DatasetExport, Image
from webapp.pipeline.receive import picture_limits
from webapp.views.asking import project_of
from webapp.views.datasets import EXAMPLES, dataset_of, example_member
from webapp.views.files import THUMBNAIL_PX, safe_name

OVERLAY_OPACITY = 0.35
_HOUR_SECONDS = 3600


@require_safe
def packed(request: HttpRequest, slug: str, dataset_id: int, format: str) -> HttpResponseBase:
    """The ZIP that a worker made."""
    dataset = dataset_of(project_of(request, slug), dataset_id)
    export = get_object_or_404(dataset.exports.all(), format=format, state=DatasetExport.State.DONE)
    try:
        file = storage.fetch(storage.dataset_export_path(export.pk)).open("rb")
    except FileNotFoundError as error:
        raise Http404("This file was removed. Pack it again.") from error
    name = safe_name(f"{dataset.name}-{format}.zip")
    response = FileResponse(file, content_type="application/zip", filename=name, as_attachment=True)
    response["X-Content-Type-Options"] = "nosniff"
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
def preview(request: HttpRequest, slug: str, dataset_id: int, place: int) -> HttpResponse:
    """One of eight small examples, WebP, with the labels laid over; the first is the image as it is."""
    project = project_of(request, slug)
    dataset = dataset_of(project, dataset_id)
    presets = [name for name in request.GET.getlist("presets") if name in PRESETS]
    member = example_member(dataset)
    if member is None or place not in EXAMPLES:
        raise Http404("This data set has no such example.")
    labels = [LabelSpec(label.index, label.name, label.color) for label in project.labels.all()]
    image = member.annotation.image
    try:
        rgb = _small(image)
        mask = read_mask(storage.fetch(storage.annotation_path(member.annotation.mask_sha256)))
        rows, columns = rgb.shape[:2]
        # Nearest neighbour: rows and columns of the mask that fall on those of the thumbnail.
        mask = mask[[row * mask.shape[0] // rows for row in range(rows)]]
        mask = mask[:, [column * mask.shape[1] // columns for column in range(columns)]]
        crop, truth = example(rgb, mask, augmentation_for(presets), place)
    except PictureError as error:
        raise Http404(f"image {image.pk} cannot be shown: {error}") from error
    shown = overlay(crop, truth, labels, OVERLAY_OPACITY, skip={labels[0].index, 255})
    response = HttpResponse(thumbnail(shown, shown.shape[0]), content_type="image/webp")
    response["X-Content-Type-Options"] = "nosniff"
    patch_cache_control(response, private=True, max_age=_HOUR_SECONDS)
    return response


def _small(image: Image) -> npt.NDArray[np.uint8]:
    path = storage.thumbnail_path(image.sha256)
    if not storage.exists(path):
        rgb = read_rgb(storage.fetch(storage.original_path(image.sha256)), limits=picture_limits())
        storage.write(path, thumbnail(rgb, THUMBNAIL_PX))
    return read_rgb(storage.fetch(path))
