"""A project that a browser can be shown: real files, a real model, real segmentation in this process."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from django.test import Client
from django.urls import reverse

from tests.images import picture, png
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Batch, Image, Label, Membership, Project, Run, Source, User, Workspace
from webapp.pipeline.segment import segment_run

LABELS = (("background", "#808080", False), ("rust", "#dc1e1e", True), ("paint", "#1e3cdc", False))


@dataclass
class Factory:
    """`url` is the live server's, `session_key` alice's session there."""

    url: str
    session_key: str
    alice: User
    project: Project
    source: Source

    def address(self, name: str, *arguments: object) -> str:
        return reverse(name, args=[self.project.slug, *arguments])

    def batch(self, files: dict[str, bytes], *, segmented: bool = True) -> Batch:
        """An uploaded batch of these files."""
        streams = [(name, io.BytesIO(content)) for name, content in files.items()]
        batch = upload_batch(project=self.project, user=self.alice, files=streams, name="Shift", source=self.source)
        if segmented:
            self.work()
        return batch

    def work(self) -> None:
        """Segment everything that waits, as a worker would."""
        for run in Run.objects.filter(state="running"):
            while segment_run(run.pk):
                pass

    def image(self, name: str) -> Image:
        return Image.objects.get(project=self.project, name=name)


def open_factory(url: str) -> Factory:
    """labels background (grey), rust (red, a defect) and paint (blue); one region of 20 px of rust fails."""
    workspace = Workspace.objects.create(name="Works")
    alice = User.objects.create_user("alice@example.com", name="Alice")
    Membership.objects.create(workspace=workspace, user=alice, role="admin")
    project = Project.objects.create(workspace=workspace, name="Factory", slug="factory", min_region_px=20)
    for index, (name, color, is_defect) in enumerate(LABELS):
        Label.objects.create(project=project, index=index, name=name, color=color, is_defect=is_defect)
    add_color_model(project=project, user=alice)
    project.refresh_from_db()
    client = Client()
    client.force_login(alice)
    source = Source.objects.create(project=project, site="North", name="Line 1", mm_per_pixel=0.5)
    return Factory(url, str(client.session.session_key), alice, project, source)


def write_pictures(folder: Path, names: list[str], *, red: float = 0.25, first_mark: int = 0) -> None:
    """Different pictures of 40 × 30 pixels, the upper quarter red unless said otherwise."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(picture(red=red, mark=first_mark + number)))
