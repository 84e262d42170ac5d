"""What a chunk's time went to is counted where /status and /metrics read it."""

from __future__ import annotations

import io

import pytest

from tests.images import picture, png
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Project
from webapp.pipeline.segment import segment_run
from webapp.services import pace

pytestmark = pytest.mark.django_db


def test_a_segmented_chunk_is_counted_by_part(project: Project) -> None:
    add_color_model(project=project, user=None)
    files = [(f"{mark}.png", io.BytesIO(png(picture(mark=mark)))) for mark in range(3)]
    before = pace.read()
    segment_run(upload_batch(project=project, user=None, files=files).runs.get().pk)
    after = pace.read()
    assert after.images - before.images == 3
    for part in ("decoding", "measuring", "model", "saving"):
        assert after.seconds[part] > before.seconds.get(part, 0), part
