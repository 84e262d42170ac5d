"""Projects: create, rename, delete."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from webapp.actions.labels import create_labels
from webapp.actions.project_templates import TEMPLATE_LABELS, LabelInput
from webapp.actions.refused import Refused
from webapp.models import Project, User, Workspace

__all__ = ["LabelInput", "create_project", "rename_project"]

_SLUG_LENGTH = 70
_CURRENCY = re.compile(r"[A-Z]{3}")


@transaction.atomic
def create_project(
    *,
    user: User,
    workspace: Workspace,
    name: str,
    template: str,
    labels: Sequence[LabelInput] | None = None,
    description: str = "",
    currency: str = "EUR",
) -> Project:
    """A project with the template's labels, or with `labels` in the order given (indices 0, 1, ...).

    The slug is made from the name and unique. PermissionDenied where `user` is not of the workspace; Refused
    for a missing name, an unknown template, labels that cannot stand together or what is no currency.
    """
    if not workspace.memberships.filter(user=user).exists():
        raise PermissionDenied(f"{user} is not a member of {workspace}.")
    if template not in TEMPLATE_LABELS:
        raise Refused(f"A template is one of {', '.join(TEMPLATE_LABELS)}, got {template!r}.", field="template")
    project = _create_with_slug(
        workspace=workspace,
        name=_checked_name(name),
        template=template,
        description=description.strip(),
        currency=_checked_currency(currency),
        created_by=user,
    )
    create_labels(project, TEMPLATE_LABELS[template] if labels is None else labels)
    return project


def rename_project(*, project: Project, user: User | None, name: str, description: str, currency: str = "") -> None:
    """The project's address stays as it is: links to it keep working. `currency`: three letters; empty: as it was."""
    project.name, project.description = _checked_name(name), description.strip()
    project.currency = _checked_currency(currency) if currency else project.currency
    project.save(update_fields=["name", "description", "currency"])


def _checked_currency(currency: str) -> str:
    if not _CURRENCY.fullmatch(currency):
        raise Refused(f"A currency is three capital letters such as EUR, got {currency[:20]!r}.", field="currency")
    return currency


def _create_with_slug(*, name: str, **columns: object) -> Project:
    """The first free slug of "name", "name-2", "name-3", ...; two people at once get different ones."""
    stem = slugify(name)[:_SLUG_LENGTH].strip("-_") or "project"
    taken = set(Project.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number = 1
    while True:
        slug = stem if number == 1 else f"{stem}-{number}"
        number += 1
        if slug in taken:
            continue
        try:
            with transaction.atomic():
                return Project.objects.create(name=name, slug=slug, **columns)
        except IntegrityError:
            if not Project.objects.filter(slug=slug).exists():
                raise


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise Refused(f"A project name has 1 to 100 characters, this one has {len(name)}.", field="name")
    return name
