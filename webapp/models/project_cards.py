"""What the list of projects says about each, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery, Sum

from webapp.models.images import Batch, BatchImage
from webapp.models.projects import Project
from webapp.models.rollups import InspectionDay


@dataclass(frozen=True)
class ProjectCard:
    """One project of the list. Counts are of images by a person's newest word, else the model's.

    `has_images`: in batches; those of data sets are not segmented. `open_batch_id`: the newest upload left open.
    """

    project: Project
    inspected_count: int
    fail_count: int
    has_images: bool
    open_batch_id: int | None
    last_batch_at: datetime | None

    @property
    def fail_fraction(self) -> float | None:
        return self.fail_count / self.inspected_count if self.inspected_count else None


def project_cards(user: Any) -> list[ProjectCard]:
    """The projects `user` may see, last used first."""
    newest = Batch.objects.filter(project=OuterRef("pk")).order_by("-id").values("created_at")[:1]
    image = BatchImage.objects.filter(batch__project=OuterRef("pk")).values("pk")[:1]
    left_open = Batch.objects.left_open().filter(project=OuterRef("pk")).order_by("-id").values("pk")[:1]
    projects = list(
        Project.objects.visible_to(user)
        .select_related("workspace", "live_model")
        .annotate(last_batch_at=Subquery(newest), any_image=Subquery(image), open_batch_id=Subquery(left_open))
    )
    sums = _sums([project.pk for project in projects])
    cards = [
        ProjectCard(
            project=project,
            inspected_count=sums.get(project.pk, (0, 0))[0],
            fail_count=sums.get(project.pk, (0, 0))[1],
            has_images=project.any_image is not None,
            open_batch_id=project.open_batch_id,
            last_batch_at=project.last_batch_at,
        )
        for project in projects
    ]
    return sorted(cards, key=lambda card: card.last_batch_at or card.project.created_at, reverse=True)


def _sums(project_ids: list[int]) -> dict[int, tuple[int, int]]:
    rows = (
        InspectionDay.objects.filter(project__in=project_ids, is_current=True)
        .values("project")
        .annotate(inspected=Sum("inspected_count"), failed=Sum("final_fail_count"))
    )
    return {row["project"]: (row["inspected"], row["failed"]) for row in rows}
