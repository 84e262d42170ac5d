"""Pictures that no decoder here can read row by row: what they take, and how large they may be."""

from __future__ import annotations

from PIL import Image

from segmentation import exif
from segmentation.tiff_rows import TiffRows
from segmentation.truncation import Content, as_file, jpeg_segments

WHOLE_BYTES = 1_250_000_000
"""What a picture decoded whole may take with what is made of it: 1.5 GB with the rows that are being worked on."""

_CURE = (
    "save it upright as a JPEG that is not progressive, a PNG that is not interlaced, or a TIFF in strips or tiles, "
    "which are read row by row"
)
_START_OF_SCAN = 0xDA
# The picture as it is kept, or its mask and regions; another copy while it is turned.
_KEPT, _TURNED = 3.0, 3.0
# What is held beside it: by Pillow, by OpenCV of a still WebP, and of those formats of which several copies are made.
_PILLOW, _WEBP, _HEIC, _ANIMATION = 4.0, 5.0, 12.0, 17.0


def reason_to_refuse(image: Image.Image, content: Content) -> str | None:
    """Why an opened picture of this size is not accepted, as PictureError says it; None where it is."""
    pixels = image.width * image.height
    if pixels * (_ANIMATION + _KEPT) <= WHOLE_BYTES:
        return None
    kind, decoder = _decoder(image, content)
    is_turned = exif.read(image, content).orientation != 1
    if decoder == 0 and not is_turned:
        return None
    taken = decoder + _KEPT + (_TURNED if is_turned else 0)
    if pixels * taken <= WHOLE_BYTES:
        return None
    return _in_words(image, f"{kind} lying on its side" if is_turned else kind, taken)


def reason_not_by_pillow(image: Image.Image) -> str | None:
    """The same of a picture that others decode, where they could not and Pillow would have to."""
    taken = _KEPT + {"WEBP": _ANIMATION, "HEIF": _HEIC}.get(str(image.format), _PILLOW)
    is_taken = image.width * image.height * taken <= WHOLE_BYTES
    return None if is_taken else _in_words(image, f"a {image.format} of an unusual kind", taken)


def _in_words(image: Image.Image, kind: str, taken: float) -> str:
    return (
        f"is {image.width:,} × {image.height:,} pixels and {kind}, which can only be decoded whole; "
        f"of these at most {WHOLE_BYTES / taken / 1e6:,.0f} million pixels are accepted: {_CURE}"
    )


def _decoder(image: Image.Image, content: Content) -> tuple[str, float]:
    """What it is, and how many bytes a pixel its decoder holds of all of it: none where it goes row by row."""
    format = image.format
    if format in ("JPEG", "MPO"):
        return _jpeg(image, content)
    if format == "PNG":
        return _png(content)
    if format == "TIFF":
        rows = TiffRows.opened(as_file(content))
        if rows is None:
            return "a TIFF of an unusual kind", _PILLOW
        with rows:
            return "a TIFF", 0.0
    if format == "WEBP" and not is_animated_webp(content):
        return "a WebP", _WEBP
    return {"WEBP": ("an animated WebP", _ANIMATION), "HEIF": ("a HEIC", _HEIC)}.get(
        str(format), (f"a {format}", _PILLOW)
    )


def _jpeg(image: Image.Image, content: Content) -> tuple[str, float]:
    """Of several scans all coefficients are held, 2 bytes each, until the last scan has come."""
    components = [(across, down) for _, across, down, _ in image.layer]  # type: ignore[attr-defined]
    coefficients = 0.0
    if "progressive" in image.info or jpeg_first_scan(content) < len(components):
        largest = max(across for across, _ in components) * max(down for _, down in components)
        coefficients = 2 * sum(across * down for across, down in components) / largest
    pixels = 0.0 if image.mode in ("RGB", "L") else _PILLOW
    kind = f"a {'progressive ' if coefficients else ''}{'CMYK ' if pixels else ''}JPEG"
    return kind, coefficients + pixels


def jpeg_first_scan(content: Content) -> int:
    """How many components a JPEG's first scan has: fewer than the picture where there are several scans."""
    starts = [start for marker, start, _ in jpeg_segments(content) if marker == _START_OF_SCAN]
    return content[starts[0]] if starts and starts[0] < len(content) else 0


def _png(content: Content) -> tuple[str, float]:
    depth, colours, is_interlaced = content[24], content[25], content[28]
    if not is_interlaced:
        return "a PNG", 0.0
    samples = {0: 2, 2: 4, 3: 4, 4: 2, 6: 4}[colours]
    return "an interlaced PNG", samples * max(1, depth / 8)


def is_animated_webp(content: Content) -> bool:
    """By the second bit of the extended header's flags (WebP container, "Extended File Format")."""
    return content[12:16] == b"VP8X" and bool(content[20] & 2)
