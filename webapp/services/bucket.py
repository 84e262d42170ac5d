"""The S3-compatible bucket that keeps the files where PIXELWISE_STORAGE names one. Its troubles are OSErrors."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from webapp.services.store_away_error import StoreAwayError

_BLOCK_BYTES = 1 << 20
_MOST_NAMES = 1000
"""What S3 deletes in one request."""


@dataclass(frozen=True)
class KeptFile:
    """One file of the bucket; `name` below its prefix, `modified_at` by the bucket's clock."""

    name: str
    size_bytes: int
    modified_at: datetime


def client_config(endpoint: str, **more: Any) -> Config:
    """How S3 is spoken. Other makers' servers want the bucket in the path, and not all know the newer checksums."""
    return Config(
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        **more,
    )


@contextmanager
def as_os_errors(name: str) -> Iterator[None]:
    """FileNotFoundError where there is no file `name`, else StoreAwayError in words."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code in ("NoSuchKey", "404") or (status == 404 and code != "NoSuchBucket"):
            raise FileNotFoundError(errno.ENOENT, "not in the bucket", name) from error
        raise StoreAwayError(errno.EIO, f"the bucket refuses ({code or status})", name) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StoreAwayError(errno.EIO, f"the bucket does not answer ({type(error).__name__})", name) from error


class Bucket(S3Storage):
    """Names are those of the data folder: `originals/ab/ab12…`. Safe to share between threads."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"client_config": client_config(options.get("endpoint_url") or "")} | options)

    @cached_property
    def client(self) -> Any:
        """One for all threads of a process: a client of boto3 may be shared, and takes long to make."""
        return self.connection.meta.client

    @cached_property
    def _place(self) -> dict[str, str]:
        return {"Bucket": self.bucket_name}

    def key(self, name: str) -> str:
        return f"{self.location}/{name}" if self.location else name

    def has(self, name: str) -> bool:
        try:
            self.modified_at(name)
        except FileNotFoundError:
            return False
        return True

    def modified_at(self, name: str) -> datetime:
        with as_os_errors(name):
            found: datetime = self.client.head_object(**self._place, Key=self.key(name))["LastModified"]
        return found

    def download(self, name: str, target: IO[bytes]) -> datetime:
        """Copy a file to `target`; returns when it was changed."""
        with as_os_errors(name):
            answer = self.client.get_object(**self._place, Key=self.key(name))
            with answer["Body"] as body:
                while block := body.read(_BLOCK_BYTES):
                    target.write(block)
        target.flush()
        modified_at: datetime = answer["LastModified"]
        return modified_at

    def upload(self, name: str, path: Path) -> None:
        """Readers of the bucket see the whole file or none."""
        with as_os_errors(name):
            self.client.upload_file(str(path), self.bucket_name, self.key(name), Config=TransferConfig())

    def put(self, name: str, content: bytes) -> None:
        with as_os_errors(name):
            self.client.put_object(**self._place, Key=self.key(name), Body=content)

    def remove(self, names: Collection[str]) -> None:
        """Remove files; those that are not there are none the less gone."""
        keys = [{"Key": self.key(name)} for name in names]
        for start in range(0, len(keys), _MOST_NAMES):
            with as_os_errors(self.bucket_name):
                chunk = {"Objects": keys[start : start + _MOST_NAMES], "Quiet": True}
                answer = self.client.delete_objects(**self._place, Delete=chunk)
            if errors := answer.get("Errors"):
                raise StoreAwayError(errno.EIO, f"the bucket removes nothing ({errors[0].get('Code')})", "")

    def names(self) -> Iterator[str]:
        return (found.name for found in self.listed())

    def listed(self, folder: str = "") -> Iterator[KeptFile]:
        """Every file below a folder; of the whole store where it is empty."""
        start = self.key(f"{folder}/" if folder else "")
        cut = len(self.key(""))
        with as_os_errors(folder):
            for page in self.client.get_paginator("list_objects_v2").paginate(**self._place, Prefix=start):
                for one in page.get("Contents", ()):
                    yield KeptFile(one["Key"][cut:], one["Size"], one["LastModified"])
