"""The C library's heap, tuned for work that takes and frees the same large arrays thousands of times."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# From glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 2**31 - 1
_USUAL_MMAP_BYTES, _USUAL_TRIM_BYTES = 32 * 1024**2, 64 * 1024**2


@contextmanager
def kept_heap() -> Iterator[None]:
    """While inside, most freed memory stays with this process; afterwards it goes back to the system.

    glibc otherwise returns every large array at once, and the next step gets new pages, which the system clears one
    by one: a sixth of a training step on a CPU. How much is used again hangs on sizes and on how the heap lies: a lone
    array of tens of megabytes often is not. Elsewhere than on glibc nothing happens.
    """
    library = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    if library is None:
        yield
        return
    library.mallopt(_MMAP_THRESHOLD, _KEEP_BYTES)
    library.mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)
    try:
        yield
    finally:
        library.mallopt(_MMAP_THRESHOLD, _USUAL_MMAP_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM_BYTES)
        library.malloc_trim(0)
