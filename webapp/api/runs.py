"""Runs of a batch: another model version, stop, try again."""

from __future__ import annotations

from ninja import Router, Status

from webapp.actions.runs import cancel_run, retry_failed, start_run
from webapp.api.auth import ApiRequest
from webapp.api.batches import batch_out, visible_batch
from webapp.api.errors import invalid
from webapp.api.schemas.batches import BatchOut
from webapp.api.schemas.errors import READ_ERRORS, WRITE_ERRORS, answers
from webapp.api.schemas.runs import RunIn, RunOut
from webapp.models import ModelVersion, Run

router = Router()


@router.post("/batches/{int:batch_id}/runs", response=answers(RunOut, status=201, errors=WRITE_ERRORS))
def create_run(request: ApiRequest, batch_id: int, payload: RunIn) -> Status[RunOut]:
    """Segment a batch with another model version. Numbers that it had stay beside the new ones."""
    batch = visible_batch(request.auth, batch_id)
    known = ModelVersion.objects.visible_to(request.auth).filter(project=batch.project_id)
    chosen = known.filter(pk=payload.model).first()
    if chosen is None:
        ids = ", ".join(str(pk) for pk in known.values_list("pk", flat=True)) or "none yet"
        raise invalid("model", f"The project has no model {payload.model}. It has: {ids}.")
    run = start_run(batch=batch, model_version=chosen, user=request.auth)
    return Status(201, RunOut.of(run, batch_id=batch.pk))


@router.post("/batches/{int:batch_id}/cancel", response=answers(BatchOut, errors=READ_ERRORS))
def cancel_batch(request: ApiRequest, batch_id: int) -> BatchOut:
    """Stop segmenting. What is done stays; nothing happens where nothing is going on."""
    batch = visible_batch(request.auth, batch_id)
    for run in batch.runs.filter(state=Run.State.RUNNING):
        cancel_run(run=run, user=request.auth)
    return batch_out(request.auth, batch_id)


@router.post("/batches/{int:batch_id}/retry", response=answers(BatchOut, errors=READ_ERRORS))
def retry_batch(request: ApiRequest, batch_id: int) -> BatchOut:
    """Segment the failed images of the newest run once more; nothing happens where none failed."""
    batch = visible_batch(request.auth, batch_id)
    newest = batch.runs.order_by("-pk").first()
    if newest is not None:
        retry_failed(run=newest, user=request.auth)
    return batch_out(request.auth, batch_id)
