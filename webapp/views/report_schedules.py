"""Reports that come again and again: make, switch, send now, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from webapp.actions.refused import Refused
from webapp.actions.reports import (
    change_recipients,
    create_schedule,
    delete_schedule,
    scope_of_query,
    send_now,
    switch_schedule,
)
from webapp.forms.reports import RecipientsForm, ScheduleForm
from webapp.models import ReportSchedule
from webapp.views.asking import person, project_of
from webapp.views.report_pages import SCOPE_NAMES, page


@require_POST
def create(request: HttpRequest, slug: str) -> HttpResponse:
    """The scope of the form but for its dates: those are the period's."""
    project = project_of(request, slug)
    form = ScheduleForm(project, request.POST, auto_id="schedule-%s")
    if form.is_valid():
        try:
            scope = scope_of_query(project, {name: request.POST.get(name, "") for name in SCOPE_NAMES})
            create_schedule(
                project=project,
                user=person(request),
                name=form.cleaned_data["name"],
                kind=request.POST.get("kind", ""),
                grain=request.POST.get("grain", ""),
                query=scope.query(start=None, end=None, hour=None, bucket="auto"),
                every=form.cleaned_data["every"],
                recipients=[user.pk for user in form.cleaned_data["recipients"]],
            )
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    if not form.is_valid():
        return page(request, project, schedule=form, status=422)
    messages.success(request, "It is set up. The first one goes out when the present period ends.")
    return redirect(f"{reverse('reports', args=[slug])}#schedules")


@require_POST
def switch(request: HttpRequest, slug: str, schedule_id: int) -> HttpResponse:
    is_on = request.POST.get("is_on") == "1"
    switch_schedule(schedule=_schedule(request, slug, schedule_id), user=person(request), is_on=is_on)
    return redirect(f"{reverse('reports', args=[slug])}#schedules")


@require_POST
def recipients(request: HttpRequest, slug: str, schedule_id: int) -> HttpResponse:
    """Send it to others; nothing changes where nobody is chosen."""
    schedule = _schedule(request, slug, schedule_id)
    form = RecipientsForm(schedule.project, request.POST)
    if not form.is_valid():
        messages.error(request, f"“{schedule.name}” goes to whom it went: choose one member of the workspace at least.")
        return redirect(f"{reverse('reports', args=[slug])}#schedules")
    change_recipients(schedule=schedule, recipients=[user.pk for user in form.cleaned_data["recipients"]])
    messages.success(request, f"“{schedule.name}” goes to these people from now on.")
    return redirect(f"{reverse('reports', args=[slug])}#schedules")


@require_POST
def send(request: HttpRequest, slug: str, schedule_id: int) -> HttpResponse:
    send_now(schedule=_schedule(request, slug, schedule_id))
    messages.success(request, "It is being written and goes out as soon as it is.")
    return redirect(f"{reverse('reports', args=[slug])}#reports")


@require_POST
def delete(request: HttpRequest, slug: str, schedule_id: int) -> HttpResponse:
    schedule = _schedule(request, slug, schedule_id)
    delete_schedule(schedule=schedule)
    messages.success(request, f"“{schedule.name}” is deleted. The reports it made stay.")
    return redirect(f"{reverse('reports', args=[slug])}#schedules")


def _schedule(request: HttpRequest, slug: str, schedule_id: int) -> ReportSchedule:
    return get_object_or_404(ReportSchedule.objects.filter(project=project_of(request, slug)), pk=schedule_id)
