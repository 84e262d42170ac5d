"""Who runs the services of a data folder, and who else uses them.

One process hosts: it holds `run/host.lock`, and every program it starts inherits that lock, so the lock is
free only when the last of them has ended. Others are guests: each holds a share of `run/guests.lock`.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Host:
    """What the host says of itself. `is_ready`: its services can be used."""

    pid: int
    purpose: str
    url: str = ""
    is_ready: bool = False

    @property
    def is_alive(self) -> bool:
        """False also for a zombie, which has given up everything but its number."""
        try:
            os.kill(self.pid, 0)
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except ProcessLookupError:
            return False
        except (PermissionError, OSError):
            return True
        return state != "Z"


class HostLock:
    """The right to run the services of a data folder, held until `release`."""

    def __init__(self, file: IO[str], host: Host) -> None:
        self._file = file
        self.host = host
        self._write()

    @classmethod
    def try_take(cls, data: Path, purpose: str) -> HostLock | None:
        """The lock, or None where somebody else holds it."""
        file = _open(data / "run" / "host.lock")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return cls(file, Host(pid=os.getpid(), purpose=purpose))

    @property
    def descriptor(self) -> int:
        return self._file.fileno()

    def announce(self, *, url: str = "") -> None:
        """Tell guests that the services can be used."""
        self.host = replace(self.host, url=url, is_ready=True)
        self._write()

    def release(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.close()

    def _write(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(asdict(self.host)))
        self._file.flush()


def current_host(data: Path) -> Host | None:
    """What the last host wrote, if it can be read; it may have been killed since."""
    try:
        return Host(**json.loads((data / "run" / "host.lock").read_text()))
    except (OSError, ValueError, TypeError):
        return None


class Guest:
    """A share in services that somebody else runs."""

    def __init__(self, data: Path) -> None:
        self._file = _open(data / "run" / "guests.lock")

    def __enter__(self) -> Guest:
        fcntl.flock(self._file, fcntl.LOCK_SH)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def have_guests(data: Path) -> bool:
    with _open(data / "run" / "guests.lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _open(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
