"""Reports that workers write."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema

from webapp.models import Report


class ReportIn(Schema):
    """`kind`: csv, xlsx, parquet, pdf or evidence. `grain` (of the first three): images, labels, regions or daily.

    `scope`: the dashboard's query parameters, like {"from": "2026-05-01", "source": "Line 1"}.
    """

    kind: str
    grain: str = "images"
    scope: dict[str, str] = {}


class ReportOut(Schema):
    """`state`: waiting, running, done, failed or cancelled. `query`: its scope as a query string.

    `row_count`: rows, of PDF and evidence images; null until it is done, as are size and checksum.
    """

    id: int
    kind: str
    grain: str
    query: str
    state: str
    progress_fraction: float
    error: str
    filename: str
    row_count: int | None
    size_bytes: int | None
    sha256: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, report: Report) -> ReportOut:
        return cls.model_validate({name: getattr(report, name) for name in cls.model_fields})
