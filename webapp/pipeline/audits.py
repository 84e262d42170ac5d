"""The weekly draw: passed images of a week, at random within each source, for a person to judge blind."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from analytics.statistics.strata import allocate
from webapp.models import AuditImage, AuditSample, AuditStratum, Project

MIN_DRAWN_COUNT = 1
WEEK = timedelta(days=7)

_PASSED = """
    prediction.project_id = %(project_id)s AND prediction.is_current AND prediction.verdict = 'pass'
    AND prediction.captured_at >= %(start_at)s AND prediction.captured_at < %(end_at)s
"""
_SIZES = f"""
    SELECT coalesce(prediction.source_id, 0), count(*) FROM prediction WHERE {_PASSED} GROUP BY 1 ORDER BY 1
"""  # noqa: S608
# The digest of seed and image is the draw: the same seed over the same images draws the same ones on any machine.
_DRAW = f"""
    SELECT prediction.image_id, prediction.id FROM prediction
    WHERE {_PASSED} AND coalesce(prediction.source_id, 0) = %(source_id)s
    ORDER BY md5(%(seed)s::text || ':' || prediction.image_id::text) LIMIT %(count)s
"""  # noqa: S608
_DUE = f"""
    SELECT project.id FROM project
    WHERE project.audit_count > 0
      AND NOT EXISTS (SELECT FROM audit_sample WHERE project_id = project.id AND week = %(week)s)
      AND EXISTS (SELECT FROM prediction WHERE {_PASSED.replace("%(project_id)s", "project.id")})
    ORDER BY project.id
"""  # noqa: S608


_WEEKS = """
    SELECT date_trunc('week', day::timestamp)::date AS week, sum(inspected_count - fail_count)::bigint
    FROM inspection_day WHERE project_id = %(project_id)s AND is_current
    GROUP BY week HAVING sum(inspected_count - fail_count) > 0 ORDER BY week DESC LIMIT %(count)s
"""


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def passed_weeks(project: Project, *, count: int) -> list[tuple[date, int]]:
    """The newest weeks in which the model passed something: their Mondays and how many images, newest first."""
    with connection.cursor() as cursor:
        cursor.execute(_WEEKS, {"project_id": project.pk, "count": count})
        return [(week, int(passed)) for week, passed in cursor.fetchall()]


def draw_due(now: datetime | None = None) -> int:
    """Draw the week before for every project that has passed images in it and no sample of it; returns how many.

    Asked by the clock again and again: the first time on Monday draws, later ones find it done.
    """
    week = monday(timezone.localdate(now)) - WEEK
    with connection.cursor() as cursor:
        cursor.execute(_DUE, _span(week) | {"week": week})
        due = [row[0] for row in cursor.fetchall()]
    return sum(draw(project=project, week=week) is not None for project in Project.objects.filter(pk__in=due))


def draw(*, project: Project, week: date, seed: int | None = None) -> AuditSample | None:
    """Draw `project.audit_count` images that the model passed in the week that begins on Monday `week`.

    None where there is nothing to draw from, or somebody drew this week before. `seed` repeats a draw.
    """
    if week.weekday() != 0:
        raise ValueError(f"a week begins on Monday; {week} is none")
    seed = random.SystemRandom().getrandbits(62) if seed is None else seed
    with transaction.atomic():
        drawn = draw_rows(project=project, week=week, seed=seed)
        if not drawn:
            return None
        sample, is_new = AuditSample.objects.get_or_create(project=project, week=week, defaults={"seed": seed})
        if not is_new:
            return None
        _save(sample, drawn)
        return sample


def draw_rows(*, project: Project, week: date, seed: int) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """(source id or 0, its passed images) → the drawn (image id, prediction id); nothing is written."""
    values: dict[str, Any] = _span(week) | {"project_id": project.pk, "seed": seed}
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, values)
        sizes = cursor.fetchall()
        counts = allocate([size for _, size in sizes], project.audit_count, minimum=MIN_DRAWN_COUNT)
        drawn = {}
        for (source_id, size), count in zip(sizes, counts, strict=True):
            if count:
                cursor.execute(_DRAW, values | {"source_id": source_id, "count": count})
                drawn[(source_id, size)] = cursor.fetchall()
    return drawn


def _save(sample: AuditSample, drawn: dict[tuple[int, int], list[tuple[int, int]]]) -> None:
    """Images of all sources in one shuffled order: nobody can tell the next one's source from the last one's."""
    images = []
    for (source_id, size), rows in drawn.items():
        stratum = AuditStratum.objects.create(sample=sample, source_id=source_id or None, passed_count=size)
        images += [AuditImage(stratum=stratum, image_id=row[0], prediction_id=row[1]) for row in rows]
    random.Random(sample.seed).shuffle(images)  # noqa: S311
    AuditImage.objects.bulk_create(images)


def _span(week: date) -> dict[str, Any]:
    """First instant of the week and of the next one, in the installation's time zone."""
    zone = timezone.get_default_timezone()
    start = datetime(week.year, week.month, week.day, tzinfo=zone)
    after = week + WEEK
    return {"start_at": start, "end_at": datetime(after.year, after.month, after.day, tzinfo=zone)}
