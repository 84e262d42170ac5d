"""Numbers into insight: handed a database cursor, it counts, compares, draws and writes reports.

No Django and no torch here. `read_scope` turns a query string into a Scope; everything else takes one.
"""

from collections.abc import Mapping
from typing import Any

from analytics.dashboard import Dashboard, build_dashboard
from analytics.dashboard_json import dashboard_json
from analytics.images import ImagePage, ImageRow, image_count, image_neighbours, image_rows
from analytics.page import Page, build_page
from analytics.queries import choices
from analytics.reports import GRAINS, Grain, report, report_filename
from analytics.scope import Choice, Choices, Scope, ScopeError
from analytics.statistics import Interval, difference, wilson

__all__ = [
    "GRAINS",
    "Choice",
    "Choices",
    "Dashboard",
    "Grain",
    "ImagePage",
    "ImageRow",
    "Interval",
    "Page",
    "Scope",
    "ScopeError",
    "build_dashboard",
    "build_page",
    "choices",
    "dashboard_json",
    "difference",
    "image_count",
    "image_neighbours",
    "image_rows",
    "read_scope",
    "report",
    "report_filename",
    "wilson",
]


def read_scope(cursor: Any, query: Mapping[str, Any], *, project_id: int, time_zone: str) -> Scope:
    """The scope of one project that a query string asks for; ScopeError says what is wrong with it.

    The caller has made sure that the reader may see the project; ids of other projects are errors.
    """
    batch, vs_batch = (str(query.get(name) or "").strip() for name in ("batch", "vs_batch"))
    offered = choices(cursor, project_id, batch=batch, vs_batch=vs_batch)
    return Scope.from_query(query, project_id=project_id, choices=offered, time_zone=time_zone)
