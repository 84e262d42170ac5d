"""Run rules: each on a series made for it, and how often chance sets them off."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analytics.statistics import DEFAULT_RULES, RUN_LENGTH, Chart, ChartPoint, sentence, signals, standardised
from analytics.statistics.rules import hits

SHIFTS = [datetime(2026, 5, 12, 6) + timedelta(hours=8 * i) for i in range(60)]


def chart_of(z: list[float]) -> Chart:
    """A chart with centre 10 and standard deviation 2."""
    points = tuple(ChartPoint(10 + 2 * v, 4, 16, 50, abs(v) > 3, 2) for v in z)
    return Chart("xmr", 10, points, None, "")


def test_points_are_standardised() -> None:
    assert standardised(chart_of([0.5, -3.5])) == pytest.approx((0.5, -3.5))


@pytest.mark.parametrize(
    ("rule", "z", "first", "last"),
    [
        (1, [0, 3.1, 0], 1, 1),
        (2, [-0.1, *[0.2] * 8, -0.1], 1, 8),
        (3, [0, -1, -0.5, 0, 0.5, 0.9, 1.2, 1.0], 1, 6),
        (4, [0.5, -0.5] * 7, 0, 13),
        (5, [0, 2.1, 0.5, 2.2, 0], 1, 3),
        (6, [0, 1.1, 1.2, 0.1, 1.3, 1.4, 0], 1, 5),
        (7, [2, *[0.5, -0.5, -0.4] * 5, 2], 1, 15),
        (8, [0, *[1.5, -1.5] * 4, 0], 1, 8),
    ],
)
def test_each_rule_finds_its_pattern(rule: int, z: list[float], first: int, last: int) -> None:
    (signal,) = signals(chart_of(z), rules=(rule,))
    assert (signal.rule, signal.first, signal.last) == (rule, first, last)


@pytest.mark.parametrize("rule", [1, 2, 3, 5, 6])
def test_rules_with_sides_find_the_mirror_image(rule: int) -> None:
    z = {1: [3.1], 2: [0.2] * 8, 3: [0, 0.1, 0.2, 0.3, 0.4, 0.5], 5: [2.1, 0, 2.2], 6: [1.1, 1.1, 1.1, 1.1, 0]}[rule]
    (above,) = signals(chart_of(z), rules=(rule,))
    (below,) = signals(chart_of([-v for v in z]), rules=(rule,))
    assert (above.side, below.side) == (1, -1)
    assert (above.first, above.last) == (below.first, below.last)


@pytest.mark.parametrize("rule", range(1, 9))
def test_one_point_less_is_silent(rule: int) -> None:
    z = {
        1: [2.99],
        2: [0.2] * 7,
        3: [-1, -0.5, 0, 0.5, 0.9],
        4: [0.5, -0.5] * 6 + [0.5],
        5: [2.1, 0, 0, 2.1],
        6: [1.1, 1.1, 0, 0, 1.1, 1.1],
        7: [0.5] * 14,
        8: [1.5, -1.5] * 3 + [1.5],
    }[rule]
    assert signals(chart_of(z), rules=(rule,)) == ()


def test_a_run_is_told_as_in_the_issue() -> None:
    z = [-0.2, 0.3, -0.4, -0.1, 0.1, -0.1, *[0.5] * 8]
    (signal,) = signals(chart_of(z))
    assert sentence(signal, SHIFTS, "shift") == "8 shifts above average: something changed around 14 May 06:00"


def test_what_overlaps_on_one_side_is_one_signal() -> None:
    (signal,) = signals(chart_of([-0.5, 3.2, 0.5, 2.5, 1.5, 1.6, 0.4, 0.3, 0.2, -1]))
    assert (signal.rule, signal.first, signal.last, signal.also) == (2, 1, 8, (1, 5, 6))
    assert sentence(signal, SHIFTS, "shift").startswith("8 shifts above average")


def test_both_sides_stay_apart() -> None:
    up, down = signals(chart_of([3.5, -3.5]))
    assert (up.side, down.side) == (1, -1)
    days = [date(2026, 5, 1), date(2026, 5, 2)]
    assert sentence(up, days, "day") == "1 May is above the upper limit: find out what was special then"
    assert sentence(down, days, "day") == "2 May is below the lower limit: find out what was special then"


@pytest.mark.parametrize(
    ("rule", "z", "told"),
    [
        (1, [3.5, 3.6], "2 batches far above average: something changed around b0"),
        (3, [0.5, 0.4, 0.3, 0.2, 0.1, 0], "6 batches in a row, each lower than the one before: a slow change since b0"),
        (4, [0.5, -0.5] * 7, "14 batches up and down in turn since b0: two things seem to take turns"),
        (5, [-2.1, 0.5, -2.2], "2 of 3 batches far below average: something changed around b0"),
        (7, [0.5, -0.5] * 8, "16 batches unusually close to average since b0: the limits may be too wide"),
        (8, [1.5, -1.5] * 4, "8 batches far above or below average since b0: two kinds of parts may be mixed"),
    ],
)
def test_sentences(rule: int, z: list[float], told: str) -> None:
    (signal,) = signals(chart_of(z), rules=(rule,))
    assert sentence(signal, [f"b{i}" for i in range(20)], "batch") == told


def test_nothing_and_no_spread_are_silent() -> None:
    assert signals(chart_of([])) == ()
    flat = Chart("p", 0.0, tuple(ChartPoint(0, 0, 0, 5, False, 0.0) for _ in range(20)), None, "")
    assert signals(flat) == ()


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(KeyError):
        signals(chart_of([0, 0]), rules=(9,))


def test_points_between_false_alarms() -> None:
    """Table 1 of Champ and Woodall 1987 (see `RUN_LENGTH`), by simulation of 2,000 steady series of 500 points."""
    z = np.random.default_rng(7).standard_normal((2000, 500), dtype=np.float32)
    by_rule = {rule: hits(z, rule, 1) | hits(z, rule, -1) for rule in DEFAULT_RULES}
    published = {(1,): 370.40, (1, 5): 225.44, (1, 6): 166.05, (1, 2): 152.73, DEFAULT_RULES: RUN_LENGTH}
    for rules, length in published.items():
        alarm = np.any([by_rule[rule] for rule in rules], axis=0)
        waited = np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, z.shape[1]).sum()
        assert waited / alarm.any(axis=1).sum() == pytest.approx(length, rel=0.07), rules
