"""The example project: drawn pictures that go through the same doors as anyone's photos."""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from segmentation.scenes.example import EXAMPLE_LINES, ExamplePicture, draw_example_project, jpeg_bytes
from webapp.actions.model_versions import add_starter_model
from webapp.actions.projects import create_project
from webapp.actions.upload import add_file, open_batch, seal_batch
from webapp.models import Project, Source, User, Workspace

EXAMPLE_NAME = "Example: metal and ceramic parts"


def load_example(*, user: User, workspace: Workspace) -> Project:
    """Make the example project of an installation and upload its pictures; again where it was interrupted.

    The pictures are drawn, uploaded and segmented like any others; only the starter model's training saw
    scenes of the same kind. What is there already is left alone.
    """
    project = Project.objects.filter(is_example=True).first() or _create(user, workspace)
    pictures = draw_example_project(
        last_day=timezone.localtime(project.created_at).date() - timedelta(days=1),
        days=settings.PIXELWISE_EXAMPLE_DAYS,
        pictures_per_day=10,
    )
    batches: dict[str, list[ExamplePicture]] = defaultdict(list)
    for picture in pictures:
        week = picture.captured_at.date() - timedelta(days=picture.captured_at.weekday())
        batches[f"{picture.line}, week of {week:%-d %B}"].append(picture)
    for name, members in batches.items():
        if not project.batches.filter(name=name, sealed_at__isnull=False).exists():
            _upload(project, user, name, members)
    return project


@transaction.atomic
def _create(user: User, workspace: Workspace) -> Project:
    project = create_project(
        user=user,
        workspace=workspace,
        name=EXAMPLE_NAME,
        template=Project.Template.SURFACE,
        description="Two weeks of drawn images from three lines. Delete the project when you no longer need it.",
    )
    project.is_example = True
    project.save(update_fields=["is_example"])
    for line in EXAMPLE_LINES:
        Source.objects.create(project=project, site=line.site, name=line.name, kind=Source.Kind.LINE)
    add_starter_model(project=project, user=user)
    return project


def _upload(project: Project, user: User, name: str, pictures: list[ExamplePicture]) -> None:
    source = project.sources.get(name=pictures[0].line)
    batch = project.batches.filter(name=name).first() or open_batch(
        project=project, user=user, name=name, source=source
    )
    for picture in pictures:
        add_file(batch=batch, name=picture.name, stream=io.BytesIO(jpeg_bytes(picture)))
    seal_batch(batch=batch)
