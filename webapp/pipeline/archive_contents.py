"""How much a ZIP's own table of contents says it holds, read before anything believes it.

Python's zipfile reads the whole table into memory at once: a table of gigabytes must be refused before.
Source: PKWARE's APPNOTE.TXT, 4.3.16 (end of central directory) and 4.3.14 (its ZIP64 form).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO

# Names may have 65,535 bytes by the format; a thousand for each file is more than any real archive has.
_TABLE_BYTES_A_FILE = 1000
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


class ArchiveRefusedError(Exception):
    """An archive that is not unpacked; the text continues a sentence about it."""


def require_readable(path: Path, *, most_files: int) -> None:
    """ArchiveRefusedError where the table of contents is too long for so many files. A broken one zipfile judges."""
    with path.open("rb") as file:
        table_bytes = _table_bytes(file)
    if table_bytes > most_files * _TABLE_BYTES_A_FILE:
        raise ArchiveRefusedError(f"has a table of contents of {table_bytes / 1e6:,.0f} MB: not opened")


def _table_bytes(file: IO[bytes]) -> int:
    """Length of the central directory; 0 where its end cannot be found."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END.size - 65_535)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        return 0
    table_bytes = int(_END.unpack_from(tail, at)[5])
    located = start + at - _LOCATOR_64.size
    if table_bytes != 0xFFFFFFFF or located < 0:
        return table_bytes
    file.seek(located)
    mark, _, end_64_at, _ = _LOCATOR_64.unpack(file.read(_LOCATOR_64.size))
    file.seek(end_64_at if mark == b"PK\x06\x07" else size)
    end_64 = file.read(_END_64.size)
    return int(_END_64.unpack(end_64)[8]) if len(end_64) == _END_64.size else table_bytes
