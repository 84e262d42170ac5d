"""How the installation is doing: numbers for Prometheus, a page for whoever runs it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from segmentation import __version__
from webapp.models import operations
from webapp.services import heartbeat, pace, roll_call, space
from webapp.views.asking import person
from webapp.views.health import UP, part_states

SLOW_QUERIES_COUNT = 10
TABLES_COUNT = 8


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format. 404 unless PIXELWISE_METRICS_TOKEN is set, and for whoever does not bear it."""
    token = settings.PIXELWISE_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not token or not secrets.compare_digest(given.encode(), token.encode()):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Workers, queues, storage and slow queries; for the administrator of the installation."""
    if not person(request).is_superuser:
        raise PermissionDenied("Only the administrator of this installation sees its status. Ask them.")
    disk = shutil.disk_usage(settings.PIXELWISE_DATA)
    parts = part_states()
    context = {
        "nav": "status",
        "version": __version__,
        "parts": [(name, state == UP, state) for name, state in parts.items()],
        "down": [name for name, state in parts.items() if state != UP],
        "workers": roll_call.workers(),
        "queued_tasks": heartbeat.queued_tasks(),
        "images_per_second": pace.recent_images_per_second(),
        "space": _space(),
        "depths": operations.depths(),
        "failures": operations.failures(),
        "inspected": operations.inspected(),
        "pace": pace.read(),
        "device": settings.PIXELWISE_DEVICE,
        "disk_used_fraction": disk.used / disk.total,
        "disk_free_bytes": disk.free,
        "data_folder": settings.PIXELWISE_DATA,
        "slow_queries": operations.slow_queries(SLOW_QUERIES_COUNT),
        "tables": operations.table_sizes(TABLES_COUNT),
    }
    return render(request, "operations/status.html", context)


def _space() -> dict[str, object] | None:
    """What the disk holds, with the moment it was measured as a time; None before the first time."""
    measured = space.last_measured(settings.PIXELWISE_DATA)
    if measured is None:
        return None
    return {"at": datetime.fromtimestamp(measured.at, UTC), "kinds": measured.kinds}


class _Now(Collector):
    """Counts at the moment of asking, of all processes together: they stand in PostgreSQL and in the queue."""

    def collect(self) -> Iterator[Metric]:
        yield _gauge("pixelwise_up", "1 for a part that works", "part", _parts())
        waiting = {depth.name: depth.waiting_count for depth in operations.depths()}
        running = {depth.name: depth.running_count for depth in operations.depths()}
        yield _gauge("pixelwise_waiting", "Work that waits for a worker", "queue", waiting)
        yield _gauge("pixelwise_running", "Work that a worker holds", "queue", running)
        yield _gauge("pixelwise_queued_tasks", "Tasks that no worker has taken", "queue", heartbeat.queued_tasks())
        yield _gauge("pixelwise_workers", "Workers that gave a sign of life", "queue", _workers())
        failed = {failure.reason: failure.count for failure in operations.failures()}
        yield _gauge("pixelwise_failed_images", "Images that could not be segmented", "reason", failed)
        found = operations.inspected()
        yield GaugeMetricFamily("pixelwise_inspected_images", "Images inspected and kept", found.image_count)
        disk = shutil.disk_usage(settings.PIXELWISE_DATA)
        yield GaugeMetricFamily("pixelwise_disk_free_bytes", "Free space of the data folder's disk", disk.free)
        measured = space.last_measured(settings.PIXELWISE_DATA)
        taken = {kind.name: kind.size_bytes for kind in measured.kinds} if measured else {}
        yield _gauge("pixelwise_space_bytes", "Space that files take, measured once an hour", "kind", taken)
        rate = pace.recent_images_per_second()
        yield GaugeMetricFamily("pixelwise_images_per_second", "Images segmented, over the last minute", rate)
        spent = pace.read()
        yield CounterMetricFamily("pixelwise_segmented_images", "Images segmented since the queue began", spent.images)
        seconds = CounterMetricFamily(
            "pixelwise_segmenting_seconds", "Seconds that workers spent, by what on", labels=["part"]
        )
        for part, value in spent.seconds.items():
            seconds.add_metric([part], value)
        yield seconds


def _workers() -> dict[str, int]:
    found = dict.fromkeys(heartbeat.QUEUES, 0)
    for worker in roll_call.workers():
        for queue in worker.queues if worker.is_alive else ():
            found[queue] = found.get(queue, 0) + 1
    return found


def _parts() -> dict[str, float]:
    return {name: float(state == UP) for name, state in part_states().items()}


def _gauge(name: str, words: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
