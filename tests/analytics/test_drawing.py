"""Figures are built without Plotly's own checks; here every page's figures pass them."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import plotly.graph_objects as go
import pytest

from analytics import Scope, build_dashboard, build_page
from analytics.drawing import Drawing, scatter
from analytics.tabs.area import area_page
from analytics.tabs.drift import drift_page
from analytics.tabs.growth import growth_page
from analytics.tabs.people import people_page
from analytics.tabs.place import place_page
from analytics.tabs.sources import sources_page
from analytics.training_figures import EpochPoint, iou_curves, loss_curves
from analytics.what_if import Rule, what_if
from analytics.what_if_panels import trade_off
from tests.inspections import NOON, Plant, executed


@pytest.fixture
def month(plant: Plant) -> Plant:
    """Two sources over a month, one of them an asset on which a scratch grows."""
    plant.line_1.kind = "asset"
    plant.line_1.save()
    for number in range(30):
        at = NOON + timedelta(days=number)
        plant.image({"scratch": [60 + 5 * number]}, source=plant.line_1, captured_at=at)
        plant.image({"pit": [30]} if number % 4 == 0 else {}, source=plant.line_2, captured_at=at)
    return plant.count_up()


def figures_of(scope: Scope) -> list[dict[str, Any]]:
    growth = partial(growth_page, limit=None)
    pages = (area_page, drift_page, growth, people_page, place_page, sources_page)
    panels = [panel for page in pages for panel in executed(page, scope).panels]
    panels += build_page(executed(build_dashboard, scope)).panels
    panels.append(trade_off(executed(what_if, scope, Rule(40, None, None))))
    small = [one.figure for panel in panels for one in getattr(panel, "figures", ())]
    return [*small, *(panel.figure for panel in panels if panel.figure is not None)]


def test_every_figure_is_plotlys(month: Plant) -> None:
    figures = figures_of(month.scope())
    points = [EpochPoint(1, 0.5, 0.6, 0.4, {"scratch": 0.4}), EpochPoint(2, 0.4, 0.5, 0.5, {"scratch": 0.5})]
    figures += [loss_curves(points), iou_curves(points, {"scratch": "#d55e00"}, best=2)]
    assert len(figures) > 15
    for figure in figures:
        go.Figure(json.loads(json.dumps(figure)))


def test_a_misspelt_property_is_noticed() -> None:
    drawn = Drawing({})
    drawn.add_scatter(x=[1], y=[1], hover_text=["a"])
    with pytest.raises(ValueError, match="hover_text"):
        go.Figure(drawn.plain())


def test_a_drawing_is_what_plotly_makes_of_it() -> None:
    drawn, known = Drawing({"height": 100}), go.Figure(layout={"height": 100, "template": None})
    for figure in (drawn, known):
        figure.add_bar(x=[1], y=[2])
        figure.add_scatter(x=[1, 2], y=[1, None], error_y=None)
        figure.add_hline(y=0.5, line={"color": "red"})
        figure.add_vline(x=1, line={"color": "blue"})
        figure.update_layout(showlegend=False)
    made = json.loads(known.to_json())
    made["layout"].pop("template")
    assert json.loads(json.dumps(drawn.plain())) == made
    assert scatter(x=[1], text=None) == {"type": "scatter", "x": [1]}
