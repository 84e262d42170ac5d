"""What a file seems to be by its first bytes, so that the reason why it was refused helps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileKind:
    """`name` with its article, empty where unknown; `is_accepted`: a format that should have opened."""

    name: str
    is_accepted: bool = False


_BEGINNINGS: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xd8\xff", FileKind("a JPEG", True)),
    (b"\x89PNG\r\n\x1a\n", FileKind("a PNG", True)),
    (b"II*\x00", FileKind("a TIFF", True)),
    (b"MM\x00*", FileKind("a TIFF", True)),
    (b"GIF8", FileKind("a GIF", True)),
    (b"BM", FileKind("a BMP", True)),
    (b"%PDF", FileKind("a PDF")),
    (b"PK\x03\x04", FileKind("a ZIP archive or an office document")),
    (b"PK\x05\x06", FileKind("an empty ZIP archive")),
    (b"Rar!", FileKind("a RAR archive")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("a 7-Zip archive")),
    (b"\x1f\x8b", FileKind("a gzip archive")),
    (b"\xd0\xcf\x11\xe0", FileKind("an old office document")),
    (b"8BPS", FileKind("a Photoshop file")),
    (b"\x00\x00\x01\x00", FileKind("an icon")),
    (b"MZ", FileKind("a Windows program")),
    (b"\x7fELF", FileKind("a Linux program")),
    (b"\x93NUMPY", FileKind("a NumPy array")),
    (b"\x1aE\xdf\xa3", FileKind("a video")),
    (b"ID3", FileKind("a sound file")),
    (b"#!", FileKind("a script")),
)
_MOVIE_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp4", b"3gp5")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


def looks_like(head: bytes) -> FileKind:
    """Guess from a file's first bytes (a thousand are plenty)."""
    if head[4:8] == b"ftyp":
        return _boxed(head[8:12])
    if head[:4] == b"RIFF":
        return _riff(head[8:12])
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    return _text(head)


def _boxed(brand: bytes) -> FileKind:
    if brand in _HEIF_BRANDS:
        return FileKind("a HEIC", True)
    if brand in (b"avif", b"avis"):
        return FileKind("an AVIF; save it as JPEG or PNG")
    if brand == b"crx ":
        return FileKind("a camera's raw file; export it as JPEG or TIFF")
    return FileKind("a video" if brand in _MOVIE_BRANDS else "")


def _riff(kind: bytes) -> FileKind:
    if kind == b"WEBP":
        return FileKind("a WebP", True)
    return FileKind({b"AVI ": "a video", b"WAVE": "a sound file"}.get(kind, ""))


def _text(head: bytes) -> FileKind:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in start:
        return FileKind("an SVG drawing")
    if start.startswith((b"<!doctype html", b"<html")):
        return FileKind("a web page")
    if start and all(byte >= 32 or byte in b"\t\n\r\f" for byte in start) and b"\x7f" not in start:
        return FileKind("text")
    return FileKind("")
