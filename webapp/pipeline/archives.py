"""ZIPs from strangers: their list is measured before it is read, and every reason not to open one is in words."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from webapp.pipeline.outages import is_of_the_machine

MAX_RATIO = 200
_RATIO_COUNTS_FROM_BYTES = 10_000_000
# The others take memory as the archive pleases (LZMA up to 4 GB), and no camera or file manager writes them.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
# APPNOTE.TXT of PKWARE, 4.3.12 (central directory header), 4.3.14 (zip64 end), 4.3.16 (end of central directory).
_HEADER, _END, _END_64 = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"
_HEADER_BYTES, _END_BYTES, _END_64_BYTES = 46, 22, 56
_TAIL_BYTES = 65_535 + _END_BYTES + 20 + _END_64_BYTES
_MOST_BYTES_AN_ENTRY = 1000
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, OSError),
)


class ArchiveError(ValueError):
    """A ZIP or an entry of one that is not opened. The text continues a sentence about it: "photos.zip …"."""


@contextmanager
def opened_archive(path: Path, *, most_entries: int) -> Iterator[zipfile.ZipFile]:
    """A ZIP of at most `most_entries` entries, folders among them. ArchiveError for what is damaged or is none.

    Reading the list of a ZIP costs memory for each entry, whatever `most_entries` says: so it is counted first.
    """
    with told_in_words("is damaged"):
        count = _entry_count(path, most_entries)
        if count > most_entries:
            raise ArchiveError(f"holds {count:,} files; an archive may hold {most_entries:,}")
        archive = zipfile.ZipFile(path)
    with archive:
        if sum(entry.compress_size for entry in archive.infolist()) > path.stat().st_size:
            raise ArchiveError("is no ordinary ZIP: its files lie on top of each other")
        yield archive


@contextmanager
def told_in_words(beginning: str) -> Iterator[None]:
    """Whatever a damaged archive raises comes out as ArchiveError; a full disk goes on as it is."""
    try:
        yield
    except ArchiveError:
        raise
    except MemoryError as error:
        raise ArchiveError(f"{beginning}: it needs more memory than this machine has") from error
    except _DAMAGE as error:
        if is_of_the_machine(error):
            raise
        # An OSError with a number would name the server's own paths.
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ArchiveError(f"{beginning}: {reason}") from error


def refusal(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry is not unpacked, in words that follow its name; None where it may be."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link, not a file"
    if entry.flag_bits & 0x1:
        return "is locked with a password"
    if entry.compress_type not in _METHODS:
        method = zipfile.compressor_names.get(  # type: ignore[attr-defined]
            entry.compress_type, str(entry.compress_type)
        )
        return f"is packed by the method “{method}”; expected “deflate”, as ZIPs usually are"
    if entry.file_size > MAX_RATIO * max(entry.compress_size, 1) and entry.file_size > _RATIO_COUNTS_FROM_BYTES:
        return f"is packed more than {MAX_RATIO} times smaller than it is: not opened"
    return None


def is_hidden(name: str) -> bool:
    """Files that systems leave in folders and nobody means to upload."""
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith(".") or parts[-1].lower() in ("thumbs.db", "desktop.ini")


def _entry_count(path: Path, most: int) -> int:
    """Entries in the archive's list, counted to one more than `most`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
        end, length = _directory(tail)
        start = size - len(tail) + end - length
        if length > most * _MOST_BYTES_AN_ENTRY or start < 0:
            raise ArchiveError(f"has a list of {length / 1e6:,.0f} MB, too long for {most:,} files")
        file.seek(start)
        listed = file.read(length)
    count = place = 0
    while place + _HEADER_BYTES <= len(listed) and listed[place : place + 4] == _HEADER and count <= most:
        place += _HEADER_BYTES + sum(struct.unpack_from("<HHH", listed, place + 28))
        count += 1
    return count


def _directory(tail: bytes) -> tuple[int, int]:
    """Where in the archive's last bytes its list ends, and how many bytes the list has."""
    end = tail.rfind(_END)
    if end < 0 or end + _END_BYTES > len(tail):
        raise ArchiveError("is no ZIP archive, or its end is missing")
    (length,) = struct.unpack_from("<I", tail, end + 12)
    end_64 = tail.rfind(_END_64, 0, end)
    if end_64 < 0 or end_64 + _END_64_BYTES > end:
        return end, length
    (length_64,) = struct.unpack_from("<Q", tail, end_64 + 40)
    return end_64, length_64
