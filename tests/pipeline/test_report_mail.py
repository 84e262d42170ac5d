"""Reports that come again and again, and their e-mails: with Django's mailbox, and with a real SMTP server."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from tests.inspections import NOON, Plant, build_plant
from webapp import storage
from webapp.models import Membership, Report, ReportSchedule, User
from webapp.pipeline.report_mail import MOST_ATTEMPTS, send_mails, summary_words, waiting_mails
from webapp.pipeline.report_schedules import next_due, period_ended, start_due


@pytest.fixture
def plant(db: None) -> Plant:
    plant = build_plant()
    for number in range(40):
        plant.image({"scratch": [60]} if number < 4 else {}, captured_at=NOON)
    return plant.count_up()


@pytest.fixture
def people(plant: Plant) -> list[User]:
    users = [User.objects.create_user(f"{name}@example.com") for name in ("alice", "bob")]
    for user in users:
        Membership.objects.create(workspace=plant.project.workspace, user=user)
    return users


def schedule_of(plant: Plant, people: list[User], **changes: Any) -> ReportSchedule:
    values = {"name": "Morning", "kind": "csv", "grain": "daily", "every": "day", "next_at": NOON}
    made = ReportSchedule.objects.create(project=plant.project, user=people[0], **(values | changes))
    made.recipients.set(people)
    return made


def finished(schedule: ReportSchedule, size_bytes: int = 9) -> Report:
    storage.write(storage.report_path("1.csv"), b"day,n\n1,2\n")
    return Report.objects.create(
        project=schedule.project,
        schedule=schedule,
        kind=schedule.kind,
        grain=schedule.grain,
        query="from=2026-05-12&to=2026-05-12",
        state="done",
        path="1.csv",
        filename="plant-daily.csv",
        size_bytes=size_bytes,
        row_count=1,
        sha256="ab" * 32,
        mail_state="waiting",
        mail_next_at=timezone.now(),
        finished_at=timezone.now(),
    )


@pytest.mark.parametrize(
    ("every", "first", "last"),
    [
        ("day", date(2026, 2, 28), date(2026, 2, 28)),
        ("week", date(2026, 2, 16), date(2026, 2, 22)),
        ("month", date(2026, 2, 1), date(2026, 2, 28)),
    ],
)
def test_the_period_is_the_one_just_ended(every: str, first: date, last: date) -> None:
    assert period_ended(every, date(2026, 3, 1)) == (first, last)


@pytest.mark.parametrize(
    ("every", "due"),
    [
        ("day", datetime(2026, 3, 28, 23, 0, tzinfo=UTC)),
        ("week", datetime(2026, 3, 29, 22, 0, tzinfo=UTC)),
        ("month", datetime(2026, 3, 31, 22, 0, tzinfo=UTC)),
    ],
)
def test_due_at_local_midnight_also_when_clocks_change(settings: Any, every: str, due: datetime) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert next_due(every, datetime(2026, 3, 28, 12, 0, tzinfo=UTC)).astimezone(UTC) == due


def test_what_is_due_starts_once_and_not_once_for_each_day_missed(plant: Plant, people: list[User]) -> None:
    made = schedule_of(plant, people, query=f"source={plant.line_1.pk}&from=2001-01-01")
    schedule_of(plant, people, name="Off", is_on=False)
    now = NOON + timedelta(days=30)
    assert (start_due(now), start_due(now), start_due(NOON)) == (1, 0, 0)
    (report,) = Report.objects.all()
    assert report.query == f"from=2026-06-10&to=2026-06-10&source={plant.line_1.pk}"
    made.refresh_from_db()
    assert made.next_at == datetime(2026, 6, 12, tzinfo=UTC)


def test_members_alone_get_it_once_each(plant: Plant, people: list[User]) -> None:
    report = finished(schedule_of(plant, people))
    Membership.objects.filter(user=people[1]).delete()
    assert waiting_mails(timezone.now()) == [report.pk]
    send_mails(report.pk)
    send_mails(report.pk)
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.com"]
    assert sent.subject == "Morning: The plant"
    assert "4 of 40 images defective: 10.0% (95% interval 4.0% to 23.1%, n = 40)." in sent.body
    assert f"/p/plant/reports/#report-{report.pk}" in sent.body
    assert sent.attachments[0][:2] == ("plant-daily.csv", "day,n\n1,2\n")
    report.refresh_from_db()
    assert (report.mail_state, report.mailed_to) == ("sent", [people[0].pk])


def test_large_files_are_linked(plant: Plant, people: list[User]) -> None:
    send_mails(finished(schedule_of(plant, people), size_bytes=10_000_000).pk)
    assert [sent.attachments for sent in mail.outbox] == [[], []]
    assert "too large for an e-mail" in mail.outbox[0].body


def test_nobody_left_is_said(plant: Plant, people: list[User]) -> None:
    report = finished(schedule_of(plant, people))
    Membership.objects.all().delete()
    send_mails(report.pk)
    report.refresh_from_db()
    assert mail.outbox == []
    assert report.mail_state == "failed"
    assert "Nobody got it" in report.mail_error


def test_an_empty_period_is_said(plant: Plant, people: list[User]) -> None:
    report = finished(schedule_of(plant, people))
    report.query = "from=2001-01-01&to=2001-01-01"
    assert "No image was inspected." in summary_words(report)


class MailServer(socketserver.ThreadingTCPServer):
    """Enough SMTP to take messages; addresses in `refused` are not known to it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[tuple[str, str]] = []
        self.refused: set[str] = set()


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        recipient = ""
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].upper().split()[0]
            if word == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                self.say("550 unknown here" if recipient in self.server.refused else "250 ok")
            elif word == "DATA":
                self.say("354 go on")
                self.server.messages.append((recipient, self.text()))
                self.say("250 ok")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        yield server
        server.shutdown()
        thread.join()


def test_a_real_server_gets_it_and_who_it_refuses_is_tried_again(
    plant: Plant, people: list[User], server: MailServer
) -> None:
    report = finished(schedule_of(plant, people))
    server.refused = {"bob@example.com"}
    send_mails(report.pk)
    report.refresh_from_db()
    assert [to for to, _ in server.messages] == ["alice@example.com"]
    assert "Subject: Morning: The plant" in server.messages[0][1]
    assert (report.mail_state, report.mailed_to, report.mail_attempts_count) == ("waiting", [people[0].pk], 1)
    assert "bob@example.com" in report.mail_error
    assert report.mail_next_at is not None
    assert timedelta(seconds=50) < report.mail_next_at - timezone.now() < timedelta(seconds=70)
    server.refused = set()
    send_mails(report.pk)
    report.refresh_from_db()
    assert [to for to, _ in server.messages] == ["alice@example.com", "bob@example.com"]
    assert (report.mail_state, report.mail_error) == ("sent", "")


def test_a_server_that_is_down_is_given_up_after_a_while(plant: Plant, people: list[User], settings: Any) -> None:
    report = finished(schedule_of(plant, people))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = unused.getsockname()
    for _ in range(MOST_ATTEMPTS):
        assert Report.objects.get().mail_state == "waiting"
        send_mails(report.pk)
    report.refresh_from_db()
    assert report.mail_state == "failed"
    assert report.mail_error.startswith("Given up after 8 tries. The e-mail server did not take it")
