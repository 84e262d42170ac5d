"""Which roll-ups there are and the SQL that counts rows into them.

Predictions are counted once, per hour (UTC) and local day together; all tables take their sums from that: a few
predictions in one statement, a whole project by way of temporary tables. What only a shadow run found is in none.
"""

from __future__ import annotations

from dataclasses import dataclass

from analytics.buckets import area_bucket_sql, place_cell_sql

_SLICE = ("is_current", "model_version_id")
_INSPECTION_SUMS = (
    "inspected_count",
    "fail_count",
    "final_fail_count",
    "first_pass_count",
    "waiting_count",
    "upload_time_count",
    "pixels",
)
_LOOKS = ("brightness", "sharpness", "warmth")
_LOOK_SUMS = (
    "confidence_count",
    "confidence_sum",
    "confidence_squares",
    "feature_count",
    *(f"{look}_{kind}" for look in _LOOKS for kind in ("sum", "squares")),
)
_LABEL_SUMS = ("affected_count", "pixels", "region_count")

_LOOK_COUNTS = ", ".join(
    f"%(sign)s * coalesce(sum({look}::integer), 0) AS {look}_sum, "
    f"%(sign)s * coalesce(sum({look}::integer * {look}), 0) AS {look}_squares"
    for look in _LOOKS
)

_CHOSEN = """
    SELECT prediction.id, prediction.project_id, prediction.is_current, prediction.model_version_id,
           prediction.source_id, date_trunc('hour', prediction.captured_at, 'UTC') AS hour,
           (prediction.captured_at AT TIME ZONE %(zone)s)::date AS day,
           prediction.verdict, prediction.min_region_px, image.reviewed_verdict, image.captured_at_from,
           image.width_px, image.height_px, round(prediction.confidence * 10000)::bigint AS confidence,
           prediction.brightness, prediction.sharpness, prediction.warmth
    FROM prediction JOIN image ON image.id = prediction.image_id
    WHERE prediction.state = 'done' AND NOT prediction.is_shadow AND {which}
"""

_INSPECTIONS = f"""
    SELECT project_id, hour, day, is_current, model_version_id, source_id,
           %(sign)s * count(*) AS inspected_count,
           %(sign)s * count(*) FILTER (WHERE verdict = 'fail') AS fail_count,
           %(sign)s * count(*) FILTER (WHERE coalesce(reviewed_verdict, verdict) = 'fail') AS final_fail_count,
           %(sign)s * count(*) FILTER (WHERE verdict = 'pass' AND coalesce(reviewed_verdict, 'pass') = 'pass')
               AS first_pass_count,
           %(sign)s * count(*) FILTER (WHERE verdict = 'fail' AND reviewed_verdict IS NULL) AS waiting_count,
           %(sign)s * count(*) FILTER (WHERE captured_at_from = 'upload') AS upload_time_count,
           %(sign)s * sum(width_px::bigint * height_px)::bigint AS pixels,
           %(sign)s * count(confidence) AS confidence_count,
           %(sign)s * coalesce(sum(confidence), 0)::bigint AS confidence_sum,
           %(sign)s * coalesce(sum(confidence * confidence), 0)::bigint AS confidence_squares,
           %(sign)s * count(brightness) AS feature_count,
           {_LOOK_COUNTS}
    FROM chosen GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608

_MEASURED = f"""
    SELECT project_id, hour, day, is_current, model_version_id, source_id, label_id,
           {area_bucket_sql("area_fraction")} AS bucket,
           %(sign)s * count(*) AS images_count,
           %(sign)s * count(*) FILTER (WHERE largest_region_px
               >= coalesce(measurement.min_region_px, chosen.min_region_px)) AS affected_count,
           %(sign)s * sum(pixels)::bigint AS pixels,
           %(sign)s * sum(region_count)::bigint AS region_count
    FROM measurement JOIN chosen ON chosen.id = measurement.prediction_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608

_TALLIES = f"""
    SELECT project_id, day, is_current, model_version_id, source_id, label_id,
           bucket, NULL::integer AS cell, sum(images_count)::bigint AS tally
    FROM measured GROUP BY 1, 2, 3, 4, 5, 6, 7
    UNION ALL
    SELECT project_id, day, is_current, model_version_id, source_id, label_id, NULL,
           {place_cell_sql("centroid_x_px", "centroid_y_px", "width_px", "height_px")}, %(sign)s * count(*)
    FROM (
        SELECT chosen.*, label_id, centroid_x_px, centroid_y_px
        FROM region JOIN chosen ON chosen.id = region.prediction_id
    ) AS placed
    GROUP BY 1, 2, 3, 4, 5, 6, 8
"""  # noqa: S608

# In this order: each may read those before it.
_STEPS = {"chosen": _CHOSEN, "inspections": _INSPECTIONS, "measured": _MEASURED, "tallies": _TALLIES}

_MONTH = "date_trunc('month', day)::date"


def _tallied(period: str, *, is_all_sources: bool) -> str:
    """The tallies of one period, of each source or of all of them, summed before they are put into arrays."""
    start = "day" if period == "day" else _MONTH
    source = "NULL::bigint" if is_all_sources else "source_id"
    kept_by = f"project_id, is_current, model_version_id, label_id, {source} AS source_id, bucket, cell"
    return (
        f"SELECT '{period}' AS period, {is_all_sources} AS is_all_sources, {start} AS start, {kept_by}, "  # noqa: S608
        "sum(tally)::bigint AS tally FROM tallies GROUP BY 3, 4, 5, 6, 7, 8, 9, 10"
    )


_GATHERED = " UNION ALL ".join(
    _tallied(period, is_all_sources=is_all_sources) for period in ("day", "month") for is_all_sources in (False, True)
)
# Dates and ids come first among what is grouped by: sorting by them is several times as fast as by the period's name.
_SPREAD_ROWS = f"""
    SELECT project_id, period, is_all_sources, start, is_current, model_version_id, label_id, source_id,
           coalesce(rollup_counts(array_agg(bucket) FILTER (WHERE cell IS NULL),
               array_agg(tally) FILTER (WHERE cell IS NULL), max(bucket) + 1), '{{}}') AS area_counts,
           coalesce(rollup_counts(array_agg(cell) FILTER (WHERE bucket IS NULL),
               array_agg(tally) FILTER (WHERE bucket IS NULL), max(cell) + 1), '{{}}') AS place_counts
    FROM ({_GATHERED}) AS gathered
    GROUP BY 4, 7, 8, 6, 5, 2, 3, 1
"""  # noqa: S608


@dataclass(frozen=True)
class RollupTable:
    """One table: what its rows are kept by, what they add up, and the SQL that counts such rows."""

    name: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    rows: str
    arrays: tuple[str, ...] = ()

    @property
    def columns(self) -> str:
        return ", ".join(self.key + self.sums + self.arrays)

    @property
    def _not_zero(self) -> str:
        return " OR ".join([f"{name} <> 0" for name in self.sums] + [f"0 <> ANY({name})" for name in self.arrays])

    def insert(self) -> str:
        """SQL that writes the counted sums where none are stored. Not in order: sorting costs more than it saves."""
        return f"INSERT INTO {self.name} ({self.columns}) {self.rows}"

    def upsert(self) -> str:
        """SQL that adds the counted sums to the stored ones, in the order of the key."""
        added = [f"{name} = {self.name}.{name} + excluded.{name}" for name in self.sums]
        added += [f"{name} = rollup_sum({self.name}.{name}, excluded.{name})" for name in self.arrays]
        return (
            f"INSERT INTO {self.name} ({self.columns}) "  # noqa: S608
            f"SELECT {self.columns} FROM ({self.rows}) AS counted ORDER BY {', '.join(self.key)} "
            f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {', '.join(added)}"
        )

    def differences(self) -> str:
        """SQL that gives a project's stored rows unlike a recount, in either direction; zeros count as absent."""
        stored = f"SELECT {self.columns} FROM {self.name} WHERE project_id = %(project)s AND ({self._not_zero})"  # noqa: S608
        counted = f"SELECT {self.columns} FROM ({self.rows}) AS recount WHERE {self._not_zero}"  # noqa: S608
        return (
            f"SELECT {self.columns} FROM (({stored}) UNION ALL ({counted})) AS together "  # noqa: S608
            f"GROUP BY {self.columns} HAVING count(*) = 1"
        )


def _summed(
    name: str, by: tuple[str, ...], sums: tuple[str, ...], counted: str, *, is_sparse: bool = False
) -> RollupTable:
    """A table of sums per project and `by`. `is_sparse`: rows that would hold nothing but zeros are left out."""
    key = ("project_id", *by)
    total = ", ".join(f"sum({column})::bigint AS {column}" for column in sums)
    kept_by = ", ".join(f"{_MONTH} AS month" if column == "month" else column for column in key)
    places = ", ".join(str(place + 1) for place in range(len(key)))
    which = " WHERE " + " OR ".join(f"{column} <> 0" for column in sums) if is_sparse else ""
    return RollupTable(name, key, sums, f"SELECT {kept_by}, {total} FROM {counted}{which} GROUP BY {places}")  # noqa: S608


_BY_HOUR = ("hour", *_SLICE)
_BY_DAY = ("day", *_SLICE)
_BY_MONTH = ("month", *_SLICE)

TABLES = (
    _summed("inspection_rollup", ("source_id", *_BY_HOUR), _INSPECTION_SUMS, "inspections"),
    _summed("inspection_rollup_total", _BY_HOUR, _INSPECTION_SUMS, "inspections"),
    _summed("inspection_day", ("source_id", *_BY_DAY), _INSPECTION_SUMS + _LOOK_SUMS, "inspections"),
    _summed("inspection_day_total", _BY_DAY, _INSPECTION_SUMS + _LOOK_SUMS, "inspections"),
    _summed("inspection_month", (*_BY_MONTH, "source_id"), _INSPECTION_SUMS, "inspections"),
    _summed("label_rollup", ("source_id", *_BY_HOUR, "label_id"), _LABEL_SUMS, "measured", is_sparse=True),
    _summed("label_rollup_total", (*_BY_HOUR, "label_id"), _LABEL_SUMS, "measured", is_sparse=True),
    _summed("label_day", ("source_id", *_BY_DAY, "label_id"), _LABEL_SUMS, "measured"),
    _summed("label_day_total", (*_BY_DAY, "label_id"), _LABEL_SUMS, "measured"),
    _summed("label_month", (*_BY_MONTH, "label_id", "source_id"), _LABEL_SUMS, "measured"),
    RollupTable(
        name="spread_rollup",
        key=("project_id", "period", "is_all_sources", "start", *_SLICE, "label_id", "source_id"),
        sums=(),
        rows=_SPREAD_ROWS,
        arrays=("area_counts", "place_counts"),
    ),
)


def change_sql() -> str:
    """One statement that counts the predictions `predictions` once and adds the sums to every table."""
    steps = ", ".join(f"{name} AS MATERIALIZED ({step})" for name, step in _STEPS.items())
    inserts = ", ".join(f"into_{table.name} AS ({table.upsert()})" for table in TABLES)
    return f"WITH {steps.format(which='prediction.id = ANY(%(predictions)s)')}, {inserts} SELECT 1"


def count_sql() -> list[str]:
    """Statements that count all of `project` into temporary tables, which `insert` and `differences` then read."""
    statements = []
    for name, step in _STEPS.items():
        rows = step.format(which="prediction.project_id = %(project)s")
        statements += [f"CREATE TEMPORARY TABLE {name} AS {rows}", f"ANALYZE {name}"]
    return statements


DROP_COUNTED = f"DROP TABLE {', '.join(_STEPS)}"
"""Takes the temporary tables away again."""
