"""The key that signs sessions and forms, made once per data folder."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from webapp.services.folder import prepare


def secret_key(data: Path) -> str:
    """The key of this data folder; made by whoever asks first, readable by its owner only."""
    path = data / "secret-key"
    if not path.exists():
        prepare(data)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        key = file.read().strip()
        if not key:
            key = secrets.token_urlsafe(48)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key
