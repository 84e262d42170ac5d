"""Roll-ups per day are counted by the days of one time zone, the installation's; this keeps them to it."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from webapp.models import Project, RollupZone
from webapp.pipeline import rollups


@transaction.atomic
def match_zone() -> int:
    """Count all roll-ups anew where they were counted by other days, or never by days; returns of how many projects.

    After an upgrade from a version without roll-ups per day this fills them. Call it while no worker runs.
    """
    zone = RollupZone.objects.select_for_update().order_by("pk").first()
    if zone is not None and zone.name == settings.TIME_ZONE:
        return 0
    projects = list(Project.objects.order_by("pk").values_list("pk", flat=True))
    for project_id in projects:
        rollups.rebuild(project_id)
    RollupZone.objects.all().delete()
    RollupZone.objects.create(name=settings.TIME_ZONE)
    return len(projects)
