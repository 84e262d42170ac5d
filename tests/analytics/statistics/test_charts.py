"""Control charts against worked examples of textbooks and handbooks."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import laney_p_chart, laney_u_chart, p_chart, u_chart, xmr_chart

# D. C. Montgomery, "Introduction to statistical quality control", table 7.1: unfit cans in 30 samples of 50.
CANS = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
# The same book, example 7.3: nonconformities on 20 samples of 5 computers.
COMPUTERS = [10, 12, 8, 14, 10, 16, 11, 7, 10, 15, 9, 5, 7, 11, 12, 6, 8, 10, 7, 5]
# NIST/SEMATECH e-Handbook of statistical methods, section 6.3.2.2: flow rates of 10 batches.
FLOW = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_p_chart_of_orange_juice_cans() -> None:
    """Montgomery, example 7.1: p̄ = 0.2313, limits 0.0524 and 0.4102, samples 15 and 23 outside."""
    chart = p_chart(CANS, [50] * 30)
    assert chart.kind == "p"
    assert chart.centre == pytest.approx(0.2313, abs=5e-5)
    assert chart.points[0].low == pytest.approx(0.0524, abs=5e-5)
    assert chart.points[0].high == pytest.approx(0.4102, abs=5e-5)
    assert [i + 1 for i, point in enumerate(chart.points) if point.is_outside] == [15, 23]


def test_p_chart_without_the_two_samples_that_had_a_cause() -> None:
    """Montgomery, example 7.1, revised: p̄ = 0.2150, limits 0.0407 and 0.3893; sample 21 is outside then."""
    kept = [count for i, count in enumerate(CANS) if i + 1 not in (15, 23)]
    order = [*kept, 22, 24]
    chart = p_chart(order, [50] * 30, baseline=slice(0, 28))
    assert chart.centre == pytest.approx(0.2150, abs=5e-5)
    assert chart.points[0].low == pytest.approx(0.0407, abs=5e-5)
    assert chart.points[0].high == pytest.approx(0.3893, abs=5e-5)
    assert [order[i] for i, point in enumerate(chart.points) if point.is_outside] == [20, 22, 24]


def test_limits_follow_the_sample_size() -> None:
    chart = p_chart([5, 50], [50, 500])
    first, second = chart.points
    assert (first.n, second.n) == (50, 500)
    assert first.sigma == pytest.approx(second.sigma * np.sqrt(10))
    assert first.low == 0
    assert second.low > 0


def test_u_chart_of_computers() -> None:
    """Montgomery, example 7.3: ū = 1.93, limits 0.07 and 3.79, none outside."""
    chart = u_chart(COMPUTERS, [5] * 20)
    assert chart.centre == pytest.approx(1.93)
    assert chart.points[0].low == pytest.approx(0.07, abs=5e-3)
    assert chart.points[0].high == pytest.approx(3.79, abs=5e-3)
    assert not any(point.is_outside for point in chart.points)


def test_xmr_chart_of_flow_rates() -> None:
    """e-Handbook 6.3.2.2: mean 50.81, limits 45.8159 and 55.8041, none outside."""
    chart = xmr_chart(FLOW)
    assert chart.centre == pytest.approx(50.81)
    assert chart.points[0].low == pytest.approx(45.8159, abs=2e-3)
    assert chart.points[0].high == pytest.approx(55.8041, abs=2e-3)
    assert not any(point.is_outside for point in chart.points)


def test_xmr_lower_limit_stops_where_areas_do() -> None:
    assert xmr_chart([1.0, 5.0, 0.5], lowest=0.0).points[0].low == 0.0
    assert xmr_chart([1.0, 5.0, 0.5]).points[0].low < 0


def test_laney_widens_by_the_moving_ranges_of_z() -> None:
    """Computed, not published: Laney 2002, equations written out by hand for four samples."""
    counts, ns = [30, 90, 40, 80], [1000, 1200, 900, 1100]
    mean = sum(counts) / sum(ns)
    z = [(c / n - mean) / (mean * (1 - mean) / n) ** 0.5 for c, n in zip(counts, ns, strict=True)]
    sigma_z = (abs(z[1] - z[0]) + abs(z[2] - z[1]) + abs(z[3] - z[2])) / 3 / 1.128
    chart = laney_p_chart(counts, ns)
    assert chart.kind == "p-prime"
    assert chart.sigma_z == pytest.approx(sigma_z)
    assert chart.points[1].high == pytest.approx(mean + 3 * sigma_z * (mean * (1 - mean) / 1200) ** 0.5)


def test_laney_tells_how_widely_rates_scatter() -> None:
    """Computed, not published: σz² of beta-binomial samples is 1 + (n − 1) ρ; here 1 + 4,999 · 0.001 = 2.45²."""
    random = np.random.default_rng(1)
    rates = random.beta(0.05 * 999, 0.95 * 999, size=4000)
    chart = laney_p_chart(random.binomial(5000, rates).tolist(), [5000] * 4000)
    assert chart.sigma_z == pytest.approx(2.45, rel=0.05)
    assert np.mean([point.is_outside for point in chart.points]) < 0.01
    plain = p_chart(random.binomial(5000, rates).tolist(), [5000] * 4000)
    assert np.mean([point.is_outside for point in plain.points]) > 0.15


def test_laney_u_is_a_u_chart_with_sigma_z() -> None:
    chart = laney_u_chart([100, 300, 90, 280], [100] * 4)
    plain = u_chart([100, 300, 90, 280], [100] * 4)
    assert chart.kind == "u"
    assert chart.sigma_z is not None
    assert chart.points[0].sigma == pytest.approx(plain.points[0].sigma * chart.sigma_z)


@pytest.mark.parametrize(
    ("counts", "ns", "told"),
    [([1], [0], "leave empty"), ([3], [2], "1 image or more"), ([-1], [2], "from 0 on"), ([1, 2], [5], "one count")],
)
def test_impossible_samples_are_refused(counts: list[int], ns: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        p_chart(counts, ns)


def test_charts_that_need_two_values_say_so() -> None:
    with pytest.raises(ValueError, match="two"):
        xmr_chart([1.0])
    with pytest.raises(ValueError, match="two"):
        laney_p_chart([1], [2])
    with pytest.raises(ValueError, match="baseline"):
        p_chart([1, 2], [5, 5], baseline=slice(5, 9))


def test_no_failure_at_all_has_flat_limits() -> None:
    chart = laney_p_chart([0, 0, 0], [50, 60, 70])
    assert [(point.low, point.high, point.is_outside) for point in chart.points] == [(0, 0, False)] * 3
