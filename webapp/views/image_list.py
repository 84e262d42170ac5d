"""The list an image was opened from: the way back, the one before, the one after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from analytics import ScopeError, image_neighbours, read_scope
from analytics.images import Order, Verdict, Word
from webapp.models import Batch, Image, ModelVersion, Project
from webapp.models.batch_images import SHOWS, batch_image_place

_VERDICTS: dict[str, Verdict | None] = {"": None, "pass": "pass", "fail": "fail"}
_ORDERS: dict[str, Order] = {"": "worst", "worst": "worst", "newest": "newest"}
_WORDS: tuple[Word, ...] = get_args(Word)
_FLAGS: dict[str, bool] = {"": False, "0": False, "1": True}


@dataclass(frozen=True)
class Listing:
    """Which images of a scope to list, and in which order. `zone_id`: those that show something in this zone."""

    verdict: Verdict | None
    word: Word | None
    order: Order
    zone_id: int | None = None

    def parameters(self) -> dict[str, str]:
        """As in an address; what is not said is left out."""
        given = {
            "verdict": self.verdict,
            "waiting": "1" if self.word == "waiting" else None,
            "overruled": "1" if self.word == "overruled" else None,
            "order": None if self.order == "worst" else self.order,
            "zone": None if self.zone_id is None else str(self.zone_id),
        }
        return {name: value for name, value in given.items() if value is not None}


def read_listing(query: Mapping[str, Any]) -> Listing:
    """What an address asks for: verdict=fail, waiting=1, overruled=1, order=newest, zone=1. ScopeError for the rest."""
    verdict, order = query.get("verdict") or "", query.get("order") or ""
    errors = {}
    if verdict not in _VERDICTS:
        errors["verdict"] = f"Expected pass or fail, got “{verdict[:40]}”."
    if order not in _ORDERS:
        errors["order"] = f"Expected worst or newest, got “{order[:40]}”."
    words: list[Word] = []
    for word in _WORDS:
        flag = query.get(word) or ""
        if flag not in _FLAGS:
            errors[word] = f"Expected 1 or nothing, got “{flag[:40]}”."
        elif _FLAGS[flag]:
            words.append(word)
    if len(words) > 1:
        errors["overruled"] = "An image that waits for a person was overruled by nobody. Ask for one of the two."
    zone = query.get("zone") or ""
    if zone and not (zone.isdecimal() and len(zone) < 19):
        errors["zone"] = f"Expected the number of a zone, got “{zone[:40]}”."
    if errors:
        raise ScopeError(errors)
    return Listing(_VERDICTS[verdict], words[0] if words else None, _ORDERS[order], int(zone) if zone else None)


@dataclass(frozen=True)
class ImageList:
    """`model_version` is the one whose results the list shows, None where each image's current ones count.

    `position` counts from 1; None where it is not known. Addresses are None at an end.
    """

    title: str
    href: str
    query: str
    model_version: ModelVersion | None
    previous: str | None = None
    next: str | None = None
    position: int | None = None
    count: int | None = None


def list_of(request: HttpRequest, project: Project, image: Image) -> ImageList:
    """From the address: a batch (?in=), a scope (?list=images), else the first batch that the image came with."""
    if request.GET.get("list") == "images":
        return _scope_list(request, project, image)
    if "in" in request.GET:
        batch = get_object_or_404(Batch, project=project, pk=_id(request.GET["in"]))
        return _batch_list(request, project, image, batch)
    first = Batch.objects.filter(project=project, images=image).order_by("id").first()
    if first is not None:
        return _batch_list(request, project, image, first)
    return ImageList("Images", reverse("images", args=[project.slug]), "", _model_version(request, project))


def _batch_list(request: HttpRequest, project: Project, image: Image, batch: Batch) -> ImageList:
    show = request.GET.get("show", "all")
    if show not in SHOWS:
        raise Http404("no such filter")
    chosen = _model_version(request, project)
    newest = batch.runs.select_related("model_version").first()
    model_version = chosen or (newest.model_version if newest is not None else None)
    place = batch_image_place(batch, model_version, image.pk, show=show)
    model = {"model": chosen.pk} if chosen is not None else {}
    query = urlencode({"in": batch.pk, "show": show} | model)
    address = reverse("batch", args=[project.slug, batch.pk])
    return ImageList(
        title=batch.name,
        href=f"{address}?{urlencode({'show': show} | model)}" if show != "all" or model else address,
        query=query,
        model_version=model_version,
        previous=_address(project, place.previous_id, query) if place else None,
        next=_address(project, place.next_id, query) if place else None,
        position=place.position if place else None,
        count=place.count if place else None,
    )


def _scope_list(request: HttpRequest, project: Project, image: Image) -> ImageList:
    with connection.cursor() as cursor:
        try:
            listing = read_listing(request.GET)
            scope = read_scope(cursor, request.GET, project_id=project.pk, time_zone=settings.TIME_ZONE)
        except ScopeError as error:
            raise Http404(str(error)) from error
        before, after = image_neighbours(
            cursor,
            scope,
            image.pk,
            verdict=listing.verdict,
            word=listing.word,
            order=listing.order,
            zone_id=listing.zone_id,
        )
    shared = scope.parameters() | listing.parameters()
    query = urlencode(shared | {"list": "images"})
    address = reverse("images", args=[project.slug])
    return ImageList(
        title="Images",
        href=f"{address}?{urlencode(shared)}" if shared else address,
        query=query,
        model_version=_model_version(request, project),
        previous=_address(project, before, query),
        next=_address(project, after, query),
    )


def _model_version(request: HttpRequest, project: Project) -> ModelVersion | None:
    wanted = request.GET.get("model")
    return get_object_or_404(ModelVersion, project=project, pk=_id(wanted)) if wanted else None


def _address(project: Project, image_id: int | None, query: str) -> str | None:
    return f"{reverse('image', args=[project.slug, image_id])}?{query}" if image_id is not None else None


def _id(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
