"""The embedded PostgreSQL with a port: open to readers with a password, closed to Pixelwise's own user."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from webapp.services.folder import postgres_socket_folder, prepare
from webapp.services.postgres import DATABASE, USER, Postgres, ledger_options

pytestmark = [pytest.mark.slow]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    data, port = tmp_path / "data", free_port()
    prepare(data)
    postgres = Postgres(data, options=ledger_options(port))
    postgres.start()
    yield data, port
    postgres.program.stop()


def test_readers_come_by_the_port_and_we_by_the_socket(server: tuple[Path, int]) -> None:
    data, port = server
    with psycopg.connect(host=str(postgres_socket_folder(data)), user=USER, dbname=DATABASE, autocommit=True) as ours:
        ours.execute("CREATE ROLE reader LOGIN PASSWORD 'right'")
    address = f"host=127.0.0.1 port={port} dbname={DATABASE}"
    with psycopg.connect(f"{address} user=reader password=right") as client:
        assert client.execute("SELECT current_user").fetchone() == ("reader",)
    for refused in ("user=reader password=wrong", "user=reader", f"user={USER}"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"{address} {refused}")


def test_without_a_port_there_are_no_options() -> None:
    assert ledger_options(0) == {}
