"""The data folder: everything that must last, and where its sockets and logs lie."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from webapp.services.living import dead_workers, living_workers
from webapp.services.start_error import StartError

LONGEST_SOCKET_PATH = 107  # bytes; sockaddr_un holds 108 with the closing zero
_LONGEST_SOCKET_NAME = "postgres/.s.PGSQL.5432.lock"
MIN_FREE_BYTES = 300_000_000
_STALE_AFTER_SECONDS = 48 * 3600
_ELSEWHERE = "set PIXELWISE_DATA to a folder elsewhere"


def prepare(data: Path) -> None:
    """Make the data folder and its inner folders where they are missing.

    The folder is closed to other users, except that as root others may pass through it: the embedded
    PostgreSQL refuses root and runs as nobody. Raises StartError where it cannot be written.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        for name in ("run", "logs", "tmp"):
            (data / name).mkdir(exist_ok=True, mode=0o711 if name == "run" and os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=data / "tmp") as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
    except OSError as error:
        raise StartError(_why_unusable(data, error)) from error


def _why_unusable(data: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of the data folder {data} is full: free some space, or {_ELSEWHERE}."
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"The data folder {data} cannot be made because a file is in the way: {_ELSEWHERE}."
    return (
        f"The data folder {data} cannot be written ({error.strerror}): "
        f"give yourself the right to write it, or {_ELSEWHERE}."
    )


def free_bytes(data: Path) -> int:
    """Bytes an ordinary user may still write on the folder's disk."""
    return shutil.disk_usage(data).free


def require_free_space(data: Path) -> None:
    free = free_bytes(data)
    if free < MIN_FREE_BYTES:
        raise StartError(
            f"The disk of the data folder {data} is almost full ({free // 1_000_000} MB free, at least "
            f"{MIN_FREE_BYTES // 1_000_000} MB needed): free some space, or {_ELSEWHERE}."
        )


def remove_stale_temporaries(data: Path) -> None:
    """Remove what dead processes of this machine left behind, and, whoever made it, what is two days old."""
    oldest = time.time() - _STALE_AFTER_SECONDS
    paths = {path.name: path for path in (data / "tmp").glob("*")}
    ownerless, owned = set(dead_workers(paths)), set(living_workers(paths))
    for name, path in paths.items():
        if name in owned:
            continue
        try:
            is_stale = name in ownerless or path.lstat().st_mtime < oldest
        except FileNotFoundError:
            continue
        if is_stale and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif is_stale:
            path.unlink(missing_ok=True)


def socket_folder(data: Path) -> Path:
    """Where sockets lie: inside the data folder, or under /tmp where that path is too long for a socket."""
    inside = data / "run"
    if len(os.fsencode(inside / _LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path("/tmp") / f"pixelwise-{os.geteuid()}-{digest}"  # noqa: S108


def prepare_socket_folder(data: Path) -> Path:
    """Make the folder for sockets; refuses one in /tmp that somebody else made first."""
    folder = socket_folder(data)
    if folder.parent != data:
        folder.mkdir(exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        found = folder.lstat()
        if folder.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise StartError(f"{folder} belongs to somebody else: remove it, or set PIXELWISE_DATA to a shorter path.")
    return folder


def postgres_socket_folder(data: Path) -> Path:
    return socket_folder(data) / "postgres"


def valkey_socket(data: Path) -> Path:
    return socket_folder(data) / "valkey.sock"
