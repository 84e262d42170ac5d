"""The one look of all figures.

Colours are Okabe and Ito's, which people with colour-blindness can tell apart ("Color universal design",
2008), or a label's own. They are written as CSS variables, `var(--defect)`, and resolved by the page, so that
one figure serves light and dark.
"""

from __future__ import annotations

from html import escape
from typing import Any

from analytics.drawing import Drawing

TEXT = "var(--text)"
MUTED = "var(--muted)"
GRID = "var(--border)"
SURFACE = "var(--surface)"
RATE = "var(--defect)"
BAND = "var(--chart-band)"
QUIET = "var(--chart-quiet)"
REFERENCE = "var(--accent)"

DATE_FORMATS = [
    {"dtickrange": [None, 86_400_000 - 1], "value": "%H:%M\n%-d %b"},
    {"dtickrange": [86_400_000, "M1"], "value": "%-d %b\n%Y"},
    {"dtickrange": ["M1", "M12"], "value": "%b\n%Y"},
    {"dtickrange": ["M12", None], "value": "%Y"},
]
_NAME_LENGTH = 22
_BAND_OPACITY = 0.16


# What of Plotly's own theme the figures keep.
_BASE: dict[str, Any] = {
    "data": {"bar": [{"type": "bar", "marker": {"line": {"color": "#E5ECF6", "width": 0.5}}}]},
    "layout": {"autotypenumbers": "strict", "xaxis": {"automargin": True}, "yaxis": {"automargin": True}},
}


def figure(*, height: int, margin: dict[str, int]) -> Drawing:
    """An empty figure on the page's own ground."""
    return Drawing(
        {
            "template": _BASE,
            "height": height,
            "margin": margin | {"pad": 4},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 12, "color": MUTED},
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": SURFACE, "bordercolor": GRID, "font": {"color": TEXT}, "align": "left"},
            "dragmode": False,
        }
    )


def axis(**settings: Any) -> dict[str, Any]:
    """A quiet axis. Figures never zoom: `fixedrange` leaves swipes to the page."""
    return {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "ticks": "",
        "color": MUTED,
        "fixedrange": True,
        **settings,
    }


def title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 11, "color": MUTED}, "standoff": 6}


def band_color(color: str) -> str:
    """A translucent form of a colour like #d55e00, or of the colour of rates."""
    if color == RATE:
        return BAND
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return f"rgba({red}, {green}, {blue}, {_BAND_OPACITY})"


def short(name: str) -> str:
    """A name that fits beside an axis."""
    return lines(name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…")


def lines(text: str) -> str:
    """Text as it is: Plotly reads a little HTML in what it writes."""
    return escape(text, quote=False).replace("\n", "<br>")


def plain(drawn: Drawing) -> dict[str, Any]:
    return drawn.plain()
