"""Projects and their labels."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field

from webapp.api.inputs import Id, Text
from webapp.api.schemas.models import ModelRef
from webapp.models import Label, Project, Workspace

Template = Literal["surface", "retail", "infrastructure", "blank"]


class LabelIn(Schema):
    """`color` is #rrggbb. Severity goes from 1 (cosmetic) to 5 (dangerous).

    `cost`: of one image that the label affects, in the project's currency; null where nobody said. `is_person`: what it
    marks is blurred in videos where that is asked.
    """

    name: Text
    color: Text
    is_defect: bool = False
    severity: Annotated[int, Field(ge=1, le=5)] = 1
    cost: Annotated[Decimal, Field(ge=0, lt=1_000_000_000, decimal_places=2)] | None = None
    is_person: bool = False


class ProjectIn(Schema):
    """`labels` get the indices 0, 1, ... in the order given; without them the template's are taken.

    `workspace`: an id; without it the first workspace that you are a member of. `currency`: of what labels cost.
    """

    name: Text
    labels: Annotated[list[LabelIn], Field(max_length=255)] | None = None
    template: Template = "blank"
    description: Annotated[Text, Field(max_length=10_000)] = ""
    workspace: Id | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"


class LabelOut(Schema):
    index: int
    name: str
    color: str
    is_defect: bool
    severity: int
    cost: float | None
    is_person: bool

    @classmethod
    def of(cls, label: Label) -> LabelOut:
        return cls(
            index=label.index,
            name=label.name,
            color=label.color,
            is_defect=label.is_defect,
            severity=label.severity,
            cost=None if label.cost is None else float(label.cost),
            is_person=label.is_person,
        )


class WorkspaceRef(Schema):
    id: int
    name: str

    @classmethod
    def of(cls, workspace: Workspace) -> WorkspaceRef:
        return cls(id=workspace.pk, name=workspace.name)


class ProjectOut(Schema):
    """An image fails when a region of a defect label has at least `min_region_px` pixels."""

    slug: str
    name: str
    description: str
    template: str
    workspace: WorkspaceRef
    labels: list[LabelOut]
    live_model: ModelRef | None
    min_region_px: int
    currency: str
    is_example: bool
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> ProjectOut:
        return cls(
            slug=project.slug,
            name=project.name,
            description=project.description,
            template=project.template,
            workspace=WorkspaceRef.of(project.workspace),
            labels=[LabelOut.of(label) for label in project.labels.all()],
            live_model=ModelRef.of(project.live_model) if project.live_model else None,
            min_region_px=project.effective_min_region_px,
            currency=project.currency,
            is_example=project.is_example,
            created_at=project.created_at,
        )
