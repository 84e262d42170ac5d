"""The page of what a project takes in by itself: how it goes, what was refused and why, and two forms for more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from webapp.actions import intakes
from webapp.actions.people import is_admin, require_admin
from webapp.actions.refused import Refused
from webapp.forms.intakes import BucketForm, FolderForm, KeyForm
from webapp.models import Intake, Project, SeenFile
from webapp.models.intakes import OPEN
from webapp.services.watch_folders import allowed_folders
from webapp.views.asking import person, project_of
from webapp.views.polling import next_pause

SHOWN_REFUSED = 3
FILES_A_PAGE = 100
SHOWS = ("rejected", "waiting", "stored", "linked", "repeated", "archive")


@dataclass(frozen=True)
class IntakeCard:
    """An intake and what it found so far. `stuck`: files that wait although they could be taken, with the reason."""

    intake: Intake
    counts: Mapping[str, int]
    refused: list[SeenFile]
    stuck: list[SeenFile]
    key_form: KeyForm

    @property
    def waiting_count(self) -> int:
        return sum(self.counts.get(state, 0) for state in OPEN)

    @property
    def known_count(self) -> int:
        return self.counts.get("linked", 0) + self.counts.get("repeated", 0)


@require_safe
def index(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, project_of(request, slug))


@require_safe
def status(request: HttpRequest, slug: str) -> HttpResponse:
    """The list, which follows the clock."""
    return render(request, "intakes/_list.html", _list(request, project_of(request, slug)))


@require_safe
def files(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    """The files of an intake in one state, newest first, a page at a time."""
    project = project_of(request, slug)
    intake = get_object_or_404(project.intakes.select_related("source"), pk=intake_id)
    show = request.GET.get("show", "")
    show = show if show in SHOWS else SHOWS[0]
    before = request.GET.get("before", "")
    rows: QuerySet[SeenFile] = intake.seen_files.filter(state__in=OPEN if show == "waiting" else [show])
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.select_related("batch").order_by("-pk")[: FILES_A_PAGE + 1])
    context = {
        "project": project,
        "tab": "batches",
        "intake": intake,
        "show": show,
        "shows": [(one, SeenFile.State(one).label) for one in SHOWS],
        "files": found[:FILES_A_PAGE],
        "older": found[FILES_A_PAGE - 1].pk if len(found) > FILES_A_PAGE else None,
        "is_first_page": not before,
    }
    return render(request, "intakes/files.html", context)


@require_POST
def add_folder(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    require_admin(person(request), project.workspace)
    form = FolderForm(project, request.POST, auto_id="folder-%s")
    if not _accepted(form, lambda: intakes.add_folder(project=project, user=person(request), **form.cleaned_data)):
        return _page(request, project, folder_form=form, status=422)
    messages.success(request, "The folder is watched. A file is taken in when two looks found it unchanged.")
    return _back(project)


@require_POST
def add_bucket(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    require_admin(person(request), project.workspace)
    form = BucketForm(project, request.POST, auto_id="bucket-%s")

    def add() -> object:
        source = form.cleaned_data["source"]
        return intakes.add_bucket(project=project, user=person(request), place=form.value(), source=source)

    if not _accepted(form, add):
        return _page(request, project, bucket_form=form, status=422)
    messages.success(request, "The bucket is looked at now.")
    return _back(project)


def _accepted(form: forms.Form, act: Callable[[], object]) -> bool:
    """Whether what was typed in makes sense and was done; else the form says at which field it was refused."""
    if form.is_valid():
        try:
            act()
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
    return form.is_valid()


@require_POST
def switch(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    intake = _intake(request, slug, intake_id)
    intakes.switch_intake(intake=intake, user=person(request), is_on=request.POST.get("is_on") == "1")
    return _back(intake.project)


@require_POST
def look(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    intake = _intake(request, slug, intake_id)
    intakes.look_now(intake=intake, user=person(request))
    return _back(intake.project)


@require_POST
def replace_key(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    intake = _intake(request, slug, intake_id)
    form = KeyForm(request.POST)
    try:
        if form.is_valid():
            intakes.replace_key(intake=intake, user=person(request), **form.cleaned_data)
            messages.success(request, "The new key is used from now on.")
        else:
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    except Refused as refused:
        messages.error(request, str(refused))
    return _back(intake.project)


@require_POST
def remove(request: HttpRequest, slug: str, intake_id: int) -> HttpResponse:
    intake = _intake(request, slug, intake_id)
    intakes.remove_intake(intake=intake, user=person(request))
    messages.success(request, f"{intake} is no longer looked at. What was taken in stays.")
    return _back(intake.project)


def _intake(request: HttpRequest, slug: str, intake_id: int) -> Intake:
    project = project_of(request, slug)
    intake = get_object_or_404(project.intakes.all(), pk=intake_id)
    intake.project = project
    return intake


def _page(
    request: HttpRequest,
    project: Project,
    *,
    folder_form: FolderForm | None = None,
    bucket_form: BucketForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page with its two forms, which keep what was wrong in them."""
    folders = allowed_folders(project.slug)
    context = _list(request, project) | {
        "tab": "batches",
        "allowed_folders": folders,
        "folder_form": folder_form
        or FolderForm(project, initial={"folder": str(folders[0]) if folders else ""}, auto_id="folder-%s"),
        "bucket_form": bucket_form or BucketForm(project, auto_id="bucket-%s"),
    }
    return render(request, "intakes/index.html", context, status=status)


def _list(request: HttpRequest, project: Project) -> dict[str, Any]:
    cards = _cards(project)
    shown = [(one.intake.pk, one.intake.is_on, one.intake.error, sorted(one.counts.items())) for one in cards]
    seen = sha256(repr(shown).encode()).hexdigest()[:16]
    is_going_on = any(one.intake.is_on and one.intake.finished_at is None for one in cards)
    return {
        "project": project,
        "is_admin": is_admin(person(request), project.workspace),
        "cards": cards,
        "now": timezone.now(),
        "seen": seen,
        "pause": next_pause(request, seen) if is_going_on else 0,
    }


def _cards(project: Project) -> list[IntakeCard]:
    counts: dict[int, dict[str, int]] = {}
    grouped = SeenFile.objects.filter(intake__project=project).order_by().values_list("intake", "state")
    for intake_id, state, count in grouped.annotate(count=Count("pk")):
        counts.setdefault(intake_id, {})[state] = count
    return [
        IntakeCard(
            intake=one,
            counts=counts.get(one.pk, {}),
            refused=_newest(one, "rejected") if counts.get(one.pk, {}).get("rejected") else [],
            stuck=list(one.seen_files.filter(state__in=OPEN).exclude(reason="")[:SHOWN_REFUSED]),
            key_form=KeyForm(auto_id=f"key-{one.pk}-%s"),
        )
        for one in project.intakes.select_related("source", "created_by")
    ]


def _newest(intake: Intake, state: str) -> list[SeenFile]:
    return list(intake.seen_files.filter(state=state).order_by("-ended_at")[:SHOWN_REFUSED])


def _back(project: Project) -> HttpResponse:
    return redirect(reverse("intakes", args=[project.slug]))
