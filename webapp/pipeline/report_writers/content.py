"""What every kind of report needs: the scope and its numbers, what was in force, and how to say how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics import Dashboard, Grain, Scope, build_dashboard
from analytics.report_facts import VersionRow, expected_rows, scope_words, versions
from segmentation import __version__
from webapp.models import Project

Progress = Callable[[float], None]
"""Called with the share that is done, 0–1; raises where nobody wants the report any more."""

_ROWS_BETWEEN = 5_000


@dataclass(frozen=True)
class Content:
    """A report to be written. `written_at` is aware; `cursor` sees one moment from the first file to the last."""

    cursor: Any
    project: Project
    scope: Scope
    words: str
    dashboard: Dashboard
    versions: tuple[VersionRow, ...]
    written_at: datetime

    @classmethod
    def read(cls, cursor: Any, project: Project, scope: Scope, written_at: datetime) -> Content:
        return cls(
            cursor=cursor,
            project=project,
            scope=scope,
            words=scope_words(cursor, scope),
            dashboard=build_dashboard(cursor, scope),
            versions=versions(cursor, scope),
            written_at=written_at,
        )

    def about(self) -> list[tuple[str, str]]:
        """What a file says about itself, but for its row counts."""
        query = self.scope.query(bucket="auto")
        return [
            ("Project", self.project.name),
            ("Scope", self.words),
            ("Scope as query", query or "(everything)"),
            ("Time zone", self.scope.time_zone),
            ("Images inspected", str(self.dashboard.summary.inspected_count)),
            ("Model versions", "; ".join(f"{one}, {one.image_count:,} images" for one in self.versions) or "none"),
            ("Rule in force", rule_words(self.project)),
            ("Written by", f"Pixelwise {__version__}"),
        ]


class RowCount:
    """Counts the rows written and tells the progress now and then."""

    def __init__(self, content: Content, grains: tuple[Grain, ...], progress: Progress) -> None:
        self._expected = max(sum(expected_rows(content.dashboard, grain) for grain in grains), 1)
        self._progress = progress
        self.count = 0

    def add(self, count: int = 1) -> None:
        before = self.count
        self.count += count
        if before // _ROWS_BETWEEN != self.count // _ROWS_BETWEEN:
            self._progress(min(self.count / self._expected, 0.99))


def rule_words(project: Project) -> str:
    """When an image fails today, in one sentence."""
    defects = ", ".join(label.name for label in project.labels.all() if label.is_defect) or "no label"
    return (
        f"An image fails when one region of a defect label ({defects}) has {project.effective_min_region_px:,} px or "
        "more, or when a person said so"
    )
