"""The images behind a number: those of a scope, as the dashboard's bars and points open them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from analytics import Choice, Choices, Scope, ScopeError, choices, image_count, image_rows
from analytics.images import Verdict, Word
from analytics.scope import WITHOUT_SOURCE
from webapp.models import Project, Zone
from webapp.views.asking import project_of
from webapp.views.grid import GRID_LENGTH, items_of_scope, more_of
from webapp.views.image_list import Listing, read_listing

_NOUNS: dict[Verdict | None, str] = {None: "image", "fail": "failed image", "pass": "passed image"}


@dataclass(frozen=True)
class Chip:
    """One limit of the scope in words, and the address without it."""

    words: str
    href: str


@dataclass(frozen=True)
class Request:
    """What the address asks for."""

    scope: Scope
    listing: Listing
    choices: Choices
    zone: Zone | None = None

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """The address's parameters; a change to None leaves one out."""
        given: dict[str, str | None] = {
            **self.scope.parameters(),
            **self.listing.parameters(),
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None and name != "by"}

    def query(self, **changes: str | None) -> str:
        return "?" + urlencode(self.parameters(**changes))


@require_safe
def index(request: HttpRequest, slug: str) -> HttpResponse:
    project = project_of(request, slug)
    context: dict[str, Any] = {"project": project, "tab": "images"}
    try:
        asked = _asked(request.GET, project)
        head = _head(asked)
        context |= head | _grid(request, project, asked, count=head["count"])
    except ScopeError as error:
        return render(request, "images/wrong_scope.html", context | {"errors": error.fields}, status=400)
    return render(request, "images/index.html", context)


@require_safe
def more(request: HttpRequest, slug: str) -> HttpResponse:
    """The next page of the grid."""
    project = project_of(request, slug)
    try:
        return render(request, "images/_grid_page.html", _grid(request, project, _asked(request.GET, project)))
    except ScopeError as error:
        raise Http404(str(error)) from error


def chips(asked: Request) -> list[Chip]:
    """Every limit of the scope, the one that a person thinks of first leading."""
    scope, offered = asked.scope, asked.choices
    words = {
        "from": f"From {date_format(scope.start, 'j M Y')}" if scope.start else None,
        "to": f"To {date_format(scope.end, 'j M Y')}" if scope.end else None,
        "hour": f"Hour from {date_format(localtime(scope.hour), 'j M Y, H:i')}" if scope.hour else None,
        "source": _source_words(scope.source_id, offered.sources),
        "label": _words("With", scope.label_id, offered.labels),
        "model": _words("Model", scope.model_version_id, offered.model_versions),
        "batch": _words("Batch", scope.batch_id, offered.batches),
        "zone": f"In zone: {asked.zone}" if asked.zone else None,
        "waiting": "Waiting for a person" if asked.listing.word == "waiting" else None,
        "overruled": "Overruled by a person" if asked.listing.word == "overruled" else None,
    }
    return [Chip(text, asked.query(**{name: None})) for name, text in words.items() if text]


def _asked(query: Mapping[str, Any], project: Project) -> Request:
    listing = read_listing(query)
    with connection.cursor() as cursor:
        offered = choices(cursor, project.pk, batch=str(query.get("batch") or "").strip())
    scope = Scope.from_query(query, project_id=project.pk, choices=offered, time_zone=settings.TIME_ZONE)
    return Request(scope, listing, offered, _zone(project, listing.zone_id))


def _zone(project: Project, zone_id: int | None) -> Zone | None:
    if zone_id is None:
        return None
    zone = Zone.objects.filter(pk=zone_id, source__project=project).first()
    if zone is None:
        raise ScopeError({"zone": f"This project has no zone “{zone_id}”."})
    return zone


def _head(asked: Request) -> dict[str, Any]:
    """What stands above the grid: the scope in words, how many images, other ways to look at them."""
    with connection.cursor() as cursor:
        count = image_count(
            cursor,
            asked.scope,
            verdict=asked.listing.verdict,
            word=asked.listing.word,
            zone_id=asked.listing.zone_id,
        )
    limits = chips(asked)
    return {
        "count": count,
        "noun": _NOUNS[asked.listing.verdict],
        "chips": limits,
        "is_narrowed": bool(limits or asked.listing.verdict),
        "verdicts": _verdicts(asked),
        "orders": [
            ("Worst first", asked.query(order=None), asked.listing.order == "worst"),
            ("Newest first", asked.query(order="newest"), asked.listing.order == "newest"),
        ],
        "dashboard_query": asked.query(verdict=None, order=None, waiting=None, overruled=None, zone=None),
    }


def _grid(request: HttpRequest, project: Project, asked: Request, *, count: int = 0) -> dict[str, Any]:
    after = request.GET.get("after")
    with connection.cursor() as cursor:
        page = image_rows(
            cursor,
            asked.scope,
            verdict=asked.listing.verdict,
            word=asked.listing.word,
            order=asked.listing.order,
            after=after,
            limit=GRID_LENGTH,
            zone_id=asked.listing.zone_id,
        )
    address = reverse("images-more", args=[project.slug])
    return {
        "project": project,
        "items": items_of_scope(page.items, project, urlencode(asked.parameters(list="images"))),
        "is_more": bool(after),
        "more": more_of(request, href=address + asked.query(after=page.next), length=len(page.items), count=count)
        if page.next
        else None,
    }


def _verdicts(asked: Request) -> list[tuple[str, str, bool]]:
    words: list[tuple[str, Verdict | None, Word | None]] = [
        ("All", None, None),
        ("Fail", "fail", None),
        ("Pass", "pass", None),
        ("Waiting for a person", None, "waiting"),
        ("Overruled", None, "overruled"),
    ]
    return [
        (
            text,
            asked.query(verdict=verdict, **{one: "1" if one == word else None for one in ("waiting", "overruled")}),
            (asked.listing.verdict, asked.listing.word) == (verdict, word),
        )
        for text, verdict, word in words
    ]


def _source_words(source_id: int | None, offered: tuple[Choice, ...]) -> str | None:
    return "Without a source" if source_id == WITHOUT_SOURCE else _words("Source", source_id, offered)


def _words(what: str, wanted: int | None, offered: tuple[Choice, ...]) -> str | None:
    name = next((choice.name for choice in offered if choice.id == wanted), None)
    return f"{what}: {name}" if wanted is not None and name is not None else None
