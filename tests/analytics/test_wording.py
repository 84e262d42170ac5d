"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from analytics.wording import counted, days, hour, percent, points


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0%"),
        (1, "100%"),
        (0.5, "50.0%"),
        (0.0421, "4.2%"),
        (0.0099, "1.0%"),
        (0.0042, "0.42%"),
        (0.00042, "0.042%"),
        (0.000001, "<0.001%"),
        (0.99961, "99.96%"),
        (0.999999, ">99.99%"),
    ],
)
def test_percent_never_rounds_to_nothing_or_all(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [(0.0123, "+1.2"), (-0.3, "−30.0"), (0.0012, "+0.12"), (-0.00001, "0.00"), (0, "0.00")],
)
def test_points_carry_their_sign(change: float, text: str) -> None:
    assert points(change) == text


def test_days_say_month_and_year_once() -> None:
    assert days(date(2026, 5, 1), date(2026, 5, 1)) == "1 May 2026"
    assert days(date(2026, 5, 1), date(2026, 5, 7)) == "1–7 May 2026"
    assert days(date(2026, 4, 27), date(2026, 5, 3)) == "27 April – 3 May 2026"
    assert days(date(2025, 12, 29), date(2026, 1, 4)) == "29 December 2025 – 4 January 2026"


def test_hours_are_those_of_the_zone() -> None:
    assert hour(datetime(2026, 5, 12, 22, tzinfo=UTC), "Europe/Berlin") == "13 May 2026, 00:00"


def test_counted() -> None:
    assert (counted(1, "image"), counted(1200, "image")) == ("1 image", "1,200 images")
