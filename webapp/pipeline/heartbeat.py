"""A lease that a thread renews for as long as the work lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import structlog
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)


class Heartbeat(ABC):
    """Beats every `every_seconds` inside the block, on a connection that is not the work's. `held` names the lease."""

    every_seconds: float

    def __init__(self, held: str) -> None:
        self._name = held
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lease of {held}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def _renew(self) -> None:
        """Renew the lease, and see whether it is lost."""

    def _run(self) -> None:
        try:
            while not self._over.wait(self.every_seconds):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        """A database that does not answer costs a beat; the lease outlasts several."""
        try:
            self._renew()
        except DatabaseError as error:
            log.warning("a lease was not renewed", held=self._name, error=str(error))
            connection.close()
