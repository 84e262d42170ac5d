"""A database and a queue of a benchmark's own, started as `make run` starts them and thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections

from webapp.services.embedded import services_for

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def own_services(*, web_port: int | None = None, inside: Path | None = None) -> Iterator[Path]:
    """Set Django up on them; yields the data folder. Modules with tables are imported inside the block.

    `web_port`: where a web server will be started. `inside`: the folder for the data folder (default: the system's).
    """
    folder = Path(tempfile.mkdtemp(prefix="pixelwise-bench-", dir=inside))
    for name in ("DATABASE_URL", "REDIS_URL", "PIXELWISE_STORAGE"):
        os.environ.pop(name, None)
    os.environ |= {"PIXELWISE_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    if web_port is not None:
        os.environ["PIXELWISE_PORT"] = str(web_port)
    django.setup()
    try:
        with services_for(folder, purpose="benchmark", database_url="", redis_url=""):
            call_command("migrate", interactive=False, verbosity=0)
            if web_port is not None:
                call_command("collectstatic", interactive=False, verbosity=0)
            yield folder
            connections.close_all()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def database_cpu_seconds(folder: Path) -> float:
    """Processor time that the server of this data folder and all its processes, also ended ones, have used."""
    server = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    times = {int(path.parent.name): _read(path) for path in Path("/proc").glob("[0-9]*/stat")}
    own = sum(sum(found[1]) for found in [times[server]] if found)
    return own + sum(sum(found[1][:2]) for found in times.values() if found and found[0] == server)


def _read(path: Path) -> tuple[int, tuple[float, ...]] | None:
    """The parent, and seconds: its own in user and system mode, then those of the children it has seen end."""
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), tuple(int(value) / _TICKS for value in fields[11:15])
