"""PostgreSQL's own polygons as a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import models

Points = tuple[tuple[float, float], ...]

_POINT = re.compile(r"\(([^(),]+),([^(),]+)\)")


class PolygonField(models.Field):
    """Corners ((x, y), …) in order. `shape @> point(x, y)` asks whether a point lies inside or on the edge."""

    def db_type(self, connection: Any) -> str:
        return "polygon"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Points | None:
        return None if value is None else read_polygon(value)

    def to_python(self, value: Any) -> Points | None:
        return read_polygon(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Sequence[Sequence[float]] | None) -> str | None:
        if value is None:
            return None
        return "(" + ",".join(f"({float(x)!r},{float(y)!r})" for x, y in value) + ")"

    def value_to_string(self, obj: models.Model) -> str:
        corners: Any = self.value_from_object(obj)
        return self.get_prep_value(corners) or ""


def read_polygon(text: str) -> Points:
    """What PostgreSQL writes, `((0.1,0.2),(0.3,0.4),…)`, as corners."""
    return tuple((float(x), float(y)) for x, y in _POINT.findall(text))
