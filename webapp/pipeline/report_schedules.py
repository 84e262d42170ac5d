"""Reports that come again and again: when they are due, and which period they are about."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from webapp.models import Report, ReportSchedule

_OF_TIME = ("from", "to", "hour")


def period_ended(every: str, today: date) -> tuple[date, date]:
    """First and last day of the whole day, week (from Monday) or month that ended last before `today`."""
    if every == ReportSchedule.Every.DAY:
        return today - timedelta(days=1), today - timedelta(days=1)
    if every == ReportSchedule.Every.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(days=7), monday - timedelta(days=1)
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def next_due(every: str, now: datetime) -> datetime:
    """The first midnight of the installation's time zone after `now` at which a period of this length ends."""
    zone = ZoneInfo(settings.TIME_ZONE)
    today = now.astimezone(zone).date()
    if every == ReportSchedule.Every.DAY:
        day = today + timedelta(days=1)
    elif every == ReportSchedule.Every.WEEK:
        day = today + timedelta(days=7 - today.weekday())
    else:
        day = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, time.min, tzinfo=zone)


def write_scheduled(schedule: ReportSchedule, now: datetime) -> Report:
    """Queue the schedule's report of the period that has just ended."""
    first, last = period_ended(schedule.every, now.astimezone(ZoneInfo(settings.TIME_ZONE)).date())
    kept = {name: value for name, value in parse_qsl(schedule.query) if name not in _OF_TIME}
    return Report.objects.create(
        project=schedule.project,
        user=schedule.user,
        schedule=schedule,
        kind=schedule.kind,
        grain=schedule.grain,
        query=urlencode({"from": first.isoformat(), "to": last.isoformat(), **kept}),
    )


def start_due(now: datetime) -> int:
    """Queue one report for each schedule that is due; returns how many there were.

    After a pause that is one report each, of the newest period, and not one for every period missed.
    """
    with transaction.atomic():
        due = ReportSchedule.objects.filter(is_on=True, next_at__lte=now).select_related("project", "user")
        schedules = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("next_at"))
        for schedule in schedules:
            write_scheduled(schedule, now)
            schedule.next_at = next_due(schedule.every, now)
            schedule.save(update_fields=["next_at"])
    return len(schedules)
