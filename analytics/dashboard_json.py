"""The dashboard as the API gives it: plain values, shares 0–1, times in ISO 8601 with the zone's offset."""

from __future__ import annotations

from typing import Any

from analytics.dashboard import Change, Dashboard, Rate, local
from analytics.queries import EventRow, LabelRow, PromotionRow, SourceRow, TrendRow
from analytics.scope import Scope


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """All numbers of a dashboard, ready for JSON. Rates and intervals are None where n is 0."""
    summary = dashboard.summary
    return {
        "scope": dashboard.scope.parameters() | {"time_zone": dashboard.scope.time_zone},
        "inspected": summary.inspected_count,
        "defective": summary.defective_count,
        **_rate_json(dashboard.rate),
        "n": dashboard.rate.n,
        "pixels": summary.pixels,
        "defect_pixels": dashboard.defect_pixels,
        "defect_area_fraction": dashboard.defect_area_fraction,
        "change": _change_json(dashboard.change),
        "first_pass": summary.first_pass_count,
        "first_pass_yield": dashboard.first_pass.fraction,
        "first_pass_yield_interval": _interval_json(dashboard.first_pass),
        "model_defective": summary.fail_count,
        "model_defect_rate": dashboard.model_rate.fraction,
        "waiting_count": summary.waiting_count,
        "escapes": _escapes_json(dashboard),
        "movement": _movement_json(dashboard),
        "labels": [_label_json(dashboard, label) for label in dashboard.labels],
        "trend_unit": dashboard.unit,
        "trend": [_trend_json(dashboard.scope, row) for row in dashboard.trend],
        "events": [_event_json(dashboard.scope, row) for row in dashboard.events],
        "promotions": [_promotion_json(dashboard.scope, row) for row in dashboard.promotions],
        "sources": [_source_json(row) for row in dashboard.sources],
        "upload_time_count": dashboard.upload_time_count,
        "in_progress_count": dashboard.state.in_progress_count,
    }


def _rate_json(rate: Rate) -> dict[str, Any]:
    return {"defect_rate": rate.fraction, "defect_rate_interval": _interval_json(rate)}


def _interval_json(rate: Rate) -> list[float] | None:
    return [rate.interval.low, rate.interval.high] if rate.n else None


def _change_json(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "scope": change.scope.parameters(),
        "inspected": change.before.n,
        "defective": change.before.count,
        **_rate_json(change.before),
        "difference": change.difference,
        "interval": None if change.difference is None else [change.interval.low, change.interval.high],
        "p_value": change.p_value,
        "direction": change.direction.replace(" ", "_"),
    }


def _label_json(dashboard: Dashboard, label: LabelRow) -> dict[str, Any]:
    affected = Rate.of(label.affected_count, dashboard.summary.inspected_count)
    return {
        "id": label.label_id,
        "label": label.name,
        "index": label.index,
        "color": label.color,
        "is_defect": label.is_defect,
        "pixels": label.pixels,
        "area_fraction": dashboard.area_fraction(label.pixels),
        "affected_count": label.affected_count,
        "affected_fraction": affected.fraction,
        "interval": _interval_json(affected),
        "region_count": label.region_count,
        "cost_per_image": label.cost,
    }


def _escapes_json(dashboard: Dashboard) -> dict[str, Any] | None:
    """Of passed images, what an audit found; None until there is one."""
    found = dashboard.escapes
    if found is None:
        return None
    return {
        "rate": found.rate.value,
        "interval": [found.rate.low, found.rate.high],
        "count": found.count.value if found.count else None,
        "count_interval": [found.count.low, found.count.high] if found.count else None,
        "passed": found.passed_count,
        "judged": found.judged_count,
        "found": found.escape_count,
        "is_enough": found.is_enough,
        "is_of_scope": found.is_of_scope,
        "last_audit_at": local(found.last_judged_at, dashboard.scope).isoformat(),
    }


def _movement_json(dashboard: Dashboard) -> dict[str, Any] | None:
    """What may stand behind the change; None where nothing is compared, or too few images."""
    if dashboard.moves is None:
        return None
    where = dashboard.moves.where
    return {
        "sentence": where.sentence,
        "drivers": [
            {
                "dimension": driver.dimension,
                "value": driver.value,
                "effect": driver.effect,
                "mix_effect": driver.mix_effect,
                "rate_effect": driver.rate_effect,
                "p_value": driver.p_value,
            }
            for driver in where.drivers
        ],
        "left_out": list(dashboard.moves.left_out),
    }


def _event_json(scope: Scope, row: EventRow) -> dict[str, Any]:
    return {"at": local(row.at, scope).isoformat(), "kind": row.kind, "sentence": row.sentence}


def _trend_json(scope: Scope, row: TrendRow) -> dict[str, Any]:
    return {"start": local(row.start, scope).isoformat(), **_counts_json(row)}


def _promotion_json(scope: Scope, row: PromotionRow) -> dict[str, Any]:
    return {
        "at": local(row.at, scope).isoformat(),
        "number": row.number,
        "architecture": row.architecture,
        "kind": "roll-back" if row.is_roll_back else "live",
    }


def _source_json(row: SourceRow) -> dict[str, Any]:
    return {"source": row.name, "id": row.source_id, **_counts_json(row)}


def _counts_json(row: TrendRow | SourceRow) -> dict[str, Any]:
    rate = Rate.of(row.defective_count, row.inspected_count)
    return {
        "inspected": row.inspected_count,
        "defective": row.defective_count,
        "defect_rate": rate.fraction,
        "interval": _interval_json(rate),
    }
