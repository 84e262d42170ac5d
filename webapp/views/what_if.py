"""What-if: another limit or a least confidence, replayed on stored numbers; kept as a draft, never in force."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analytics.scope import Scope
from analytics.what_if import Rule, WhatIf, what_if
from analytics.what_if_panels import basis, changed_words, compared, trade_off
from webapp.actions.draft_rules import delete_draft, save_draft
from webapp.actions.refused import Refused
from webapp.models import DraftRule, Image, Project
from webapp.views.asking import person, project_of
from webapp.views.dashboard_frame import Frame, frame
from webapp.views.grid import version_query

PAGE = "dashboard-what-if"
LARGEST_LIMIT_PX = 2_000_000_000


@dataclass(frozen=True)
class Asked:
    """The rule of an address, and what is wrong with it by the name of the field."""

    rule: Rule
    errors: dict[str, str]


@dataclass(frozen=True)
class Draft:
    """A kept rule in words, with the address that tries it again."""

    id: int
    name: str
    rule: str
    replayed: str
    by: str
    at: Any
    query: str


@require_safe
def show(request: HttpRequest, slug: str) -> HttpResponse:
    page = frame(request, slug, PAGE)
    if page.scope is None or page.errors:
        return page.render(request, "what_if/show.html")
    asked = _asked(request.GET, page.project)
    with connection.cursor() as cursor:
        result = what_if(cursor, page.scope, asked.rule)
    return page.render(request, "what_if/show.html", **_context(page, page.scope, asked, result))


@require_POST
def save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the rule of the address as a draft; its numbers are counted anew, not taken from the form."""
    project = project_of(request, slug)
    page = frame(request, slug, PAGE)
    address = _address(project, request.GET.urlencode())
    asked = _asked(request.GET, project)
    try:
        if page.scope is None or page.errors or asked.errors:
            raise Refused("This rule cannot be kept: " + " ".join([*page.errors.values(), *asked.errors.values()]))
        with connection.cursor() as cursor:
            result = what_if(cursor, page.scope, asked.rule)
        rule = asked.rule
        label_limits: dict[int, int] = {}
        if rule.label_id is not None and rule.min_region_px is not None:
            label_limits[rule.label_id] = rule.min_region_px
        save_draft(
            project=project,
            user=person(request),
            name=request.POST.get("name", ""),
            min_region_px=None if label_limits else rule.min_region_px,
            label_limits=label_limits,
            min_confidence=rule.min_confidence,
            query=page.scope.query(),
            replayed={row.name: row.then for row in compared(result)},
        )
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The draft is kept. Nothing is judged by it.")
    return redirect(address)


@require_POST
def delete(request: HttpRequest, slug: str, draft_id: int) -> HttpResponse:
    project = project_of(request, slug)
    draft = get_object_or_404(DraftRule, project=project, pk=draft_id)
    delete_draft(draft=draft, user=person(request))
    messages.success(request, f"The draft “{draft.name}” is deleted.")
    return redirect(_address(project, request.GET.urlencode()))


def _context(page: Frame, scope: Scope, asked: Asked, result: WhatIf) -> dict[str, Any]:
    limit = asked.rule.min_region_px if asked.rule.min_region_px is not None else result.usual_limit_px
    return {
        "missing": page.missing(result.tried.image_count),
        "result": result,
        "asked": asked,
        "limit": limit,
        "confidence_percent": round((asked.rule.min_confidence or 0) * 100),
        "limit_place": round(1000 * math.log(max(limit, 1)) / math.log(max(result.largest_px, 2))),
        "basis": basis(result),
        "changed_words": changed_words(result),
        "compared": compared(result),
        "panel": trade_off(result),
        "turned": _turned(page.project, result),
        "version": version_query(page.project),
        "drafts": [_draft(row, result) for row in page.project.draft_rules.select_related("user")],
        "scope_fields": list(scope.parameters().items()),
        "rule_query": urlencode(scope.parameters() | _parameters(asked.rule)),
    }


def _turned(project: Project, result: WhatIf) -> list[tuple[str, list[Image]]]:
    """Some of the images whose verdict the rule would turn."""
    ids = result.changed.to_pass, result.changed.to_fail
    known = Image.objects.filter(project=project).in_bulk([*ids[0], *ids[1]])
    words = ("Would pass", "Would fail")
    return [(word, [known[pk] for pk in some if pk in known]) for word, some in zip(words, ids, strict=True) if some]


def _draft(row: DraftRule, result: WhatIf) -> Draft:
    names = {label.id: label.name for label in result.labels}
    label_id, limit = next(((int(key), value) for key, value in row.label_limits.items()), (None, row.min_region_px))
    rule = Rule(limit, label_id, row.min_confidence)
    words = []
    if limit is not None:
        words.append(f"{limit:,} px for {names.get(label_id, 'a label that is gone') if label_id else 'all labels'}")
    if row.min_confidence:
        words.append(f"confidence from {row.min_confidence:.0%}")
    parts = [row.query, urlencode(_parameters(rule))]
    return Draft(
        id=row.pk,
        name=row.name,
        rule=", ".join(words),
        replayed=", ".join(f"{name}: {number}" for name, number in row.replayed.items()),
        by=str(row.user) if row.user else "Somebody who left",
        at=row.created_at,
        query="&".join(part for part in parts if part),
    )


def _asked(query: Mapping[str, Any], project: Project) -> Asked:
    """The rule in an address: min_px, rule_label (id) and min_confidence (per cent); wrong ones are left out."""
    errors: dict[str, str] = {}
    limit = _number(query, "min_px", 1, LARGEST_LIMIT_PX, "pixels", errors)
    confidence = _number(query, "min_confidence", 0, 100, "per cent", errors)
    label: int | None = None
    text = str(query.get("rule_label") or "").strip()
    if text:
        known = {str(pk) for pk in project.labels.filter(is_defect=True).values_list("pk", flat=True)}
        if text in known:
            label = int(text)
        else:
            errors["rule_label"] = f"This project has no defect label “{text[:40]}”."
    return Asked(Rule(limit, label, confidence / 100 if confidence else None), errors)


def _number(query: Mapping[str, Any], name: str, low: int, high: int, unit: str, errors: dict[str, str]) -> int | None:
    text = str(query.get(name) or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 11 and low <= int(text) <= high:
        return int(text)
    errors[name] = f"Expected a whole number of {unit} from {low:,} to {high:,}, got “{text[:40]}”."
    return None


def _parameters(rule: Rule) -> dict[str, str]:
    given = {
        "min_px": rule.min_region_px,
        "rule_label": rule.label_id,
        "min_confidence": round(rule.min_confidence * 100) if rule.min_confidence else None,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _address(project: Project, query: str) -> str:
    return reverse(PAGE, args=[project.slug]) + (f"?{query}" if query else "")
