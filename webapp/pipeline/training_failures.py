"""Why a training failed, in words that say what to do."""

from __future__ import annotations

import errno

_MEMORY = (
    "There was not enough memory. Train again with smaller crops or a lighter architecture (under Advanced), "
    "or on a machine with more memory."
)
_DISK = "The disk is full. Free some space, then try again: the training goes on where it stopped."
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def reason(error: Exception) -> str:
    """What went wrong and what to do. The library's own messages say both."""
    told = str(error)
    if isinstance(error, MemoryError) or any(words in told.lower() for words in _MEMORY_WORDS):
        return _MEMORY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _DISK
    if isinstance(error, ValueError) and told:
        return told[0].upper() + told[1:]
    return (
        f"{type(error).__name__}: {told or 'no more is known'}. Try again; if it fails again, the log of worker-train "
        "tells whoever looks after Pixelwise more."
    )
