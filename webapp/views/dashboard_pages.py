"""The pages of the dashboard: one scope, looked at from several sides."""

from __future__ import annotations

PAGES = {
    "dashboard": "Overview",
    "dashboard-area": "Area",
    "dashboard-place": "Place",
    "dashboard-zones": "Zones",
    "dashboard-sources": "Sources",
    "dashboard-drift": "Drift",
    "dashboard-growth": "Growth",
    "dashboard-what-if": "What-if",
    "dashboard-people": "People and models",
}
"""The tabs in their order: the name of the address → what people read."""
