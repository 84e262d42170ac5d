"""The blind audit: one photo at a time without mask, verdict or name; then what it says of all passed images."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analytics import Scope
from analytics.audit_words import escape_sentence
from analytics.audits import estimated_escapes
from webapp.actions import audits
from webapp.actions.refused import Refused
from webapp.models import AuditImage, AuditSample, Project
from webapp.models.audit_progress import audits_with_progress, next_image
from webapp.pipeline.audits import WEEK, passed_weeks
from webapp.views.asking import person, project_of
from webapp.views.grid import version_query

WEEKS_OFFERED = 12


@dataclass(frozen=True)
class Week:
    """A week that can be drawn: its Monday, and how many images of it the model passed."""

    monday: date
    passed_count: int
    is_running: bool


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """The next photo to judge; with ?results, or where none is left, what the audits say."""
    project = project_of(request, slug)
    samples = list(audits_with_progress(project))
    sample = _asked(request, samples)
    if sample is not None and "results" not in request.GET:
        drawn = next_image(sample, after=_id(request.GET.get("after", "")))
        if drawn is not None:
            return render(request, "audits/judge.html", _judging(request, project, sample, drawn))
    return render(request, "audits/show.html", _results(request, project, samples, sample))


@require_POST
def draw(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    try:
        sample = audits.draw_now(project=project, user=person(request), day=_day(request.POST.get("week", "")))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("audit", project.slug)
    return redirect(_address(project, sample))


@require_POST
def judge(request: HttpRequest, slug: str, drawn_id: int) -> HttpResponse:
    project = project_of(request, slug)
    drawn = get_object_or_404(
        AuditImage.objects.select_related("stratum__sample", "image"), stratum__sample__project=project, pk=drawn_id
    )
    try:
        audits.judge_blind(audit_image=drawn, user=person(request), verdict=request.POST.get("verdict", ""))
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect(_address(project, drawn.stratum.sample, after=drawn.pk))


@require_POST
def undo(request: HttpRequest, slug: str, sample_id: int) -> HttpResponse:
    project = project_of(request, slug)
    sample = get_object_or_404(AuditSample, project=project, pk=sample_id)
    try:
        last = audits.undo_last(sample=sample, user=person(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(_address(project, sample))
    return redirect(_address(project, sample, after=last.pk - 1))


@require_POST
def change_count(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    sent = request.POST.get("audit_count", "").strip()
    try:
        if not (sent.isascii() and sent.isdigit() and len(sent) < 10):
            raise Refused(f"Expected a whole number from 0 to {audits.MOST_IMAGES:,}, got “{sent[:40]}”.")
        audits.change_audit_count(project=project, user=person(request), audit_count=int(sent))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The size of the weekly audit is saved.")
    return redirect(reverse("project-settings", args=[project.slug]) + "#audit")


def _asked(request: HttpRequest, samples: list[Any]) -> Any | None:
    """The audit of ?week=; without it the newest that has photos left, else the newest."""
    week = request.GET.get("week")
    if week is not None:
        found = next((one for one in samples if one.week.isoformat() == week), None)
        if found is None:
            raise Http404("no audit of that week")
        return found
    still_open = [one for one in samples if one.judged_count < one.drawn_count]
    return next(iter(still_open or samples), None)


def _judging(request: HttpRequest, project: Project, sample: Any, drawn: AuditImage) -> dict[str, Any]:
    following = next_image(sample, after=drawn.pk)
    version = version_query(project)
    return {
        "project": project,
        "tab": "dashboard",
        "sample": sample,
        "drawn": drawn,
        "picture": reverse("image-view", args=[drawn.image_id]) + version,
        "next_picture": reverse("image-view", args=[following.image_id]) + version
        if following and following.pk != drawn.pk
        else "",
        "left_count": sample.drawn_count - sample.judged_count,
        "skip": _address(project, sample, after=drawn.pk),
        "can_undo": AuditImage.objects.filter(
            stratum__sample=sample, user=person(request), verdict__isnull=False
        ).exists(),
    }


def _results(request: HttpRequest, project: Project, samples: list[Any], sample: Any | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "project": project,
        "tab": "dashboard",
        "samples": samples,
        "sample": sample,
        "weeks": _weeks(project, samples),
    }
    if sample is None:
        return context
    scope = Scope(
        project_id=project.pk,
        time_zone=settings.TIME_ZONE,
        start=sample.week,
        end=sample.week + WEEK - timedelta(days=1),
    )
    with connection.cursor() as cursor:
        estimate = estimated_escapes(cursor, scope)
    escapes = AuditImage.objects.filter(stratum__sample=sample, verdict="fail").select_related("image", "user")
    return context | {
        "estimate": estimate,
        "sentence": escape_sentence(estimate),
        "escapes": escapes.order_by("-judged_at"),
        "version": version_query(project),
        "scope_query": scope.query(),
    }


def _weeks(project: Project, samples: list[Any]) -> list[Week]:
    known, today = {one.week for one in samples}, timezone.localdate()
    return [
        Week(week, count, week + WEEK > today)
        for week, count in passed_weeks(project, count=WEEKS_OFFERED + len(known))
        if week not in known
    ][:WEEKS_OFFERED]


def _address(project: Project, sample: AuditSample, *, after: int = 0) -> str:
    place = f"&after={after}" if after > 0 else ""
    return f"{reverse('audit', args=[project.slug])}?week={sample.week.isoformat()}{place}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"Expected a day like 2026-05-11, got “{text[:40]}”.", field="week") from None


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
