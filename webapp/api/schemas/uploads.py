"""Uploads that may break off."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import Field, StringConstraints

from webapp.api.inputs import Id, Text
from webapp.api.schemas.batches import RejectedFile

MOST_FILES = 1000


class UploadIn(Schema):
    """`name` may be empty: then it is date and time. `source` is the id of a source of the project; `captured_at` is
    ISO 8601, empty: each picture's own time.
    """

    name: Annotated[Text, Field(max_length=200)]
    source: Id | None = None
    captured_at: Text = ""


class ManifestFileIn(Schema):
    """`name` with sub-folders; `sha256` in lower-case hex."""

    name: Annotated[Text, Field(min_length=1, max_length=1000)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, Field(ge=0, lt=2**53)]


class ManifestIn(Schema):
    files: Annotated[list[ManifestFileIn], Field(max_length=MOST_FILES)]


class Known(Schema):
    """`missing` are to be sent, the others not: `known` are there, `rejected` were refused by this batch before."""

    known: list[str]
    rejected: list[RejectedFile]
    missing: list[str]


class UploadOut(Schema):
    """`outcome` is null while bytes are missing, then `stored`, `linked`, `repeated`, `rejected` or `archive`."""

    name: str
    size_bytes: int
    offset_bytes: int
    outcome: str | None
    reason: str
