"""A real S3 server of this machine (moto's, as a process of its own) and buckets in it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
import pytest

from webapp.services.bucket import client_config
from webapp.services.default_storage import default_storage

KEY, SECRET = "AKIDEXAMPLE", "not-a-real-secret"


@dataclass(frozen=True)
class S3Server:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=client_config(self.url),
        )

    def new_bucket(self) -> str:
        name = f"photos-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield S3Server(port)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def stored_in_bucket(s3_server: S3Server, settings: Any, tmp_path: Path) -> Any:
    """The store is a bucket, this machine's cache is empty; returns a client and the bucket's name."""
    name = s3_server.new_bucket()
    settings.PIXELWISE_DATA = tmp_path / "machine-1"
    settings.PIXELWISE_STORAGE = f"s3://{name}/plant"
    settings.PIXELWISE_STORAGE_ENDPOINT = s3_server.url
    settings.STORAGES = settings.STORAGES | {
        "default": default_storage(
            settings.PIXELWISE_STORAGE, data=tmp_path, endpoint=s3_server.url, key=KEY, secret=SECRET
        )
    }
    return s3_server.client(), name


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the S3 server ended"
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/moto-api/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the S3 server did not start")
