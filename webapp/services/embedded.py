"""Database and queue for as long as they are needed: those that run already, else started here."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from webapp.services.folder import prepare
from webapp.services.lock import Guest, HostLock, current_host, have_guests
from webapp.services.postgres import Postgres
from webapp.services.start_error import StartError
from webapp.services.valkey import Valkey

_WAIT_SECONDS = 90
_POLL_SECONDS = 0.1


def embedded_services(
    data: Path,
    *,
    database_url: str,
    redis_url: str,
    kept_open: Sequence[int] = (),
    postgres_options: Mapping[str, str] | None = None,
) -> list[Postgres | Valkey]:
    """The services that nobody named a server for, not started yet, in the order to start them."""
    services: list[Postgres | Valkey] = []
    if not database_url:
        services.append(Postgres(data, kept_open=kept_open, options=postgres_options))
    if not redis_url:
        services.append(Valkey(data, kept_open=kept_open))
    return services


@contextmanager
def services_for(
    data: Path,
    *,
    purpose: str,
    database_url: str,
    redis_url: str,
    postgres_options: Mapping[str, str] | None = None,
) -> Iterator[bool]:
    """Database and queue of `data` for the duration of a block. Yields whether they were started for it.

    A process that started them waits at the end for others that came to use them. Raises StartError.
    """
    prepare(data)
    if database_url and redis_url:
        yield False
        return
    with ExitStack() as stack:
        lock = _join_or_host(data, purpose, stack)
        if lock is None:
            yield False
            return
        services = embedded_services(
            data,
            database_url=database_url,
            redis_url=redis_url,
            kept_open=[lock.descriptor],
            postgres_options=postgres_options,
        )
        for service in services:
            stack.callback(service.program.stop)
            service.start()
        lock.announce()
        stack.callback(_wait_for_guests, data)
        yield True


def _join_or_host(data: Path, purpose: str, stack: ExitStack) -> HostLock | None:
    """Become the host and return its lock, or become a guest of services that are ready and return None."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if lock := HostLock.try_take(data, purpose):
            stack.callback(lock.release)
            return lock
        guest = Guest(data).__enter__()
        host = current_host(data)
        if host is not None and host.is_ready and host.is_alive:
            stack.push(guest.__exit__)
            return None
        guest.__exit__()
        time.sleep(_POLL_SECONDS)
    raise StartError(
        f"Another process has been starting or stopping the services of {data} for {_WAIT_SECONDS} seconds: "
        f"see the logs in {data / 'logs'}."
    )


def _wait_for_guests(data: Path) -> None:
    if have_guests(data):
        sys.stderr.write("Waiting for other commands that use this database; Ctrl-C stops it under them.\n")
    while have_guests(data):
        time.sleep(_POLL_SECONDS)
