"""What was found on pictures as rows of the ledger's two tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from segmentation.measure import PictureMeasurement

Found = Mapping[int, PictureMeasurement]
"""Prediction id → what was found, by the project's label indices."""

MEASUREMENT_COLUMNS = {
    "prediction_id": "int8",
    "label_id": "int8",
    "pixels": "int8",
    "area_fraction": "float8",
    "region_count": "int4",
    "largest_region_px": "int8",
    "confidence": "float8",
    "min_region_px": "int4",
}
REGION_COLUMNS = {
    "prediction_id": "int8",
    "label_id": "int8",
    "area_px": "int8",
    "x_px": "int4",
    "y_px": "int4",
    "width_px": "int4",
    "height_px": "int4",
    "centroid_x_px": "float8",
    "centroid_y_px": "float8",
    "length_px": "float8",
    "breadth_px": "float8",
    "orientation_deg": "float8",
}


def measurement_rows(
    found: Found, labels: Mapping[int, int], limits: Mapping[int, int]
) -> Iterator[tuple[float | None, ...]]:
    """A row for every label of the project (`labels`: index → id), also for one that came meanwhile.

    `limits`: index → the least region in px of labels that have a limit of their own.
    """
    for prediction_id, picture in found.items():
        rows = {row.label_index: row for row in picture.measurements}
        for index, label_id in labels.items():
            row, limit = rows.get(index), limits.get(index)
            if row is None:
                yield (prediction_id, label_id, 0, 0.0, 0, 0, None, limit)
            else:
                yield (
                    prediction_id,
                    label_id,
                    row.pixels,
                    row.area_fraction,
                    row.region_count,
                    row.largest_region_px,
                    row.mean_confidence,
                    limit,
                )


def region_rows(found: Found, labels: Mapping[int, int]) -> Iterator[tuple[float | None, ...]]:
    for prediction_id, picture in found.items():
        for index, *numbers in picture.regions.tuples():
            yield (prediction_id, labels[index], *numbers)
