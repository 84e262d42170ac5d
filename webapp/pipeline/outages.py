"""Troubles of the machine, which no picture can be blamed for: a database that restarts, a full disk."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from webapp.services.store_away_error import StoreAwayError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PAUSE_SECONDS = 0.5

Found = TypeVar("Found")

log = structlog.get_logger(__name__)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether database or bucket were away or the disk full; what was being done will do once that is over."""
    if isinstance(error, OSError):
        return error.errno in _FULL or isinstance(error, StoreAwayError)
    return isinstance(error, OperationalError | InterfaceError)


def once_it_answers(action: Callable[[], Found], patience: timedelta) -> Found:
    """Do it; where the database goes away meanwhile, do it again, until `patience` is used up.

    `action` may have come to its end unheard when the connection broke: it must be safe to repeat.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return action()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline:
                raise
            log.warning("the database does not answer; trying again", error=str(error))
            if not connection.in_atomic_block:
                connection.close()
            time.sleep(_PAUSE_SECONDS)
