"""Sources: where pictures come from."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from webapp.api.inputs import Text
from webapp.models import Source

Kind = Literal["line", "camera", "store", "asset"]


class SourceIn(Schema):
    name: Text
    site: Annotated[Text, Field(max_length=100)] = ""
    kind: Kind = "line"
    mm_per_pixel: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class SourceRef(Schema):
    """`name` as the pages write it: “site / name”."""

    id: int
    name: str

    @classmethod
    def of(cls, source: Source) -> SourceRef:
        return cls(id=source.pk, name=str(source))


class SourceOut(Schema):
    id: int
    site: str
    name: str
    kind: str
    mm_per_pixel: float | None

    @classmethod
    def of(cls, source: Source) -> SourceOut:
        return cls(
            id=source.pk,
            site=source.site,
            name=source.name,
            kind=source.kind,
            mm_per_pixel=source.mm_per_pixel,
        )
