"""A figure under construction: traces and a layout, as Plotly.js reads them.

`plotly.graph_objects` would check every property while it is set, which took most of a page's time; here the tests
check all figures instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Trace = dict[str, Any]

_ACROSS = {"type": "line", "x0": 0, "x1": 1, "xref": "x domain", "yref": "y"}
_UPRIGHT = {"type": "line", "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}


class Drawing:
    """`plain` is the figure as Plotly JSON. Settings of None are left out."""

    def __init__(self, layout: dict[str, Any]) -> None:
        self._data: list[Trace] = []
        self._layout = layout

    def add_trace(self, trace: Trace) -> None:
        self._data.append(trace)

    def add_traces(self, traces: Iterable[Trace]) -> None:
        self._data.extend(traces)

    def add_scatter(self, **settings: Any) -> None:
        self.add_trace(scatter(**settings))

    def add_bar(self, **settings: Any) -> None:
        self.add_trace(bar(**settings))

    def add_heatmap(self, **settings: Any) -> None:
        self.add_trace(_given("heatmap", settings))

    def add_hline(self, *, y: float, line: dict[str, Any]) -> None:
        """A line across the whole plot."""
        self._add("shapes", _ACROSS | {"y0": y, "y1": y, "line": line})

    def add_vline(self, *, x: Any, line: dict[str, Any]) -> None:
        """A line from the plot's foot to its top."""
        self._add("shapes", _UPRIGHT | {"x0": x, "x1": x, "line": line})

    def add_annotation(self, **settings: Any) -> None:
        self._add("annotations", settings)

    def update_layout(self, **settings: Any) -> None:
        """Settings in place of those of the same name."""
        self._layout.update(settings)

    def plain(self) -> dict[str, Any]:
        return {"data": self._data, "layout": self._layout}

    def _add(self, name: str, item: dict[str, Any]) -> None:
        self._layout[name] = [*self._layout.get(name, ()), item]


def scatter(**settings: Any) -> Trace:
    return _given("scatter", settings)


def bar(**settings: Any) -> Trace:
    return _given("bar", settings)


def _given(kind: str, settings: dict[str, Any]) -> Trace:
    return {"type": kind} | {name: value for name, value in settings.items() if value is not None}
