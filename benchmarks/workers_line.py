"""A project whose small pictures wait for workers, and what PostgreSQL says of the work."""

from __future__ import annotations

import io
import time

import cv2
import numpy as np
from django.db import connection

from webapp.actions.upload import upload_batch
from webapp.celery import app
from webapp.models import Label, Prediction, Project, Run, Workspace
from webapp.pipeline import rollups
from webapp.pipeline.color_model import write_color_model
from webapp.pipeline.registering import put_live, register_model
from webapp.tasks import segment_run

_LABELS = (("background", "#808080"), ("rust", "#dc1e1e"), ("paint", "#1e3cdc"), ("hole", "#000000"))
_GIVE_UP_SECONDS = 120
# Checks of foreign keys, one a row at commit, are told by their ONLY.
_STATEMENTS = """
    SELECT sum(calls) FILTER (WHERE query NOT LIKE 'SELECT %% FROM ONLY %%'), sum(wal_bytes),
           sum(total_exec_time) FILTER (WHERE query LIKE '%%pg_advisory_xact_lock%%'),
           sum(calls) FILTER (WHERE query LIKE '%%pg_advisory_xact_lock%%'),
           sum(total_exec_time) FILTER (WHERE query LIKE '%%into_inspection_rollup%%'),
           sum(total_exec_time) FILTER (WHERE query = 'COMMIT')
    FROM pg_stat_statements
"""


class Line:
    """One project, one live model version; every batch has new pictures."""

    def __init__(self) -> None:
        workspace = Workspace.objects.create(name="Bench")
        self.project = Project.objects.create(workspace=workspace, name="Bench", slug="bench")
        labels = [
            Label.objects.create(project=self.project, index=index, name=name, color=color, is_defect=index > 0)
            for index, (name, color) in enumerate(_LABELS)
        ]
        with write_color_model(labels) as folder:
            model_version = register_model(project=self.project, user=None, folder=folder, origin="colors")
        put_live(model_version, user=None)
        self._rng = np.random.default_rng(1)
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def uploaded(self, images: int) -> Run:
        """A run over new pictures, 160×120 with three spots, which nobody has been told of yet."""
        files = [(f"{number}.png", io.BytesIO(self._png())) for number in range(images)]
        Project.objects.filter(pk=self.project.pk).update(live_model=None)
        batch = upload_batch(project=self.project, user=None, files=files)
        (run_id,) = put_live(self.project.model_versions.get(), user=None)
        return Run.objects.get(pk=run_id, batch=batch)

    def _png(self) -> bytes:
        picture = np.full((120, 160, 3), 128, np.uint8)
        picture += self._rng.integers(0, 9, picture.shape, np.uint8)
        for color in ((30, 30, 220), (220, 60, 30), (0, 0, 0)):
            x, y = (int(place) for place in self._rng.integers(10, 100, 2))
            cv2.circle(picture, (x, y), int(self._rng.integers(2, 12)), color, -1)
        return cv2.imencode(".png", picture)[1].tobytes()

    def wait_for(self, count: int) -> None:
        """Until so many workers answer."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while len(app.control.ping(timeout=1)) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{count} workers did not start within {_GIVE_UP_SECONDS} seconds: see their logs")

    def work_off(self, run: Run) -> None:
        """Tell the workers, once, and wait until all is done."""
        segment_run.delay(run.pk)
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"run {run.pk} was not done within {_GIVE_UP_SECONDS} seconds")
            time.sleep(0.05)

    def forget_statements(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_statements_reset()")

    def statements(self, images: int) -> dict[str, float]:
        """Of all workers since they were forgotten. The few of this process itself are in it."""
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENTS)
            calls, wal_bytes, lock_ms, saves, rollup_ms, commit_ms = (float(value or 0) for value in cursor.fetchone())
        return {
            "statements_an_image": calls / images,
            "wal_kb_an_image": wal_bytes / 1000 / images,
            "saves": saves,
            "lock_wait_ms_a_save": lock_ms / saves,
            "rollups_ms_a_save": rollup_ms / saves,
            "commit_ms_a_save": commit_ms / saves,
        }

    def check(self) -> None:
        left = Prediction.objects.exclude(state=Prediction.State.DONE).count()
        if left:
            raise RuntimeError(f"{left} images did not end done")
        if wrong := rollups.differences(self.project.pk):
            raise RuntimeError(f"{len(wrong)} roll-up rows are wrong, the first: {wrong[0]}")
