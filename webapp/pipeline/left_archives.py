"""ZIPs and videos that outlived their row: a worker was killed between the two. A video may show people."""

from __future__ import annotations

import re
import time

from webapp import storage
from webapp.models import Archive

# An archive's row is not seen by others until a moment after its file is in place.
_LEFT_AFTER_SECONDS = 600
_NAME = re.compile(r"([0-9]+)\.(zip|video)")


def remove_left_archives() -> int:
    """Remove archives on this machine's disk that belong to no row any more; returns how many."""
    left = []
    for path in storage.archive_path("x").parent.glob("*.*"):
        match = _NAME.fullmatch(path.name)
        try:
            is_old = time.time() - path.stat().st_ctime > _LEFT_AFTER_SECONDS
        except FileNotFoundError:
            continue
        if match and is_old:
            left.append((int(match[1]), path))
    held = set(Archive.objects.filter(pk__in=[pk for pk, _ in left]).values_list("pk", flat=True))
    gone = [path for pk, path in left if pk not in held]
    storage.remove(gone)
    return len(gone)
