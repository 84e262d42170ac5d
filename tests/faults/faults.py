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

GPU_WORKER = ("celery", "worker", "--queues gpu")


def kill(rig: Rig, words: tuple[str, ...], number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to every process of this stack whose command has all these words."""
    for pid in rig.pids(words):
        _send(pid, number)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def kill_gpu_worker(rig: Rig, _: random.Random) -> None:
    rig.whole_deaths += 1
    kill(rig, GPU_WORKER)


def kill_gpu_workers_child(rig: Rig, _: random.Random) -> None:
    """The process that segments, and not the one that started it: as when its memory runs out."""
    workers = rig.pids(GPU_WORKER)
    for pid in workers:
        if _parent(pid) in workers:
            _send(pid, signal.SIGKILL)
            rig.note_death(pid)


def kill_cpu_worker(rig: Rig, _: random.Random) -> None:
    kill(rig, ("celery", "worker", "--queues cpu"))


def kill_one_process(rig: Rig, rng: random.Random) -> None:
    """Any one process of ours: a gunicorn child, a worker's child, its parent."""
    pids = sorted(rig.pids(("python",)))
    if not pids:
        return
    pid = rng.choice(pids)
    workers = rig.pids(GPU_WORKER)
    is_child = _parent(pid) in workers
    _send(pid, signal.SIGKILL)
    if pid in workers and is_child:
        rig.note_death(pid)
    elif pid in workers:
        rig.whole_deaths += 1


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


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
    time.sleep(rng.uniform(0.3, 1.5))
    flag.unlink()


def truncate_a_photo(rig: Rig, rng: random.Random) -> None:
    """Half of an original that waits to be segmented is lost."""
    waiting = rig.waiting_photos()
    if waiting:
        path: Path = rng.choice(waiting)
        rig.damaged.add(path.name)
        os.truncate(path, path.stat().st_size // 2)


FAULTS: tuple[Callable[[Rig, random.Random], None], ...] = (
    kill_gpu_worker,
    kill_gpu_workers_child,
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
