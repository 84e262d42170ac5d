"""Which workers there are, wherever they run, and on which device: a hash in the queue's Redis, lost and made anew."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis import RedisError

from webapp.services.heartbeat import FADES_AFTER_SECONDS, redis_client

_WORKERS, _DEVICES = "pixelwise:workers", "pixelwise:devices"
_FORGOTTEN_AFTER_SECONDS = 24 * 3600

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Worker:
    """`device` is known once the worker has segmented something. `silent_seconds`: since its last sign of life."""

    machine: str
    pid: int
    queues: tuple[str, ...]
    started_at: float
    silent_seconds: float
    device: str = ""

    @property
    def key(self) -> str:
        return f"{self.machine}:{self.pid}"

    @property
    def started(self) -> datetime:
        return datetime.fromtimestamp(self.started_at, UTC)

    @property
    def is_alive(self) -> bool:
        return self.silent_seconds < FADES_AFTER_SECONDS


def answer(queues: Sequence[str], *, started_at: float) -> None:
    """Say, from the process that leads a worker, that it is there. A queue that is away is told by other signs."""
    said = json.dumps({"queues": list(queues), "started_at": started_at, "at": time.time()})
    _write(_WORKERS, _key(os.getpid()), said)


def leave() -> None:
    try:
        with redis_client() as client:
            client.hdel(_WORKERS, _key(os.getpid()))
            client.hdel(_DEVICES, _key(os.getpid()))
    except RedisError as error:
        log.warning("a worker could not sign off", error=str(error))


def note_device(device: str) -> None:
    """Say, from a process that a worker started, what it segments on."""
    _write(_DEVICES, _key(os.getppid()), device)


def workers() -> tuple[Worker, ...]:
    """All of the last day, those that fell silent included, by machine and queue; none where the queue is away."""
    try:
        with redis_client() as client:
            answers, devices = client.hgetall(_WORKERS), client.hgetall(_DEVICES)
            found = sorted(
                (_worker(key.decode(), said, devices.get(key, b"").decode()) for key, said in answers.items()),
                key=lambda worker: (worker.machine, worker.queues, worker.pid),
            )
            forgotten = [worker.key for worker in found if worker.silent_seconds > _FORGOTTEN_AFTER_SECONDS]
            # Commands segment too, and say on what, but are no workers.
            homeless = [*forgotten, *(key.decode() for key in devices.keys() - answers.keys())]
            if forgotten:
                client.hdel(_WORKERS, *forgotten)
            if homeless:
                client.hdel(_DEVICES, *homeless)
    except RedisError:
        return ()
    return tuple(worker for worker in found if worker.key not in forgotten)


def _worker(key: str, said: bytes, device: str) -> Worker:
    machine, _, pid = key.rpartition(":")
    told = json.loads(said)
    silent = max(0.0, time.time() - told["at"])
    return Worker(machine, int(pid), tuple(told["queues"]), told["started_at"], silent, device)


def _key(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}"


def _write(name: str, key: str, value: str) -> None:
    try:
        with redis_client() as client:
            client.hset(name, key, value)
    except RedisError as error:
        log.warning("a worker could not say that it is there", error=str(error))
