"""Reports written by a worker: what is in each kind of file, and what happens around it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pyarrow import parquet

from analytics import GRAINS, Grain, report
from analytics.reports import COLUMNS
from tests.images import picture, png
from tests.inspections import NOON, Plant, build_plant
from webapp import storage
from webapp.models import Membership, Notification, Prediction, Report, User
from webapp.pipeline import report_lease
from webapp.pipeline.report_files import remove_old_reports
from webapp.pipeline.report_lease import NotWantedError, ReportHeartbeat, claim, requeue_lost_reports, waiting_reports
from webapp.pipeline.report_writers.content import Content
from webapp.pipeline.report_writers.evidence import MANIFEST, write_evidence, wrong_files
from webapp.pipeline.report_writers.spreadsheet import write_spreadsheet
from webapp.pipeline.reports import run_report


@pytest.fixture(autouse=True)
def _no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart beats on a connection of its own, which does not see what a test has not committed."""
    monkeypatch.setattr(ReportHeartbeat, "every_seconds", 3600.0)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", name="Alice")


@pytest.fixture
def plant(alice: User) -> Plant:
    """Three images, one of them with a dangerous name and its files on disk."""
    plant = build_plant()
    Membership.objects.create(workspace=plant.project.workspace, user=alice, role="admin")
    image = plant.image({"scratch": [60, 10]}, source=plant.line_1, name="=cmd|'/c calc'!A1", confidence=None)
    plant.image({"pit": [30]}, source=plant.line_2, captured_at=NOON + timedelta(days=1), name="Größe 漢字 Ж.png")
    plant.image(captured_at=NOON + timedelta(days=2))
    prediction = Prediction.objects.get(image=image)
    for path in (
        storage.original_path(image.sha256),
        storage.mask_path(prediction.pk),
        storage.overlay_path(prediction.pk),
    ):
        storage.write(path, png(picture()))
    storage.write(storage.model_folder(plant.model_version.folder) / "card.md", b"# Card")
    return plant.count_up()


def written(plant: Plant, alice: User, kind: str, grain: str = "", query: str = "") -> Report:
    wanted = Report.objects.create(project=plant.project, user=alice, kind=kind, grain=grain, query=query)
    run_report(wanted.pk)
    wanted.refresh_from_db()
    assert (wanted.state, wanted.error) == ("done", "")
    return wanted


def cells(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def content_of(plant: Plant) -> Content:
    return Content.read(connection.cursor(), plant.project, plant.scope(time_zone="Europe/Berlin"), timezone.now())


def test_a_workbook_holds_scope_rows_and_dictionary(plant: Plant, alice: User) -> None:
    found = written(plant, alice, "xlsx", "images", "from=2026-05-12&to=2026-05-13")
    sheets = cells(storage.report_path(found.path))
    assert list(sheets) == ["About", "Images", "Data dictionary"]
    about = {row[0]: row[1] for row in sheets["About"]}
    assert (about["Project"], about["Rows in Images"], found.row_count) == ("The plant", 2, 2)
    assert about["Scope as query"] == "from=2026-05-12&to=2026-05-13"
    assert isinstance(about["Written at"], datetime)
    header, first, second = sheets["Images"]
    assert header == tuple(COLUMNS["images"])
    row = dict(zip(header, first, strict=True))
    assert row["name"] == "=cmd|'/c calc'!A1"
    assert row["captured_at"] == datetime(2026, 5, 12, 12, 0)
    assert (row["confidence"], row["defective"]) == (None, 1)
    assert second[1] == "Größe 漢字 Ж.png"
    assert found.filename == "plant-images-2026-05-12-to-2026-05-13.xlsx"


def test_text_is_never_a_formula(plant: Plant, tmp_path: Path) -> None:
    write_spreadsheet(tmp_path / "a.xlsx", content_of(plant), GRAINS, lambda share: None)
    for sheet in openpyxl.load_workbook(tmp_path / "a.xlsx"):
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as book:
        assert not [name for name in book.namelist() if b"<f>" in book.read(name)]


def test_the_dictionary_is_the_columns_own(plant: Plant, tmp_path: Path) -> None:
    write_spreadsheet(tmp_path / "a.xlsx", content_of(plant), GRAINS, lambda share: None)
    names = {"Images": "images", "Labels": "labels", "Regions": "regions", "Days": "daily"}
    rows = cells(tmp_path / "a.xlsx")["Data dictionary"][1:]
    said = [(names[sheet], name, unit or "", meaning) for sheet, name, unit, meaning in rows]
    assert said == [(g, name, one.unit, one.meaning) for g in GRAINS for name, one in COLUMNS[g].items()]


def test_long_sheets_go_on_in_another(plant: Plant, tmp_path: Path) -> None:
    counts = write_spreadsheet(tmp_path / "a.xlsx", content_of(plant), ("labels",), lambda share: None, most_rows=6)
    sheets = cells(tmp_path / "a.xlsx")
    assert [name for name in sheets if name.startswith("Labels")] == ["Labels", "Labels 2", "Labels 3"]
    assert sum(len(rows) - 1 for name, rows in sheets.items() if name.startswith("Labels")) == counts["labels"] == 12
    assert all(rows[0] == tuple(COLUMNS["labels"]) for name, rows in sheets.items() if name.startswith("Labels"))


@pytest.mark.parametrize("grain", GRAINS)
def test_parquet_has_types_scope_and_count(plant: Plant, alice: User, grain: Grain) -> None:
    found = written(plant, alice, "parquet", grain)
    file = parquet.ParquetFile(storage.report_path(found.path))
    table = file.read()
    assert table.num_rows == found.row_count
    metadata = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert (metadata["project"], metadata["rows"]) == ("The plant", str(found.row_count))
    assert table.column_names == list(COLUMNS[grain])
    if grain == "images":
        assert str(table.schema.field("captured_at").type) == "timestamp[us, tz=UTC]"
        assert table["name"][0].as_py() == "=cmd|'/c calc'!A1"
        assert table.schema.field("width_px").metadata[b"unit"] == b"px"


@pytest.mark.parametrize("grain", GRAINS)
def test_a_csv_by_a_worker_is_the_streamed_one(plant: Plant, alice: User, grain: Grain) -> None:
    found = written(plant, alice, "csv", grain)
    with connection.cursor() as cursor:
        streamed = b"".join(report(cursor, plant.scope(), grain, byte_order_mark=True))
    assert storage.report_path(found.path).read_bytes() == streamed
    assert found.row_count == len(streamed.splitlines()) - 1


def test_a_summary_says_rate_interval_and_n(plant: Plant, alice: User) -> None:
    found = written(plant, alice, "pdf")
    paper = pypdf.PdfReader(storage.report_path(found.path))
    text = " ".join(" ".join(page.extract_text() for page in paper.pages).split())
    assert "66.7%" in text
    assert "95% interval 20.8% to 93.9%, n = 3" in text
    assert "First-pass yield" in text
    assert "Ж" in text
    assert "the image is not on disk" in text
    assert sum(len(page.images) for page in paper.pages) >= 4


def test_a_summary_of_nothing_says_so(plant: Plant, alice: User) -> None:
    found = written(plant, alice, "pdf", query="from=2001-01-01&to=2001-01-02")
    text = pypdf.PdfReader(storage.report_path(found.path)).pages[0].extract_text()
    assert "No inspected image fits this scope" in " ".join(text.split())


def test_an_evidence_pack_holds_everything_and_its_checksums(plant: Plant, alice: User) -> None:
    found = written(plant, alice, "evidence")
    path = storage.report_path(found.path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        numbers = json.loads(archive.read("numbers.json"))
        rules = json.loads(archive.read("rules.json"))
    assert {"summary.pdf", "numbers.xlsx", "numbers.json", "rules.json", "models/v1/card.md", MANIFEST} <= names
    assert len([name for name in names if name.endswith(("original.png", "mask.png", "overlay.webp"))]) == 3
    assert numbers["dashboard"]["inspected"] == 3
    assert numbers["rows"] == {"images": 3, "labels": 12, "regions": 6, "daily": 3}
    assert len(numbers["missing_files"]) == 6
    assert [label["name"] for label in rules["labels"]] == ["background", "scratch", "pit", "dust"]
    out = io.StringIO()
    call_command("check_evidence", str(path), stdout=out)
    assert "as they were written" in out.getvalue()


def test_the_same_ledger_gives_the_same_numbers(plant: Plant, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_evidence(tmp_path / f"{name}.zip", content_of(plant), lambda share: None)
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            archive.extractall(tmp_path / name)
    assert (tmp_path / "a/numbers.json").read_bytes() == (tmp_path / "b/numbers.json").read_bytes()
    first, second = cells(tmp_path / "a/numbers.xlsx"), cells(tmp_path / "b/numbers.xlsx")
    for sheets in (first, second):
        sheets["About"] = [row for row in sheets["About"] if row[0] != "Written at"]
    assert first == second


def test_a_changed_pack_is_found_out(plant: Plant, tmp_path: Path) -> None:
    write_evidence(tmp_path / "a.zip", content_of(plant), lambda share: None)
    with zipfile.ZipFile(tmp_path / "a.zip") as whole, zipfile.ZipFile(tmp_path / "b.zip", "w") as changed:
        for name in whole.namelist():
            if name != "README.txt":
                changed.writestr(name, whole.read(name).replace(b'"inspected": 3', b'"inspected": 4'))
        changed.writestr("extra.txt", "x")
    _, wrong = wrong_files(tmp_path / "b.zip")
    assert wrong == ["README.txt is missing", "extra.txt is not in the manifest", "numbers.json was changed"]
    with pytest.raises(CommandError, match=r"numbers\.json was changed"):
        call_command("check_evidence", str(tmp_path / "b.zip"))
    (tmp_path / "c.zip").write_bytes(b"nothing")
    with pytest.raises(CommandError, match="Expected an evidence pack"):
        call_command("check_evidence", str(tmp_path / "c.zip"))


def test_whoever_asked_is_told(plant: Plant, alice: User) -> None:
    found = written(plant, alice, "csv", "daily")
    (note,) = Notification.objects.filter(user=alice)
    assert note.sentence == "The CSV report for The plant is ready."
    assert note.url == f"/p/plant/reports/#report-{found.pk}"
    Membership.objects.all().delete()
    written(plant, alice, "csv", "daily")
    assert Notification.objects.count() == 1


def test_a_scope_that_is_gone_fails_in_words(plant: Plant, alice: User) -> None:
    wanted = Report.objects.create(project=plant.project, user=alice, kind="pdf", query="source=4711")
    assert run_report(wanted.pk) is False
    wanted.refresh_from_db()
    assert (wanted.state, wanted.path) == ("failed", "")
    assert "This project has no source “4711”" in wanted.error


def test_a_cancelled_report_is_not_written(plant: Plant, alice: User) -> None:
    wanted = Report.objects.create(project=plant.project, user=alice, kind="xlsx", grain="images", state="cancelled")
    run_report(wanted.pk)
    wanted.refresh_from_db()
    assert (wanted.state, wanted.path) == ("cancelled", "")


def test_a_report_cancelled_on_its_way_stops(plant: Plant, alice: User) -> None:
    wanted = Report.objects.create(project=plant.project, user=alice, kind="xlsx", grain="images")
    held = claim(wanted.pk)
    assert held is not None
    assert claim(wanted.pk) is None
    heartbeat = ReportHeartbeat(held)
    heartbeat.progress(0.5)
    heartbeat._beat()
    wanted.refresh_from_db()
    assert wanted.progress_fraction == 0.5
    Report.objects.update(state="cancelled")
    heartbeat._beat()
    with pytest.raises(NotWantedError):
        heartbeat.progress(0.6)


def test_lost_reports_wait_again_and_fail_in_the_end(plant: Plant, alice: User) -> None:
    wanted = Report.objects.create(project=plant.project, user=alice, kind="pdf")
    for _ in range(report_lease.MAX_ATTEMPTS):
        assert waiting_reports() == [wanted.pk]
        assert claim(wanted.pk) is not None
        assert requeue_lost_reports() == 0
        Report.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert requeue_lost_reports() == 1
    wanted.refresh_from_db()
    assert wanted.state == "failed"
    assert "stopped 3 times" in wanted.error


@pytest.mark.django_db(transaction=False)
def test_old_reports_go_with_their_files(
    plant: Plant, alice: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    found = written(plant, alice, "csv", "daily")
    path = storage.report_path(found.path)
    days = timedelta(days=settings.PIXELWISE_REPORT_DAYS)
    assert remove_old_reports(timezone.now() + days - timedelta(minutes=1)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_old_reports(timezone.now() + days + timedelta(minutes=1)) == 1
    assert not path.exists()
    assert not Report.objects.exists()
