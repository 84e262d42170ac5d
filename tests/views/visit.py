"""alice at her plant, with charlie outside: what tests of pages start from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.inspections import Plant, build_plant
from webapp.models import Batch, BatchImage, Image, Membership, Prediction, Run, User, Workspace


@dataclass
class Visit:
    """`client` is alice's browser, `outsider` charlie's, `stranger` is not signed in."""

    plant: Plant
    alice: User
    client: Client
    outsider: Client
    stranger: Client

    @property
    def slug(self) -> str:
        return self.plant.project.slug

    def address(self, name: str, *arguments: Any) -> str:
        """The address of one of the project's pages."""
        return reverse(name, args=[self.slug, *arguments])

    def page(self, name: str, *arguments: Any, query: str = "") -> str:
        """A page of the project, which must be there."""
        response = self.client.get(self.address(name, *arguments) + query)
        assert response.status_code == 200, response.status_code
        return response.content.decode()


def start_visit(settings: Any, data: Path) -> Visit:
    """A new plant in a data folder of its own."""
    settings.PIXELWISE_DATA = data
    works, elsewhere = Workspace.objects.create(name="Works"), Workspace.objects.create(name="Elsewhere")
    alice, charlie = User.objects.create_user("alice@example.com"), User.objects.create_user("charlie@example.com")
    Membership.objects.create(workspace=works, user=alice, role="admin")
    Membership.objects.create(workspace=elsewhere, user=charlie, role="admin")
    build_plant(elsewhere, "elsewhere")
    client, outsider = Client(), Client()
    client.force_login(alice)
    outsider.force_login(charlie)
    return Visit(build_plant(works), alice, client, outsider, Client())


def fill(batch: Batch, run: Run, count: int) -> list[Image]:
    """`count` finished images at once; image number i has a defect area of i / count."""
    images = Image.objects.bulk_create(
        Image(
            project=batch.project,
            name=f"{number:05}.png",
            sha256=f"{batch.pk:032x}{number:032x}",
            format="PNG",
            size_bytes=100,
            width_px=100,
            height_px=50,
            captured_at=batch.created_at,
            captured_at_from="upload",
        )
        for number in range(count)
    )
    BatchImage.objects.bulk_create(BatchImage(batch=batch, image=image, name=image.name) for image in images)
    Prediction.objects.bulk_create(
        Prediction(
            run=run,
            image=image,
            model_version=run.model_version,
            state="done",
            project=batch.project,
            captured_at=image.captured_at,
            is_current=True,
            verdict="fail" if number % 2 else "pass",
            min_region_px=20,
            defect_area_fraction=number / count,
            confidence=0.9,
            finished_at=batch.created_at,
        )
        for number, image in enumerate(images)
    )
    return images


def names(page: str) -> list[str]:
    """Names of the grid's pictures, in order."""
    return re.findall(r'class="shot-name" title="([^"]+)"', page)


def words(page: str) -> str:
    """What a person reads: no tags, one space between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def running(visit: Visit, count: int, **batch: Any) -> tuple[Batch, Run]:
    """A sealed batch whose run still has `count` queued pictures."""
    batch = Batch.objects.create(project=visit.plant.project, name="Late", **{"sealed_at": timezone.now(), **batch})
    run = Run.objects.create(batch=batch, model_version=visit.plant.model_version)
    fill(batch, run, count)
    run.predictions.update(
        state="queued", is_current=False, verdict=None, min_region_px=None, defect_area_fraction=None, finished_at=None
    )
    return batch, run
