"""The dashboard's overview in its order: tiles with the numbers that matter first, then the panels."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.change_panels import moved_panel, movement_panel
from analytics.control_panel import trend_panel
from analytics.dashboard import Dashboard
from analytics.label_panels import area_panel, pareto_by_area, pareto_by_cost, pareto_by_images, pareto_by_regions
from analytics.panels import Panel
from analytics.rate_panels import sources_panel
from analytics.scope import Choices
from analytics.tiles import Tile, tiles

__all__ = ["Page", "Tile", "build_page"]


@dataclass(frozen=True)
class Page:
    """`paretos` are one panel with a switch; `more` stand below. All of them are empty where nothing was inspected."""

    tiles: tuple[Tile, ...] = ()
    trend: Panel | None = None
    paretos: tuple[Panel, ...] = ()
    more: tuple[Panel, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in reading order."""
        return (*([self.trend] if self.trend else []), *self.paretos, *self.more)


def build_page(dashboard: Dashboard, choices: Choices | None = None) -> Page:
    """What is shown of a dashboard; nothing where nothing was inspected. `choices` know the names of what it may be
    compared with.
    """
    if not dashboard.summary.inspected_count:
        return Page()
    known = choices or Choices()
    by_cost = pareto_by_cost(dashboard)
    return Page(
        tiles=tiles(dashboard),
        trend=trend_panel(dashboard),
        paretos=(
            pareto_by_images(dashboard),
            pareto_by_regions(dashboard),
            pareto_by_area(dashboard),
            *([by_cost] if by_cost else []),
        ),
        more=(
            moved_panel(dashboard, known),
            movement_panel(dashboard, known),
            sources_panel(dashboard),
            area_panel(dashboard),
        ),
    )
