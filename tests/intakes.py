"""Intakes for tests: a watched folder that holds what a test puts there, and a look at any time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from webapp.models import Intake, Project, SeenFile
from webapp.pipeline.intakes import Looked, look


@pytest.fixture
def incoming(tmp_path: Path, settings: Any) -> Path:
    """A folder of the server that may be watched. A file counts as whole when two looks find it the same."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    settings.PIXELWISE_WATCH_FOLDERS = [str(folder)]
    settings.PIXELWISE_WATCH_SECONDS = 0
    return folder


@pytest.fixture
def intake(project: Project, incoming: Path) -> Intake:
    return Intake.objects.create(project=project, kind="folder", folder=str(incoming), source=project.sources.first())


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def look_now(intake: Intake, times: int = 1) -> Looked:
    looked = Looked()
    for _ in range(times):
        Intake.objects.filter(pk=intake.pk).update(next_look_at=timezone.now() - timedelta(seconds=1))
        looked = look(intake.pk)
    intake.refresh_from_db()
    return looked


def states(intake: Intake) -> dict[str, str]:
    return dict(SeenFile.objects.filter(intake=intake).values_list("path", "state"))
