"""The page of reports, its schedules, and the notifications behind the bell."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.views.visit import Visit, start_visit, words
from webapp import storage
from webapp.actions import reports as actions
from webapp.actions.people import remove_member
from webapp.models import Notification, Report, ReportSchedule, User
from webapp.pipeline.report_lease import ReportHeartbeat
from webapp.pipeline.reports import run_report
from webapp.views import report_pages


@pytest.fixture(autouse=True)
def _no_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart beats on a connection of its own, which does not see what a test has not committed."""
    monkeypatch.setattr(ReportHeartbeat, "every_seconds", 3600.0)


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    visit = start_visit(settings, tmp_path)
    visit.plant.image({"scratch": [60]}, source=visit.plant.line_1)
    visit.plant.count_up()
    return visit


@pytest.fixture(autouse=True)
def _queued(monkeypatch: pytest.MonkeyPatch) -> None:
    """No queue runs beside these tests: the row that waits is the fact."""
    monkeypatch.setattr(actions, "queue_on_commit", lambda task, row_id: None)


def ask(visit: Visit, **form: str) -> Any:
    return visit.client.post(visit.address("report-ask"), {"kind": "xlsx", "grain": "images", **form})


def test_an_empty_page_says_what_will_be_there(visit: Visit) -> None:
    page = words(visit.page("reports"))
    assert "None yet." in page
    assert "1 image matches." in page


def test_the_count_follows_what_is_chosen(visit: Visit) -> None:
    address = visit.address("reports-matching")
    assert "1 image matches." in words(visit.client.get(address).content.decode())
    assert "0 images match." in words(visit.client.get(address, {"source": "none"}).content.decode())
    odd = visit.client.get(address, {"from": "never"})
    assert odd.status_code == 200
    assert "match." not in words(odd.content.decode())


def test_asked_for_it_waits_and_is_then_there(visit: Visit) -> None:
    assert ask(visit, **{"from": "2026-05-01"}).status_code == 302
    report = Report.objects.get()
    assert (report.state, report.query, report.user) == ("waiting", "from=2026-05-01", visit.alice)
    page = visit.page("reports")
    assert "Waiting" in page
    assert "hx-get" in page
    run_report(report.pk)
    page = visit.page("reports-status")
    report.refresh_from_db()
    assert "Ready" in page
    assert report.sha256 in page
    assert "hx-get" not in page
    response = visit.client.get(visit.address("report-file", report.pk))
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(content).hexdigest() == report.sha256
    assert response["Content-Disposition"] == 'attachment; filename="plant-images-from-2026-05-01.xlsx"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_small_csv_comes_at_once_and_a_large_one_by_a_worker(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    response = ask(visit, kind="csv", grain="labels")
    assert response["Location"] == "/p/plant/reports/labels.csv?"
    monkeypatch.setattr(report_pages, "STREAMED_ROWS", 3)
    ask(visit, kind="csv", grain="labels")
    assert Report.objects.get().kind == "csv"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "doc"}, "Expected a kind among"),
        ({"grain": "pixels"}, "Expected rows among"),
        ({"source": "4711"}, "This project has no source"),
        ({"from": "never"}, "Expected a day like"),
    ],
)
def test_what_makes_no_sense_is_said(visit: Visit, form: dict[str, str], said: str) -> None:
    response = ask(visit, **form)
    assert response.status_code in (400, 422)
    assert said in response.content.decode()
    assert not Report.objects.exists()


def test_a_bad_scope_in_the_address_is_a_400_in_words(visit: Visit) -> None:
    response = visit.client.get(visit.address("reports") + "?from=never&label=77")
    assert response.status_code == 400
    assert "These images cannot be chosen" in response.content.decode()


def test_too_many_at_once_are_refused(visit: Visit) -> None:
    for _ in range(actions.MOST_WAITING):
        ask(visit)
    response = ask(visit)
    assert response.status_code == 422
    assert "still being written" in response.content.decode()


def test_cancel_and_remove(visit: Visit) -> None:
    ask(visit)
    report = Report.objects.get()
    visit.client.post(visit.address("report-cancel", report.pk))
    report.refresh_from_db()
    assert report.state == "cancelled"
    visit.client.post(visit.address("report-remove", report.pk))
    assert not Report.objects.exists()


def test_a_file_that_is_gone_or_not_written_is_a_404(visit: Visit) -> None:
    ask(visit)
    report = Report.objects.get()
    assert visit.client.get(visit.address("report-file", report.pk)).status_code == 404
    run_report(report.pk)
    report.refresh_from_db()
    assert visit.outsider.get(visit.address("report-file", report.pk)).status_code == 404
    storage.report_path(report.path).unlink()
    assert visit.client.get(visit.address("report-file", report.pk)).status_code == 404


def schedule(visit: Visit, **form: Any) -> Any:
    given = {"name": "Weekly", "kind": "pdf", "every": "week", "recipients": [visit.alice.pk], "from": "2026-05-01"}
    return visit.client.post(visit.address("schedule-new"), given | form)


def test_a_schedule_is_made_switched_sent_and_deleted(visit: Visit) -> None:
    assert schedule(visit, source=str(visit.plant.line_1.pk)).status_code == 302
    made = ReportSchedule.objects.get()
    assert (made.kind, made.grain, made.query) == ("pdf", "", f"source={visit.plant.line_1.pk}")
    assert list(made.recipients.all()) == [visit.alice]
    assert "Weekly" in visit.page("reports")
    visit.client.post(visit.address("schedule-switch", made.pk), {"is_on": "0"})
    assert "Switched off" in visit.page("reports")
    visit.client.post(visit.address("schedule-switch", made.pk), {"is_on": "1"})
    visit.client.post(visit.address("schedule-send", made.pk))
    report = Report.objects.get()
    assert (report.schedule, report.state) == (made, "waiting")
    visit.client.post(visit.address("schedule-delete", made.pk))
    assert not ReportSchedule.objects.exists()
    assert Report.objects.exists()


def test_recipients_can_be_changed(visit: Visit) -> None:
    schedule(visit)
    made, bob = ReportSchedule.objects.get(), User.objects.create_user("bob2@example.com", name="Bob Two")
    visit.plant.project.workspace.memberships.create(user=bob)
    assert "Change who gets it" in visit.page("reports")
    address = visit.address("schedule-recipients", made.pk)
    visit.client.post(address, {"recipients": [bob.pk]})
    assert list(made.recipients.all()) == [bob]
    charlie = User.objects.get(email="charlie@example.com")
    for wrong in ([], [charlie.pk], ["x"]):
        page = words(visit.client.post(address, {"recipients": wrong}, follow=True).content.decode())
        assert "choose one member of the workspace at least" in page
        assert list(made.recipients.all()) == [bob]


def test_schedules_of_who_leaves_are_switched_off(visit: Visit) -> None:
    schedule(visit)
    made, workspace = ReportSchedule.objects.get(), visit.plant.project.workspace
    bob = User.objects.create_user("bob2@example.com")
    workspace.memberships.create(user=bob, role="admin")
    remove_member(user=visit.alice, membership=workspace.memberships.get(user=visit.alice))
    made.refresh_from_db()
    assert not made.is_on
    note = Notification.objects.get(user=bob)
    assert "“Weekly” is no longer sent" in note.sentence
    assert note.url == "/p/plant/reports/#schedules"
    assert not Notification.objects.filter(user=visit.alice).exists()
    actions.switch_schedule(schedule=made, user=bob, is_on=True)
    made.refresh_from_db()
    assert (made.is_on, made.user) == (True, bob)


def test_only_members_may_be_recipients(visit: Visit) -> None:
    charlie = User.objects.get(email="charlie@example.com")
    for form in ({"recipients": [charlie.pk]}, {"recipients": []}, {"every": "hour"}, {"name": " "}, {"kind": "doc"}):
        assert schedule(visit, **form).status_code == 422, form
    assert "charlie@example.com" not in visit.page("reports")
    assert not ReportSchedule.objects.exists()


def test_the_bell_counts_what_is_unread(visit: Visit) -> None:
    assert 'aria-label="Notifications"' in visit.page("reports")
    one = Notification.objects.create(
        user=visit.alice, project=visit.plant.project, sentence="It is ready.", url="/p/plant/reports/"
    )
    Notification.objects.create(user=visit.alice, sentence="<b>bold</b>", url="//elsewhere.example/")
    assert 'aria-label="Notifications, 2 unread"' in visit.page("reports")
    page = visit.client.get("/notifications").content.decode()
    assert "It is ready." in page
    assert "&lt;b&gt;" in page
    assert visit.client.post(f"/notifications/{one.pk}/open")["Location"] == "/p/plant/reports/"
    assert visit.client.post(f"/notifications/{one.pk + 1}/open")["Location"] == "/notifications"
    assert 'aria-label="Notifications"' in visit.page("reports")
    assert visit.outsider.post(f"/notifications/{one.pk}/open").status_code == 404


def test_notes_of_a_project_out_of_sight_are_not_shown(visit: Visit) -> None:
    Notification.objects.create(user=visit.alice, project=visit.plant.project, sentence="It is ready.")
    visit.alice.memberships.all().delete()
    assert "It is ready." not in visit.client.get("/notifications").content.decode()
