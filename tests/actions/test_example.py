"""The example project: uploaded and segmented like anyone's pictures, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from webapp.actions.example import load_example
from webapp.models import Image, Project, Run, User, Workspace, batch_progress
from webapp.pipeline import rollups
from webapp.pipeline.segment import segment_run

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def example(alice: User, acme: Workspace, data_folder: Path, settings: Any) -> Project:
    settings.PIXELWISE_EXAMPLE_DAYS = 1
    return load_example(user=alice, workspace=acme)


def test_it_has_three_lines_a_live_starter_model_and_capture_times(example: Project) -> None:
    assert example.sources.count() == 3
    example.refresh_from_db()
    assert example.live_model is not None
    assert example.live_model.origin == "starter"
    images = Image.objects.filter(project=example)
    assert set(images.values_list("captured_at_from", flat=True)) == {"exif"}
    assert images.filter(source__isnull=True).count() == 0


def test_loading_again_changes_nothing(example: Project, alice: User, acme: Workspace) -> None:
    before = (example.batches.count(), Image.objects.count())
    assert load_example(user=alice, workspace=acme) == example
    assert (example.batches.count(), Image.objects.count()) == before


def test_an_interrupted_load_goes_on(example: Project, alice: User, acme: Workspace) -> None:
    count = Image.objects.count()
    batch = example.batches.first()
    assert batch is not None
    batch.sealed_at = None
    batch.save()
    load_example(user=alice, workspace=acme)
    batch.refresh_from_db()
    assert batch.sealed_at is not None
    assert Image.objects.count() == count


def test_the_starter_model_segments_a_line_of_it(example: Project) -> None:
    run = Run.objects.filter(batch__project=example).earliest("id")
    while segment_run(run.pk):
        pass
    assert run.batch is not None
    progress = batch_progress(run.batch)
    assert (progress.status, progress.failed_count) == ("done", 0)
    assert rollups.differences(example.pk) == []
