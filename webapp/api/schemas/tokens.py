"""Personal tokens."""

from __future__ import annotations

from typing import Annotated

from ninja import Schema
from pydantic import Field

from webapp.api.inputs import Text


class TokenIn(Schema):
    email: Annotated[Text, Field(min_length=1, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=4096)]
    name: Annotated[Text, Field(min_length=1, max_length=100)] = "Made through the API"


class TokenOut(Schema):
    """`token` is shown this once; only its hash is kept."""

    token: str
    name: str
