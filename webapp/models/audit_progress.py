"""How far each audit of a project is: one query for all of them."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet

from webapp.models.projects import Project
from webapp.models.reviews import AuditImage, AuditSample


def audits_with_progress(project: Project) -> QuerySet[Any]:
    """Samples, newest week first, with `drawn_count`, `judged_count` and `escape_count`."""
    return AuditSample.objects.filter(project=project).annotate(
        drawn_count=Count("strata__images"),
        judged_count=Count("strata__images", filter=Q(strata__images__verdict__isnull=False)),
        escape_count=Count("strata__images", filter=Q(strata__images__verdict="fail")),
    )


def next_image(sample: AuditSample, *, after: int = 0) -> AuditImage | None:
    """The next drawn image that nobody has judged: the first behind `after` (an id), else the first of all."""
    still_open = AuditImage.objects.filter(stratum__sample=sample, verdict=None).select_related("image").order_by("pk")
    return still_open.filter(pk__gt=after).first() or still_open.first()
