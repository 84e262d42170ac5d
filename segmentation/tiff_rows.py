"""TIFF and GeoTIFF by strips or tiles: samples of 8, 16 or 32 bits, of which the first three are taken as colours."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from segmentation.pixel_modes import brightest_of, samples_to_rgb, strips_of, white_of

_LARGEST_SEGMENT_BYTES = 256_000_000
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_TYPES = ("uint8", "uint16", "uint32", "float32")
_OPACITY = (1, 2)
_BAND_PIXELS = 4_000_000
_PLAIN, _JPEG = 1, 7
# LZW, deflate by both of its numbers, and PackBits: what they compress are bytes, whatever those stand for.
_OF_BYTES = (5, 8, 32946, 32773)
# No compression makes more of a strip than that, but for what a JPEG's tables take.
_LARGEST_GROWTH, _TABLES_BYTES = 2, 1_000_000

# What tifffile raises on files that are not what they say.
BROKEN = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError, struct.error)


class TiffRows:
    """The first page of a TIFF, decoded no further than rows are asked for; see `rasters.Raster`.

    Samples of more than 8 bits are scaled as `pixel_modes.scale_to_8_bit` says, by the brightest of the whole picture,
    which is looked for once when it is opened. Transparent parts show white; further bands are left out.
    """

    def __init__(self, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
        self._file, self._page = file, page
        self.height, self.width = int(page.imagelength), int(page.imagewidth)
        self._samples_per_pixel = int(page.samplesperpixel)
        self._type = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        self._is_stored_rows = _are_stored_rows(page)
        self.block_rows = 1 if self._is_stored_rows else _rows_of_a_segment(page)
        self._kept_top, self._kept = 0, np.empty((0, self.width, self._samples_per_pixel), self._type)
        self._white: float | None = None

    @classmethod
    def opened(cls, path: Path | IO[bytes]) -> TiffRows | None:
        """None where the layout is not one of those read here, or the file is none."""
        try:
            file = tifffile.TiffFile(path)
        except BROKEN:
            return None
        try:
            page = file.pages[0]
            if isinstance(page, tifffile.TiffPage) and _is_known(page):
                return cls(file, page)
        except BROKEN:
            pass
        file.close()
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def rows(self, top: int, bottom: int) -> npt.NDArray[np.uint8]:
        white = 255.0 if self._type == np.uint8 else self._white_level()
        is_inverted = self._page.photometric == _WHITE_IS_ZERO
        samples = self._samples(top, bottom)
        return samples_to_rgb(samples, white, opacity_at=self._opacity_at(), is_inverted=is_inverted)

    def forget(self, bottom: int) -> None:
        """Nothing is kept but the rows asked for last."""

    def _samples(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """(rows, W, S) as they are stored; rows that the last call gave are not decoded again."""
        if self._is_stored_rows:
            return self._stored_rows(top, bottom)
        found = np.zeros((bottom - top, self.width, self._samples_per_pixel), self._type)
        known = self._kept[max(0, top - self._kept_top) :][: bottom - top] if top >= self._kept_top else self._kept[:0]
        found[: len(known)] = known
        first = top + len(known)
        # Let go before others are decoded.
        known = self._kept = self._kept[:0].copy()
        for index in self._segments(first, bottom):
            self._paste(index, found, top, first)
        self._kept_top, self._kept = top, found
        return found

    def _segments(self, top: int, bottom: int) -> list[int]:
        """Numbers of the strips or tiles that have rows of these."""
        page = self._page
        high = _rows_of_a_segment(page)
        across = -(-self.width // int(page.tilewidth)) if page.is_tiled else 1
        planes = int(page.samplesperpixel) if page.planarconfig == 2 else 1
        down = -(-self.height // high)
        rows = range(top // high, -(-bottom // high)) if top < bottom else range(0)
        return [
            plane * down * across + row * across + column
            for plane in range(planes)
            for row in rows
            for column in range(across)
        ]

    def _paste(self, index: int, target: npt.NDArray[Any], target_top: int, wanted_top: int) -> None:
        """Decode a strip or tile into the rows `target_top` and following, but for those above `wanted_top`."""
        found = self._decoded(index)
        if found is None:
            return
        pixels, (plane, row, column) = found
        first = max(row, wanted_top)
        last = min(row + pixels.shape[0], target_top + len(target))
        right = min(self.width, column + pixels.shape[1])
        part = pixels[first - row : last - row, : right - column]
        samples = slice(plane, plane + 1) if self._page.planarconfig == 2 else slice(None)
        target[first - target_top : last - target_top, column:right, samples] = part

    def _decoded(self, index: int) -> tuple[npt.NDArray[Any], tuple[int, int, int]] | None:
        """Pixels (h, w, S) of a segment and its plane, row and column; None where a sparse file has none."""
        page = self._page
        count = page.databytecounts[index]
        if count == 0:
            return None
        plane, row, column = self._place(index)
        high = int(page.tilelength) if page.is_tiled else min(int(page.rowsperstrip), self.height - row)
        most = _LARGEST_GROWTH * _segment_bytes(page, high) + _TABLES_BYTES
        data = self._read(page.dataoffsets[index], min(count, most))
        return _unpacked(page, data, high), (plane, row, column)

    def _place(self, index: int) -> tuple[int, int, int]:
        page = self._page
        if not page.is_tiled:
            down = -(-self.height // int(page.rowsperstrip))
            return index // down, index % down * int(page.rowsperstrip), 0
        across, down = -(-self.width // int(page.tilewidth)), -(-self.height // int(page.tilelength))
        plane, place = divmod(index, across * down)
        return plane, place // across * int(page.tilelength), place % across * int(page.tilewidth)

    def _read(self, offset: int, count: int) -> bytes:
        self._file.filehandle.seek(offset)
        data: bytes = self._file.filehandle.read(count)
        if len(data) < count:
            raise EOFError("the file ends too early")
        return data

    def _stored_rows(self, top: int, bottom: int) -> npt.NDArray[Any]:
        """Rows of an uncompressed file whose strips follow each other."""
        shape = (bottom - top, self.width, self._samples_per_pixel)
        bytes_per_row = self.width * self._samples_per_pixel * self._type.itemsize
        data = self._read(self._page.dataoffsets[0] + top * bytes_per_row, (bottom - top) * bytes_per_row)
        return np.frombuffer(data, self._type).reshape(shape)

    def _opacity_at(self) -> int | None:
        """Which sample is opacity, where it is the first behind the colours."""
        colours = 1 if self._page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else 3
        extra = tuple(self._page.extrasamples)
        is_told = bool(extra) and int(extra[0]) in _OPACITY and self._samples_per_pixel > colours
        return colours if is_told else None

    def _white_level(self) -> float:
        """By the brightest sample of the whole picture, so that all its rows are scaled alike."""
        if self._white is None:
            colours = slice(min(3, self._opacity_at() or 3))
            step = max(1, _BAND_PIXELS // self.width)
            tops = range(0, self.height, step)
            bands = (self._samples(top, min(self.height, top + step)) for top in tops)
            brightest = max((brightest_of(band[:, :, colours]) for band in bands), default=0.0)
            self._white = white_of(brightest, is_float=self._type.kind == "f")
        return self._white


def _is_known(page: tifffile.TiffPage) -> bool:
    kind = np.dtype(page.dtype) if page.dtype is not None else np.dtype("S1")
    if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR) or kind.name not in _TYPES:
        return False
    if page.imagedepth != 1 or page.bitspersample != 8 * kind.itemsize:
        return False
    if page.compression not in (_PLAIN, _JPEG, *_OF_BYTES) or page.predictor not in (1, 2) or page.fillorder != 1:
        return False
    if page.photometric == _YCBCR and page.compression != _JPEG:
        return False
    if page.compression == _JPEG and (page.planarconfig == 2 or page.samplesperpixel not in (1, 3)):
        return False
    return _are_stored_rows(page) or _segment_bytes(page, _rows_of_a_segment(page)) <= _LARGEST_SEGMENT_BYTES


def _rows_of_a_segment(page: tifffile.TiffPage) -> int:
    return int(page.tilelength) if page.is_tiled else min(int(page.rowsperstrip), int(page.imagelength))


def _segment_shape(page: tifffile.TiffPage, high: int) -> tuple[int, int, int]:
    """Rows, columns and samples of a strip or tile of so many rows."""
    wide = int(page.tilewidth) if page.is_tiled else int(page.imagewidth)
    return high, wide, 1 if page.planarconfig == 2 else int(page.samplesperpixel)


def _segment_bytes(page: tifffile.TiffPage, high: int) -> int:
    return math.prod(_segment_shape(page, high)) * np.dtype(page.dtype).itemsize


def _are_stored_rows(page: tifffile.TiffPage) -> bool:
    if page.compression != 1 or page.is_tiled or page.planarconfig != 1 or page.predictor != 1:
        return False
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    return ends[:-1] == list(page.dataoffsets[1:])


def _unpacked(page: tifffile.TiffPage, data: bytes, high: int) -> npt.NDArray[Any]:
    """A strip or tile (h, w, S) of its data.

    libtiff unpacks it, as a TIFF of its own: never more than the pixels that are asked for, whatever else the data
    would become.
    """
    high, wide, samples = _segment_shape(page, high)
    if page.compression == _JPEG:
        pixels = _opened(_tiff_of(page, data, wide, high, samples, int(page.photometric)))
        return pixels.reshape(high, wide, samples)
    kind = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    bytes_per_row = wide * samples * kind.itemsize
    if page.compression == _PLAIN:
        stored = np.frombuffer(data, np.uint8, high * bytes_per_row)
    else:
        stored = _opened(_tiff_of(page, data, bytes_per_row, high, 1, _BLACK_IS_ZERO))
    values = stored.reshape(-1).view(kind).reshape(high, wide, samples)
    if page.predictor == 1:
        return values
    # Differences are those of whole numbers, of floats too.
    whole = np.dtype(f"u{kind.itemsize}")
    differences = values.view(whole.newbyteorder(page.parent.byteorder))
    return np.cumsum(differences, axis=1, dtype=whole).view(np.dtype(page.dtype))


def _opened(content: bytes) -> npt.NDArray[np.uint8]:
    """Pixels (h, w) or (h, w, 3) of a little TIFF."""
    with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
        image.load()
        pixels = np.empty((image.height, image.width, *((3,) if len(image.getbands()) == 3 else ())), np.uint8)
        for first, last in strips_of(image):
            strip = image.crop((0, first, image.width, last))
            pixels[first:last] = np.asarray(strip.convert("RGB") if strip.mode == "YCbCr" else strip)
        return pixels


def _tiff_of(page: tifffile.TiffPage, data: bytes, wide: int, high: int, samples: int, photometric: int) -> bytes:
    """A little TIFF of one strip of 8 bits a sample with the page's compression (TIFF 6.0, section 2)."""
    order = page.parent.byteorder
    fields: dict[int, tuple[int, int, bytes]] = {
        256: _long(order, wide),
        257: _long(order, high),
        258: (3, samples, struct.pack(f"{order}{samples}H", *[8] * samples)),
        259: _long(order, int(page.compression)),
        262: _long(order, photometric),
        273: _long(order, 8),
        277: _long(order, samples),
        278: _long(order, high),
        279: _long(order, len(data)),
    }
    if page.compression == _JPEG:
        if page.jpegtables is not None:
            fields[347] = (7, len(page.jpegtables), bytes(page.jpegtables))
        if 530 in page.tags:
            fields[530] = (3, 2, struct.pack(f"{order}2H", *page.tags[530].value))
    return _with_directory(order, data, fields)


def _long(order: str, value: int) -> tuple[int, int, bytes]:
    return 4, 1, struct.pack(f"{order}I", value)


def _with_directory(order: str, data: bytes, fields: dict[int, tuple[int, int, bytes]]) -> bytes:
    padded = data + b"\0" * (len(data) % 2)
    directory_at = 8 + len(padded)
    values_at = directory_at + 2 + 12 * len(fields) + 4
    entries, values = b"", b""
    for code, (kind, count, value) in sorted(fields.items()):
        if len(value) <= 4:
            place = value.ljust(4, b"\0")
        else:
            place = struct.pack(f"{order}I", values_at + len(values))
            values += value + b"\0" * (len(value) % 2)
        entries += struct.pack(f"{order}HHI", code, kind, count) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory_at)
    return head + padded + struct.pack(f"{order}H", len(fields)) + entries + bytes(4) + values
