"""Which chart the data can carry."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import NoChart, choose_count_chart, choose_rate_chart, choose_value_chart, signals
from analytics.statistics.control import MIN_POINTS_COUNT, SIGMA_Z_ERROR, is_overdispersed
from tests.analytics.statistics.test_charts import CANS, COMPUTERS, FLOW


def told(chart: object) -> str:
    assert isinstance(chart, NoChart)
    return chart.why


def test_steady_samples_get_the_plain_charts() -> None:
    rates, counts = choose_rate_chart(CANS, [50] * 30), choose_count_chart(COMPUTERS, [5] * 20)
    assert not isinstance(rates, NoChart)
    assert not isinstance(counts, NoChart)
    assert (rates.kind, rates.sigma_z, counts.kind, counts.sigma_z) == ("p", None, "u", None)
    assert "provisional" not in rates.why


def test_what_cannot_carry_a_chart_is_told_why() -> None:
    few = f"5 points are too few for limits: a control chart needs {MIN_POINTS_COUNT}."
    assert told(choose_rate_chart([1] * 5, [100] * 5)) == few
    assert told(choose_rate_chart([], [])).startswith("0 points are too few")
    assert told(choose_rate_chart([0] * 30, [100] * 30)).startswith("No image failed")
    assert told(choose_rate_chart([100] * 30, [100] * 30)).startswith("Every image failed")
    assert "0.5 failures are expected" in told(choose_rate_chart([0, 1] * 15, [100] * 30))
    assert "0.5 passes are expected" in told(choose_rate_chart([100, 99] * 15, [100] * 30))
    assert told(choose_count_chart([0] * 30, [100] * 30)).startswith("No region")
    assert "1.0 regions are expected" in told(choose_count_chart([1] * 30, [100] * 30))
    assert told(choose_value_chart([2.0] * 30)).startswith("All values are the same")
    assert told(choose_value_chart(FLOW)).startswith("10 points are too few")


def test_few_points_make_provisional_limits() -> None:
    chart = choose_rate_chart(CANS[:12], [50] * 12)
    assert not isinstance(chart, NoChart)
    assert "12 points make provisional limits" in chart.why
    values = choose_value_chart([*FLOW, *FLOW])
    assert not isinstance(values, NoChart)
    assert (values.kind, "provisional" in values.why) == ("xmr", False)


def test_large_samples_that_scatter_get_laneys_limits() -> None:
    random = np.random.default_rng(2)
    kinds = []
    for _ in range(100):
        rates = random.beta(0.05 * 300, 0.95 * 300, size=30)
        chart = choose_rate_chart(random.binomial(3000, rates).tolist(), [3000] * 30)
        kinds.append("none" if isinstance(chart, NoChart) else chart.kind)
    assert kinds.count("p-prime") >= 99


@pytest.mark.parametrize(("n", "rate"), [(100, 0.05), (3000, 0.05), (400, 0.5)])
def test_chance_alone_seldom_widens_the_limits(n: int, rate: float) -> None:
    random = np.random.default_rng(3)
    kinds = []
    for _ in range(300):
        chart = choose_rate_chart(random.binomial(n, rate, size=30).tolist(), [n] * 30)
        kinds.append("none" if isinstance(chart, NoChart) else chart.kind)
    assert kinds.count("p-prime") <= 0.09 * len(kinds)


def test_one_step_of_the_rate_is_a_signal_not_a_habit() -> None:
    random = np.random.default_rng(4)
    widened = 0
    for _ in range(100):
        counts = [*random.binomial(600, 0.05, size=20), *random.binomial(600, 0.10, size=10)]
        chart = choose_rate_chart([int(count) for count in counts], [600] * 30)
        assert not isinstance(chart, NoChart)
        widened += chart.kind == "p-prime"
        assert signals(chart)
    assert widened <= 30


def test_small_samples_keep_the_plain_chart() -> None:
    chart = choose_rate_chart([0, 8] * 15, [40] * 30)
    assert not isinstance(chart, NoChart)
    assert chart.kind == "p"


def test_clusters_of_regions_widen_the_limits() -> None:
    random = np.random.default_rng(5)
    counts = [int(random.poisson(200 * level)) for level in random.gamma(5, 0.2, size=30)]
    chart = choose_count_chart(counts, [100] * 30)
    assert not isinstance(chart, NoChart)
    assert chart.kind == "u"
    assert chart.sigma_z is not None
    assert "clusters" in chart.why


def test_standard_error_of_sigma_z() -> None:
    """0.91/√points, by simulation of normal values, and what `is_overdispersed` makes of it."""
    z = np.random.default_rng(6).standard_normal((4000, 100))
    sigma_z = np.abs(np.diff(z, axis=1)).mean(axis=1) / 1.128
    assert sigma_z.std() * 10 == pytest.approx(SIGMA_Z_ERROR, abs=0.03)
    assert not is_overdispersed(1.27, 30)
    assert is_overdispersed(1.28, 30)


def test_baseline_decides() -> None:
    counts, ns = [*CANS, 2, 40], [50] * 32
    chart = choose_rate_chart(counts, ns, baseline=slice(0, 30))
    assert not isinstance(chart, NoChart)
    assert chart.centre == pytest.approx(347 / 1500)
    assert [point.is_outside for point in chart.points[-2:]] == [True, True]
