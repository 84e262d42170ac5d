"""The address the web server listens at: free before the start, answering after it."""

from __future__ import annotations

import errno
import http.client
import socket
import time

from webapp.services.program import Program
from webapp.services.start_error import StartError

_START_SECONDS = 120


def require_free_port(host: str, port: int) -> None:
    """Raises StartError where nobody could listen at host and port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise StartError(_why_not(host, port, error)) from error


def _why_not(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: choose another, PIXELWISE_PORT={port + 1} make run."
    if number == errno.EACCES:
        return f"Port {port} is kept for the system: choose one above 1023, PIXELWISE_PORT=8000 make run."
    return f"Pixelwise cannot listen at {host}, port {port} ({error}): check PIXELWISE_HOST and PIXELWISE_PORT."


def address(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reachable}:{port}"


def wait_until_it_answers(web: Program, host: str, port: int) -> None:
    """Raises StartError where the web server ends or does not answer in time."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and web.is_running:
        connection = http.client.HTTPConnection(reachable, port, timeout=5)
        try:
            connection.request("GET", "/healthz?only=storage")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise StartError(f"The web server did not start; the end of {web.log} says: {web.last_words()}")
