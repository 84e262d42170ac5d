"""Workers of this machine that died, with what they leave behind: claims, and a file of what they had in hand."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from tests.images import picture, png
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Prediction, Project, Run
from webapp.pipeline.claims import requeue_lost
from webapp.services.in_hand import in_hand
from webapp.services.living import worker_name

LEASE = timedelta(seconds=60)


def run_of_five(project: Project) -> Run:
    """Five different pictures that wait for a worker."""
    add_color_model(project=project, user=None)
    files = [(f"{mark}.png", io.BytesIO(png(picture(red=0.5, mark=mark)))) for mark in range(5)]
    return upload_batch(project=project, user=None, files=files).runs.get()


def dead_worker(parent: str = "") -> str:
    """The name of a process of this machine that has ended, whose parent has the mark `parent`."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ":".join(part for part in (socket.gethostname(), parent, str(ended.pid)) if part)


def living_mark() -> str:
    return worker_name().rpartition(":")[2]


def die(run: Run, worker: str, *, holding: int, in_hand_count: int | None = None) -> list[Prediction]:
    """A worker takes `holding` images of the run and dies with so many of them in hand; None: nobody knows."""
    claimed = run.predictions.all().claim(worker=worker, count=holding, lease=LEASE)
    if in_hand_count is not None:
        leave_in_hand(worker, [row.pk for row in claimed], in_hand_count)
    requeue_lost()
    return claimed


def die_loading(run: Run, worker: str) -> None:
    """A worker takes the images of the run and dies while it loads the model, before it looks at any."""
    run.predictions.all().claim(worker=worker, count=16, lease=LEASE)
    with in_hand(settings.PIXELWISE_DATA, worker) as hand, hand.loading(run.pk):
        left = _file(worker).read_bytes()
    _file(worker).write_bytes(left)
    requeue_lost()


def leave_in_hand(worker: str, prediction_ids: Iterable[int], count: int) -> None:
    """The worker took these and put all down but `count`; nobody tidies up after a killed process."""
    with in_hand(settings.PIXELWISE_DATA, worker) as hand:
        for place, (pk, _) in enumerate(hand.taking((pk, Path()) for pk in prediction_ids)):
            if place >= count:
                hand.put_down(pk)
        left = _file(worker).read_bytes()
    _file(worker).write_bytes(left)


def in_hand_files() -> list[str]:
    return [path.name for path in (settings.PIXELWISE_DATA / "run" / "in-hand").glob("*")]


def counts(run: Run) -> list[tuple[str, int, int]]:
    """State, tries and losses of each prediction."""
    return sorted(run.predictions.values_list("state", "attempts_count", "losses_count"))


def _file(worker: str) -> Path:
    path: Path = settings.PIXELWISE_DATA / "run" / "in-hand" / worker
    return path
