"""Numbers and amounts with their units, as all pages write them: the same words as the dashboard's."""

from __future__ import annotations

from django import template

from analytics import wording

register = template.Library()

NOTHING = "–"
_SPACE = "\u00a0"
_SQUARE_CM_FROM_MM2 = 10_000


@register.filter
def counted(number: int, word: str) -> str:
    """1 → “1 image”, 2 → “2 images”."""
    return wording.counted(number, word)


@register.filter
def area(pixels: int | None, mm_per_pixel: float | None) -> str:
    """Pixels → “12.4 mm²” by the source's scale; empty where the scale is not known."""
    if pixels is None or not mm_per_pixel:
        return ""
    square_mm = pixels * mm_per_pixel**2
    if square_mm >= _SQUARE_CM_FROM_MM2:
        return f"{square_mm / 100:,.0f}{_SPACE}cm²"
    digits = 0 if square_mm >= 100 else 1 if square_mm >= 1 else 3
    return f"{square_mm:,.{digits}f}{_SPACE}mm²"


@register.filter
def duration(seconds: float | None) -> str:
    """Time left as a person says it, as upload-words.js does."""
    if seconds is None:
        return ""
    if seconds < 5:
        return "a moment"
    if seconds < 55:
        return f"{-(-int(seconds) // 5) * 5} seconds"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return wording.counted(minutes, "minute")
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return wording.counted(round(hours / 24), "day")
    words = wording.counted(hours, "hour")
    return f"{words} {wording.counted(rest, 'minute')}" if rest else words


@register.filter
def rate(per_second: float | None) -> str:
    """Pictures a second, or a minute where one takes longer than a second."""
    if per_second is None:
        return ""
    if per_second >= 1:
        return f"{per_second:.1f} images a second"
    return f"{per_second * 60:.1f} images a minute"


@register.filter
def file_size(size_bytes: int) -> str:
    """Decimal units, three digits at most: “84.2 MB”, as the upload panel says it."""
    value = float(size_bytes)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            digits = 0 if unit == "B" or value >= 100 else 1
            return f"{value:.{digits}f}{_SPACE}{unit}"
        value /= 1000
    return f"{value:.1f}{_SPACE}TB"


@register.filter
def percent(fraction: float | None) -> str:
    """0.0312 → "3.1%"; "–" where there is none."""
    return NOTHING if fraction is None else wording.percent(fraction)


@register.filter
def count(number: int | None) -> str:
    """1234567 → "1,234,567"; "–" where there is none."""
    return NOTHING if number is None else wording.count(number)
