"""How many images workers segmented and what their time went to: counters in the queue's Redis, lost with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from redis import RedisError

from webapp.services.heartbeat import redis_client

_KEY = "pixelwise:pace"
_IMAGES = "images"
_RECENT = "pixelwise:recent:"
_SLICE_SECONDS = 10
_SLICES = 6

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Pace:
    """`seconds`: part of the work → seconds of all workers together."""

    images: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def images_per_second(self) -> float | None:
        """Of one worker that did one part after the other; in truth they overlap. None before the first image."""
        spent = sum(self.seconds.values())
        return self.images / spent if spent else None


def add(images: int, seconds: Mapping[str, float]) -> None:
    """Count a chunk. A queue that cannot be reached is logged; the numbers are for looking, not for billing."""
    try:
        with redis_client() as client, client.pipeline(transaction=False) as pipe:
            pipe.hincrby(_KEY, _IMAGES, images)
            for part, value in seconds.items():
                pipe.hincrbyfloat(_KEY, part, value)
            now = _RECENT + str(int(time.time()) // _SLICE_SECONDS)
            pipe.incrby(now, images)
            pipe.expire(now, (_SLICES + 2) * _SLICE_SECONDS)
            pipe.execute()
    except RedisError as error:
        log.warning("the pace could not be counted", error=str(error))


def recent_images_per_second() -> float:
    """Of all workers together, over the last minute that is complete; 0 where nobody can tell."""
    current = int(time.time()) // _SLICE_SECONDS
    try:
        with redis_client() as client:
            found = client.mget([f"{_RECENT}{current - back}" for back in range(1, _SLICES + 1)])
    except RedisError:
        return 0.0
    return sum(int(count or 0) for count in found) / (_SLICES * _SLICE_SECONDS)


def read() -> Pace:
    """What was counted since the queue's data began; nothing where it cannot be reached."""
    try:
        with redis_client() as client:
            found = {key.decode(): value.decode() for key, value in client.hgetall(_KEY).items()}
    except RedisError:
        return Pace()
    images = int(found.pop(_IMAGES, 0))
    return Pace(images, {part: float(value) for part, value in sorted(found.items())})
