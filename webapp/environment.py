"""Settings out of environment variables; what makes no sense is refused in one sentence."""

from __future__ import annotations

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def whole_number(name: str, default: int) -> int:
    text = env.str(name, default="").strip()
    try:
        return int(text) if text else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {text!r}; expected a whole number.") from None


def yes_or_no(name: str, default: bool) -> bool:
    text = env.str(name, default="").strip().lower()
    if text and text not in _YES + _NO:
        raise ImproperlyConfigured(f"{name} is {text!r}; expected 1 or 0.")
    return text in _YES if text else default
