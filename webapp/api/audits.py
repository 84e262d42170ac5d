"""Blind audits: what was drawn, how far people are, what it says; and draw a week now."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from ninja import Router, Schema, Status

from analytics import Scope
from analytics.audits import estimated_escapes
from webapp.actions.audits import draw_now
from webapp.api.auth import ApiRequest
from webapp.api.projects import visible_project
from webapp.api.schemas.errors import answers
from webapp.models import AuditSample, Project
from webapp.models.audit_progress import audits_with_progress
from webapp.pipeline.audits import WEEK

router = Router()

MOST_AUDITS = 26
WRITE_ERRORS = (400, 401, 403, 404, 422)


class DrawIn(Schema):
    """`week`: any day of it."""

    week: date


class AuditOut(Schema):
    """`week` is a Monday. `escape_fraction`: the share of that week's passed images that are defective, 0–1, with its
    95 % interval; null while nobody has judged. `is_enough`: at least 30 images were judged. `is_of_week`: all of
    these are of this week; else earlier weeks' count too.
    """

    id: int
    week: date
    drawn_at: datetime
    drawn_count: int
    judged_count: int
    escape_count: int
    escape_fraction: float | None
    escape_fraction_low: float | None
    escape_fraction_high: float | None
    is_enough: bool
    is_of_week: bool

    @classmethod
    def of(cls, sample: AuditSample, project: Project, *, drawn: int, judged: int, escapes: int) -> AuditOut:
        end = sample.week + WEEK - timedelta(days=1)
        scope = Scope(project_id=project.pk, time_zone=settings.TIME_ZONE, start=sample.week, end=end)
        with connection.cursor() as cursor:
            estimate = estimated_escapes(cursor, scope) if judged else None
        return cls(
            id=sample.pk,
            week=sample.week,
            drawn_at=sample.drawn_at,
            drawn_count=drawn,
            judged_count=judged,
            escape_count=escapes,
            escape_fraction=estimate.rate.value if estimate else None,
            escape_fraction_low=estimate.rate.low if estimate else None,
            escape_fraction_high=estimate.rate.high if estimate else None,
            is_enough=estimate is not None and estimate.is_enough,
            is_of_week=estimate is not None and estimate.is_of_scope,
        )


@router.get("/projects/{slug:slug}/audits", response=answers(list[AuditOut], errors=(401, 404)))
def list_audits(request: ApiRequest, slug: str) -> list[AuditOut]:
    """The newest 26 audits, newest week first, with what they say of that week's passed images."""
    project = visible_project(request.auth, slug)
    rows = audits_with_progress(project)[:MOST_AUDITS]
    return [
        AuditOut.of(row, project, drawn=row.drawn_count, judged=row.judged_count, escapes=row.escape_count)
        for row in rows
    ]


@router.post("/projects/{slug:slug}/audits", response=answers(AuditOut, status=201, errors=WRITE_ERRORS))
def draw_audit(request: ApiRequest, slug: str, payload: DrawIn) -> Status[AuditOut]:
    """Draw a week now, instead of the Monday after it. People judge the photos on the page of the audit."""
    project = visible_project(request.auth, slug)
    sample = draw_now(project=project, user=request.auth, day=payload.week)
    row = audits_with_progress(project).get(pk=sample.pk)
    return Status(201, AuditOut.of(row, project, drawn=row.drawn_count, judged=0, escapes=0))
