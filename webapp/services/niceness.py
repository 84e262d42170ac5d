"""Processes that stand back while others want the processor."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TRIES = 10
_PAUSE_SECONDS = 0.11


def lower(pid: int, niceness: int) -> None:
    """Give a process, and the session that it leads or is in, this niceness; without effect where it may not.

    Linux shares the processor out between sessions first, where its scheduler groups by them: the niceness of
    a process counts only among those of its own, and each program of ours has a session to itself.
    """
    os.setpriority(os.PRIO_PROCESS, pid, niceness)
    for _ in range(_TRIES):
        try:
            Path(f"/proc/{pid or 'self'}/autogroup").write_text(str(niceness))
        except BlockingIOError:  # the kernel takes ten such changes a second from all who are not root
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return
        else:
            return
