"""The dashboard's query and its numbers."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

Interval = tuple[float, float] | None


class ScopeQuery(Schema):
    """Which images count. Empty parameters limit nothing; sources and labels are given by id or by name."""

    from_: Annotated[str, Field(alias="from", description="First day, like 2026-05-12.")] = ""
    to: Annotated[str, Field(description="Last day, included.")] = ""
    source: Annotated[str, Field(description="Source by id or name; “none” for images without one.")] = ""
    model: Annotated[str, Field(description="Model version by id; without it the newest result.")] = ""
    label: Annotated[str, Field(description="Label by id or name; images it affects are defective.")] = ""
    batch: Annotated[str, Field(description="Batch by id.")] = ""
    hour: Annotated[str, Field(description="One hour by its start, like 2026-05-12T13:00Z.")] = ""
    by: Annotated[str, Field(description="Unit of the trend: hour, day, week or auto.")] = ""

    def parameters(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)


class Counts(Schema):
    """`interval` is the 95 % Wilson interval of the rate; null, as the rate, where nothing was inspected."""

    inspected: int
    defective: int
    defect_rate: float | None
    interval: Interval


class TrendPoint(Counts):
    """`start` with the offset of the server's time zone, by whose clock days and weeks begin."""

    start: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class SourceCounts(Counts):
    """`id` and `source` are null for images without a source."""

    id: int | None
    source: str | None


class LabelNumbers(Schema):
    id: int
    label: str
    index: int
    color: str
    is_defect: bool
    pixels: int
    area_fraction: float | None
    affected_count: int
    affected_fraction: float | None
    interval: Interval
    region_count: int


class ChangeOut(Schema):
    """The period of the same length before. `difference` of the rates with its 95 % interval, −1 to 1."""

    scope: dict[str, str]
    inspected: int
    defective: int
    defect_rate: float | None
    defect_rate_interval: Interval
    difference: float | None
    interval: Interval
    direction: str


class PromotionMark(Schema):
    """A model version went live within the scope's time; `kind` is `live` or `roll-back`."""

    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    number: int
    architecture: str
    kind: str


class DashboardOut(Schema):
    """`n` is what `defect_rate` is a rate of; `defect_rate_interval` is its 95 % Wilson interval."""

    scope: dict[str, str]
    inspected: int
    defective: int
    defect_rate: float | None
    defect_rate_interval: Interval
    n: int
    pixels: int
    defect_pixels: int
    defect_area_fraction: float | None
    change: ChangeOut | None
    labels: list[LabelNumbers]
    trend_unit: str
    trend: list[TrendPoint]
    promotions: list[PromotionMark]
    sources: list[SourceCounts]
    upload_time_count: int
    in_progress_count: int
