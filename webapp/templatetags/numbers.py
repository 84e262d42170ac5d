"""How numbers are written on pages: the same words as the dashboard's."""

from __future__ import annotations

from django import template

from analytics import wording

register = template.Library()

NOTHING = "–"


@register.filter
def percent(fraction: float | None) -> str:
    """0.0312 → "3.1%"; "–" where there is none."""
    return NOTHING if fraction is None else wording.percent(fraction)


@register.filter
def count(number: int | None) -> str:
    """1234567 → "1,234,567"; "–" where there is none."""
    return NOTHING if number is None else wording.count(number)
