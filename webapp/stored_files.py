"""What is done with files of the store, wherever it is: on this disk, or in a bucket with a cache on this disk."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import structlog
from django.conf import settings
from django.core.files.storage import storages

from webapp.services import bucket_cache
from webapp.services.living import worker_name
from webapp.services.store_away_error import StoreAwayError

if TYPE_CHECKING:
    # boto3 takes long to import and is of no use where the files lie on this disk.
    from webapp.services.bucket import Bucket, KeptFile

_AT_ONCE = 8
_CONTENT = re.compile(r"(originals|annotations)/../([0-9a-f]{64})(\.png)?")
"""Names that are the SHA-256 of what is in them."""

_growth = bucket_cache.Growth()

log = structlog.get_logger(__name__)


def here() -> Path:
    """What lies on this machine's disk, wherever the store is."""
    return Path(settings.PIXELWISE_DATA)


def kept() -> Path:
    """The root of the store's paths: the data folder, or the cache of a bucket."""
    return here() / "cache" if settings.PIXELWISE_STORAGE else here()


def bucket() -> Bucket | None:
    """The bucket that holds the files; None where the data folder does."""
    return cast("Bucket", storages["default"]) if settings.PIXELWISE_STORAGE else None


def exists(path: Path, *, fresh: bool = False) -> bool:
    """Whether the store has this file. `fresh`: do not take this machine's copy for the bucket's word."""
    store = bucket()
    if store is None:
        return path.exists()
    return (path.exists() and not fresh) or store.has(_name(path))


def fetch(path: Path, *, fresh: bool = False) -> Path:
    """The same path, with the file there. Where the store is on this disk nothing is looked at.

    From a bucket: FileNotFoundError where it has no such file, OSError where its content is not what its name says,
    StoreAwayError where it does not answer. `fresh`: for files that change, ask whether it did.
    """
    store = bucket()
    if store is None:
        return path
    if bucket_cache.touch(path) and not (fresh and _is_older(path, store.modified_at(_name(path)))):
        return path
    _download(store, path)
    return path


def fetch_all(paths: Iterable[Path]) -> None:
    """Fetch many at once. Those that are missing or damaged are left to whoever opens them."""
    if bucket() is None:
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_try_fetch, paths))


def fetch_folder(folder: Path, *, only: Collection[str] = ()) -> Path:
    """The folder with all its files in their newest version, or with `only` those that it has of these."""
    store = bucket()
    if store is None:
        return folder
    for found in store.listed(_name(folder)):
        path = kept() / found.name
        if only and path.relative_to(folder).as_posix() not in only:
            continue
        if not bucket_cache.touch(path) or not _is_same(path, found):
            _download(store, path)
    return folder


def keep_folder(folder: Path) -> None:
    """Put what was written into a folder of the store into the bucket, if there is one."""
    store = bucket()
    if store is None or not folder.is_dir():
        return
    held = {found.name: found for found in store.listed(_name(folder))}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        found = held.get(_name(path))
        if found is None or not _is_same(path, found):
            store.upload(_name(path), path)
            _set_changed(path, store.modified_at(_name(path)))
            _count(path.stat().st_size)


def move_into_place(source: Path, target: Path) -> None:
    """Durably and atomically: readers see the whole file or none."""
    store = bucket()
    if store is None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as file:
            os.fsync(file.fileno())
        source.chmod(0o640)
        source.replace(target)
        return
    store.upload(_name(target), source)
    _adopt(source, target)


def write(target: Path, content: bytes) -> None:
    """Write a derived file atomically; it can be made again, so it is not synced to disk."""
    store = bucket()
    if store is not None:
        store.put(_name(target), content)
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file() as file:
        file.write(content)
        file.flush()
        _adopt(Path(file.name), target)


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write many derived files, into a bucket several at once."""
    if bucket() is None:
        for target, content in files.items():
            write(target, content)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(write, files.keys(), files.values()))


def remove(paths: Collection[Path]) -> None:
    """Remove files from the store; those that are not there are none the less gone."""
    for path in paths:
        path.unlink(missing_ok=True)
    store = bucket()
    if store is not None and paths:
        _remove_from(store, [_name(path) for path in paths])


def remove_folder(folder: Path) -> None:
    """Remove a folder of the store with all that is in it, if it is there."""
    if folder.is_dir():
        shutil.rmtree(folder)
    store = bucket()
    if store is not None and folder.is_relative_to(kept()):
        try:
            names = [found.name for found in store.listed(_name(folder))]
        except StoreAwayError:
            names = [f"{_name(folder)}/"]
        _remove_from(store, names)


def sweep_cache() -> int:
    """Keep the cache of a bucket within its bound; returns the bytes that went."""
    if bucket() is None:
        return 0
    return bucket_cache.sweep(kept(), most_bytes=_most_bytes())


def temporary_folder() -> Path:
    """This process's own: what is in it is removed as soon as the process is gone."""
    path = here() / "tmp" / worker_name()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """An open file on the same disk as the store, gone afterwards unless it was moved away."""
    with tempfile.NamedTemporaryFile(dir=temporary_folder(), delete=False) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _name(path: Path) -> str:
    return path.relative_to(kept()).as_posix()


def _download(store: Bucket, path: Path) -> None:
    with temporary_file() as file:
        modified_at = store.download(_name(path), file)
        _require_content(path, Path(file.name))
        _adopt(Path(file.name), path, modified_at)


def _remove_from(store: Bucket, names: Collection[str]) -> None:
    """Their rows are gone already. Not tried again later: by then the same content may have come anew."""
    try:
        store.remove(names)
    except StoreAwayError as error:
        log.error("files that are deleted stay in the bucket", error=str(error), names=list(names))


def _try_fetch(path: Path) -> None:
    try:
        fetch(path)
    except StoreAwayError:
        raise
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EBADMSG):
            raise


def _require_content(path: Path, copy: Path) -> None:
    named = _CONTENT.fullmatch(_name(path))
    if named is None:
        return
    with copy.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != named[2]:
        raise OSError(errno.EBADMSG, f"damaged in the bucket: its SHA-256 is {found}", path.name)


def _adopt(source: Path, target: Path, modified_at: datetime | None = None) -> None:
    """Move a finished file to its place on this disk; in a cache, count it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.chmod(0o640)
    if modified_at is not None:
        _set_changed(source, modified_at)
    size_bytes = source.stat().st_size if settings.PIXELWISE_STORAGE else 0
    source.replace(target)
    _count(size_bytes)


def _count(size_bytes: int) -> None:
    if settings.PIXELWISE_STORAGE and _growth.add(size_bytes, most_bytes=_most_bytes()):
        sweep_cache()


def _most_bytes() -> int:
    return settings.PIXELWISE_STORAGE_CACHE_GB * 1_000_000_000


def _set_changed(path: Path, modified_at: datetime) -> None:
    os.utime(path, (path.stat().st_atime, modified_at.timestamp()))


def _is_older(path: Path, modified_at: datetime) -> bool:
    """The bucket's time of change is a file's version: a copy carries it, and a file written here does not yet."""
    return int(path.stat().st_mtime) != int(modified_at.timestamp())


def _is_same(path: Path, found: KeptFile) -> bool:
    return path.stat().st_size == found.size_bytes and not _is_older(path, found.modified_at)
