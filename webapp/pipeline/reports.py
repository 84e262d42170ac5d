"""Write the report that somebody asked for, and say that it is there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from analytics import Grain, ScopeError, read_scope, report, report_filename
from analytics.report_facts import expected_rows
from analytics.reports import GRAINS
from analytics.snapshot import snapshot
from webapp import storage
from webapp.models import Notification, Report, ReportKind
from webapp.pipeline.report_lease import NotWantedError, ReportHeartbeat, claim, fail, held
from webapp.pipeline.report_mail import queue_mail
from webapp.pipeline.report_writers.columnar import write_parquet
from webapp.pipeline.report_writers.content import Content, Progress, RowCount
from webapp.pipeline.report_writers.evidence import write_evidence
from webapp.pipeline.report_writers.printed import write_printed
from webapp.pipeline.report_writers.spreadsheet import write_spreadsheet

ENDINGS = {
    ReportKind.CSV: "csv",
    ReportKind.XLSX: "xlsx",
    ReportKind.PARQUET: "parquet",
    ReportKind.PDF: "pdf",
    ReportKind.EVIDENCE: "zip",
}
_NAMES = {
    ReportKind.CSV: "CSV report",
    ReportKind.XLSX: "Excel report",
    ReportKind.PARQUET: "Parquet report",
    ReportKind.PDF: "PDF summary",
    ReportKind.EVIDENCE: "evidence pack",
}


def run_report(report_id: int) -> bool:
    """Write a report that waits; what went wrong is put on record. True when there are e-mails to send."""
    wanted = claim(report_id)
    if wanted is None:
        return False
    try:
        with storage.temporary_file() as file:
            row_count = _write(wanted, Path(file.name))
            return _finish(wanted, Path(file.name), row_count)
    except NotWantedError:
        return False
    except ScopeError as error:
        fail(held(wanted), f"What it was asked for is no longer there: {error}")
    except OSError as error:
        fail(held(wanted), f"The file could not be written: {error}")
    _tell(wanted, f"The {_NAMES[ReportKind(wanted.kind)]} for {wanted.project.name} could not be written.")
    return False


def grain_of(one: Report) -> Grain:
    """The grain it was asked for, else images."""
    return next((grain for grain in GRAINS if grain == one.grain), "images")


def _write(wanted: Report, path: Path) -> int:
    """Returns the rows written; of summaries the images counted."""
    with ReportHeartbeat(wanted) as heartbeat, connection.cursor() as cursor, snapshot(cursor):
        scope = read_scope(
            cursor,
            dict(parse_qsl(wanted.query, keep_blank_values=True)),
            project_id=wanted.project_id,
            time_zone=settings.TIME_ZONE,
        )
        content = Content.read(cursor, wanted.project, scope, timezone.now())
        return _written(wanted, path, content, heartbeat.progress)


def _written(wanted: Report, path: Path, content: Content, progress: Progress) -> int:
    grain = grain_of(wanted)
    match ReportKind(wanted.kind):
        case ReportKind.CSV:
            return _write_csv(path, content, grain, progress)
        case ReportKind.XLSX:
            return write_spreadsheet(path, content, (grain,), progress)[grain]
        case ReportKind.PARQUET:
            return write_parquet(path, content, grain, progress)
        case ReportKind.PDF:
            write_printed(path, content)
        case ReportKind.EVIDENCE:
            write_evidence(path, content, progress)
    return content.dashboard.summary.inspected_count


def _write_csv(path: Path, content: Content, grain: Grain, progress: Progress) -> int:
    tally = RowCount(content, (grain,), progress)
    with path.open("wb") as file:
        for chunk in report(content.cursor, content.scope, grain, byte_order_mark=True):
            file.write(chunk)
            tally.add(chunk.count(b"\n"))
    # Cells may hold line breaks: their lines tell the progress, not the rows.
    return expected_rows(content.dashboard, grain) if grain != "daily" else tally.count - 1


def _finish(wanted: Report, path: Path, row_count: int) -> bool:
    ending = ENDINGS[ReportKind(wanted.kind)]
    name = f"{wanted.pk}.{ending}"
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size_bytes = path.stat().st_size
    storage.move_into_place(path, storage.report_path(name))
    with transaction.atomic():
        is_ours = held(wanted).update(
            state=Report.State.DONE,
            progress_fraction=1,
            claimed_by="",
            lease_until=None,
            path=name,
            filename=_filename(wanted, ending),
            size_bytes=size_bytes,
            row_count=row_count,
            sha256=sha256,
            finished_at=timezone.now(),
        )
        if not is_ours:
            storage.remove([storage.report_path(name)])
            return False
        has_mail = queue_mail(wanted)
        _tell(wanted, f"The {_NAMES[ReportKind(wanted.kind)]} for {wanted.project.name} is ready.")
    return has_mail


def _filename(wanted: Report, ending: str) -> str:
    with connection.cursor() as cursor:
        scope = read_scope(
            cursor,
            dict(parse_qsl(wanted.query)),
            project_id=wanted.project_id,
            time_zone=settings.TIME_ZONE,
        )
    named = {ReportKind.PDF: "summary", ReportKind.EVIDENCE: "evidence"}
    return report_filename(wanted.project.slug, named.get(ReportKind(wanted.kind), grain_of(wanted)), scope, ending)


def _tell(wanted: Report, sentence: str) -> None:
    """Whoever asked, if still a member."""
    if wanted.user is None or not wanted.project.workspace.memberships.filter(user=wanted.user).exists():
        return
    url = f"{reverse('reports', args=[wanted.project.slug])}#report-{wanted.pk}"
    Notification.objects.create(user=wanted.user, project=wanted.project, sentence=sentence[:300], url=url)
