"""Scores of models, as their pages write them."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()

NOTHING = "–"
_SPACE = "\u00a0"


@register.filter
def score(value: float | None) -> str:
    """0.71341 → “0.713”; a dash where there is none."""
    return NOTHING if value is None else f"{value:.3f}"


@register.filter
def per_thousand(value: float | None) -> str:
    """Two digits that mean something: “4.2”, “31”."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:,.0f}"


@register.filter
def large(number: int | None) -> str:
    """3214567 → “3.2 million”."""
    if number is None:
        return NOTHING
    for size, word in ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")):
        if number >= size:
            return f"{number / size:.{1 if number < 100 * size else 0}f}{_SPACE}{word}"
    return str(number)


@register.filter
def seconds(value: float | None) -> str:
    """One digit below ten."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


@register.filter
def at(values: dict[str, Any], key: str) -> Any:
    """A mapping's value by a key that the template holds in a variable; None where it has none."""
    return values.get(key)
