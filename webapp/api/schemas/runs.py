"""Runs: one model version over one batch."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema

from webapp.api.inputs import Id
from webapp.api.schemas.models import ModelRef
from webapp.models import Run


class RunIn(Schema):
    """`model`: the id of a model version of the batch's project."""

    model: Id


class RunOut(Schema):
    id: int
    batch: int
    model: ModelRef
    state: str
    created_at: datetime

    @classmethod
    def of(cls, run: Run, *, batch_id: int) -> RunOut:
        return cls(
            id=run.pk,
            batch=batch_id,
            model=ModelRef.of(run.model_version),
            state=run.state,
            created_at=run.created_at,
        )
