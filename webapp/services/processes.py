"""The processes of Pixelwise itself: web, workers, clock. docker-compose.yml starts the same ones."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from webapp.services.devices import plan_workers
from webapp.services.program import Program

ROOT = Path(__file__).resolve().parents[2]
WEB = ("gunicorn", "webapp.wsgi", "--config", "deploy/gunicorn.conf.py")
CLOCK = ("celery", "-A", "webapp", "beat", "--loglevel", "INFO", "--pidfile=")
# Celery then stops at SIGTERM as it does at SIGQUIT: finish within the soft limit, else hand the task back.
WORKER_ENVIRONMENT = {"REMAP_SIGTERM": "SIGQUIT"}


def worker(queue: str, name: str = "") -> tuple[str, ...]:
    """The command of a worker that serves one queue, one task at a time; `name` tells several of one queue apart.

    A training takes much memory, which a process that ends with it gives back.
    """
    fresh = ("--max-tasks-per-child", "1") if queue == "train" else ()
    return (
        *("celery", "-A", "webapp", "worker", "--queues", queue, "--hostname", f"{name or queue}@%h"),
        *("--concurrency", "1", "--pool", "prefork", "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle"),
        *fresh,
    )


def processes(data: Path, *, lock_descriptor: int, gpus: Mapping[str, int] | None = None) -> list[Program]:
    """Web, worker of each queue and clock, not started yet. `gpus`: descriptors of the locks of those to be used.

    None: this machine has none. Empty: others use them all, and workers must not see them.
    """

    def program(
        name: str, command: tuple[str, ...], *, niceness: int = 0, gpu: str | None = None, **environment: str
    ) -> Program:
        # Their work is made to be cut off, and a clock that cannot reach its queue does not heed gentler signs.
        return Program(
            name=name,
            command=(sys.executable, "-m", *command),
            log=data / "logs" / f"{name}.log",
            environment={"PIXELWISE_DATA": str(data), **environment},
            folder=ROOT,
            stop_seconds=20,
            end_signal=signal.SIGKILL,
            kept_open=[lock_descriptor, *([gpus[gpu]] if gpus and gpu else [])],
            niceness=niceness,
        )

    # Below the pages, which should answer while every core segments. A training lowers itself further.
    computing = [
        program(
            plan.name,
            worker(plan.queue, plan.name.removeprefix("worker-")),
            niceness=5,
            gpu=plan.gpu,
            **plan.environment,
            **WORKER_ENVIRONMENT,
        )
        for plan in plan_workers(None if gpus is None else [*gpus])
    ]
    others = program("worker-cpu", worker("cpu"), niceness=5, **WORKER_ENVIRONMENT)
    return [program("web", WEB), *computing, others, program("clock", CLOCK)]


def example_loader(data: Path, *, lock_descriptor: int) -> Program:
    return Program(
        name="example",
        command=(sys.executable, "manage.py", "load_example"),
        log=data / "logs" / "example.log",
        environment={"PIXELWISE_DATA": str(data)},
        folder=ROOT,
        stop_seconds=5,
        end_signal=signal.SIGKILL,
        kept_open=[lock_descriptor],
        niceness=10,
    )
