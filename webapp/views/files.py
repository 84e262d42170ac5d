"""Pictures and masks, served only to those who may see their project."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from threading import Lock

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from segmentation.masks import mask_png, read_mask, thinned
from segmentation.pictures import PictureError, thumbnail
from segmentation.rasters import read_at_most
from webapp import storage
from webapp.models import EvaluatedImage, Evaluation, Image, Prediction, TrainingRun
from webapp.pipeline.receive import picture_limits

THUMBNAIL_PX = 480
VIEW_PX = 4096
_SHOWN_PIXELS = 64_000_000

_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WebP": "image/webp"}
"""What browsers show, by the format that was found in the file, never by the name it came with."""

_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever follows the dot."""

_YEAR_SECONDS = 31_536_000

_ONE_AT_A_TIME = Lock()
"""The largest pictures take more than a gigabyte while they are decoded; the threads of a process take turns."""


@require_safe
def image_original(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """The upload, byte for byte. Shown by the browser where it can, else (or with ?download) saved."""
    image = _image(request, image_id)
    content_type = _TYPES.get(image.format)
    return _answer(
        request,
        storage.original_path(image.sha256),
        content_type or "application/octet-stream",
        etag=image.sha256,
        save_as=safe_name(image.name) if content_type is None or "download" in request.GET else None,
    )


@require_safe
def image_view(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """The picture in a format that browsers show: the original, or a WebP of it, at most 4096 px.

    Originals that a browser could not hold in memory are made smaller as well.
    """
    image = _image(request, image_id)
    if image.format in _TYPES and not is_too_large_to_show(image):
        return _answer(request, storage.original_path(image.sha256), _TYPES[image.format], etag=image.sha256)
    path = storage.view_path(image.sha256)
    _make(image, path, VIEW_PX)
    return _answer(request, path, "image/webp", etag=f"view-{image.sha256}")


@require_safe
def image_thumbnail(request: HttpRequest, image_id: int) -> HttpResponseBase:
    """WebP, longer side at most 480. Workers write it while they segment; before that it is made here."""
    image = _image(request, image_id)
    path = storage.thumbnail_path(image.sha256)
    _make(image, path, THUMBNAIL_PX)
    return _answer(request, path, "image/webp", etag=f"thumbnail-{image.sha256}")


@require_safe
def prediction_mask(request: HttpRequest, prediction_id: int) -> HttpResponseBase:
    """8-bit grey PNG of project label indices, same size as the picture; with ?view at most 4096 px, thinned."""
    prediction = _prediction(request, prediction_id)
    if "view" in request.GET:
        return _thinned_mask(request, prediction)
    stem = PurePosixPath(prediction.image.name).stem
    name = safe_name(f"{stem}-mask-v{prediction.model_version.number}.png")
    return _answer(
        request,
        storage.mask_path(prediction.pk),
        "image/png",
        etag=_etag(prediction, "mask"),
        save_as=name if "download" in request.GET else None,
    )


@require_safe
def prediction_overlay(request: HttpRequest, prediction_id: int) -> HttpResponseBase:
    """WebP thumbnail with the mask laid over."""
    prediction = _prediction(request, prediction_id)
    return _answer(request, storage.overlay_path(prediction.pk), "image/webp", etag=_etag(prediction, "overlay"))


@require_safe
def training_preview(request: HttpRequest, training_id: int, place: int, epoch: int) -> HttpResponseBase:
    """WebP of a validation picture that a training segments after every epoch; epoch 0 shows the truth."""
    get_object_or_404(TrainingRun.objects.visible_to(request.user), pk=training_id)
    path = storage.preview_path(training_id, place, epoch or None)
    try:
        storage.fetch(path, fresh=True).stat()
    except FileNotFoundError as error:
        raise Http404("there is no such preview") from error
    return _answer(request, path, "image/webp", etag=f"preview-{training_id}-{path.stat().st_mtime_ns}")


@require_safe
def evaluated_overlay(request: HttpRequest, evaluated_id: int) -> HttpResponseBase:
    """WebP thumbnail of a labelled image with what a model version found in it laid over."""
    row = _evaluated(request, evaluated_id)
    path = storage.evaluation_overlay_path(row.evaluation_id, row.dataset_image_id)
    return _answer(request, path, "image/webp", etag=f"evaluated-{row.pk}")


@require_safe
def evaluated_truth(request: HttpRequest, evaluated_id: int) -> HttpResponseBase:
    """The same image with its annotation laid over."""
    row = _evaluated(request, evaluated_id)
    path = storage.truth_overlay_path(row.dataset_image_id)
    return _answer(request, path, "image/webp", etag=f"truth-{row.pk}")


def safe_name(name: str) -> str:
    """A file name for the disk of whoever downloads: no folders, nothing that a shell or Windows trips over."""
    last = PurePosixPath(name).name
    cleaned = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]', "_", last).strip(". ")
    kept = cleaned[-150:] or "picture"
    return f"_{kept}" if _DEVICE.match(kept) else kept


def _image(request: HttpRequest, image_id: int) -> Image:
    return get_object_or_404(Image.objects.visible_to(request.user), pk=image_id)


def _prediction(request: HttpRequest, prediction_id: int) -> Prediction:
    """A finished prediction: others have no files."""
    return get_object_or_404(
        Prediction.objects.select_related("image", "model_version"),
        pk=prediction_id,
        state=Prediction.State.DONE,
        image__in=Image.objects.visible_to(request.user),
    )


def _evaluated(request: HttpRequest, evaluated_id: int) -> EvaluatedImage:
    return get_object_or_404(
        EvaluatedImage, pk=evaluated_id, evaluation__in=Evaluation.objects.visible_to(request.user)
    )


def _etag(prediction: Prediction, kind: str) -> str:
    finished = prediction.finished_at.timestamp() if prediction.finished_at else 0
    return f"{kind}-{prediction.pk}-{finished:.6f}"


def is_too_large_to_show(image: Image) -> bool:
    """Whether the viewer gets a smaller copy of the picture and its mask."""
    return image.width_px * image.height_px > _SHOWN_PIXELS


def _thinned_mask(request: HttpRequest, prediction: Prediction) -> HttpResponseBase:
    """Made when asked for, and kept by the browser: labels are never blended, only left out."""
    tag = quote_etag(_etag(prediction, "mask-view"))
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None and unchanged.status_code == 304:
        return _harmless(unchanged, request)
    try:
        with _ONE_AT_A_TIME:
            mask = read_mask(storage.fetch(storage.mask_path(prediction.pk)), limits=picture_limits())
            response = HttpResponse(mask_png(thinned(mask, VIEW_PX)), content_type="image/png")
    except (OSError, PictureError) as error:
        raise Http404(f"the mask of image {prediction.image_id} cannot be shown: {error}") from error
    response["ETag"] = tag
    return _harmless(response, request)


def _make(image: Image, path: Path, side_px: int) -> None:
    """Write a smaller WebP of the original unless it is there."""
    if storage.exists(path):
        return
    try:
        original = storage.fetch(storage.original_path(image.sha256))
        with _ONE_AT_A_TIME:
            storage.write(path, thumbnail(read_at_most(original, side_px, limits=picture_limits()), side_px))
    except (OSError, PictureError) as error:
        raise Http404(f"image {image.pk} cannot be shown: {error}") from error


def _answer(
    request: HttpRequest, path: Path, content_type: str, *, etag: str, save_as: str | None = None
) -> HttpResponseBase:
    """The file, or 304. Addresses with ?v= name content that never changes, others are asked about each time."""
    tag = quote_etag(etag)
    unchanged = get_conditional_response(request, etag=tag)
    if unchanged is not None and unchanged.status_code == 304:
        return _harmless(unchanged, request)
    try:
        file = storage.fetch(path).open("rb")
    except FileNotFoundError as error:
        raise Http404(f"{path.name} is not in the store") from error
    response = FileResponse(file, content_type=content_type, filename=save_as or "", as_attachment=save_as is not None)
    response["ETag"] = tag
    return _harmless(response, request)


def _harmless(response: HttpResponse | FileResponse, request: HttpRequest) -> HttpResponseBase:
    """Whatever lies in the file, the browser runs nothing of it and takes it for nothing else."""
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if "v" in request.GET:
        patch_cache_control(response, private=True, max_age=_YEAR_SECONDS, immutable=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response
