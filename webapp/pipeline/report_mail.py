"""E-mails with reports of a schedule: to members alone, once each, tried again where the server does not answer."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from analytics import build_dashboard, read_scope
from analytics.report_facts import scope_words
from analytics.wording import count, counted, percent, percent_range
from webapp import storage
from webapp.models import Report, ReportKind, User
from webapp.pipeline.one_worker import only_one

MOST_ATTACHED_BYTES = 10_000_000
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(minutes=1)
_TYPES = {
    ReportKind.CSV: "text/csv",
    ReportKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportKind.PARQUET: "application/vnd.apache.parquet",
    ReportKind.PDF: "application/pdf",
    ReportKind.EVIDENCE: "application/zip",
}
_NOBODY = "None of its recipients is a member of the workspace any more. Nobody got it."

log = structlog.get_logger(__name__)


def queue_mail(report: Report) -> bool:
    """Note that a finished report of a schedule is to be sent; true where it is one."""
    if report.schedule_id is None:
        return False
    Report.objects.filter(pk=report.pk).update(mail_state=Report.MailState.WAITING, mail_next_at=timezone.now())
    return True


def waiting_mails(now: datetime) -> list[int]:
    """Reports whose e-mails are due."""
    due = Report.objects.filter(mail_state=Report.MailState.WAITING, mail_next_at__lte=now).order_by("mail_next_at")
    return list(due.values_list("pk", flat=True)[:20])


def send_mails(report_id: int) -> None:
    """Send a report to those of its schedule's recipients who have not got it and are members at this moment.

    A server that does not answer is tried again after 1, 2, 4, … minutes, at most 8 times.
    """
    with only_one("report_mail", report_id) as is_mine:
        due = Report.objects.select_related("project__workspace", "schedule")
        report = due.filter(pk=report_id, mail_state=Report.MailState.WAITING).first()
        if not is_mine or report is None:
            return
        recipients = _recipients(report)
        if not recipients:
            _end(report, Report.MailState.SENT if report.mailed_to else Report.MailState.FAILED, _NOBODY)
            return
        errors = _send(report, [user for user in recipients if user.pk not in report.mailed_to])
        if not errors:
            _end(report, Report.MailState.SENT)
        else:
            _try_later(report, errors)


def summary_words(report: Report) -> str:
    """What the report says, in a few lines: rate, interval, n, and the period before."""
    with connection.cursor() as cursor:
        scope = read_scope(
            cursor, dict(parse_qsl(report.query)), project_id=report.project_id, time_zone=settings.TIME_ZONE
        )
        words, dashboard = scope_words(cursor, scope), build_dashboard(cursor, scope)
    lines = [f"{report.project.name}: {words}", ""]
    rate = dashboard.rate
    if not rate.n:
        return "\n".join([*lines, "No image was inspected."])
    what = f"with {dashboard.label.name}" if dashboard.label else "defective"
    lines.append(
        f"{count(rate.count)} of {counted(rate.n, 'image')} {what}: {percent(rate.fraction or 0)} "
        f"(95% interval {percent_range(rate.interval)}, n = {count(rate.n)})."
    )
    if rate.is_too_few:
        lines.append("So few images are too few to say more.")
    if dashboard.change and dashboard.change.before.n:
        before = dashboard.change.before
        lines.append(
            f"The period before: {percent(before.fraction or 0)} (95% interval {percent_range(before.interval)}, "
            f"n = {count(before.n)})."
        )
    return "\n".join(lines)


def _recipients(report: Report) -> list[User]:
    if report.schedule is None:
        return []
    members = report.schedule.recipients.filter(memberships__workspace=report.project.workspace_id, is_active=True)
    return list(members.distinct().order_by("pk"))


def _send(report: Report, recipients: list[User]) -> list[str]:
    """Returns what went wrong, a line for each who did not get it."""
    message = _message(report)
    server = get_connection()
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        return [f"The e-mail server did not take it: {error}"]
    errors = []
    try:
        for user in recipients:
            message.to = [user.email]
            try:
                server.send_messages([message])
            except (OSError, smtplib.SMTPException) as error:
                errors.append(f"{user.email}: {error}")
                continue
            report.mailed_to.append(user.pk)
            Report.objects.filter(pk=report.pk).update(mailed_to=report.mailed_to)
    finally:
        server.close()
    return errors


def _message(report: Report) -> EmailMessage:
    name = report.schedule.name if report.schedule else report.project.name
    page = f"{settings.PIXELWISE_URL.rstrip('/')}{reverse('reports', args=[report.project.slug])}#report-{report.pk}"
    path = storage.report_path(report.path)
    is_attached = (report.size_bytes or 0) < MOST_ATTACHED_BYTES and storage.exists(path)
    kept = counted(settings.PIXELWISE_REPORT_DAYS, "day")
    body = [
        summary_words(report),
        "",
        f"{report.get_kind_display()}, {counted(report.row_count or 0, 'row')}: {page}",
        "It is attached." if is_attached else "It is too large for an e-mail: open the link.",
        f"The file is kept for {kept}. Its SHA-256: {report.sha256}",
        "",
        "You get this because a member of your workspace put you on its list; any member can end that on that page.",
    ]
    message = EmailMessage(subject=f"{name}: {report.project.name}"[:150], body="\n".join(body))
    if is_attached:
        message.attach(report.filename, storage.fetch(path).read_bytes(), _TYPES[ReportKind(report.kind)])
    return message


def _try_later(report: Report, errors: list[str]) -> None:
    attempts = report.mail_attempts_count + 1
    log.warning("a report was not e-mailed", report=report.pk, errors=errors, attempts=attempts)
    error = "; ".join(errors)[:450]
    if attempts >= MOST_ATTEMPTS:
        Report.objects.filter(pk=report.pk).update(mail_attempts_count=attempts)
        _end(report, Report.MailState.FAILED, f"Given up after {attempts} tries. {error}")
        return
    Report.objects.filter(pk=report.pk).update(
        mail_attempts_count=attempts,
        mail_error=error,
        mail_next_at=timezone.now() + FIRST_PAUSE * 2 ** (attempts - 1),
    )


def _end(report: Report, state: str, error: str = "") -> None:
    Report.objects.filter(pk=report.pk).update(
        mail_state=state,
        mail_error=error[:500] if state == Report.MailState.FAILED else "",
        mail_next_at=None,
    )
