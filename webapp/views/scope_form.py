"""The filter bar: what a scope may be narrowed to, what it is narrowed to, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from analytics import Choice, Choices, Scope

QUICK_DAYS = (7, 30, 90)


@dataclass(frozen=True)
class Option:
    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class Field:
    """One control; a date where it has no options."""

    name: str
    label: str
    value: str
    error: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class QuickRange:
    text: str
    query: str
    is_current: bool


@dataclass(frozen=True)
class ScopeForm:
    """`dates` and `fields` in reading order, `versus_…` those of “Compare with”; `hidden` goes along as it is."""

    dates: tuple[Field, ...]
    fields: tuple[Field, ...]
    versus_dates: tuple[Field, ...]
    versus_fields: tuple[Field, ...]
    is_compared: bool
    without_versus: str
    hidden: tuple[tuple[str, str], ...]
    ranges: tuple[QuickRange, ...]
    without_hour: str

    @property
    def chips(self) -> list[str]:
        """What is chosen, in words, while the fields are folded away."""
        start, end = (field.value for field in self.dates)
        words = [f"{start or '…'} to {end or '…'}"] if start or end else []
        return words + [
            option.text for field in self.fields for option in field.options if option.is_chosen and option.value
        ]


def scope_form(
    query: Mapping[str, Any], choices: Choices, scope: Scope | None, errors: Mapping[str, str], today: date
) -> ScopeForm:
    """The bar for a scope, or, where the query names none, for what was typed."""
    given = scope.parameters() if scope else {name: str(query.get(name) or "") for name in _LABELS}
    return ScopeForm(
        dates=tuple(_field(name, given, errors) for name in ("from", "to")),
        fields=_selects(_offered(choices), given, errors),
        versus_dates=tuple(_field(name, given, errors) for name in ("vs_from", "vs_to")),
        versus_fields=_selects(_offered_versus(choices), given, errors),
        is_compared=any(given.get(name) or name in errors for name in _LABELS if name.startswith("vs_")),
        without_versus=scope.query(versus=None) if scope else "",
        hidden=tuple((name, given[name]) for name in ("hour",) if given.get(name)),
        ranges=_ranges(scope, today) if scope else (),
        without_hour=scope.query(hour=None) if scope else "",
    )


_LABELS = {
    "from": "From",
    "to": "To",
    "source": "Source",
    "label": "Label",
    "model": "Model",
    "batch": "Batch",
    "by": "Trend by",
    "hour": "Hour",
    "vs_from": "Other from",
    "vs_to": "Other to",
    "vs_source": "Other source",
    "vs_model": "Other model",
    "vs_batch": "Other batch",
}


def _selects(
    offered: Mapping[str, Sequence[tuple[str, str]]], given: Mapping[str, str], errors: Mapping[str, str]
) -> tuple[Field, ...]:
    """Those that leave something to choose, and those that the address asks for."""
    return tuple(
        _field(name, given, errors, options)
        for name, options in offered.items()
        if len(options) > 1 or given.get(name) or name in errors
    )


def _offered(choices: Choices) -> dict[str, list[tuple[str, str]]]:
    """(value, text) pairs of every select; one pair alone leaves nothing to choose."""
    sources = _pairs(choices.sources)
    return {
        "source": [("", "All sources"), *sources, *([("none", "Without a source")] if sources else [])],
        "label": [("", "All images"), *_pairs(choices.labels)],
        "model": [("", "Newest results"), *_pairs(choices.model_versions)],
        "batch": [("", "All batches"), *_pairs(choices.batches)],
        "by": [("", "Automatic"), ("hour", "Hour"), ("day", "Day"), ("week", "Week")],
    }


def _offered_versus(choices: Choices) -> dict[str, list[tuple[str, str]]]:
    offered = _offered(choices)
    return {f"vs_{name}": [("", "The same"), *offered[name][1:]] for name in ("source", "model", "batch")}


def _pairs(choices: Sequence[Choice]) -> list[tuple[str, str]]:
    return [(str(choice.id), choice.name) for choice in choices]


def _field(
    name: str, given: Mapping[str, str], errors: Mapping[str, str], options: Sequence[tuple[str, str]] = ()
) -> Field:
    value = given.get(name, "")
    return Field(
        name=name,
        label=_LABELS[name],
        value=value,
        error=errors.get(name, ""),
        options=tuple(Option(key, text, key == value) for key, text in options),
    )


def _ranges(scope: Scope, today: date) -> tuple[QuickRange, ...]:
    spans: list[tuple[str, date | None, date | None]] = [("All time", None, None)]
    spans += [(f"Last {days} days", today - timedelta(days=days - 1), today) for days in QUICK_DAYS]
    return tuple(
        QuickRange(
            text=text,
            query=replace(scope, start=start, end=end, hour=None).query(),
            is_current=(scope.start, scope.end, scope.hour) == (start, end, None),
        )
        for text, start, end in spans
    )
