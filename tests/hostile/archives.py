"""ZIPs that no honest program writes, put together byte by byte where zipfile refuses to."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache

from tests.hostile.samples import NAMES, zipped
from tests.images import picture, png

KIB = 1 << 10
_LOCAL, _LISTED, _END = "<4sHHHHHIIIHH", "<4sHHHHHHIIIHHHHHII", "<4sHHHHIIH"


@dataclass(frozen=True)
class Entry:
    """One file of an archive as its two headers describe it. What is not said is true of `content`."""

    name: bytes
    content: bytes
    flags: int = 0
    method: int = zipfile.ZIP_STORED
    listed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    packed: bytes | None = None

    @property
    def body(self) -> bytes:
        return self.content if self.packed is None else self.packed

    @property
    def facts(self) -> tuple[int, int, int]:
        size = len(self.content) if self.listed_size is None else self.listed_size
        return (zlib.crc32(self.content) if self.crc is None else self.crc), len(self.body), size


def archive(entries: list[Entry], *, copies: int = 1) -> bytes:
    """Local headers and contents, then the list, in which every entry stands `copies` times."""
    body, listed, count = b"", [], 0
    for entry in entries:
        offset = len(body) if entry.offset is None else entry.offset
        local = struct.pack(
            _LOCAL, b"PK\x03\x04", 20, entry.flags, entry.method, 0, 33, *entry.facts, len(entry.name), 0
        )
        if entry.offset is None:
            body += local + entry.name + entry.body
        head = (b"PK\x01\x02", 20, 20, entry.flags, entry.method, 0, 33, *entry.facts, len(entry.name))
        listed.append((struct.pack(_LISTED, *head, 0, 0, 0, 0, 0, offset) + entry.name) * copies)
        count += copies
    directory = b"".join(listed)
    end = struct.pack(_END, b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body), 0)
    return body + directory + end


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def linked(name: str, target: str) -> bytes:
    """A ZIP with a symbolic link, beside one picture."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        link = zipfile.ZipInfo(name)
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, target)
        packed.writestr("whole.png", png(picture(mark=1)))
    return stream.getvalue()


def overlapping(count: int) -> bytes:
    """Many entries that all unpack the same stretch of the file: a few KB of archive, megabytes of files.

    After David Fifield, "A better zip bomb", USENIX WOOT 2019.
    """
    content = bytes(64 * KIB)
    kernel = deflated(content)
    first = Entry(b"0.png", content, method=zipfile.ZIP_DEFLATED, packed=kernel)
    return archive([first, *(Entry(b"0.png", content, 0, 8, packed=kernel, offset=0) for _ in range(count - 1))])


def nested(depth: int) -> bytes:
    content = bytes(100_000)
    for level in range(depth):
        content = zipped({f"{level}-{copy}.zip": content for copy in range(4)})
    return content


def compressed(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        packed.writestr("a.png", png(picture(mark=2)))
    return stream.getvalue()


@dataclass(frozen=True)
class HostileZip:
    """`names` of the pictures that come out, and `reasons`: what is refused, with a piece of its words."""

    content: bytes
    names: frozenset[str] = frozenset()
    reasons: tuple[tuple[str, str], ...] = ()


def _alone(content: bytes, reason: str) -> HostileZip:
    return HostileZip(content, frozenset(), (("photos.zip", reason),))


@cache
def hostile_zips() -> dict[str, HostileZip]:
    whole, other = png(picture(mark=1)), png(picture(mark=2))
    named = zipped({"whole.png": whole})
    bad_sum = archive([Entry(b"bad.png", other, crc=1), Entry(b"whole.png", whole)])
    longer = archive([Entry(b"bad.png", other, listed_size=len(other) * 9), Entry(b"whole.png", whole)])
    shorter = archive([Entry(b"bad.png", other, listed_size=20), Entry(b"whole.png", whole)])
    huge = archive([Entry(b"bad.png", other, listed_size=3_000_000_000), Entry(b"whole.png", whole)])
    garbage = archive([Entry(b"bad.png", other, method=8, packed=b"\xff" * 99), Entry(b"whole.png", whole)])
    bzip2 = archive([Entry(b"bad.png", other, method=12, packed=b"\xff" * 99), Entry(b"whole.png", whole)])
    locked = archive([Entry(b"bad.png", other, flags=1), Entry(b"whole.png", whole)])
    strong = archive([Entry(b"bad.png", other, flags=0x41), Entry(b"whole.png", whole)])
    device = archive([Entry(b"/dev/sda.png", other), Entry(b"NUL", b"x"), Entry(b"whole.png", whole)])
    kept = frozenset({"whole.png"})
    return {
        "an end alone": _alone(b"PK\x05\x06" + bytes(18), "holds no files"),
        "cut off": _alone(named[:-30], "not an image"),
        "a list of lies": _alone(named[:-10] + b"\xff\xff\xff\xff" + named[-6:], "too long"),
        "names that are no UTF-8": _alone(archive([Entry(b"\xff\xfe\x80.png", whole, flags=0x800)]), "is damaged"),
        "overlapping files": _alone(overlapping(400), "on top of each other"),
        "a million entries": _alone(archive([Entry(b"a", b"x")], copies=151_000), "may hold"),
        "wrong checksum": HostileZip(bad_sum, kept, (("bad.png", "is damaged inside the archive"),)),
        "more promised than sent": HostileZip(longer, kept | {"bad.png"}),
        "less promised than sent": HostileZip(shorter, kept, (("bad.png", "is damaged"),)),
        "3 GB promised": HostileZip(huge, kept, (("bad.png", "200 times"),)),
        "garbage for deflate": HostileZip(garbage, kept, (("bad.png", "is damaged inside the archive"),)),
        "garbage for bzip2": HostileZip(bzip2, kept, (("bad.png", "is damaged inside the archive"),)),
        "packed by bzip2": HostileZip(compressed(zipfile.ZIP_BZIP2), frozenset({"a.png"})),
        "packed by LZMA": HostileZip(compressed(zipfile.ZIP_LZMA), frozenset(), (("a.png", "method “lzma”"),)),
        "locked": HostileZip(locked, kept, (("bad.png", "password"),)),
        "locked strongly": HostileZip(strong, kept, (("bad.png", "password"),)),
        "devices": HostileZip(device, kept | {"dev/sda.png"}, (("NUL", "not an image"),)),
        "a link to a secret": HostileZip(linked("a.png", "/etc/passwd"), kept, (("a.png", "is a link"),)),
        "a link with a long name": HostileZip(linked("n" * 3000, "x"), kept, (("n" * 500, "is a link"),)),
        "ZIPs in ZIPs": HostileZip(
            nested(2), frozenset(), tuple((f"1-{copy}.zip", "an archive inside an archive") for copy in range(4))
        ),
        "one name twice": HostileZip(archive([Entry(b"whole.png", whole), Entry(b"whole.png", other)]), kept | {"*2"}),
        "one name in three cases": HostileZip(
            zipped({name: png(picture(mark=mark)) for mark, name in enumerate(("A.png", "a.png", "a.PNG"))}),
            frozenset({"A.png", "a.png", "a.PNG"}),
        ),
        "a file that is a folder too": HostileZip(
            zipped({"a.png": whole, "a.png/b.png": other}), frozenset({"a.png", "a.png/b.png"})
        ),
        "names of every kind": HostileZip(
            zipped({sent: png(picture(mark=mark)) for mark, sent in enumerate(_names())}),
            frozenset(_names().values()),
        ),
    }


def _names() -> dict[str, str]:
    """Those that a ZIP can hold and that do not begin with a dot, as what nobody means to upload does."""
    unfit = ("\0", "\ud800", "....")
    return {sent: known for sent, known in NAMES.values() if sent and not any(part in sent for part in unfit)}
