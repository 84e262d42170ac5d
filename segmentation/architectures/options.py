"""What a spec's `options` may hold, told plainly where it holds something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segmentation.spec import ModelSpec


def checked_options(spec: ModelSpec, known: Iterable[str]) -> dict[str, Any]:
    """The spec's options. ValueError where one is not `known`."""
    known = sorted(known)
    unknown = sorted(set(spec.options) - set(known))
    if unknown:
        offers = f"it has {', '.join(known)}" if known else "it has none"
        raise ValueError(f"{spec.architecture} has no option {', '.join(unknown)}; {offers}")
    return dict(spec.options)


def choice(spec: ModelSpec, option: str, choices: Mapping[str, Any] | Iterable[Any], default: Any) -> Any:
    """An option's value. ValueError where it is none of `choices`."""
    value = spec.options.get(option, default)
    offered = list(choices)
    # True == 1 and 16.0 == 16, but only the plain ones are meant
    if not any(type(value) is type(offer) and value == offer for offer in offered):
        raise ValueError(f"{spec.architecture} wants one of {', '.join(map(str, offered))} as {option}, not {value!r}")
    return value


def whole_number(spec: ModelSpec, option: str, default: int, *, least: int = 1, most: int = 4096) -> int:
    """An option's value. ValueError where it is no whole number from `least` to `most`."""
    value = spec.options.get(option, default)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{spec.architecture} wants a whole number of {least} to {most} as {option}, not {value!r}")
    return value


def whole_numbers(spec: ModelSpec, option: str, default: Iterable[int], *, count: int) -> tuple[int, ...]:
    """A list of `count` whole numbers above 0. ValueError where it is something else."""
    value = spec.options.get(option, default)
    numbers = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if len(numbers) != count or not all(type(number) is int and number > 0 for number in numbers):
        raise ValueError(f"{spec.architecture} wants {count} whole numbers above 0 as {option}, not {value!r}")
    return numbers
