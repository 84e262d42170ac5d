"""Signs of life of workers and clock: keys in the queue's Redis that fade unless renewed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import structlog
from django.conf import settings
from redis import Redis, RedisError

EVERY_SECONDS = 5.0
FADES_AFTER_SECONDS = 30
QUEUES = ("gpu", "cpu", "train")
NAMES = ("worker-gpu", "worker-cpu", "worker-train", "clock")
_PREFIX = "pixelwise:alive:"

log = structlog.get_logger(__name__)


def redis_client() -> Redis:
    return Redis.from_url(settings.REDIS_CLIENT_URL, socket_timeout=2, socket_connect_timeout=2)


def sign(names: Iterable[str], *, lasts_seconds: int = FADES_AFTER_SECONDS) -> None:
    """Say that these are alive. A queue that cannot be reached is logged; the next sign will tell."""
    try:
        with redis_client() as client:
            for name in names:
                client.set(_PREFIX + name, "1", ex=lasts_seconds)
    except RedisError as error:
        log.warning("no sign of life could be left", names=list(names), error=str(error))


def take_back(names: Iterable[str]) -> None:
    """Say that these have ended."""
    try:
        with redis_client() as client:
            client.delete(*[_PREFIX + name for name in names])
    except RedisError as error:
        log.warning("a sign of life could not be taken back", names=list(names), error=str(error))


def alive() -> set[str]:
    """The names that gave a sign of life lately. Raises RedisError where the queue cannot be reached."""
    with redis_client() as client:
        found = client.mget([_PREFIX + name for name in NAMES])
    return {name for name, value in zip(NAMES, found, strict=True) if value is not None}


def queued_tasks() -> dict[str, int]:
    """Tasks that no worker has taken yet, by queue. They only hurry what PostgreSQL knows. Empty where it is away."""
    try:
        with redis_client() as client, client.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.llen(queue)
            return dict(zip(QUEUES, pipe.execute(), strict=True))
    except RedisError:
        return {}


if __name__ == "__main__":
    # Health checks of containers: python -m webapp.services.heartbeat worker-gpu
    missing = set(sys.argv[1:]) - alive()
    sys.exit(f"no sign of life from {', '.join(sorted(missing))}" if missing else 0)
