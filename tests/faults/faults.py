"""What may happen to a running Pixelwise. Each fault is done to a real stack; the supervisor and the clock mend it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.rig import Rig


def kill(rig: Rig, words: tuple[str, ...], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to every process of this stack whose command has all these words."""
    for pid in rig.pids(words):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def kill_gpu_worker(rig: Rig, _: random.Random) -> None:
    rig.worker_kills += 1
    kill(rig, ("celery", "worker", "gpu"))


def kill_cpu_worker(rig: Rig, _: random.Random) -> None:
    kill(rig, ("celery", "worker", "cpu"))


def kill_one_process(rig: Rig, rng: random.Random) -> None:
    """Any one process of ours: a gunicorn child, a worker's child, its parent."""
    pids = sorted(rig.pids(("python",)) - {rig.supervisor_pid})
    if pids:
        rig.worker_kills += 1
        try:
            os.kill(rng.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return


def kill_web(rig: Rig, _: random.Random) -> None:
    kill(rig, ("gunicorn",))


def kill_clock(rig: Rig, _: random.Random) -> None:
    kill(rig, ("celery", "beat"))


def lose_the_queue(rig: Rig, _: random.Random) -> None:
    """Redis dies and its data is gone."""
    kill(rig, ("valkey-server",))
    shutil.rmtree(rig.data / "valkey" / "appendonlydir", ignore_errors=True)


def kill_the_database(rig: Rig, _: random.Random) -> None:
    """The postmaster and all its backends: as in a power cut, but for the disk's cache."""
    kill(rig, ("postgres", "-D"))


def restart_the_database(rig: Rig, _: random.Random) -> None:
    kill(rig, ("postgres", "-D"), signal.SIGINT)


def fill_the_disk(rig: Rig, rng: random.Random) -> None:
    flag = rig.faults / "disk-full"
    flag.touch()
    time.sleep(rng.uniform(0.5, 2.5))
    flag.unlink()


def truncate_a_photo(rig: Rig, rng: random.Random) -> None:
    """Half of an original that waits to be segmented is lost."""
    waiting = rig.waiting_photos()
    if waiting:
        path: Path = rng.choice(waiting)
        os.truncate(path, path.stat().st_size // 2)
        rig.damaged.add(path.name)


FAULTS: tuple[Callable[[Rig, random.Random], None], ...] = (
    kill_gpu_worker,
    kill_cpu_worker,
    kill_one_process,
    kill_web,
    kill_clock,
    lose_the_queue,
    kill_the_database,
    restart_the_database,
    fill_the_disk,
    truncate_a_photo,
)
