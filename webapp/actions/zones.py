"""Zones of a source: parts of what its camera sees. They only read: no verdict and no measurement depends on one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from django.db import IntegrityError, transaction

from webapp.actions.refused import Refused
from webapp.models import Source, User, Zone

MOST_ZONES = 50
MOST_CORNERS = 100
_LEAST_AREA = 0.0001

Corner = tuple[float, float]


def rectangle(*, left: float, top: float, width: float, height: float) -> tuple[Corner, ...]:
    """Its corners, from shares (0–1) of a picture's width and height."""
    return ((left, top), (left + width, top), (left + width, top + height), (left, top + height))


def add_zone(*, source: Source, user: User | None, name: str, corners: Sequence[Corner]) -> Zone:
    """Refused for a name that the source has already, and for what is no part of a picture."""
    shape = _checked_shape(corners)
    name = _checked_name(name)
    with transaction.atomic():
        Source.objects.select_for_update().get(pk=source.pk)
        if source.zones.count() >= MOST_ZONES:
            raise Refused(f"A source has at most {MOST_ZONES} zones. Remove one that is no longer looked at.")
        try:
            with transaction.atomic():
                return Zone.objects.create(source=source, name=name, shape=shape)
        except IntegrityError as error:
            raise _taken(name) from error


def rename_zone(*, zone: Zone, user: User | None, name: str) -> None:
    name = _checked_name(name)
    try:
        with transaction.atomic():
            Zone.objects.filter(pk=zone.pk).update(name=name)
    except IntegrityError as error:
        raise _taken(name) from error


def remove_zone(*, zone: Zone, user: User | None) -> None:
    """Its numbers go with it; images and measurements stay."""
    zone.delete()


def _taken(name: str) -> Refused:
    return Refused(f"This source has a zone {name} already. Give each its own name.", field="name")


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise Refused(f"A zone's name has 1 to 60 printable characters, got {name[:80]!r}.", field="name")
    return name


def _checked_shape(corners: Sequence[Corner]) -> tuple[Corner, ...]:
    """Corners without repetitions, rounded to a millionth: far below a pixel."""
    rounded = [(round(float(x), 6), round(float(y), 6)) for x, y in corners if math.isfinite(x) and math.isfinite(y)]
    shape = tuple(corner for corner, before in zip(rounded, [None, *rounded[:-1]], strict=True) if corner != before)
    if not 3 <= len(shape) <= MOST_CORNERS:
        raise Refused(f"A zone has 3 to {MOST_CORNERS} corners, this one has {len(shape)}.", field="corners")
    if not all(0 <= value <= 1 for corner in shape for value in corner):
        raise Refused("A zone lies within the image: all its corners from 0% to 100%.", field="corners")
    if _crosses_itself(shape):
        raise Refused("The zone's outline crosses itself. Draw its corners in order around it.", field="corners")
    if _area(shape) < _LEAST_AREA:
        raise Refused("This zone is smaller than a hundredth of a percent of the image.", field="corners")
    return shape


def _area(shape: Sequence[Corner]) -> float:
    edges = zip(shape, [*shape[1:], shape[0]], strict=True)
    return abs(sum(x * y_next - x_next * y for (x, y), (x_next, y_next) in edges)) / 2


def _crosses_itself(shape: Sequence[Corner]) -> bool:
    edges = list(zip(shape, [*shape[1:], shape[0]], strict=True))
    return any(
        _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    )


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
