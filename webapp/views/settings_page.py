"""The settings page of a project, with whatever form came back with errors on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from webapp.actions.labels import unused_labels
from webapp.actions.people import is_admin
from webapp.actions.privacy import people_labels
from webapp.actions.project_templates import PALETTE
from webapp.actions.sources import unused_sources
from webapp.forms.projects import DeletionForm, LabelForm, PrivacyForm, ProjectForm, RuleForm, SourceForm
from webapp.models import InspectionRollup, Label, Project, Source
from webapp.views.asking import person


def settings_page(request: HttpRequest, project: Project, **bound: Any) -> HttpResponse:
    """`bound` replaces forms of the page by name: those that were sent and have errors."""
    context: dict[str, Any] = {
        "project": project,
        "tab": "settings",
        "is_admin": is_admin(person(request), project.workspace),
        "inspected_count": _inspected_count(project),
        "project_form": ProjectForm(
            initial={"name": project.name, "description": project.description, "currency": project.currency}
        ),
        "label_limits": label_limits(project),
        "rule_form": RuleForm(initial={"min_region_px": project.min_region_px}),
        "label_forms": label_forms(project),
        "new_label_form": LabelForm(prefix="new", initial={"color": _next_color(project), "is_defect": True}),
        "removable_labels": unused_labels(project),
        "source_forms": source_forms(project),
        "new_source_form": SourceForm(prefix="new"),
        "removable_sources": unused_sources(project),
        "privacy_form": PrivacyForm(initial={"blur_people": project.blur_people}),
        "people_labels": people_labels(project),
        "deletion_form": DeletionForm(expected=project.name),
    }
    return render(request, "projects/settings.html", context | bound)


@dataclass(frozen=True)
class LabelLimit:
    """`own_px`: the label's own operating point in the live model, None where it has none."""

    label: Label
    own_px: int | None
    in_force_px: int


def label_limits(project: Project) -> list[LabelLimit]:
    """The limits of the live model's defect labels; empty where no label has one of its own."""
    if project.live_model is None:
        return []
    rows = project.live_model.model_labels.filter(label__is_defect=True).select_related("label")
    limits = [
        LabelLimit(
            row.label, row.min_region_px, project.min_region_px or row.min_region_px or project.effective_min_region_px
        )
        for row in rows
    ]
    return limits if any(limit.own_px for limit in limits) else []


def label_forms(project: Project, data: QueryDict | None = None) -> list[tuple[Label, LabelForm]]:
    return [
        (label, LabelForm(data, prefix=f"label-{label.pk}", initial=_initial(label, LabelForm)))
        for label in project.labels.all()
    ]


def source_forms(project: Project, data: QueryDict | None = None) -> list[tuple[Source, SourceForm]]:
    return [
        (source, SourceForm(data, prefix=f"source-{source.pk}", initial=_initial(source, SourceForm)))
        for source in project.sources.all()
    ]


def _initial(row: Label | Source, form: type[LabelForm] | type[SourceForm]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in form.base_fields}


def _next_color(project: Project) -> str:
    taken = set(project.labels.values_list("color", flat=True))
    free = [color for color in PALETTE if color not in taken]
    return free[0] if free else PALETTE[len(taken) % len(PALETTE)]


def _inspected_count(project: Project) -> int:
    current = InspectionRollup.objects.filter(project=project, is_current=True)
    return current.aggregate(count=Sum("inspected_count"))["count"] or 0
