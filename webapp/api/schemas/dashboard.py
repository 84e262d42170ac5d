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
    vs_from: Annotated[str, Field(description="Compare with: first day, in place of the scope's own.")] = ""
    vs_to: Annotated[str, Field(description="Compare with: last day, included.")] = ""
    vs_source: Annotated[str, Field(description="Compare with: source by id or name, or “none”.")] = ""
    vs_model: Annotated[str, Field(description="Compare with: model version by id.")] = ""
    vs_batch: Annotated[str, Field(description="Compare with: batch by id.")] = ""

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
    cost_per_image: float | None


class ChangeOut(Schema):
    """What it is compared with: `vs_…`, else the period of the same length before.

    `difference` of the rates with its 95 % interval, −1 to 1; `p_value` of the two-proportion test, 0–1.
    """

    scope: dict[str, str]
    inspected: int
    defective: int
    defect_rate: float | None
    defect_rate_interval: Interval
    difference: float | None
    interval: Interval
    direction: str
    p_value: float | None


class EscapesOut(Schema):
    """Defective images among the passed ones, from blind audits; `rate` per passed image, `count` in the scope.

    `is_enough`: at least 30 were judged. `is_of_scope`: the judged images lie in the scope, else they are earlier ones.
    """

    rate: float
    interval: tuple[float, float]
    count: float | None
    count_interval: Interval
    passed: int
    judged: int
    found: int
    is_enough: bool
    is_of_scope: bool
    last_audit_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class DriverOut(Schema):
    """What one source, model, batch or hour did to the rate, −1 to 1: by its share of images and by its own rate."""

    dimension: str
    value: str
    effect: float
    mix_effect: float
    rate_effect: float
    p_value: float


class MovementOut(Schema):
    """What may stand behind the change; `left_out`: dimensions that were too much to look at."""

    sentence: str
    drivers: list[DriverOut]
    left_out: list[str]


class EventMark(Schema):
    """Somebody changed what numbers mean; `kind` is `rule`, `calibration` or `labels`."""

    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    kind: str
    sentence: str


class PromotionMark(Schema):
    """A model version went live within the scope's time; `kind` is `live` or `roll-back`."""

    at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    number: int
    architecture: str
    kind: str


class DashboardOut(Schema):
    """`n` is what `defect_rate` is a rate of; `defect_rate_interval` is its 95 % Wilson interval.

    `defective` counts verdicts as people left them, `model_defective` as the model gave them. `first_pass`: passed by
    the model and overruled by nobody; `waiting_count`: failed by the model, judged by nobody. All three of all labels.
    """

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
    first_pass: int
    first_pass_yield: float | None
    first_pass_yield_interval: Interval
    model_defective: int
    model_defect_rate: float | None
    waiting_count: int
    escapes: EscapesOut | None
    movement: MovementOut | None
    events: list[EventMark]
    labels: list[LabelNumbers]
    trend_unit: str
    trend: list[TrendPoint]
    promotions: list[PromotionMark]
    sources: list[SourceCounts]
    upload_time_count: int
    in_progress_count: int
