"""A bucket as a place of an intake. Objects appear whole, so nothing has to settle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from typing import IO, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from webapp.models import Intake
from webapp.pipeline.archives import is_hidden
from webapp.pipeline.intake_places import ChangedError, Entry, PlaceError
from webapp.services.bucket_client import intake_client
from webapp.services.sealed_secrets import unseal

_BLOCK_BYTES = 1 << 20
_WORDS = {
    "NoSuchBucket": "There is no such bucket.",
    "AccessDenied": "The key may not list this bucket: it needs s3:ListBucket and s3:GetObject.",
    "InvalidAccessKeyId": "The server does not know this key.",
    "SignatureDoesNotMatch": "The secret does not belong to this key.",
    "403": "The key may not list this bucket: it needs s3:ListBucket and s3:GetObject.",
    "404": "There is no such bucket.",
}


@contextmanager
def opened_place(intake: Intake) -> Iterator[BucketPlace]:
    """PlaceError where its key cannot be read or its server is not allowed any more."""
    try:
        secret = unseal(intake.sealed_secret) if intake.sealed_secret else ""
    except ValueError as error:
        raise PlaceError(f"The secret cannot be read any more, since {error}. Enter it again.") from error
    try:
        client = intake_client(endpoint=intake.endpoint, region=intake.region, key_id=intake.key_id, secret=secret)
    except ValueError as error:
        raise PlaceError(str(error)) from error
    yield BucketPlace(client, intake.bucket, intake.prefix)


class BucketPlace:
    settles = False

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    def entries(self, after: str) -> Iterator[Entry]:
        start = {"StartAfter": self._prefix + after} if after else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, **start
        )
        try:
            for page in pages:
                for one in page.get("Contents", ()):
                    path = one["Key"][len(self._prefix) :]
                    if path and not path.endswith("/") and not is_hidden(path):
                        yield _entry(path, one)
        except (ClientError, BotoCoreError) as error:
            raise PlaceError(in_words(error)) from error

    @contextmanager
    def opened(self, entry: Entry) -> Iterator[IO[bytes]]:
        etag = entry.version.partition("-")[2]
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + entry.key, IfMatch=f'"{etag}"')
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == 412:
                raise ChangedError from error
            if status == 404:
                raise FileNotFoundError(entry.path) from error
            if status == 403:
                raise PermissionError(entry.path) from error
            raise PlaceError(in_words(error)) from error
        except BotoCoreError as error:
            raise PlaceError(in_words(error)) from error
        with answer["Body"] as body:
            yield cast("IO[bytes]", BufferedReader(_Body(body), _BLOCK_BYTES))


class _Body(RawIOBase):
    """A download that breaks off is the place's trouble, not the file's."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._body.read(len(buffer))
        except BotoCoreError as error:
            raise PlaceError(in_words(error)) from error
        buffer[: len(block)] = block
        return len(block)


def in_words(error: Exception) -> str:
    """For a person; what boto3 says itself may name addresses, but never a secret."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        return _WORDS.get(code, f"The server refuses: {code[:60]}.")
    return f"The server does not answer ({type(error).__name__}). Is its address right, and can this machine reach it?"


def _entry(path: str, listed: dict[str, Any]) -> Entry:
    etag = str(listed["ETag"]).strip('"')
    version = f"{listed['Size']}-{etag}"[:160]
    return Entry(path, path, version, listed["Size"], listed["LastModified"])
