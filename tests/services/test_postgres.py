"""The embedded PostgreSQL after a power cut."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg
import pytest

from webapp.services.folder import postgres_socket_folder, prepare
from webapp.services.postgres import Postgres

pytestmark = pytest.mark.slow


def test_a_killed_server_is_back_at_once_though_one_of_its_processes_has_not_noticed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    prepare(data)
    server = Postgres(data)
    server.start()
    sockets = str(postgres_socket_folder(data))
    try:
        with psycopg.connect(host=sockets, user="pixelwise", dbname="pixelwise", autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
            assert server.program.process is not None
            os.kill(connection.info.backend_pid, signal.SIGSTOP)
            os.kill(server.program.process.pid, signal.SIGKILL)
            server.program.process.wait()
            server.start()
        with psycopg.connect(host=sockets, user="pixelwise", dbname="pixelwise") as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        server.program.stop()
