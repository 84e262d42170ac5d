"""How long the dashboards take, by how many images there are; writes the section of docs/performance.md.

    PIXELWISE_DATA=FOLDER .venv/bin/python -m benchmarks.dashboard --images 50000 500000

FOLDER is a data folder of the benchmark's own: it is filled by `manage.py fill_ledger` where it lacks a size, and kept.
Database time is the sum over a page's statements, seen from the client; time to the last byte is through the real
web server, with one and with four clients at once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analytics import Scope, image_rows, queries, relations
from benchmarks.dashboard_section import Filtered, Size, write_section
from webapp.services.embedded import services_for

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("", "-area", "-place", "-sources", "-drift", "-growth", "-people", "-what-if")
PORT = 8791
_DAYS = (7, 30, 92, 365)


@dataclass
class Watch:
    """Sums the time of statements, and of that what the server's process worked (0 where that cannot be read)."""

    seconds: float = 0.0
    worked: float = 0.0
    slowest: tuple[float, str] = field(default=(0.0, ""))

    def __call__(self, execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        begun, worked = time.perf_counter(), _worked()
        try:
            return execute(statement, values, many, context)
        finally:
            taken = time.perf_counter() - begun
            self.seconds += taken
            self.worked += _worked() - worked
            self.slowest = max(self.slowest, (taken, " ".join(str(statement).split())[:70]))


def _worked() -> float:
    """Seconds of processor time that the server's process of this connection has had."""
    try:
        return int(Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, AttributeError):
        return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[50_000, 500_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    os.environ.setdefault("PIXELWISE_STATIC", f"{os.environ.get('PIXELWISE_DATA')}/static")
    if not os.environ.get("PIXELWISE_DATA"):
        raise SystemExit("Expected PIXELWISE_DATA: a data folder of the benchmark's own, which it fills and keeps.")
    django.setup()
    settings.ALLOWED_HOSTS = ["*"]
    with services_for(settings.PIXELWISE_DATA, purpose="a benchmark", database_url="", redis_url=""):
        for command in (["migrate", "--verbosity=0"], ["set_up"], ["collectstatic", "--noinput"]):
            subprocess.run([sys.executable, "manage.py", *command], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        sizes = [measure(_project(images), images, given.rounds) for images in given.images]
    if not given.dry:
        write_section(sizes)


def _project(images: int) -> Any:
    """The project of this size, filled where it is not there yet."""
    name = f"Benchmark {images:,}"
    projects = apps.get_model("webapp", "Project").objects
    if not projects.filter(name=name).exists():
        command = [sys.executable, "manage.py", "fill_ledger", f"--images={images}", f"--project-name={name}"]
        subprocess.run(command, check=True, cwd=ROOT)
    return projects.get(name=name)


def measure(project: Any, images: int, rounds: int) -> Size:
    """Everything that is measured of one size."""
    client = Client()
    client.force_login(project.created_by, backend="django.contrib.auth.backends.ModelBackend")
    filters = _filters(project)
    found = {
        page: [
            Filtered(name, *_database_times(client, project, page, query, rounds)) for name, query in filters.items()
        ]
        for page in PAGES
    }
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with _web_server():
        addresses = [_address(project, page, query) for page in PAGES for query in ("", filters["92 days"])]
        # The first requests of each process load templates and connect.
        _response_times(session, addresses, clients=4)
        alone = _response_times(session, addresses * rounds, clients=1)
        four = _response_times(session, addresses * rounds, clients=4)
    load = os.getloadavg()[1]
    rows, rollups = _rows_and_rollups(project)
    return Size(images, found, alone, four, _grid_times(project, rounds), rows, rollups, _bytes(), load)


def _filters(project: Any) -> dict[str, str]:
    today = timezone.localdate()
    last = today - timedelta(days=1)
    model, batch = project.model_versions.order_by("number").last(), project.batches.order_by("pk").last()
    hour = timezone.localtime().replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
    first, second = project.sources.order_by("pk")[:2]
    return {
        "none": "",
        **{f"{days} days": f"from={today - timedelta(days=days)}&to={last}" for days in _DAYS},
        "source": f"source={first.pk}",
        "label": f"label={project.labels.order_by('index')[1].pk}",
        "model version": f"model={model.pk}",
        "batch": f"batch={batch.pk}",
        "hour": f"hour={hour.astimezone(UTC):%Y-%m-%dT%H:00Z}",
        "by hour": f"from={today - timedelta(days=60)}&to={last}&by=hour",
        "compared": f"from={today - timedelta(days=92)}&to={last}&source={first.pk}&vs_source={second.pk}",
    }


def _address(project: Any, page: str, query: str) -> str:
    return reverse(f"dashboard{page}", args=[project.slug]) + (f"?{query}" if query else "")


def _database_times(
    client: Client, project: Any, page: str, query: str, rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds in the database, and of its processor, a number per round after one to warm up."""
    times, worked = [], []
    for _ in range(rounds + 1):
        watch = Watch()
        with connection.execute_wrapper(watch):
            response = client.get(_address(project, page, query))
        if response.status_code != 200:
            raise SystemExit(f"{_address(project, page, query)} answered {response.status_code}.")
        times.append(1000 * watch.seconds)
        worked.append(1000 * watch.worked)
    print(f"{_address(project, page, query)}: {min(times):.0f} ms; {watch.slowest[0] * 1000:.0f} {watch.slowest[1]}")
    return times[1:], worked[1:]


@contextmanager
def _web_server() -> Iterator[None]:
    environment = {**os.environ, "PIXELWISE_PORT": str(PORT), "PIXELWISE_DATA": str(settings.PIXELWISE_DATA)}
    command = [sys.executable, "-m", "gunicorn", "webapp.wsgi", "--config", "deploy/gunicorn.conf.py"]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                _fetch("", "/healthz?only=database")
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(30)


def _response_times(session: str, addresses: list[str], *, clients: int) -> list[float]:
    """Milliseconds to the last byte of every address, asked by so many clients at once."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda address: _fetch(session, address), addresses))


def _fetch(session: str, address: str) -> float:
    begun = time.perf_counter()
    asked = HTTPConnection("127.0.0.1", PORT, timeout=120)
    asked.request("GET", address, headers={"Cookie": f"pixelwise-session-{PORT}={session}"})
    answer = asked.getresponse()
    answer.read()
    asked.close()
    if session and answer.status != 200:
        raise SystemExit(f"{address} answered {answer.status}.")
    return 1000 * (time.perf_counter() - begun)


def _grid_times(project: Any, rounds: int) -> dict[str, float]:
    """Milliseconds, medians, of pages of images."""
    yesterday = timezone.localdate() - timedelta(days=1)
    year = Scope(project_id=project.pk, time_zone=settings.TIME_ZONE)
    day = Scope(project_id=project.pk, time_zone=settings.TIME_ZONE, start=yesterday, end=yesterday)
    source = Scope(
        project_id=project.pk, time_zone=settings.TIME_ZONE, source_id=project.sources.order_by("pk").first().pk
    )
    label_id = project.labels.order_by("index")[1].pk
    label = Scope(project_id=project.pk, time_zone=settings.TIME_ZONE, label_id=label_id)
    label_day = Scope(
        project_id=project.pk, time_zone=settings.TIME_ZONE, start=yesterday, end=yesterday, label_id=label_id
    )
    asked: dict[str, tuple[Scope, dict[str, Any]]] = {
        "twelve worst of the year": (year, {"limit": 12}),
        "twelve worst of a day": (day, {"limit": 12}),
        "twelve worst of a source": (source, {"limit": 12}),
        "twelve worst of a label": (label, {"limit": 12}),
        "twelve worst of a label on a day": (label_day, {"limit": 12}),
        "newest 60": (year, {"order": "newest"}),
        "newest 60 failed": (year, {"order": "newest", "verdict": "fail"}),
        "newest 60 of a label": (label, {"order": "newest"}),
        "worst 60 passed": (year, {"verdict": "pass"}),
        "worst 60 waiting": (year, {"word": "waiting"}),
        "worst 60 overruled": (year, {"word": "overruled"}),
    }
    times = {}
    for name, (scope, options) in asked.items():
        times[name] = _median_of(lambda scope=scope, options=options: _rows(scope, options), rounds)
        print(f"{name}: {times[name]:.0f} ms")
    return times


def _rows(scope: Scope, options: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        image_rows(cursor, scope, **options)


def _rows_and_rollups(project: Any) -> tuple[float, float]:
    """Milliseconds of a quarter's defect rate from the rows, and from the roll-ups."""
    today = timezone.localdate()
    scope = Scope(project_id=project.pk, time_zone=settings.TIME_ZONE, start=today - timedelta(days=92), end=today)

    def ask() -> None:
        with connection.cursor() as cursor:
            queries.summary(cursor, scope)

    rollups = _median_of(ask, 5)
    with patch.object(relations, "grain_of", lambda scope, by_hour=False: "rows"):
        return _median_of(ask, 1), rollups


def _median_of(ask: Any, rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times[1:])


def _bytes() -> dict[str, tuple[int, int]]:
    """Rows and bytes, indexes included, of every large table."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class
               WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 1000"""
        )
        return {name: (rows, size) for name, rows, size in cursor.fetchall()}


if __name__ == "__main__":
    main()
