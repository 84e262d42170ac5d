"""Confirm, overrule and take back on one image: by its page (htmx), by a script (JSON), by a plain form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from webapp.actions import reviews
from webapp.actions.refused import Refused
from webapp.models import Image, Prediction
from webapp.views.asking import person
from webapp.views.images import result_context, visible_image


@require_POST
def judge(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    image = visible_image(request, slug, image_id)
    sent = _sent(request)

    def act() -> None:
        reviews.judge(
            image=image,
            user=person(request),
            verdict=str(sent.get("verdict", "")),
            reason=str(sent.get("reason", "")),
            prediction=_prediction(image, str(sent.get("prediction", ""))),
        )

    return _answer(request, image, sent, act)


@require_POST
def withdraw(request: HttpRequest, slug: str, image_id: int) -> HttpResponse:
    image = visible_image(request, slug, image_id)
    return _answer(request, image, _sent(request), lambda: reviews.withdraw(image=image, user=person(request)))


def _answer(request: HttpRequest, image: Image, sent: dict[str, Any], act: Callable[[], None]) -> HttpResponse:
    error: Refused | None = None
    try:
        act()
    except Refused as refused:
        error = refused
    if getattr(request, "htmx", False):
        prediction = _prediction(image, str(sent.get("prediction", ""))) or _current(image)
        context = result_context(image, prediction) | {
            "review_error": error,
            "typed_reason": str(sent.get("reason", "")) if error else "",
        }
        return render(request, "images/_verdict.html", context)
    if request.content_type == "application/json" or request.accepts("text/html") is False:
        return _as_json(image, error)
    if error is not None:
        messages.error(request, str(error))
    return redirect(_back(request, image))


def _as_json(image: Image, error: Refused | None) -> JsonResponse:
    if error is not None:
        fields = {error.field: str(error)} if error.field else {}
        return JsonResponse({"error": {"code": "invalid", "message": str(error), "fields": fields}}, status=422)
    current = _current(image)
    standing = reviews.standing_review(image)
    model_verdict = current.verdict if current else None
    return JsonResponse(
        {
            "verdict": image.reviewed_verdict or model_verdict,
            "model_verdict": model_verdict,
            "review": {
                "verdict": standing.verdict,
                "reason": standing.reason,
                "by": str(standing.user) if standing.user else "",
                "at": standing.at.isoformat(),
            }
            if standing
            else None,
        }
    )


def _sent(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        return dict(request.POST.items())
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _prediction(image: Image, asked: str) -> Prediction | None:
    """The result that the person looked at; None, the one in force, where the form names none of this image's."""
    if not (asked.isdecimal() and len(asked) < 19):
        return None
    return image.predictions.filter(pk=int(asked), is_shadow=False).select_related("model_version", "run").first()


def _current(image: Image) -> Prediction | None:
    return image.predictions.filter(is_current=True).select_related("model_version", "run").first()


def _back(request: HttpRequest, image: Image) -> str:
    """The page that the form was on, which knows its list; else the image's own."""
    referer = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(referer, {request.get_host()}, request.is_secure()):
        return referer
    return reverse("image", args=[image.project.slug, image.pk])
