"""Options of an architecture, as a person types them on a command line."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from typing import Any


def json_object(text: str) -> dict[str, Any]:
    """For argparse's `type`: what `ModelSpec.options` takes. ArgumentTypeError says what was expected."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ArgumentTypeError(f"""expected a JSON object such as '{{"width": 24}}', got {text!r}; mind the quotes""")
    return found
