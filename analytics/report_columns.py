"""The columns of the CSV files, in order, and the SQL expression behind each. `docs/csv.md` explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from analytics.relations import AFFECTED, LIMIT


def _safe(text: LiteralString) -> LiteralString:
    """Text that no spreadsheet takes for a formula: an apostrophe before what would start one.

    After the OWASP page on CSV injection; the last four are the full-width forms that some programs fold.
    """
    return "(CASE WHEN " + text + r" ~ '^[=+\-@\t\r\n＝＋－＠]' THEN '''' || " + text + " ELSE " + text + " END)"


_OFFSET: LiteralString = "((image.captured_at AT TIME ZONE %(time_zone)s) - (image.captured_at AT TIME ZONE 'UTC'))"
_CAPTURED_AT: LiteralString = (
    "to_char(image.captured_at AT TIME ZONE %(time_zone)s, 'YYYY-MM-DD\"T\"HH24:MI:SS')"
    " || CASE WHEN " + _OFFSET + " < interval '0' THEN '-' ELSE '+' END"
    " || to_char(greatest(" + _OFFSET + ", -" + _OFFSET + "), 'HH24:MI')"
)

_IMAGE: Mapping[str, LiteralString] = {
    "image_id": "image.id",
    "name": _safe("coalesce(batch_image.name, image.name)"),
    "source_site": _safe("source.site"),
    "source": _safe("source.name"),
    "captured_at": _CAPTURED_AT,
    "model_version": "model_version.number",
    "min_region_px": "prediction.min_region_px",
}
_LABEL: Mapping[str, LiteralString] = {
    "label": _safe("label.name"),
    "label_index": "label.index",
    "is_defect": "label.is_defect::int",
}

IMAGES: Mapping[str, LiteralString] = {
    **_IMAGE,
    "sha256": "image.sha256",
    "captured_at_from": "image.captured_at_from",
    "width_px": "image.width_px",
    "height_px": "image.height_px",
    "verdict": "prediction.verdict",
    "defective": "(CASE WHEN %(label_id)s::bigint IS NULL THEN prediction.verdict = 'fail' "
    "ELSE coalesce(" + AFFECTED + ", false) END)::int",
    "defect_area_fraction": "prediction.defect_area_fraction",
    "confidence": "prediction.confidence",
}
LABELS: Mapping[str, LiteralString] = {
    **_IMAGE,
    "min_region_px": LIMIT,
    **_LABEL,
    "pixels": "coalesce(measurement.pixels, 0)",
    "area_fraction": "coalesce(measurement.area_fraction, 0)",
    "region_count": "coalesce(measurement.region_count, 0)",
    "largest_region_px": "coalesce(measurement.largest_region_px, 0)",
    "affected": "coalesce(" + AFFECTED + ", false)::int",
    "confidence": "measurement.confidence",
}
REGIONS: Mapping[str, LiteralString] = {
    **_IMAGE,
    "min_region_px": LIMIT,
    **_LABEL,
    "region_id": "region.id",
    "area_px": "region.area_px",
    "x_px": "region.x_px",
    "y_px": "region.y_px",
    "width_px": "region.width_px",
    "height_px": "region.height_px",
    "centroid_x_px": "region.centroid_x_px",
    "centroid_y_px": "region.centroid_y_px",
    "reaches_limit": "(region.area_px >= " + LIMIT + ")::int",
}
DAILY: tuple[str, ...] = (
    "day",
    "source_site",
    "source",
    "inspected",
    "defective",
    "defect_rate",
    "defect_rate_low",
    "defect_rate_high",
    "pixels",
)

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
"""The same characters as in `_safe`, for the rows that are written here and not by the database."""
