"""One file that holds an installation: its database and its files, with a checksum of every part.

A backup is a plain tar: `manifest.json`, `database.dump` (pg_dump's custom format), the files, `checksums.txt` last.
The database is dumped first, in one snapshot. Files are named by their content or written before their rows, so that
files copied after it are never older than the rows that name them. Files of a bucket are copied in under the names that
they have in a data folder: a backup can be restored to either.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from webapp.services.postgres import binaries
from webapp.services.start_error import StartError

FORMAT = 1
MANIFEST, DUMP, CHECKSUMS = "manifest.json", "database.dump", "checksums.txt"
FILES = "files"
# The services' own, and what is made again or worthless elsewhere.
LEFT_OUT = frozenset({"postgres", "postgres.new", "valkey", "run", "logs", "tmp", "cache"})
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `vanished_count`: files that were deleted while it was written."""

    pixelwise: str
    made_at: str
    file_count: int
    size_bytes: int
    vanished_count: int = 0


class FileStore(Protocol):
    """Where files lie, if not in the data folder."""

    def names(self) -> Iterator[str]: ...

    def download(self, name: str, target: IO[bytes]) -> object: ...

    def upload(self, name: str, path: Path) -> None: ...


def write_backup(
    target: Path, *, data: Path, database: Mapping[str, Any], version: str, store: FileStore | None = None
) -> Backup:
    """Write a backup of `data` and `database` (Django's connection settings) to the file `target`.

    `store`: the bucket that holds the files, where `data` does not. The backup appears under its name when it is whole
    and on disk. StartError where `target` exists, lies in the data folder or cannot be written, and where the database
    cannot be dumped.
    """
    target = target.absolute()
    if target.exists():
        raise StartError(f"{target} exists: name a file that does not, or remove it first.")
    if target.resolve().is_relative_to(data.resolve()):
        raise StartError(f"{target} lies in the data folder itself: name a file on another disk, or at least outside.")
    draft = target.with_name(f"{target.name}.partial")
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("xb") as file, tempfile.TemporaryDirectory(dir=target.parent, prefix=".pixelwise-") as scratch:
            dump = Path(scratch) / DUMP
            _dump(database, dump)
            facts = {"format": FORMAT, "pixelwise": version, "made_at": made_at}
            file_count, vanished = _pack(file, data, dump, facts, store)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StartError(f"The backup could not be written to {target} ({error.strerror or error}).") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    draft.rename(target)
    return Backup(version, made_at, file_count, target.stat().st_size, vanished)


def unpack_backup(source: Path, *, data: Path) -> tuple[Backup, Path]:
    """Unpack a backup's files into `data` and return what it holds, and where its database dump lies, beside `data`.

    Every checksum is compared before `data` appears. StartError where `data` holds anything already, where the
    file is no backup, is damaged or was made by a later Pixelwise's format.
    """
    if data.exists() and any(data.iterdir()):
        raise StartError(f"The data folder {data} is not empty: set PIXELWISE_DATA to a folder that is not there yet.")
    draft = data.with_name(f"{data.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        backup = _unpack(source, draft)
        dump = data.with_name(f"{data.name}.{DUMP}")
        (draft / DUMP).replace(dump)
        if data.exists():
            data.rmdir()
        files = draft / FILES
        files.mkdir(exist_ok=True)
        files.rename(data)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except (OSError, tarfile.TarError, json.JSONDecodeError, KeyError) as error:
        raise StartError(f"{source} cannot be read as a backup ({error}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return backup, dump


def load_dump(dump: Path, *, database: Mapping[str, Any]) -> None:
    """Fill an empty database from a dump, in one transaction. StartError where it holds tables, or the dump fails."""
    listed = _run("psql", database, "-Atc", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    if listed.strip() != "0":
        raise StartError("The database is not empty: name an empty one in DATABASE_URL.")
    _run("pg_restore", database, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(dump))


def _dump(database: Mapping[str, Any], target: Path) -> None:
    # Who watches a database's statements is its server's affair.
    without = "--exclude-extension=pg_stat_statements"
    _run("pg_dump", database, "--format=custom", "--no-owner", without, f"--file={target}")


def _run(program: str, database: Mapping[str, Any], *arguments: str) -> str:
    """Run one of PostgreSQL's programs on a database; StartError with its last words where it fails."""
    given = {
        "PGHOST": database.get("HOST"),
        "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"),
        "PGPASSWORD": database.get("PASSWORD"),
        "PGDATABASE": database.get("NAME"),
        "PGSSLMODE": (database.get("OPTIONS") or {}).get("sslmode"),
    }
    environment = os.environ | {name: str(value) for name, value in given.items() if value}
    words = [str(binaries() / program), *arguments]
    if program == "pg_restore":
        words.insert(1, f"--dbname={database['NAME']}")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise StartError(f"{program} failed: {last}")
    return done.stdout


def _pack(
    file: IO[bytes], data: Path, dump: Path, facts: Mapping[str, Any], store: FileStore | None
) -> tuple[int, int]:
    sums: list[str] = []
    vanished = 0
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        _add_text(tar, MANIFEST, json.dumps(facts, indent=1))
        sums.append(_add(tar, DUMP, dump))
        for path in _files(data):
            try:
                sums.append(_add(tar, f"{FILES}/{path.relative_to(data).as_posix()}", path))
            except FileNotFoundError:
                vanished += 1
        if store is not None:
            vanished += _add_stored(tar, store, sums, dump.parent)
        _add_text(tar, CHECKSUMS, "".join(f"{line}\n" for line in sums))
    return len(sums) - 1, vanished


def _add_stored(tar: tarfile.TarFile, store: FileStore, sums: list[str], scratch: Path) -> int:
    """Add the bucket's files and their lines of the checksums; returns how many went meanwhile."""
    vanished = 0
    for name in store.names():
        try:
            with tempfile.NamedTemporaryFile(dir=scratch) as copy:
                store.download(name, copy)
                sums.append(_add(tar, f"{FILES}/{name}", Path(copy.name)))
        except FileNotFoundError:
            vanished += 1
    return vanished


def _files(data: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(data):
        here = Path(folder)
        if here == data:
            names[:] = [name for name in names if name not in LEFT_OUT]
            files = [name for name in files if not name.endswith((".lock", ".pid"))]
        names.sort()
        yield from (here / name for name in sorted(files) if not (here / name).is_symlink())


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    content = text.encode()
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str:
    """Add one file and return its line of the checksums. FileNotFoundError before anything was added."""
    with path.open("rb") as file:
        member = tar.gettarinfo(arcname=name, fileobj=file)
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        counted = _Hashing(file)
        tar.addfile(member, counted)
    return f"{counted.digest.hexdigest()}  {name}"


class _Hashing:
    """A file that hashes what is read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self.digest.update(chunk)
        return chunk


def _unpack(source: Path, draft: Path) -> Backup:
    found: dict[str, str] = {}
    expected: dict[str, str] = {}
    facts: dict[str, Any] | None = None
    with tarfile.open(source, mode="r|") as tar:
        for member in tar:
            if facts is None:
                facts = _facts(tar, member, source)
            elif member.name == CHECKSUMS:
                lines = _content(tar, member).read().decode().splitlines()
                expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
            else:
                found[member.name] = _extract(tar, member, draft)
    if facts is None or not expected:
        raise StartError(f"{source} ends before its checksums: it is damaged or was not written to the end.")
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if wrong:
        raise StartError(f"{source} is damaged: {len(wrong)} of {len(expected)} files differ, the first is {wrong[0]}.")
    return Backup(facts["pixelwise"], facts["made_at"], len(found) - 1, source.stat().st_size)


def _facts(tar: tarfile.TarFile, member: tarfile.TarInfo, source: Path) -> dict[str, Any]:
    if member.name != MANIFEST or member.size > _CHUNK_BYTES:
        raise StartError(f"{source} is no backup of Pixelwise: expected {MANIFEST} first, got {member.name[:80]!r}.")
    facts: dict[str, Any] = json.load(_content(tar, member))
    if facts["format"] != FORMAT:
        raise StartError(
            f"{source} has format {facts['format']}, this Pixelwise reads {FORMAT}: use a newer Pixelwise."
        )
    return facts


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, draft: Path) -> str:
    """Write one member below `draft` and return its SHA-256."""
    place = PurePosixPath(member.name)
    if not member.isreg() or place.is_absolute() or ".." in place.parts:
        raise StartError(f"The backup holds {member.name[:80]!r}, which no backup of Pixelwise does.")
    target = draft / place
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    content = _content(tar, member)
    with target.open("xb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    target.chmod(member.mode & 0o770 | 0o600)
    return digest.hexdigest()


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise StartError(f"The backup holds {member.name[:80]!r}, which is no file.")
    return content


@contextmanager
def removed_afterwards(path: Path) -> Iterator[Path]:
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
