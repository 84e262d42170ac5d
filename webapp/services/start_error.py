"""The one sentence a person reads when something cannot start."""

from __future__ import annotations


class StartError(Exception):
    """Says what was expected, what was found and what to do, in one sentence; nothing was changed."""
