"""What the lines of docs/ledger.md about the dashboard's further pages must give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from analytics.buckets import quantile
from analytics.scope import Scope
from analytics.tabs.area import Area, read_area
from analytics.tabs.drift import read_drift
from analytics.tabs.drift_queries import LookRow, Sums
from analytics.tabs.growth_queries import asset_days
from analytics.tabs.people import People, read_people
from analytics.tabs.place import cells, spots
from analytics.tabs.sources import Sources, read_sources
from analytics.tabs.zones import Step, Zones, over_steps, presences, read_zones
from analytics.what_if import Rule, what_if
from tests.inspections import executed
from webapp.models import User

Rows = list[tuple[Any, ...]]
Told = Callable[[Scope], Rows]

TRIED_LIMIT_PX = 40
_QUANTILES = (0.5, 0.9, 0.99)


def _area(scope: Scope) -> Area:
    found: Area = executed(read_area, scope)
    return found


def _area_by_day(scope: Scope) -> Rows:
    return sorted(
        (row.day, row.pixels) for row in _area(scope).found if row.is_by_day and row.label_id == scope.label_id
    )


def _defects_by_day(scope: Scope) -> Rows:
    area = _area(scope)
    defects = {label.id for label in area.labels if label.is_defect}
    sums: Counter[Any] = Counter()
    for row in area.found:
        if row.is_by_day and row.label_id in defects:
            sums[row.day] += row.pixels
    return sorted(sums.items())


def _showing(scope: Scope) -> Rows:
    rows = _area(scope).spread
    return [(sum(sum(row.counts[1:]) for row in rows), sum(sum(row.counts) for row in rows))]


def _by_power(scope: Scope) -> Rows:
    """The first bucket ends at 2^-20, and from there four make a doubling."""
    sums: Counter[int] = Counter()
    for row in _area(scope).spread:
        for bucket, n in enumerate(row.counts[1:]):
            sums[-20 + (bucket + 3) // 4] += n
    return sorted((power, n) for power, n in sums.items() if n)


def _quantiles(scope: Scope) -> Rows:
    """Read from steps of a fourth of a doubling."""
    rows = [(row.start, [0, *row.counts[1:]]) for row in _area(scope).spread]
    return [
        (start, *(pytest.approx(quantile(counts, q), rel=0.19) for q in _QUANTILES))
        for start, counts in rows
        if sum(counts)
    ]


def _mm2(scope: Scope) -> Rows:
    area = _area(scope)
    scale = {row.source_id: (row.mm_per_pixel or 0.0) ** 2 for row in area.calibrations}
    return [
        (
            label.name,
            sum(
                row.pixels * scale[row.source_id]
                for row in area.found
                if not row.is_by_day and row.label_id == label.id
            ),
        )
        for label in area.labels
    ]


def _inspected_mm2(scope: Scope) -> Rows:
    return [(sum(row.pixels * (row.mm_per_pixel or 0.0) ** 2 for row in _area(scope).calibrations),)]


def _errors(scope: Scope) -> Rows:
    errors = _area(scope).errors
    assert errors is not None
    return sorted(tuple(image[str(scope.label_id)]) for image in errors.images)


def _places(scope: Scope) -> Rows:
    counts = executed(cells, scope, [scope.label_id])
    return [(cell, n) for cell, n in enumerate(counts) if n]


def _spots(scope: Scope) -> Rows:
    return [
        (row.image_id, row.latitude, row.longitude, "fail" if row.is_fail else "pass", row.area_fraction)
        for row in executed(spots, scope)
    ]


def _zones(scope: Scope) -> Zones:
    found: Zones = executed(read_zones, scope)
    return found


def _present(scope: Scope) -> Rows:
    rows = [row for row in presences(_zones(scope)) if row.seen_count]
    return [
        (row.zone.id, row.seen_count, row.region_count, row.area_fraction * row.n, row.seconds)
        for row in sorted(rows, key=lambda row: row.zone.id)
    ]


def _zone_images(scope: Scope) -> Rows:
    return sorted({(row.zone.id, row.n) for row in presences(_zones(scope))})


def _present_by_day(scope: Scope) -> Rows:
    found = _zones(scope)
    parts = [
        (zone.id, part.start.date(), part.seen_count)
        for zone in found.zones
        for part in over_steps(found, zone, found.labels[0], Step("day", scope.time_zone))
    ]
    return sorted(part for part in parts if part[2])


def _zone_heat(scope: Scope) -> Rows:
    heat = _zones(scope).heat
    return [(source, cell, n) for source, counts in sorted(heat.items()) for cell, n in enumerate(counts) if n]


def _sources(scope: Scope) -> Sources:
    found: Sources = executed(read_sources, scope)
    return found


def _source_days(scope: Scope) -> Rows:
    rows = ((row.source_id, row.day, row.inspected_count, row.defective_count) for row in _sources(scope).days)
    return sorted(rows, key=lambda row: (row[0] or 2**63, row[1]))


def _source_areas(scope: Scope) -> Rows:
    rows = [(row.source_id, row.pixels, row.region_count) for row in _sources(scope).areas]
    return sorted(rows, key=lambda row: row[0] or 2**63)


def _looks(sums: Callable[[LookRow], Sums], scale: float) -> Told:
    def told(scope: Scope) -> Rows:
        days = executed(read_drift, scope).days
        return [(row.day, sums(row).n, sums(row).mean * scale, sums(row).sd * scale) for row in days]

    return told


def _mix(scope: Scope) -> Rows:
    return sorted(
        (row.day, row.label, row.affected_count) for row in executed(read_drift, scope).mix if row.affected_count
    )


def _assets(scope: Scope) -> Rows:
    rows = executed(asset_days, scope, scope.label_id)
    return [(row.source_id, row.day, row.inspected_count, row.whole_pixels, row.label_pixels) for row in rows]


def _people(scope: Scope) -> People:
    found: People = executed(read_people, scope)
    return found


def _person_ids() -> dict[str, int]:
    return dict(User.objects.values_list("email", "pk"))


def _reviewers(scope: Scope) -> Rows:
    ids = _person_ids()
    return sorted(
        (ids[row.name], row.judged_count, row.overruled_count, row.blind_count, row.blind_overruled_count)
        for row in _people(scope).reviewers
    )


def _agreement(scope: Scope) -> Rows:
    ids, rows = _person_ids(), _people(scope).reviewers
    return sorted((ids[row.name], row.compared_count, row.agreed_count) for row in rows if row.compared_count)


def _overruled(scope: Scope) -> Rows:
    return [(row.number, row.judged_count, row.overruled_count) for row in _people(scope).overrules]


def _versions(scope: Scope) -> Rows:
    return [(row.number, row.inspected_count, row.fail_count) for row in _people(scope).versions]


def _pairs(scope: Scope) -> Rows:
    return [
        (row.current_id, row.other_id, row.both_count, row.only_current_fails, row.only_other_fails)
        for row in _people(scope).pairs
    ]


def _tried(scope: Scope) -> Rows:
    found = executed(what_if, scope, Rule(TRIED_LIMIT_PX))
    then = found.tried_outcome
    shares = [count for share in (then.missed, then.over_rejected) for count in (share.n, share.count)]
    return [(found.tried.image_count, found.tried.day_count, then.rejected.count, then.first_pass.count, *shares)]


OF_TABS: dict[str, Told] = {
    "inspected area by day": lambda scope: [(row.day, row.pixels) for row in _area(scope).days],
    "defect area by day": _defects_by_day,
    "area of labels in mm², by today's calibration": _mm2,
    "inspected area in mm², by today's calibration": _inspected_mm2,
    "pictures with a position": _spots,
    "sources by day": _source_days,
    "area and regions of defects by source": _source_areas,
    "brightness by day: images, mean, spread": _looks(lambda row: row.brightness, 1e-4),
    "sharpness by day: images, mean, spread": _looks(lambda row: row.sharpness, 1e-3),
    "warmth by day: images, mean, spread": _looks(lambda row: row.warmth, 1e-4),
    "confidence by day: images, mean, spread": _looks(lambda row: row.confidence, 1e-4),
    "mix of defects by day": _mix,
    "reviews by person: judged, overruled, blind, blind against the model": _reviewers,
    "reviews by person: images that others judged blind, and the same verdict": _agreement,
    "overruled by version": _overruled,
    "verdicts of every version": _versions,
    "two versions on the same images: both, only the first fails, only the second": _pairs,
    "another limit: images, days, rejected, first pass, failed by people, of these missed, passed by people, of these "
    "rejected": _tried,
}
"""Each for a scope of days."""

BY_IMAGE = {"corrected area: pixels hit, wrong and missed of each labelled image": _errors}
"""Of these the ledger's first column is the image, and the order does not matter."""

OF_LABELS: dict[str, Told] = {
    "area of a label by day": _area_by_day,
    "images that show a label, of all": _showing,
    "images by the share that a label covers, up to each power of 2": _by_power,
    "median, 90% and 99% of a label's share by day": _quantiles,
    **BY_IMAGE,
    "regions of a label by place": _places,
    "images of a label by zone: with it, its regions, their shares added up, seconds": _present,
    "images of the sources of zones": _zone_images,
    "images of a label by zone and day": _present_by_day,
    "regions of a label by source and place": _zone_heat,
    "area and regions of a label by source": _source_areas,
    "a label on assets by day: images, pixels of all and of the label": _assets,
}
"""Each for a scope of days and one label."""
