"""Single files that people send by mistake or in malice, each with what has to become of it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from tests.hostile.drawn import HEIGHT, WIDTH, wholes
from tests.segmentation.drawings import corners, encoded, heic, noise

_ORIENTATION, _GPS, _EXIF_IFD, _TAKEN_AT, _COMMENT = 0x0112, 0x8825, 0x8769, 0x9003, 0x9286
SCRIPT = b"<html><script>alert(document.cookie)</script></html>"


@dataclass(frozen=True)
class Sample:
    """`name` as sent. `size`: width and height in pixels where the file is to be taken in; `reason`: what the words of
    a refusal must contain."""

    name: str
    content: bytes
    size: tuple[int, int] | None = None
    reason: str = ""


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_saying(
    width: int, height: int, *, rows: int = 0, depth: int = 8, color: int = 0, is_interlaced: bool = False
) -> bytes:
    """A grey (or `color`) PNG whose header says any size, followed by as many empty rows as are asked for."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * depth * {0: 1, 2: 3, 4: 2, 6: 4}[color] + 7) // 8)
    body = b"".join([*(packer.compress(row) for _ in range(rows)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, is_interlaced)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def with_exif(
    content: Image.Image, *, orientation: int = 0, gps: dict[int, object] | None = None, **more: str
) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[_ORIENTATION] = orientation
    if gps is not None:
        exif.get_ifd(_GPS).update(gps)
    for tag, value in {_TAKEN_AT: more.get("taken_at"), _COMMENT: more.get("comment")}.items():
        if value is not None:
            exif.get_ifd(_EXIF_IFD)[tag] = value
    return encoded(content, "JPEG", exif=exif)


def gif_saying(width: int, height: int) -> bytes:
    """The same small frame on a screen of any size."""
    content = wholes()["GIF"]
    return content[:6] + struct.pack("<HH", width, height) + content[10:]


def bmp_saying(width: int, height: int) -> bytes:
    content = wholes()["BMP"]
    return content[:18] + struct.pack("<ii", width, height) + content[26:]


def jpeg_saying(name: str, width: int, height: int) -> bytes:
    """One of `wholes` with another size in the header of its frame, baseline (C0) or progressive (C2)."""
    content = wholes()[name]
    place = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def tiff_saying(width: int, height: int) -> bytes:
    """Width and height are the first two entries that Pillow writes, each a tag of 12 bytes."""
    content = bytearray(wholes()["TIFF"])
    start = struct.unpack_from("<I", content, 4)[0] + 2
    for entry in range(struct.unpack_from("<H", content, start - 2)[0]):
        place = start + 12 * entry
        tag = struct.unpack_from("<H", content, place)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", content, place + 2, 4, 1, width if tag == 256 else height)
    return bytes(content)


def tiff_of(tags: Mapping[int, int | bytes], data: bytes, *, compression: int) -> bytes:
    """A TIFF of 64 × 64 pixels and three samples of 16 bits in one strip; `tags`: a number each, or a list of longs."""
    fields: dict[int, int | bytes] = {256: 64, 257: 64, 258: struct.pack("<III", 16, 16, 16), 259: compression, 262: 2}
    fields |= {277: 3, 278: 64, 273: 0, 279: len(data), **tags}
    place = 8 + 2 + 12 * len(fields) + 4
    entries, lists = b"", b""
    for code, value in sorted(fields.items()):
        if isinstance(value, bytes):
            entries += struct.pack("<HHII", code, 4, len(value) // 4, place + len(lists))
            lists += value
        else:
            entries += struct.pack("<HHII", code, 4, 1, value)
    content = b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4) + lists
    where = content.index(struct.pack("<HHII", 273, 4, 1, 0)) + 8 if 273 not in tags else len(content)
    return content[:where] + struct.pack("<I", len(content)) + content[where + 4 :] + data


def deflated_zeros(megabytes: int) -> bytes:
    """A thousandth of it, without packing all of it."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    # The sum at the end is nobody's: who gets that far has unpacked it all.
    return b"\x78\xda" + piece * megabytes + b"\x03\x00" + bytes(4)


def lzw_zeros(megabytes: int) -> bytes:
    whole = Image.open(
        io.BytesIO(
            encoded(Image.new("L", (1000, 1000 * megabytes)), "TIFF", compression="tiff_lzw", strip_size=2**31 - 1)
        )
    )
    (start,), (length,) = whole.tag_v2[273], whole.tag_v2[279]
    whole.fp.seek(start)
    return bytes(whole.fp.read(length))


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@cache
def samples() -> dict[str, Sample]:
    """All of them, by what they are."""
    return _accepted() | _swelling() | _bombs() | _polyglots() | _impostors() | _names()


def _accepted() -> dict[str, Sample]:
    picture, grain = Image.fromarray(corners(WIDTH, HEIGHT)), Image.fromarray(noise(WIDTH, HEIGHT))
    size = (WIDTH, HEIGHT)
    found = {
        f"whole {name}": Sample(f"{name}.bin", content, (64, 48) if name == "HEIC" else size)
        for name, content in wholes().items()
    }
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    nowhere = {1: "N", 2: (123, 0, 0), 3: "E", 4: (999, 0, 0)}
    return found | {
        "JPEG turned by EXIF": Sample("a.jpg", with_exif(grain, orientation=6), (HEIGHT, WIDTH)),
        "JPEG turned by EXIF in no known way": Sample("a.jpg", with_exif(grain, orientation=77), size),
        "HEIC turned by its box": Sample("a.heic", heic(rotated=True), (48, 64)),
        "GPS out of range": Sample("a.jpg", with_exif(grain, gps=nowhere), size),
        "GPS divided by zero": Sample("a.jpg", _divided_by_zero(grain), size),
        "GPS of a single number": Sample("a.jpg", with_exif(grain, gps={1: "N", 2: 5, 3: "E", 4: 5}), size),
        "taken in the year 9999": Sample("a.jpg", with_exif(grain, taken_at="9999:12:31 23:59:59"), size),
        "taken on no day": Sample("a.jpg", with_exif(grain, taken_at="2026:02:31 25:61:61"), size),
        "web page in EXIF": Sample("a.jpg", with_exif(grain, comment=SCRIPT.decode()), size),
        "script as PNG text": Sample("a.png", encoded(picture, "PNG", pnginfo=_text(SCRIPT.decode())), size),
        "colour profile": Sample("a.png", encoded(picture, "PNG", icc_profile=profile), size),
        "strip 60,000 px wide": Sample("strip.png", png_saying(60_000, 2, rows=2), (60_000, 2)),
        "strip 60,000 px high": Sample("strip.png", png_saying(2, 60_000, rows=60_000), (2, 60_000)),
        "JPEG strip 60,000 px wide": Sample(
            "strip.jpg", encoded(np.zeros((8, 60_000, 3), np.uint8), "JPEG"), (60_000, 8)
        ),
        "one pixel": Sample("dot.png", encoded(np.zeros((1, 1, 3), np.uint8), "PNG"), (1, 1)),
        "wrong ending": Sample("photo.txt", wholes()["PNG"], size),
        "ending of a program": Sample("photo.jpg.exe", wholes()["JPEG"], size),
        "no ending": Sample("photo", wholes()["WebP"], size),
        "ending of another format": Sample("photo.gif", wholes()["BMP"], size),
    }


def _swelling() -> dict[str, Sample]:
    """TIFFs whose strips would unpack to a thousand times the 24,576 bytes of their pixels: these are all that is
    unpacked."""
    size = (64, 64)
    return {
        "TIFF of 8-bit colours that swells": Sample(
            "swells.tif", tiff_of({258: struct.pack("<III", 8, 8, 8)}, deflated_zeros(200), compression=8), size
        ),
        "TIFF of 16-bit colours that swells": Sample(
            "swells.tif", tiff_of({}, deflated_zeros(200), compression=8), size
        ),
        "TIFF of runs that swells": Sample("swells.tif", tiff_of({}, b"\x81\0" * 500_000, compression=32773), size),
        "TIFF by LZW that swells": Sample("swells.tif", tiff_of({}, lzw_zeros(40), compression=5), size),
    }


def _bombs() -> dict[str, Sample]:
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "\0" * 40_000_000, zip=True)
    swelling = encoded(corners(), "PNG", pnginfo=text)
    profile = encoded(corners(WIDTH, HEIGHT), "PNG", icc_profile=bytes(40_000_000))
    numbers = bytes(4 * 1_000_001)
    tiles = {322: 16_000, 323: 12_000, 324: 8, 325: 200}
    exif = b"Exif\0\0II*\0" + bytes(60_000)
    words = (b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif) * 20
    return {
        "TIFF with a list of a million strips": Sample(
            "b.tif", tiff_of({273: numbers, 279: numbers}, b"", compression=1), reason="a list of 1,000,001 numbers"
        ),
        "TIFF with a list of a million places": Sample(
            "b.tif", tiff_of({33550: numbers}, bytes(24_576), compression=1), reason="a list of 1,000,001 numbers"
        ),
        "TIFF with tiles larger than itself": Sample(
            "b.tif", tiff_of(tiles, deflated_zeros(1), compression=8), reason="larger than the picture itself"
        ),
        "JPEG with a megabyte of EXIF": Sample(
            "b.jpg", wholes()["JPEG"][:2] + words + wholes()["JPEG"][2:], reason="words in it take more than 1 MB"
        ),
        "progressive JPEG of 24,000 × 16,000": Sample(
            "b.jpg", jpeg_saying("progressive JPEG", 24_000, 16_000), reason="can only be decoded whole"
        ),
        "interlaced PNG of 24,000 × 16,000": Sample(
            "b.png", png_saying(24_000, 16_000, color=6, is_interlaced=True), reason="can only be decoded whole"
        ),
        "PNG of 60,000 × 60,000": Sample("b.png", png_saying(60_000, 60_000), reason="million pixels"),
        "PNG a pixel too wide": Sample("b.png", png_saying(60_001, 1, rows=1), reason="longest side"),
        "PNG of 4 thousand million a side": Sample("b.png", png_saying(2**31 - 1, 2**31 - 1), reason="longest side"),
        "PNG of no width": Sample("b.png", png_saying(0, 5), reason="damaged"),
        "GIF of 65,535 × 65,535": Sample("b.gif", gif_saying(65_535, 65_535), reason="longest side"),
        "BMP of 50,000 × 50,000": Sample("b.bmp", bmp_saying(50_000, 50_000), reason="million pixels"),
        "BMP of less than no width": Sample("b.bmp", bmp_saying(-48, 32), reason="longest side"),
        "TIFF of 100,000 × 100,000": Sample("b.tif", tiff_saying(100_000, 100_000), reason="longest side"),
        "PNG with a text that swells": Sample("b.png", swelling, reason="unpacks to more than"),
        "PNG with a profile that swells": Sample("b.png", profile, reason="unpacks to more than"),
    }


def _polyglots() -> dict[str, Sample]:
    size = (WIDTH, HEIGHT)
    jpeg, gif, archive = wholes()["JPEG"], wholes()["GIF"], zipped({"x.html": SCRIPT})
    script_in_gif = gif[:6] + b"/*" + gif[8:] + b"*/=1;alert(1)//"
    return {
        "JPEG that is a ZIP too": Sample("a.jpg", jpeg + archive, size),
        "JPEG with a web page behind it": Sample("a.html", jpeg + SCRIPT, size),
        "JPEG with a PDF behind it": Sample("a.pdf", jpeg + b"%PDF-1.7\n%%EOF", size),
        "PDF with a JPEG behind it": Sample("a.jpg", b"%PDF-1.7\n" + jpeg, reason="looks like a PDF"),
        "GIF that is a script too": Sample("a.js", script_in_gif, (0x2A2F, HEIGHT)),
        "web page with a PNG behind it": Sample("a.png", SCRIPT + wholes()["PNG"], reason="looks like a web page"),
        "ZIP called a picture": Sample("a.jpg", archive, reason="looks like a ZIP archive"),
        "animated PNG of 400 frames": Sample("a.png", _long_animation(), size),
    }


def _impostors() -> dict[str, Sample]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    entity = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>'
    return {
        "no bytes": Sample("a.jpg", b"", reason="is empty"),
        "one byte": Sample("a.jpg", b"\xff", reason="not an image"),
        "zero bytes only": Sample("a.png", bytes(5000), reason="not an image"),
        "SVG called PNG": Sample("a.png", svg, reason="an SVG drawing"),
        "SVG that reads files": Sample("a.svg", entity, reason="an SVG drawing"),
        "web page called JPEG": Sample("a.jpg", SCRIPT, reason="a web page"),
        "script": Sample("a.jpg", b"#!/bin/sh\nrm -rf /\n", reason="a script"),
        "program": Sample("a.jpg", b"MZ" + bytes(200), reason="a Windows program"),
        "pickle": Sample("a.png", b"\x80\x04cposix\nsystem\n(S'id'\ntR.", reason="not an image"),
        "PostScript": Sample("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", reason="not an image"),
        "text": Sample("a.bmp", "Günter, anbei die Bilder".encode(), reason="not an image"),
    }


NAMES = {
    "name that climbs out": ("../../../../etc/cron.d/a.png", "etc/cron.d/a.png"),
    "name of the root": ("/etc/passwd", "etc/passwd"),
    "name of a Windows folder": ("C:\\Windows\\System32\\a.png", "C:/Windows/System32/a.png"),
    "name of a device": ("CON.png", "CON.png"),
    "name with a zero byte": ("a\0.png", "a.png"),
    "name of line breaks": ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
    "name of 300 letters": ("n" * 296 + ".png", "n" * 296 + ".png"),
    "name of 2,000 letters": ("n" * 2000 + ".png", "n" * 496 + ".png"),
    "name from right to left": ("صورة‮gnp.exe.png", "صورةgnp.exe.png"),
    "name of emoji": ("📷🔩 crack №1.png", "📷🔩 crack №1.png"),
    "name of a script": ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    "name of a formula": ("=HYPERLINK(1).png", "=HYPERLINK(1).png"),
    "name of half a letter": ("a\ud800.png", "a.png"),
    "name of nothing but dots": ("....//..", "...."),
    "no name": ("", "unnamed"),
}
"""What a file is called by its sender, and what it is called here."""


def _names() -> dict[str, Sample]:
    """The same name twice in other case is two pictures, so each picture is one of its own."""
    found = {
        kind: Sample(sent, encoded(noise(WIDTH, HEIGHT, 100 + place), "PNG"), (WIDTH, HEIGHT))
        for place, (kind, (sent, _)) in enumerate(NAMES.items())
    }
    same = {
        name: Sample(name, encoded(noise(WIDTH, HEIGHT, 300 + place), "PNG"), (WIDTH, HEIGHT))
        for place, name in enumerate(("Part.PNG", "part.png", "PART.png"))
    }
    return found | same


def _text(value: str) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", value)
    return text


def _divided_by_zero(content: Image.Image) -> bytes:
    whole = with_exif(content, gps={1: "N", 2: (51, 51, 51), 3: "E", 4: (51, 51, 51)})
    return whole.replace(struct.pack(">II", 51, 1), struct.pack(">II", 51, 0)).replace(
        struct.pack("<II", 51, 1), struct.pack("<II", 51, 0)
    )


def _long_animation() -> bytes:
    first = Image.fromarray(noise(WIDTH, HEIGHT, 7))
    rest = [Image.fromarray(np.full((HEIGHT, WIDTH, 3), grey, np.uint8)) for grey in range(256)] * 2
    return encoded(first, "PNG", save_all=True, append_images=rest[:399])
