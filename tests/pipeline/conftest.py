"""A project whose labels are the colours of `tests.images`, with files in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.models import Label, Project, Source, Workspace

LABELS = (("background", "#808080", False), ("rust", "#dc1e1e", True), ("paint", "#1e3cdc", False))


@pytest.fixture
def project(db: None, settings: pytest.FixtureRequest, tmp_path: Path) -> Project:
    settings.PIXELWISE_DATA = tmp_path
    project = Project.objects.create(workspace=Workspace.objects.create(name="Acme"), name="Parts", slug="parts")
    for index, (name, color, is_defect) in enumerate(LABELS):
        Label.objects.create(project=project, index=index, name=name, color=color, is_defect=is_defect)
    Source.objects.create(project=project, site="North", name="Line 1")
    return project
