"""The examinations of `manage.py doctor`: each looks at one part and says how to mend it."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module, metadata
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from packaging.requirements import Requirement
from redis import RedisError

import segmentation
from webapp.services import examination_work, folder, heartbeat, listening
from webapp.services.embedded import services_for
from webapp.services.finding import Finding
from webapp.services.lock import Host, current_host
from webapp.services.processes import ROOT
from webapp.services.start_error import StartError
from webapp.services.watch_folders import PROJECT

_PLENTY_BYTES = 5_000_000_000
_CLOCKS_APART_SECONDS = 5


def examine() -> Iterator[Finding]:
    """One finding after the other; starts database and queue for itself where they do not run."""
    yield _python()
    yield _packages()
    yield _settings()
    yield _data_folder()
    yield from _files()
    yield _device()
    yield examination_work.backends()
    yield examination_work.mail()
    yield _starter_model()
    host = current_host(settings.PIXELWISE_DATA)
    with ExitStack() as stack:
        try:
            stack.enter_context(
                services_for(
                    settings.PIXELWISE_DATA,
                    purpose="manage.py doctor",
                    database_url=settings.DATABASE_URL,
                    redis_url=settings.REDIS_URL,
                )
            )
        except StartError as error:
            yield Finding.broken("Database and queue", str(error), "See the logs in the data folder's logs/.")
            return
        yield from _database()
        yield _queue()
        yield from examination_work.work()
        yield from _processes(host)


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 13):
        return Finding.works("Python", found)
    return Finding.broken("Python", f"{found}, but 3.11 or 3.12 is needed", "Remove .venv and run make run.")


def _packages() -> Finding:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wrong = [text for text in project["dependencies"] if not _is_installed(Requirement(text))]
    if wrong:
        return Finding.broken("Packages", f"missing or of another version: {', '.join(wrong)}", "Run make run.")
    return Finding.works("Packages", f"{len(project['dependencies'])} needed, all there")


def _is_installed(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _settings() -> Finding:
    messages = checks.run_checks(tags=["pixelwise"])
    if not messages:
        return Finding.works("Settings", "make sense")
    told = " ".join(str(message.msg) for message in messages)
    cures = " ".join(str(message.hint) for message in messages)
    is_broken = any(message.level >= checks.ERROR for message in messages)
    return Finding.broken("Settings", told, cures) if is_broken else Finding.note("Settings", told, cures)


def _data_folder() -> Finding:
    data = settings.PIXELWISE_DATA
    try:
        folder.prepare(data)
        folder.require_free_space(data)
    except StartError as error:
        return Finding.broken("Data folder", str(error))
    free = folder.free_bytes(data)
    says = f"{data}, {free / 1e9:.1f} GB free"
    if free < _PLENTY_BYTES:
        return Finding.note("Data folder", says, "That is not much for photos: free some space soon.")
    return Finding.works("Data folder", says)


def _files() -> Iterator[Finding]:
    """Looked up here and not imported above: boto3 takes long to load, and is of use only with a bucket."""
    if settings.PIXELWISE_STORAGE:
        yield import_module("webapp.services.bucket_examination").examine_bucket()
    for text in settings.PIXELWISE_WATCH_FOLDERS:
        named = text.replace(PROJECT, "").rstrip("/")
        if Path(named).is_absolute() and os.access(named, os.R_OK | os.X_OK):
            yield Finding.works("Watched folder", text)
        else:
            cure = "Name a full path in PIXELWISE_WATCH_FOLDERS, mount its disk, and let this user read it."
            yield Finding.broken("Watched folder", f"{text} is not there or may not be read", cure)


def _device() -> Finding:
    """A torch that cannot be loaded is a finding, hence looked up here and not imported above."""
    try:
        device = import_module("segmentation.segmenter").pick_device(settings.PIXELWISE_DEVICE)
        torch = import_module("torch")
    except (ImportError, OSError, RuntimeError) as error:
        return Finding.broken("Device", f"torch does not load: {error}", "Remove .venv and run make run.")
    except ValueError as error:
        return Finding.broken("Device", str(error), "Unset PIXELWISE_DEVICE, or install the NVIDIA driver.")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"processor, {torch.get_num_threads()} threads"
    return Finding.works("Device", f"{device.type} ({name}), torch {torch.__version__}")


def _starter_model() -> Finding:
    starter = Path(segmentation.__file__).parent / "starter"
    if (starter / "model.safetensors").exists() and (starter / "model.json").exists():
        return Finding.works("Starter model", str(starter))
    return Finding.broken("Starter model", f"not in {starter}", "Train it: make starter-model.")


def _database() -> Iterator[Finding]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
            cursor.execute("SELECT clock_timestamp()")
            ahead = timezone.now() - cursor.fetchone()[0]
        waiting = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseError as error:
        cure = "Check DATABASE_URL." if settings.DATABASE_URL else "See logs/postgres.log in the data folder."
        yield Finding.broken("Database", f"does not answer: {error}", cure)
        return
    finally:
        connection.close()
    yield Finding.works("Database", f"PostgreSQL {version}{'' if settings.DATABASE_URL else ', embedded'}")
    yield _clock(ahead.total_seconds())
    if waiting:
        yield Finding.note("Tables", f"{len(waiting)} changes to be made", "make run makes them.")
    else:
        yield Finding.works("Tables", "up to date")


def _clock(ahead_seconds: float) -> Finding:
    """Whether this machine and that of the database agree on the time."""
    if abs(ahead_seconds) <= _CLOCKS_APART_SECONDS:
        return Finding.works("Time", "this clock agrees with the database's")
    says = f"this clock is {abs(ahead_seconds):.0f} s {'ahead of' if ahead_seconds > 0 else 'behind'} the database's"
    return Finding.note("Time", says, "Let both machines set their clocks from the network (NTP).")


def _queue() -> Finding:
    try:
        with heartbeat.redis_client() as client:
            version = client.info("server").get("valkey_version") or client.info("server")["redis_version"]
    except RedisError as error:
        cure = "Check REDIS_URL." if settings.REDIS_URL else "See logs/valkey.log in the data folder."
        return Finding.broken("Queue", f"does not answer: {error}", cure)
    return Finding.works("Queue", f"{version}{'' if settings.REDIS_URL else ', embedded'}")


def _processes(host: Host | None) -> Iterator[Finding]:
    is_up = host is not None and host.purpose == "up" and host.is_alive
    elsewhere = bool(settings.DATABASE_URL and settings.REDIS_URL)
    if not is_up and not elsewhere:
        yield _port()
        yield Finding.note("Pixelwise", "is not running", "make run starts it.")
        return
    try:
        alive = heartbeat.alive()
    except RedisError as error:
        yield Finding.broken("Workers", f"cannot be asked: {error}", "Mend the queue first.")
        return
    if is_up and host is not None and host.url:
        yield examination_work.web(host.url)
    for name in heartbeat.NAMES:
        if name in alive:
            yield Finding.works(name, "gave a sign of life")
        else:
            cure = f"See logs/{name}.log in the data folder; stop Pixelwise and start it again."
            yield Finding.broken(name, "gave no sign of life", cure)


def _port() -> Finding:
    try:
        listening.require_free_port(settings.PIXELWISE_HOST, settings.PIXELWISE_PORT)
    except StartError as error:
        return Finding.broken("Port", str(error))
    return Finding.works("Port", f"{settings.PIXELWISE_PORT} is free")
