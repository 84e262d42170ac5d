"""What the commands have in common: naming a project, a model version, and answering in JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError

from webapp.models import ModelVersion, Project


def project_by_slug(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).select_related("live_model").first()
    if project is None:
        known = ", ".join(Project.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no project {slug!r}. Projects: {known}.")
    return project


def model_version_by_id(pk: int) -> ModelVersion:
    model_version = ModelVersion.objects.select_related("project").filter(pk=pk).first()
    if model_version is None:
        known = ", ".join(str(known) for known in ModelVersion.objects.order_by("pk").values_list("pk", flat=True))
        raise CommandError(f"There is no model {pk}. Models: {known or 'none yet'}.")
    return model_version


def json_line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
