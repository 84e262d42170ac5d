"""What the routes take in common: text that can be stored, and places in long lists."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from ninja import Query
from pydantic import AfterValidator, Field, StringConstraints

from webapp.api.errors import invalid

MOST_ITEMS = 500
LARGEST_ID = 2**63 - 1


def without_controls(text: str) -> str:
    """PostgreSQL stores no NUL, and nobody means to send the others."""
    for letter in text:
        if unicodedata.category(letter) == "Cc" and letter not in "\n\t":
            raise ValueError(f"should have no control characters, has U+{ord(letter):04X}")
    return text


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(without_controls)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many items a page has at most.")]
Cursor = Annotated[str, Query(description="`next` of the page before; empty for the first page.")]


def place(cursor: str) -> int:
    """The id that a page starts after, or before where the newest come first; 0 for the first page."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) <= LARGEST_ID):
        raise invalid("cursor", f"Expected the “next” of an earlier page, got “{cursor[:40]}”.")
    return int(cursor)
