"""What Django's `check` says about settings that cannot work, with the cure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from webapp.services.default_storage import bucket_and_prefix

_SERVER = re.compile(r"https?://[^\s/@?#]+/?")
DEVICES = ("auto", "cpu", "cuda")


def check_device(**_: Any) -> list[CheckMessage]:
    if settings.PIXELWISE_DEVICE in DEVICES:
        return []
    return [
        Error(
            f"PIXELWISE_DEVICE is {settings.PIXELWISE_DEVICE!r}; expected one of {', '.join(DEVICES)}.",
            hint="Unset it: auto takes the NVIDIA GPU where there is one.",
            id="webapp.E001",
        )
    ]


def check_redis_url(**_: Any) -> list[CheckMessage]:
    if not settings.REDIS_URL or settings.REDIS_URL.startswith(("redis://", "rediss://")):
        return []
    return [
        Error(
            f"REDIS_URL is {settings.REDIS_URL!r}; expected redis://HOST:PORT/NUMBER or rediss://…",
            hint="Unset it and `make run` starts a queue of its own.",
            id="webapp.E002",
        )
    ]


def check_database_url(**_: Any) -> list[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        return []
    return [
        Error(
            "DATABASE_URL is not of a PostgreSQL server; expected postgres://USER:PASSWORD@HOST:5432/NAME.",
            hint="Unset it and `make run` starts a database of its own.",
            id="webapp.E003",
        )
    ]


def check_storage(**_: Any) -> list[CheckMessage]:
    address = settings.PIXELWISE_STORAGE
    found: list[CheckMessage] = []
    if address:
        try:
            bucket_and_prefix(address)
        except ValueError as error:
            hint = "Unset it to keep files in the data folder. The prefix may have letters, digits and . _ - /."
            found.append(Error(f"PIXELWISE_STORAGE: {error}.", hint=hint, id="webapp.E004"))
    if bool(settings.PIXELWISE_STORAGE_KEY) != bool(settings.PIXELWISE_STORAGE_SECRET):
        hint = "Set both, or neither: then AWS' own variables and the machine's role are looked at."
        message = "Of PIXELWISE_STORAGE_KEY and PIXELWISE_STORAGE_SECRET one is set and one is not."
        found.append(Error(message, hint=hint, id="webapp.E005"))
    endpoint = settings.PIXELWISE_STORAGE_ENDPOINT
    if endpoint and not _SERVER.fullmatch(endpoint):
        hint = "Unset it for AWS itself."
        message = (
            f"PIXELWISE_STORAGE_ENDPOINT is {endpoint!r}; expected an address like https://minio.example.com:9000."
        )
        found.append(Error(message, hint=hint, id="webapp.E006"))
    return found


def check_intakes(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for folder in settings.PIXELWISE_WATCH_FOLDERS:
        path = PurePosixPath(folder)
        if not path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
            message = f"PIXELWISE_WATCH_FOLDERS has {folder!r}; expected full paths like /srv/cameras."
            hint = "Name folders that hold nothing but pictures: whoever administers a project may read below them."
            found.append(Error(message, hint=hint, id="webapp.E007"))
    for endpoint in settings.PIXELWISE_BUCKET_ENDPOINTS:
        if endpoint.lower() != "aws" and not _SERVER.fullmatch(endpoint):
            message = f"PIXELWISE_BUCKET_ENDPOINTS has {endpoint!r}; expected aws or https://minio.example.com:9000."
            found.append(Error(message, hint="Unset it for Amazon S3 alone.", id="webapp.E008"))
    return found


def check_hosts(**_: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            "Any host name is accepted, because PIXELWISE_ALLOWED_HOSTS is not set.",
            hint="Set it to the names people open Pixelwise by, for example inspection.example.com.",
            id="webapp.W001",
        )
    ]
