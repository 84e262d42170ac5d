"""Zones of a source, drawn over a picture of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from webapp.actions.refused import Refused
from webapp.actions.zones import add_zone, remove_zone, rename_zone
from webapp.forms.zones import ZoneForm, ZoneNameForm
from webapp.models import Image, Project, Source, Zone
from webapp.views.asking import person, project_of

WIDTH = 1000
"""The drawing's own units across the picture."""


@dataclass(frozen=True)
class Outline:
    """A zone in the drawing's units. `x` and `y`: where its name stands."""

    zone: Zone
    points: str
    x: float
    y: float


@require_safe
def show(request: HttpRequest, slug: str, source_id: int) -> HttpResponse:
    project = project_of(request, slug)
    return _page(request, project, _source(project, source_id))


@require_POST
def add(request: HttpRequest, slug: str, source_id: int) -> HttpResponse:
    project = project_of(request, slug)
    source = _source(project, source_id)
    form = ZoneForm(request.POST)
    if form.is_valid():
        try:
            zone = add_zone(
                source=source,
                user=person(request),
                name=form.cleaned_data["name"],
                corners=form.cleaned_data["corners"],
            )
        except Refused as refused:
            form.add_error("name" if refused.field == "name" else None, str(refused))
        else:
            messages.success(request, f"The zone {zone} is added. It counts for all images of {source}.")
            return redirect("zones", slug, source_id)
    return _page(request, project, source, form=form)


@require_POST
def rename(request: HttpRequest, slug: str, source_id: int, zone_id: int) -> HttpResponse:
    source = _source(project_of(request, slug), source_id)
    zone = get_object_or_404(source.zones, pk=zone_id)
    form = ZoneNameForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused("A zone's name has 1 to 60 characters.")
        rename_zone(zone=zone, user=person(request), name=form.cleaned_data["name"])
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The zone is renamed.")
    return redirect("zones", slug, source_id)


@require_POST
def remove(request: HttpRequest, slug: str, source_id: int, zone_id: int) -> HttpResponse:
    source = _source(project_of(request, slug), source_id)
    zone = get_object_or_404(source.zones, pk=zone_id)
    remove_zone(zone=zone, user=person(request))
    messages.success(request, f"The zone {zone} is removed. Images and their numbers stay.")
    return redirect("zones", slug, source_id)


def _source(project: Project, source_id: int) -> Source:
    return get_object_or_404(project.sources, pk=source_id)


def _page(request: HttpRequest, project: Project, source: Source, form: ZoneForm | None = None) -> HttpResponse:
    image = Image.objects.filter(project=project, source=source).order_by("-captured_at", "-pk").first()
    height = round(WIDTH * image.height_px / image.width_px) if image else round(WIDTH * 0.75)
    context: dict[str, Any] = {
        "project": project,
        "tab": "settings",
        "source": source,
        "image": image,
        "form": form or ZoneForm(),
        "width": WIDTH,
        "height": height,
        "outlines": [_outline(zone, height) for zone in source.zones.all()],
    }
    return render(request, "zones/show.html", context)


def _outline(zone: Zone, height: int) -> Outline:
    corners = [(round(x * WIDTH, 1), round(y * height, 1)) for x, y in zone.shape]
    return Outline(
        zone=zone,
        points=" ".join(f"{x},{y}" for x, y in corners),
        x=round(sum(x for x, _ in corners) / len(corners), 1),
        y=round(sum(y for _, y in corners) / len(corners), 1),
    )
