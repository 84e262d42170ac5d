"""The columns of reports, in order: the SQL behind each, its unit and what it means.

CSV, Excel and Parquet files, the data dictionary in them and docs/csv.md all say what stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, LiteralString

from analytics.relations import AFFECTED, FINAL_VERDICT, LIMIT

Kind = Literal["whole", "decimal", "flag", "word", "name", "time", "day"]
"""How cells are written. "flag" is 1 or 0, "word" one of a few words of ours, "name" text that people wrote."""


@dataclass(frozen=True)
class Column:
    """`expression` is SQL over the report's rows (empty: not read by SQL); `unit` is empty for what has none."""

    kind: Kind
    meaning: str
    expression: LiteralString = ""
    unit: str = ""


_SHARE = "0–1"
_MM2: LiteralString = "prediction.mm_per_pixel * prediction.mm_per_pixel"

_REVIEW_REASON: LiteralString = (
    "(CASE WHEN image.reviewed_verdict IS NOT NULL THEN (SELECT nullif(review.reason, '') FROM review"
    " WHERE review.image_id = image.id ORDER BY review.id DESC LIMIT 1) END)"
)

_IMAGE: Mapping[str, Column] = {
    "image_id": Column("whole", "the image's number, as in its address", "image.id"),
    "name": Column(
        "name",
        "file name with the sub-folders of the upload (of the scope's batch, where it has one)",
        "coalesce(batch_image.name, image.name)",
    ),
    "source_site": Column("name", "site of the source", "source.site"),
    "source": Column("name", "name of the source; empty for images without one", "source.name"),
    "captured_at": Column("time", "when the picture was taken", "image.captured_at", "time of the installation"),
    "model_version": Column("whole", "number of the model version that judged it", "model_version.number"),
}
_LABEL: Mapping[str, Column] = {
    "label": Column("name", "name of the label", "label.name"),
    "label_index": Column("whole", "its value in masks", "label.index"),
    "is_defect": Column("flag", "1 where the label is a defect, else 0", "label.is_defect"),
}
_LABEL_LIMIT = Column(
    "whole",
    "the limit this label was judged by: its own, where the model version has one, else the image's",
    LIMIT,
    "px",
)

IMAGES: Mapping[str, Column] = {
    **_IMAGE,
    "min_region_px": Column(
        "whole",
        "the limit it was judged by: a region of this many pixels counts (labels may have limits of their own, "
        "see labels)",
        "prediction.min_region_px",
        "px",
    ),
    "sha256": Column("word", "hash of the picture file", "image.sha256"),
    "captured_at_from": Column(
        "word",
        "where that time comes from: `exif` (the camera), `given` (at upload) or `upload` (the time of upload)",
        "image.captured_at_from",
    ),
    "width_px": Column("whole", "width", "image.width_px", "px"),
    "height_px": Column("whole", "height", "image.height_px", "px"),
    "verdict": Column(
        "word",
        "the verdict that counts: a person's newest word where there is one, else the model's",
        FINAL_VERDICT,
    ),
    "model_verdict": Column(
        "word",
        "the model's: `fail` when a region of a defect label reaches the limit, else `pass`",
        "prediction.verdict",
    ),
    "reviewed_by_person": Column(
        "flag", "1 where a person's word counts, else 0", "(image.reviewed_verdict IS NOT NULL)"
    ),
    "review_reason": Column("name", "what that person gave as the reason; empty where none was given", _REVIEW_REASON),
    "defective": Column(
        "flag",
        "1 or 0: what the dashboard counts. Failed; with a label in the scope, affected by it",
        "(CASE WHEN %(label_id)s::bigint IS NULL THEN " + FINAL_VERDICT + " = 'fail' "
        "ELSE coalesce(" + AFFECTED + ", false) END)",
    ),
    "defect_area_fraction": Column(
        "decimal", "share of the picture covered by defect labels", "prediction.defect_area_fraction", _SHARE
    ),
    "confidence": Column("decimal", "the model's mean confidence over the picture", "prediction.confidence", _SHARE),
}
LABELS: Mapping[str, Column] = {
    **_IMAGE,
    "min_region_px": _LABEL_LIMIT,
    **_LABEL,
    "pixels": Column("whole", "its pixels in the picture", "coalesce(measurement.pixels, 0)", "px"),
    "area_fraction": Column("decimal", "its share of the picture", "coalesce(measurement.area_fraction, 0)", _SHARE),
    "area_mm2": Column(
        "decimal",
        "its area where the source said how large a pixel is, else empty",
        "coalesce(measurement.pixels, 0) * " + _MM2,
        "mm²",
    ),
    "region_count": Column("whole", "its regions", "coalesce(measurement.region_count, 0)"),
    "largest_region_px": Column(
        "whole", "pixels of the largest of them", "coalesce(measurement.largest_region_px, 0)", "px"
    ),
    "affected": Column(
        "flag", "1 where the largest reaches `min_region_px`, else 0", "coalesce(" + AFFECTED + ", false)"
    ),
    "confidence": Column(
        "decimal",
        "the model's mean confidence over its pixels; empty where it has none",
        "measurement.confidence",
        _SHARE,
    ),
}
REGIONS: Mapping[str, Column] = {
    **_IMAGE,
    "min_region_px": _LABEL_LIMIT,
    **_LABEL,
    "region_id": Column("whole", "the region's number", "region.id"),
    "area_px": Column("whole", "its pixels", "region.area_px", "px"),
    "area_mm2": Column(
        "decimal",
        "its area where the source said how large a pixel is, else empty",
        "region.area_px * " + _MM2,
        "mm²",
    ),
    "x_px": Column("whole", "left edge of its box, from the left of the picture", "region.x_px", "px"),
    "y_px": Column("whole", "top edge of its box, from the top", "region.y_px", "px"),
    "width_px": Column("whole", "width of its box", "region.width_px", "px"),
    "height_px": Column("whole", "height of its box", "region.height_px", "px"),
    "centroid_x_px": Column("decimal", "its centre of area, from the left", "region.centroid_x_px", "px"),
    "centroid_y_px": Column("decimal", "its centre of area, from the top", "region.centroid_y_px", "px"),
    "length_px": Column(
        "decimal",
        "its length: of thin shapes along their skeleton, of others of the ellipse with the same moments; empty "
        "where it was not measured",
        "region.length_px",
        "px",
    ),
    "breadth_px": Column("decimal", "its breadth, measured likewise", "region.breadth_px", "px"),
    "orientation_deg": Column(
        "decimal", "which way it lies, from the right, counter-clockwise", "region.orientation_deg", "0–180°"
    ),
    "reaches_limit": Column(
        "flag", "1 where `area_px` reaches `min_region_px`, else 0", "(region.area_px >= " + LIMIT + ")"
    ),
}
DAILY: Mapping[str, Column] = {
    "day": Column("day", "the day", unit="day of the installation"),
    "source_site": Column("name", "site of the source"),
    "source": Column("name", "name of the source; empty for images without one"),
    "inspected": Column("whole", "images inspected"),
    "defective": Column("whole", "defective ones among them"),
    "defect_rate": Column("decimal", "`defective` / `inspected`", unit=_SHARE),
    "defect_rate_low": Column("decimal", "lower end of its 95 % Wilson interval", unit=_SHARE),
    "defect_rate_high": Column("decimal", "upper end of its 95 % Wilson interval", unit=_SHARE),
    "pixels": Column("whole", "pixels inspected", unit="px"),
}

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"
"""What a spreadsheet may take for the beginning of a formula.

After the OWASP page on CSV injection; the last four are the full-width forms that some programs fold.
"""

_TEXT_IN_CSV: LiteralString = (
    r"(CASE WHEN left({x}, 1) IN ('=', '+', '-', '@', E'\t', E'\r', E'\n', '＝', '＋', '－', '＠')"
    " THEN '''' || {x} ELSE {x} END)"
)
# In the session's time zone, which is the scope's: no other way writes the offset in one step.
_TIME_IN_CSV: LiteralString = "to_char({x}, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
_IN_CSV: Mapping[Kind, LiteralString] = {"name": _TEXT_IN_CSV, "time": _TIME_IN_CSV, "flag": "({x})::int"}


def csv_expression(column: Column) -> LiteralString:
    """The column as a CSV has it: times with their offset, flags as 0 and 1, no text that starts a formula."""
    template = _IN_CSV.get(column.kind)
    return template.replace("{x}", column.expression) if template else column.expression
