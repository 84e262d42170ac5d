"""Which process holds a piece of work, under a name that tells, on the same machine, whether it still lives.

A name is `host:process`, or `host:parent:process` of the processes that a worker starts for its tasks; each process
as its number and, on Linux, the time it was started, since numbers come back.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path

_STARTED_AT = 19  # the field of /proc/PID/stat, counted from the one behind the program's name


_parent: list[str] = []


def note_parent() -> None:
    """From now on this process's name says who started it, and will start another should this one die."""
    _parent[:] = [_mark(os.getppid())]


def worker_name() -> str:
    return ":".join([socket.gethostname(), *_parent, _mark(os.getpid())])


def is_of_this_machine(name: str) -> bool:
    return name.startswith(f"{socket.gethostname()}:")


def dead_workers(names: Iterable[str]) -> list[str]:
    """Those of these workers that ran on this machine and are gone."""
    return [name for name in names if is_of_this_machine(name) and not _is_alive(name.rpartition(":")[2])]


def living_workers(names: Iterable[str]) -> list[str]:
    """Those of these workers that run on this machine."""
    return [name for name in names if is_of_this_machine(name) and _is_alive(name.rpartition(":")[2])]


def outlived_by_parent(name: str) -> bool:
    """Whether a dead worker of this machine ended alone: the process that started it is still there.

    False for names without a parent: a command that was killed was killed by whoever started it.
    """
    _, *marks = name.split(":")
    return len(marks) == 2 and _is_alive(marks[0])


def _mark(pid: int) -> str:
    return f"{pid}.{_started_at(pid)}"


def _started_at(pid: int) -> str:
    """Clock ticks since the machine's start; empty where nobody can tell or the process has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else fields[_STARTED_AT - 1]


def _is_alive(mark: str) -> bool:
    number, _, started_at = mark.partition(".")
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return not started_at or _started_at(int(number)) == started_at
