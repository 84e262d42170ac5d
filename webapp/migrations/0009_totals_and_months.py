"""Sums over all sources and by the month, filled from the stored ones; sources come early in the indexes of the others.

The index of predictions by model version also serves the worst pictures of a version.
"""

import django.db.models.deletion
from django.db import migrations, models

from webapp.migrations._together import Together

_INSPECTIONS = (
    "inspected_count", "fail_count", "final_fail_count", "first_pass_count", "waiting_count", "upload_time_count",
    "pixels",
)  # fmt: skip
_LOOKS = (
    "confidence_count", "confidence_sum", "confidence_squares", "feature_count", "brightness_sum",
    "brightness_squares", "sharpness_sum", "sharpness_squares", "warmth_sum", "warmth_squares",
)  # fmt: skip
_LABELS = ("affected_count", "pixels", "region_count")
_WITH_DEFAULT = {"final_fail_count", "first_pass_count", "waiting_count", "upload_time_count"}


def _key(to: str, *, null: bool = False) -> models.ForeignKey:
    cascade = django.db.models.deletion.CASCADE
    return models.ForeignKey(
        db_constraint=False, db_index=False, null=null, on_delete=cascade, related_name="+", to=f"webapp.{to}"
    )


def _sum(name: str) -> models.BigIntegerField:
    return models.BigIntegerField(default=0) if name in _WITH_DEFAULT else models.BigIntegerField()


def _once(table: str, *fields: str) -> models.UniqueConstraint:
    return models.UniqueConstraint(
        fields=["project", *fields, "is_current", "model_version"], name=f"{table}_once", nulls_distinct=False
    )


def _table(name: str, table: str, sums: tuple[str, ...], at: models.Field, *kept_by: str) -> migrations.CreateModel:
    """`at`: the field of its time, which is the first of `kept_by`."""
    others = [(field, _key(field, null=field == "source")) for field in kept_by[1:]]
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("is_current", models.BooleanField()),
            *((each, _sum(each)) for each in sums),
            (kept_by[0], at),
            ("model_version", _key("modelversion")),
            ("project", _key("project")),
            *others,
        ],
        options={"db_table": table, "constraints": [_once(table, *kept_by)]},
    )


def _summed(target: str, kept_by: dict[str, str], sums: tuple[str, ...], origin: str) -> str:
    """The coarser sums of what is stored already."""
    keys = {"project_id": "project_id", "is_current": "is_current", "model_version_id": "model_version_id", **kept_by}
    columns = ", ".join([*keys, *sums])
    counted = ", ".join([*keys.values(), *(f"sum({name})::bigint" for name in sums)])
    places = ", ".join(str(place + 1) for place in range(len(keys)))
    return f"INSERT INTO {target} ({columns}) SELECT {counted} FROM {origin} GROUP BY {places}"  # noqa: S608


_MONTH = "date_trunc('month', day)::date"
_FILL = [
    _summed("inspection_rollup_total", {"hour": "hour"}, _INSPECTIONS, "inspection_rollup"),
    _summed("inspection_day_total", {"day": "day"}, _INSPECTIONS + _LOOKS, "inspection_day"),
    _summed("inspection_month", {"month": _MONTH, "source_id": "source_id"}, _INSPECTIONS, "inspection_day"),
    _summed("label_rollup_total", {"hour": "hour", "label_id": "label_id"}, _LABELS, "label_rollup"),
    _summed("label_day_total", {"day": "day", "label_id": "label_id"}, _LABELS, "label_day"),
    _summed("label_month", {"month": _MONTH, "label_id": "label_id", "source_id": "source_id"}, _LABELS, "label_day"),
]
_REORDERED = {
    "inspectionrollup": _once("inspection_rollup", "source", "hour"),
    "inspectionday": _once("inspection_day", "source", "day"),
    "labelrollup": _once("label_rollup", "source", "hour", "label"),
    "labelday": _once("label_day", "source", "day", "label"),
    "spreadrollup": _once("spread_rollup", "is_all_sources", "source", "period", "label", "start"),
}


class Migration(migrations.Migration):
    dependencies = [("webapp", "0008_intakes")]

    operations = [
        _table("InspectionRollupTotal", "inspection_rollup_total", _INSPECTIONS, models.DateTimeField(), "hour"),
        _table("InspectionDayTotal", "inspection_day_total", _INSPECTIONS + _LOOKS, models.DateField(), "day"),
        _table("InspectionMonth", "inspection_month", _INSPECTIONS, models.DateField(), "month", "source"),
        _table("LabelRollupTotal", "label_rollup_total", _LABELS, models.DateTimeField(), "hour", "label"),
        _table("LabelDayTotal", "label_day_total", _LABELS, models.DateField(), "day", "label"),
        _table("LabelMonth", "label_month", _LABELS, models.DateField(), "month", "label", "source"),
        Together([
            *(migrations.RemoveConstraint(name, once.name) for name, once in _REORDERED.items()),
            *(migrations.AddConstraint(name, once) for name, once in _REORDERED.items()),
            migrations.AddIndex(
                "prediction",
                models.Index(
                    fields=["model_version", "-defect_area_fraction", "-image"], name="prediction_model_version_worst"
                ),
            ),
            migrations.AlterField(
                "prediction",
                "model_version",
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="predictions",
                    to="webapp.modelversion",
                ),
            ),
        ]),
        migrations.RunSQL(sql=_FILL, reverse_sql=migrations.RunSQL.noop),
    ]
