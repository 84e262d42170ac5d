"""A web server of a benchmark's own, by the command and configuration of `make run`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.upload_client import Client
from webapp.services.processes import ROOT, WEB

_START_SECONDS = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def served(application: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = started(application, port)
    try:
        yield server
    finally:
        kill(server)


def started(application: str, port: int) -> subprocess.Popen[bytes]:
    """gunicorn as `make run` starts it, once it answers."""
    command = [sys.executable, "-m", *(application if word == "webapp.wsgi" else word for word in WEB)]
    server = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    client = Client("127.0.0.1", port, "", "")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = client.connected()
            connection.request("GET", "/healthz?only=database")
            connection.getresponse().read()
            return server
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server did not start")


def kill(server: subprocess.Popen[bytes]) -> None:
    """Master and workers, without a chance to finish anything."""
    try:
        os.killpg(server.pid, 9)
    except ProcessLookupError:
        return
    server.wait()
