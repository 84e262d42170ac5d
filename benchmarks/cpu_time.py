"""CPU time of a web server and its database while a block runs, and what the rest of the machine took meanwhile."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType

_TICKS = os.sysconf("SC_CLK_TCK")


class CpuTime:
    """`data` is the folder of the embedded database, `server` the web server's process. Linux only."""

    def __init__(self, data: Path, server: int) -> None:
        self._roots = {server, int((data / "postgres" / "postmaster.pid").read_text().split()[0])}
        self.seconds = 0.0

    def __enter__(self) -> CpuTime:
        self._started, self._busy_started, self._wall_started = self._used(), _busy(), time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = self._used() - self._started
        self._busy_seconds = _busy() - self._busy_started
        self._wall_seconds = time.perf_counter() - self._wall_started

    def cores_of_others(self, ours: float) -> float:
        """How many cores the machine was busy with besides `ours` (CPU seconds, the client's among them)."""
        return max(0.0, self._busy_seconds - ours) / self._wall_seconds

    def _used(self) -> float:
        """Of the roots and their children, ended ones that were waited for included."""
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if {int(path.parent.name), int(fields[1])} & self._roots:
                total += sum(int(field) for field in fields[11:15])
        return total / _TICKS


def _busy() -> float:
    """CPU seconds of the whole machine since it started, idle time and waiting for disks left out."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / _TICKS
