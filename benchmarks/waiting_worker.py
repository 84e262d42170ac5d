"""A worker of the queue `gpu` whose model waits instead of computing: a stand-in for a device of its own.

    PIXELWISE_DATA=FOLDER .venv/bin/python -m benchmarks.waiting_worker NAME MILLISECONDS

Everything but the network is the real worker. Where a network would compute, this one sleeps for so many milliseconds
a chunk, as a thread does that waits for a GPU or a server, and then lets the nearest-colour model answer, which takes
next to nothing. Only for `benchmarks.workers`: it measures what workers do to each other, not how fast a model is.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from typing import Any

import django
import torch

from segmentation import segmenter
from segmentation.backends import Backend
from webapp.celery import app
from webapp.services.processes import worker

_open_backend = segmenter.open_backend


class WaitingBackend:
    """Logits as the inner backend gives them, so many seconds later."""

    def __init__(self, inner: Backend, seconds: float) -> None:
        self.name, self.device, self.can_be_shared = inner.name, inner.device, False
        self._inner, self._seconds = inner, seconds

    def logits(self, pixels: torch.Tensor) -> torch.Tensor:
        time.sleep(self._seconds)
        return self._inner.logits(pixels)


def main(name: str, milliseconds: str) -> None:
    seconds = float(milliseconds) / 1000

    def open_waiting(*arguments: Any, **named: Any) -> WaitingBackend:
        return WaitingBackend(_open_backend(*arguments, **named), seconds)

    segmenter.open_backend = open_waiting  # type: ignore[assignment]
    torch.set_num_threads(1)
    django.setup()
    # Before it forks: so no worker is measured while it loads libraries.
    import_module("webapp.pipeline.segment")
    command = list(worker("gpu"))
    command[command.index("--hostname") + 1] = f"{name}@%h"
    app.worker_main(command[command.index("worker") :])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    main(*sys.argv[1:])
