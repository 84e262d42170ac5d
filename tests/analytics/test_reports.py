"""CSV files: what they sum to, how cells are written, and that docs/csv.md tells the truth."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analytics import GRAINS, Grain, Scope, build_dashboard, report, report_filename, wilson
from analytics.reports import COLUMNS, report_rows
from tests.inspections import NOON, PIXELS, Plant, executed

DOCS = Path(__file__).parents[2] / "docs" / "csv.md"


def rows_of(scope: Scope, grain: str) -> list[dict[str, str]]:
    text = b"".join(executed(lambda cursor: list(report(cursor, scope, grain)))).decode()  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(rows: list[dict[str, str]], column: str) -> int:
    return sum(int(row[column]) for row in rows)


SCOPES = [
    {},
    {"start": date(2026, 5, 12), "end": date(2026, 5, 13)},
    {"source": "line_2"},
    {"source": None},
    {"label": "scratch"},
    {"label": "dust", "start": date(2026, 5, 13)},
    {"time_zone": "Asia/Kolkata", "end": date(2026, 5, 13)},
    {"batch": True},
    {"model": True, "label": "pit"},
    {"hour": NOON},
    {"start": date(1999, 1, 1), "end": date(1999, 1, 1)},
]


@pytest.mark.parametrize("limits", SCOPES)
def test_every_file_sums_to_the_dashboard(week: Plant, limits: dict[str, object]) -> None:
    scope = scope_of(week, dict(limits))
    dashboard = executed(build_dashboard, scope)
    n, defective = dashboard.summary.inspected_count, dashboard.summary.defective_count
    images, daily = rows_of(scope, "images"), rows_of(scope, "daily")
    assert (len(images), total(images, "defective")) == (n, defective)
    assert (total(daily, "inspected"), total(daily, "defective")) == (n, defective)
    assert total(daily, "pixels") == dashboard.summary.pixels
    labels, regions = rows_of(scope, "labels"), rows_of(scope, "regions")
    shown = [row for row in dashboard.labels if scope.label_id in (None, row.label_id)]
    assert len(labels) == n * len(shown)
    for label in shown:
        mine = [row for row in labels if row["label"] == label.name]
        assert (total(mine, "pixels"), total(mine, "affected")) == (label.pixels, label.affected_count)
        areas = [row for row in regions if row["label"] == label.name]
        assert (len(areas), total(areas, "area_px")) == (label.region_count, label.pixels)


def scope_of(plant: Plant, limits: dict[str, object]) -> Scope:
    if "source" in limits:
        source = limits.pop("source")
        limits["source_id"] = getattr(plant, str(source)).pk if source else 0
    if "label" in limits:
        limits["label_id"] = plant.labels[str(limits.pop("label"))].pk
    if limits.pop("batch", None):
        limits["batch_id"] = plant.batch.pk
    if limits.pop("model", None):
        limits["model_version_id"] = plant.model_version.pk
    return plant.scope(**limits)


def test_an_image_row_holds_what_is_known(plant: Plant) -> None:
    image = plant.image({"scratch": [60, 10]}, source=plant.line_1, name="left/äöü, “1”.png")
    rows = rows_of(plant.count_up().scope(time_zone="Europe/Berlin"), "images")
    assert rows == [
        {
            "image_id": str(image.pk),
            "name": "left/äöü, “1”.png",
            "source_site": "North",
            "source": "Line 1",
            "captured_at": "2026-05-12T14:00:00+02:00",
            "model_version": "1",
            "min_region_px": "20",
            "sha256": image.sha256,
            "captured_at_from": "exif",
            "width_px": "100",
            "height_px": "50",
            "verdict": "fail",
            "model_verdict": "fail",
            "reviewed_by_person": "0",
            "review_reason": "",
            "defective": "1",
            "defect_area_fraction": str(70 / PIXELS),
            "confidence": "0.9",
        }
    ]


@pytest.mark.parametrize(
    ("time_zone", "written"),
    [
        ("UTC", "2026-05-12T12:00:00+00:00"),
        ("America/St_Johns", "2026-05-12T09:30:00-02:30"),
        ("Asia/Kathmandu", "2026-05-12T17:45:00+05:45"),
    ],
)
def test_times_carry_the_offset_of_the_zone(plant: Plant, time_zone: str, written: str) -> None:
    plant.image()
    (row,) = rows_of(plant.count_up().scope(time_zone=time_zone), "images")
    assert row["captured_at"] == written
    assert datetime.fromisoformat(row["captured_at"]) == NOON


def test_label_and_region_rows(plant: Plant) -> None:
    plant.image({"pit": [30, 4]})
    scope = plant.count_up().scope()
    numbers = {row["label"]: row for row in rows_of(scope, "labels")}
    pit, dust = numbers["pit"], numbers["dust"]
    assert (pit["pixels"], pit["region_count"], pit["largest_region_px"], pit["affected"]) == (
        "34",
        "2",
        "30",
        "1",
    )
    assert (pit["is_defect"], pit["area_fraction"], pit["confidence"]) == ("1", str(34 / PIXELS), "0.8")
    assert (dust["pixels"], dust["affected"], dust["is_defect"], dust["confidence"]) == ("0", "0", "0", "")
    pits = [row for row in rows_of(scope, "regions") if row["label"] == "pit"]
    assert [(row["area_px"], row["reaches_limit"]) for row in pits] == [("30", "1"), ("4", "0")]


def test_a_label_added_later_counts_zero(plant: Plant) -> None:
    plant.image()
    plant.project.labels.create(index=9, name="dent", color="#112233", is_defect=True)
    dent = next(row for row in rows_of(plant.count_up().scope(), "labels") if row["label"] == "dent")
    assert (dent["pixels"], dent["area_fraction"], dent["affected"]) == ("0", "0", "0")


def test_daily_rows_have_the_dashboards_interval(week: Plant) -> None:
    rows = rows_of(week.scope(), "daily")
    assert [(row["day"], row["source"], row["inspected"], row["defective"]) for row in rows] == [
        ("2026-05-12", "Line 1", "3", "2"),
        ("2026-05-13", "Line 2", "4", "1"),
        ("2026-05-19", "", "3", "1"),
    ]
    low, high = float(rows[0]["defect_rate_low"]), float(rows[0]["defect_rate_high"])
    assert (low, high) == (wilson(2, 3).low, wilson(2, 3).high)


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"]


@pytest.mark.parametrize("text", DANGEROUS)
@pytest.mark.parametrize("grain", GRAINS)
def test_no_cell_is_a_formula(plant: Plant, grain: str, text: str) -> None:
    plant.line_1.name = plant.line_1.site = text
    plant.line_1.save()
    plant.labels["pit"].name = text
    plant.labels["pit"].save()
    plant.image({"pit": [30]}, source=plant.line_1, name=text)
    rows = rows_of(plant.count_up().scope(), grain)
    cells = [cell for row in rows for cell in row.values()]
    assert f"'{text}" in cells
    assert not any(cell.startswith(tuple("=+-@\t\r\n＝")) for cell in cells)


def test_harmless_text_is_left_alone(plant: Plant) -> None:
    plant.image(name="a=b, \"c\" 'd'\n-e.png")
    (row,) = rows_of(plant.count_up().scope(), "images")
    assert row["name"] == "a=b, \"c\" 'd'\n-e.png"


def test_an_empty_scope_gives_the_header_alone(plant: Plant) -> None:
    for grain in GRAINS:
        (line,) = b"".join(executed(lambda cursor, of=grain: list(report(cursor, plant.scope(), of)))).splitlines()
        assert line.decode().split(",") == list(COLUMNS[grain])


def test_the_byte_order_mark_is_a_choice(plant: Plant) -> None:
    chunks = executed(lambda cursor: list(report(cursor, plant.scope(), "daily", byte_order_mark=True)))
    assert b"".join(chunks).startswith(b"\xef\xbb\xbfday,")


def test_chunks_are_small_however_long_the_file(plant: Plant) -> None:
    for number in range(12):
        plant.image({"scratch": [1] * 200}, name=f"{number}.png")
    chunks = executed(lambda cursor: list(report(cursor, plant.count_up().scope(), "regions")))
    assert len(chunks) >= 3
    assert max(map(len, chunks)) < 70_000
    assert len(b"".join(chunks).splitlines()) == 1 + 12 * 201


def test_rows_come_in_the_order_of_capture(plant: Plant) -> None:
    for hours in (3, 1, 2):
        plant.image(name=str(hours), captured_at=NOON + timedelta(hours=hours))
    assert [row["name"] for row in rows_of(plant.count_up().scope(), "images")] == ["1", "2", "3"]


def test_file_names_say_what_is_inside() -> None:
    may = {"start": date(2026, 5, 1), "end": date(2026, 5, 31)}
    scope = Scope(project_id=1, time_zone="UTC", **may)  # type: ignore[arg-type]
    assert report_filename("floor", "images", scope) == "floor-images-2026-05-01-to-2026-05-31.csv"
    assert report_filename("floor", "daily", Scope(project_id=1, time_zone="UTC")) == "floor-daily.csv"


def test_docs_say_of_every_column_what_the_data_dictionary_says() -> None:
    sections = re.split(r"^## (\w+)\.csv$", DOCS.read_text(), flags=re.MULTILINE)
    documented = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert set(documented) == set(GRAINS)
    for grain in GRAINS:
        rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", documented[grain], re.MULTILINE)
        assert rows == [(name, column.unit or "–", column.meaning) for name, column in COLUMNS[grain].items()]


@pytest.mark.parametrize("grain", GRAINS)
def test_values_are_those_of_the_csv(week: Plant, grain: Grain) -> None:
    scope = week.scope(time_zone="Europe/Berlin")
    values = executed(lambda cursor: list(report_rows(cursor, scope, grain)))
    written = [tuple(cell.removesuffix(".0") for cell in row.values()) for row in rows_of(scope, grain)]
    assert [tuple(map(as_written, row)) for row in values] == written


def as_written(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo("Europe/Berlin")).isoformat()
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    return "" if value is None else str(int(value) if isinstance(value, bool) else value)


def test_values_keep_text_as_people_wrote_it(plant: Plant) -> None:
    image = plant.image(name="=1+1")
    ((image_id, name, *_),) = executed(lambda cursor: list(report_rows(cursor, plant.scope(), "images")))
    assert (image_id, name) == (image.pk, "=1+1")
