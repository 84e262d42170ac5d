"""Images by source: what the model said, and what people made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, LiteralString

from psycopg import sql

from analytics.relations import inspected, parameters
from analytics.scope import Scope

_COUNTS: LiteralString = """
    SELECT coalesce(counted.source_id, 0), coalesce(concat_ws(' / ', nullif(source.site, ''), source.name), ''),
           counted.inspected, fail, final_fail, first_pass, waiting
    FROM (
        SELECT source_id, sum(inspected_count)::bigint AS inspected, sum(fail_count)::bigint AS fail,
               sum(final_fail_count)::bigint AS final_fail, sum(first_pass_count)::bigint AS first_pass,
               sum(waiting_count)::bigint AS waiting
        FROM ({inspected}) AS inspected GROUP BY source_id HAVING sum(inspected_count) > 0
    ) AS counted
    LEFT JOIN source ON source.id = counted.source_id
    ORDER BY source.site, source.name
"""


@dataclass(frozen=True)
class SourceCounts:
    """Images of one source; `source_id` 0 and an empty name for images without one."""

    source_id: int
    name: str
    inspected_count: int
    fail_count: int
    final_fail_count: int
    first_pass_count: int
    waiting_count: int

    @property
    def passed_count(self) -> int:
        """Passed by the model, whatever people said later."""
        return self.inspected_count - self.fail_count

    @property
    def reviewed_fail_count(self) -> int:
        """Failed by the model and judged by a person."""
        return self.fail_count - self.waiting_count

    @property
    def confirmed_count(self) -> int:
        """Failed by the model, and a person agreed: what counts as failed, less what waits, less what people found."""
        return self.final_fail_count - self.waiting_count - (self.passed_count - self.first_pass_count)


def source_counts(cursor: Any, scope: Scope) -> tuple[SourceCounts, ...]:
    """Sums by source over a scope; a label in it changes nothing. Sources without images are absent."""
    statement = sql.SQL(_COUNTS).format(inspected=inspected(replace(scope, label_id=None), by="source"))
    cursor.execute(statement.as_string(None), parameters(replace(scope, label_id=None)))
    return tuple(SourceCounts(*row) for row in cursor.fetchall())
