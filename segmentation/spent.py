"""What the time of a stream of pictures goes to."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Spent:
    """Seconds of wall time by part of the work, of all threads together: parts that overlap all count in full."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - started
            with self._lock:
                self.seconds[part] += taken

    def take(self) -> dict[str, float]:
        """What was counted so far; counting begins anew."""
        with self._lock:
            taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken
