"""Sources side by side, and the funnel that keeps small ones from being blamed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import binom

from analytics.panels import HOLLOW
from analytics.tabs.funnel import funnel_limits, overdispersion
from analytics.tabs.page import Multiples
from analytics.tabs.sources import read_sources, sources_page
from analytics.theme import SURFACE
from tests.inspections import NOON, PIXELS, Plant, executed


def test_counts_area_and_regions_per_source(week: Plant) -> None:
    sources = executed(read_sources, week.scope())
    by_name = {row.name: (row.inspected_count, row.defective_count) for row in sources.rows}
    assert by_name == {"North / Line 1": (3, 2), "Line 2": (4, 1), None: (3, 1)}
    areas = {row.source_id: (row.pixels, row.region_count) for row in sources.areas}
    assert areas[week.line_1.pk] == (125, 4)
    table = executed(sources_page, week.scope()).panels[3]
    line_1 = next(row.cells for row in table.rows if row.cells[0] == "North / Line 1")
    assert line_1[1:3] == ("3", "2")
    assert line_1[6:] == (f"{125 / (3 * PIXELS):.2%}", "1.33")


def test_with_a_label_its_images_count(week: Plant) -> None:
    sources = executed(read_sources, week.scope(label_id=week.labels["pit"].pk))
    assert {row.name: row.defective_count for row in sources.rows} == {"North / Line 1": 1, "Line 2": 1, None: 0}


def test_a_batch_says_the_same_as_the_daily_sums(week: Plant) -> None:
    by_days = executed(read_sources, week.scope())
    by_rows = executed(read_sources, week.scope(batch_id=week.batch.pk))
    assert (by_rows.rows, set(by_rows.areas)) == (by_days.rows, set(by_days.areas))


def test_change_is_against_what_the_filters_compare_with(plant: Plant) -> None:
    for day, fails in ((0, 5), (1, 25)):
        for number in range(40):
            found = {"scratch": [50]} if number < fails else {}
            plant.image(found, source=plant.line_1, captured_at=NOON + timedelta(days=day, seconds=number))
    plant.count_up()
    table = executed(sources_page, plant.scope(start=date(2026, 5, 13), end=date(2026, 5, 13))).panels[3]
    assert table.rows[0].cells[5].startswith("+50.0 (+29")


def test_small_multiples_have_one_figure_per_source(week: Plant) -> None:
    panel = executed(sources_page, week.scope()).panels[2]
    assert isinstance(panel, Multiples)
    assert {small.name for small in panel.figures} == {"North / Line 1", "Line 2", "No source"}
    assert all(row.query for row in panel.rows)
    assert {small.name: small.note for small in panel.figures}["Line 2"] == (
        "25.0% of 4 images\n95% interval 4.6% to 69.9%"
    )


def test_days_at_the_ends_stand_within_their_small_figure(week: Plant) -> None:
    panel = executed(sources_page, week.scope(bucket="day")).panels[2]
    assert isinstance(panel, Multiples)
    assert panel.sentence.endswith(HOLLOW)
    for small in panel.figures:
        layout, points = small.figure["layout"], small.figure["data"][0]
        assert layout["xaxis"]["range"] == ["2026-05-11T12:00:00", "2026-05-19T12:00:00"]
        assert layout["yaxis"]["range"][0] < 0
        assert points["cliponaxis"] is False
        assert set(points["marker"]["color"]) == {SURFACE}


def test_weeks_are_drawn_where_they_begin(week: Plant) -> None:
    panel = executed(sources_page, week.scope(bucket="week")).panels[2]
    assert isinstance(panel, Multiples)
    first, last = panel.figures[0].figure["layout"]["xaxis"]["range"]
    assert (first, last) == ("2026-05-07T12:00:00", "2026-05-21T12:00:00")


def test_the_funnel_names_its_points_and_leaves_room_for_its_limits(plant: Plant) -> None:
    plant.line_1.name = "<b>1</b>"
    plant.line_1.save()
    for source, fails in ((plant.line_1, 8), (plant.line_2, 8)):
        for place in range(40):
            plant.image({"pit": [30]} if place < fails else {}, source=source)
    figure = executed(sources_page, plant.count_up().scope()).panels[1].figure
    assert figure is not None
    texts = [text for text in figure["data"][-1]["text"] if text]
    assert texts == ["North / &lt;b&gt;1&lt;/b&gt;<br>Line 2"] or texts == ["Line 2<br>North / &lt;b&gt;1&lt;/b&gt;"]
    assert figure["layout"]["yaxis"]["range"][1] > funnel_limits(40, 0.2, 0.998).high


def test_a_funnel_without_any_defect_is_drawn(plant: Plant) -> None:
    plant.image(source=plant.line_1)
    assert executed(sources_page, plant.count_up().scope()).panels[1].figure is not None


def test_funnel_limits_hold_what_they_say() -> None:
    """Spiegelhalter 2005, appendix A.1.1: interpolated, the tail beyond each limit is the asked one."""
    for n in (20, 100, 1_000):
        limits = funnel_limits(n, 0.15, 0.95)
        r = int(binom.ppf(0.975, n, 0.15))
        assert (r - 1) / n <= limits.high <= r / n
        assert limits.low < 0.15 < limits.high
    wide = funnel_limits(1_000, 0.15, 0.95)
    spread = 1.96 * np.sqrt(0.15 * 0.85 / 1_000)
    assert (wide.low, wide.high) == pytest.approx((0.15 - spread, 0.15 + spread), abs=0.001)


def test_chance_alone_leaves_few_outside() -> None:
    rng = np.random.default_rng(4)
    ns = rng.integers(30, 3_000, 2_000)
    counts = rng.binomial(ns, 0.08)
    limits = [funnel_limits(int(n), 0.08, 0.95) for n in ns]
    outside = np.mean([not one.low <= k / n <= one.high for one, k, n in zip(limits, counts, ns, strict=True)])
    assert 0.03 < outside < 0.07


def test_scatter_beyond_chance_widens_the_limits() -> None:
    rng = np.random.default_rng(5)
    ns = np.full(60, 5_000)
    steady = rng.binomial(ns, 0.1)
    wild = rng.binomial(ns, rng.normal(0.1, 0.02, 60))
    assert overdispersion(steady.tolist(), ns.tolist()) == 1.0
    phi = overdispersion(wild.tolist(), ns.tolist())
    assert phi > 5
    plain, widened = funnel_limits(5_000, 0.1, 0.998), funnel_limits(5_000, 0.1, 0.998, phi)
    assert widened.high - widened.low > 2 * (plain.high - plain.low)
    assert overdispersion([1, 200], [1_000, 1_000]) == 1.0, "two sources cannot tell"


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="1 image or more"):
        funnel_limits(0, 0.1, 0.95)
    assert funnel_limits(5, 0.0, 0.95).high == 0.0
