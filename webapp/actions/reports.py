"""Reports: ask for one, stop or remove it, and have one sent again and again."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from analytics import GRAINS, Scope, ScopeError, read_scope
from webapp.actions.refused import Refused
from webapp.models import Membership, Notification, Project, Report, ReportKind, ReportSchedule, User, Workspace
from webapp.pipeline.report_files import forget
from webapp.pipeline.report_schedules import next_due, write_scheduled
from webapp.tasks import queue_on_commit, write_report

MOST_WAITING = 20
MOST_SCHEDULES = 50
WITH_GRAIN = (ReportKind.CSV, ReportKind.XLSX, ReportKind.PARQUET)


@transaction.atomic
def ask_for_report(*, project: Project, user: User, kind: str, grain: str, scope: Scope) -> Report:
    """Have a worker write a report. Refused where kind or grain is none, or where too many wait already."""
    kind, grain = _checked(kind, grain)
    unfinished = Report.objects.filter(project=project, state__in=[Report.State.WAITING, Report.State.RUNNING])
    if unfinished.count() >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} reports of this project are still being written. Wait for one, or cancel one.")
    report = Report.objects.create(project=project, user=user, kind=kind, grain=grain, query=scope.query(bucket="auto"))
    queue_on_commit(write_report, report.pk)
    return report


@transaction.atomic
def cancel_report(*, report: Report) -> None:
    """Stop a report that is not finished; a finished one stays as it is."""
    open_states = [Report.State.WAITING, Report.State.RUNNING]
    Report.objects.filter(pk=report.pk, state__in=open_states).update(
        state=Report.State.CANCELLED, claimed_by="", lease_until=None, finished_at=timezone.now()
    )


@transaction.atomic
def remove_report(*, report: Report) -> None:
    """Delete a report and its file; a worker that still writes it stops."""
    forget(report)


@transaction.atomic
def create_schedule(
    *,
    project: Project,
    user: User,
    name: str,
    kind: str,
    grain: str,
    query: str,
    every: str,
    recipients: Collection[int],
) -> ReportSchedule:
    """Have a report of each day, week or month written when it ends and e-mailed to members of the workspace."""
    kind, grain = _checked(kind, grain)
    name = " ".join(name.split())[:80]
    if not name:
        raise Refused("Give it a name: it stands in the subject of the e-mails.", field="name")
    if every not in ReportSchedule.Every.values:
        raise Refused(f"Expected day, week or month, got “{every[:20]}”.", field="every")
    if project.report_schedules.count() >= MOST_SCHEDULES:
        raise Refused(f"This project has {MOST_SCHEDULES} schedules already. Delete one first.")
    schedule = ReportSchedule.objects.create(
        project=project,
        user=user,
        name=name,
        kind=kind,
        grain=grain,
        query=query,
        every=every,
        next_at=next_due(every, timezone.now()),
    )
    schedule.recipients.set(_members(project, recipients))
    return schedule


@transaction.atomic
def switch_schedule(*, schedule: ReportSchedule, user: User, is_on: bool) -> None:
    """Off: nothing is written. On again: from the end of the present period, and it is `user`'s from then on."""
    schedule.is_on, schedule.next_at = is_on, next_due(schedule.every, timezone.now())
    schedule.user = user if is_on else schedule.user
    schedule.save(update_fields=["is_on", "next_at", "user"])


@transaction.atomic
def change_recipients(*, schedule: ReportSchedule, recipients: Collection[int]) -> None:
    """Whom it is sent to from now on: members of the workspace, one at least; Refused else."""
    schedule.recipients.set(_members(schedule.project, recipients))


def switch_off_schedules(*, user: User, workspace: Workspace) -> int:
    """Switch off what a person who leaves has set up, and tell the administrators; returns how many that were.

    Call it in the transaction in which the person leaves, after the membership is gone.
    """
    admins = list(workspace.memberships.filter(role=Membership.Role.ADMIN).values_list("user", flat=True))
    schedules = ReportSchedule.objects.filter(user=user, project__workspace=workspace, is_on=True)
    switched = list(schedules.select_related("project"))
    for schedule in switched:
        sentence = f"“{schedule.name}” is no longer sent: {user} set it up and left. Switch it on again to go on."
        url = reverse("reports", args=[schedule.project.slug]) + "#schedules"
        Notification.objects.bulk_create(
            Notification(user_id=admin, project=schedule.project, sentence=sentence[:300], url=url) for admin in admins
        )
    ReportSchedule.objects.filter(pk__in=[schedule.pk for schedule in switched]).update(is_on=False)
    return len(switched)


@transaction.atomic
def send_now(*, schedule: ReportSchedule) -> Report:
    """Write and send the report of the period that ended last, once, besides the regular ones."""
    report = write_scheduled(schedule, timezone.now())
    queue_on_commit(write_report, report.pk)
    return report


@transaction.atomic
def delete_schedule(*, schedule: ReportSchedule) -> None:
    """Nothing is written or sent any more; the reports it made stay."""
    schedule.delete()


def mark_read(*, user: User, notification: Notification | None = None) -> int:
    """Mark one of the user's notifications as read, or all; returns how many were not yet."""
    unread = Notification.objects.filter(user=user, read_at=None)
    if notification is not None:
        unread = unread.filter(pk=notification.pk)
    return unread.update(read_at=timezone.now())


def scope_of_query(project: Project, query: dict[str, str]) -> Scope:
    """The scope of a form or a request; Refused names what is wrong."""
    with connection.cursor() as cursor:
        try:
            return read_scope(cursor, query, project_id=project.pk, time_zone=settings.TIME_ZONE)
        except ScopeError as error:
            field, words = next(iter(error.fields.items()))
            raise Refused(words, field=field) from error


def _checked(kind: str, grain: str) -> tuple[str, str]:
    if kind not in ReportKind.values:
        raise Refused(f"Expected a kind among {', '.join(ReportKind.values)}, got “{kind[:20]}”.", field="kind")
    if kind not in WITH_GRAIN:
        return kind, ""
    if grain not in GRAINS:
        raise Refused(f"Expected rows among {', '.join(GRAINS)}, got “{grain[:20]}”.", field="grain")
    return kind, grain


def _members(project: Project, wanted: Collection[int]) -> list[User]:
    """Members of the workspace alone."""
    members = list(User.objects.filter(pk__in=wanted, memberships__workspace=project.workspace_id).distinct())
    if not members or len(members) != len(set(wanted)):
        raise Refused("Choose at least one recipient among the members of this workspace.", field="recipients")
    return members
