"""The one error for a bucket that does not answer."""

from __future__ import annotations


class StoreAwayError(OSError):
    """The bucket does not answer or refuses: no file can be blamed for it, and it will do once that is mended."""
