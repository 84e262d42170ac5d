"""Everything `make run` starts: database, queue, web server, workers, clock and the example project."""

from __future__ import annotations

import signal
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from redis import RedisError

from webapp.management.first_start import make_ready
from webapp.services import devices, folder, heartbeat, listening, processes, static
from webapp.services.embedded import embedded_services
from webapp.services.launch import die_with_parent
from webapp.services.lock import HostLock, current_host
from webapp.services.postgres import ledger_options
from webapp.services.start_error import StartError
from webapp.services.supervisor import Supervisor, stop_all

_WAIT_FOR_EARLIER_SECONDS = 30
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Start Pixelwise and keep it running until Ctrl-C."
    requires_system_checks = ["pixelwise"]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--end-with-parent", action="store_true", help="stop when the process that started this one ends"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for number in _STOP_SIGNALS:
            # What nohup made deaf to a closing terminal stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _stop)
        if options["end_with_parent"]:
            die_with_parent(signal.SIGTERM)
        data = settings.PIXELWISE_DATA
        with ExitStack() as stack:
            try:
                self._run(data, stack)
            except KeyboardInterrupt:
                # A second Ctrl-C while stopping would only leave things half stopped.
                for number in _STOP_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
        self.stderr.write(f"Pixelwise has stopped. Everything is kept in {data}")

    def _run(self, data: Path, stack: ExitStack) -> None:
        folder.prepare(data)
        lock = _take_lock(data)
        stack.callback(lock.release)
        folder.require_free_space(data)
        listening.require_free_port(settings.PIXELWISE_HOST, settings.PIXELWISE_PORT)
        folder.remove_stale_temporaries(data)
        supervisor = Supervisor()
        self._start_services(data, lock, stack, supervisor)
        static.collect_if_changed()
        person = make_ready()
        try:
            self._start_processes(data, lock, stack, supervisor)
        except (StartError, KeyboardInterrupt):
            if "password" in person:
                self.stderr.write(f"The administrator was made: {person}.")
            raise
        self.stdout.write(f"Pixelwise runs at {lock.host.url} – sign in as {person}. Ctrl-C stops it.")
        self.stdout.flush()
        supervisor.keep_running()

    def _start_services(self, data: Path, lock: HostLock, stack: ExitStack, supervisor: Supervisor) -> None:
        services = embedded_services(
            data,
            database_url=settings.DATABASE_URL,
            redis_url=settings.REDIS_URL,
            kept_open=[lock.descriptor],
            postgres_options=ledger_options(settings.PIXELWISE_LEDGER_PORT),
        )
        for service in services:
            stack.callback(service.program.stop)
            service.start()
            supervisor.watch(service.program, service.start)
        try:
            heartbeat.alive()
        except RedisError as error:
            raise StartError(f"The queue of REDIS_URL cannot be reached ({error}): check it.") from error

    def _start_processes(self, data: Path, lock: HostLock, stack: ExitStack, supervisor: Supervisor) -> None:
        programs = processes.processes(data, lock_descriptor=lock.descriptor, gpus=_take_gpus(stack))
        stack.callback(stop_all, programs)
        for program in programs:
            program.start()
            supervisor.watch(program)
        lock.announce(url=listening.address(settings.PIXELWISE_HOST, settings.PIXELWISE_PORT))
        listening.wait_until_it_answers(programs[0], settings.PIXELWISE_HOST, settings.PIXELWISE_PORT)
        loaded = data / "example-loaded"
        if settings.PIXELWISE_DEMO and not loaded.exists():
            loader = processes.example_loader(data, lock_descriptor=lock.descriptor)
            stack.callback(loader.stop)
            loader.start()
            supervisor.watch(loader, when_done=loaded.touch)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _take_gpus(stack: ExitStack) -> dict[str, int] | None:
    """Descriptors of the locks of the GPUs that are ours to use; None where there is no GPU."""
    found = devices.found_gpus(settings.PIXELWISE_DEVICE)
    taken = devices.take_gpus(found)
    for lock in taken.values():
        stack.callback(lock.release)
    return {name: lock.descriptor for name, lock in taken.items()} if found else None


def _take_lock(data: Path) -> HostLock:
    """Raises StartError where another process runs the services of this data folder."""
    deadline = time.monotonic() + _WAIT_FOR_EARLIER_SECONDS
    while True:
        if lock := HostLock.try_take(data, "up"):
            return lock
        host = current_host(data)
        if host is not None and host.is_alive:
            break
        if time.monotonic() > deadline:
            raise StartError(
                f"An earlier Pixelwise on the data folder {data} was killed and its programs are still "
                "ending: wait a little and start again."
            )
        time.sleep(0.1)
    if host.purpose == "up":
        where = f" at {host.url}" if host.url else ""
        raise StartError(
            f"Pixelwise runs already on the data folder {data}{where} (process {host.pid}): "
            "use that one, or stop it with Ctrl-C first."
        )
    raise StartError(
        f"A command is using the data folder {data} ({host.purpose}, process {host.pid}): "
        "start again when it has finished."
    )
