"""The page on statistics names every function and the constants as they are."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from analytics import statistics
from analytics.statistics import RULES

PAGE = (Path(__file__).resolve().parents[3] / "docs/statistics.md").read_text()
MODULES = [import_module(f"analytics.statistics.{module.name}") for module in iter_modules(statistics.__path__)]
# Words of the tests and of other functions, not methods.
PLAIN = {"standardised", "RULES"}


def test_every_function_is_told() -> None:
    functions = {name for name in statistics.__all__ if not name[0].isupper() or name.isupper()}
    assert {name for name in functions - PLAIN if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize(("name", "told"), re.findall(r"`([A-Z][A-Z_0-9]*)` = ([\d.]+\d|\d)", PAGE))
def test_constants_are_those_of_the_code(name: str, told: str) -> None:
    values = {float(getattr(module, name)) for module in MODULES if hasattr(module, name)}
    assert float(told) in values


def test_names_exist() -> None:
    for name in re.findall(r"`([A-Za-z_0-9]+)`", PAGE):
        assert any(hasattr(module, name) for module in MODULES), name


def test_rules_are_told_as_in_the_code() -> None:
    for number, rule in RULES.items():
        assert f"| {number} | {rule.told} |" in PAGE
