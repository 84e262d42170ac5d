"""Whether Pixelwise works, for people, load balancers and containers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from webapp import storage
from webapp.services import heartbeat
from webapp.services.folder import MIN_FREE_BYTES, free_bytes

UP, DOWN, UNKNOWN = "up", "down", "unknown"


@never_cache
@require_safe
def show(request: HttpRequest) -> JsonResponse:
    """200 with each part's state, 503 where one is down. `?only=database,queue` asks for these alone."""
    asked = [name for name in request.GET.get("only", "").split(",") if name]
    states = part_states()
    parts = {name: states.get(name, UNKNOWN) for name in asked or states}
    works = all(state == UP for state in parts.values())
    return JsonResponse({"status": UP if works else DOWN, "parts": parts}, status=200 if works else 503)


def part_states() -> dict[str, str]:
    found = {"database": _state(_ask_database), "storage": _state(_write_storage)}
    try:
        alive = heartbeat.alive()
    except RedisError:
        return found | {"queue": DOWN} | dict.fromkeys(heartbeat.NAMES, DOWN)
    return found | {"queue": UP} | {name: UP if name in alive else DOWN for name in heartbeat.NAMES}


def _state(works: Callable[[], bool]) -> str:
    try:
        return UP if works() else DOWN
    except (DatabaseError, OSError):
        return DOWN


def _ask_database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _write_storage() -> bool:
    with tempfile.TemporaryFile(dir=settings.PIXELWISE_DATA) as probe:
        probe.write(b"0")
    # Where files lie in a bucket: whether it answers. It holds no such file.
    storage.exists(storage.report_path("probe"))
    return free_bytes(settings.PIXELWISE_DATA) > MIN_FREE_BYTES // 10
