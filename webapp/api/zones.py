"""Zones of a source: parts of what a fixed camera sees."""

from __future__ import annotations

from typing import Annotated

from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from pydantic import Field

from webapp.actions.zones import MOST_CORNERS, add_zone, remove_zone, rename_zone
from webapp.api.auth import ApiRequest
from webapp.api.inputs import Text
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import READ_ERRORS, WRITE_ERRORS, answers
from webapp.models import Source, Zone

router = Router()

ZONES = "/projects/{slug:slug}/sources/{int:source_id}/zones"
ZONE = ZONES + "/{int:zone_id}"

# The description of a tuple is not understood by all who read it.
Corner = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=2, max_length=2)]


class ZoneIn(Schema):
    """`corners`: [x, y] in order around it, x from the left and y from the top, in shares of the picture, 0–1."""

    name: Text
    corners: Annotated[list[Corner], Field(min_length=3, max_length=MOST_CORNERS)]


class ZoneNameIn(Schema):
    name: Text


class ZoneOut(Schema):
    id: int
    name: str
    corners: list[Corner]

    @classmethod
    def of(cls, zone: Zone) -> ZoneOut:
        return cls(id=zone.pk, name=zone.name, corners=[[x, y] for x, y in zone.shape])


@router.get(ZONES, response=answers(list[ZoneOut], errors=READ_ERRORS))
def list_zones(request: ApiRequest, slug: str, source_id: int) -> list[ZoneOut]:
    """In the order they were drawn."""
    return [ZoneOut.of(zone) for zone in _source(request, slug, source_id).zones.all()]


@router.post(ZONES, response=answers(ZoneOut, status=201, errors=WRITE_ERRORS))
def create_zone(request: ApiRequest, slug: str, source_id: int, payload: ZoneIn) -> Status[ZoneOut]:
    """A zone counts for all images of its source, also those of the past."""
    source = _source(request, slug, source_id)
    zone = add_zone(source=source, user=request.auth, name=payload.name, corners=[(x, y) for x, y in payload.corners])
    return Status(201, ZoneOut.of(zone))


@router.patch(ZONE, response=answers(ZoneOut, errors=WRITE_ERRORS))
def update_zone(request: ApiRequest, slug: str, source_id: int, zone_id: int, payload: ZoneNameIn) -> ZoneOut:
    """Give it another name. A zone that is drawn anew is another zone: delete it and add that."""
    zone = get_object_or_404(_source(request, slug, source_id).zones, pk=zone_id)
    rename_zone(zone=zone, user=request.auth, name=payload.name)
    zone.refresh_from_db()
    return ZoneOut.of(zone)


@router.delete(ZONE, response=answers(None, status=204, errors=READ_ERRORS))
def delete_zone(request: ApiRequest, slug: str, source_id: int, zone_id: int) -> Status[None]:
    """Its numbers go with it; images and measurements stay."""
    remove_zone(zone=get_object_or_404(_source(request, slug, source_id).zones, pk=zone_id), user=request.auth)
    return Status(204, None)


def _source(request: ApiRequest, slug: str, source_id: int) -> Source:
    return get_object_or_404(visible_project(request.auth, slug).sources, pk=source_id)
