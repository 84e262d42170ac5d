"""What each model version found in one batch, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from webapp.models.images import Batch
from webapp.models.learning import ModelVersion
from webapp.models.runs import Prediction, Run


@dataclass(frozen=True)
class ModelResult:
    """`done_count` images have numbers of this version, `fail_verdict_count` of them are defective."""

    model_version: ModelVersion
    run: Run
    done_count: int
    fail_verdict_count: int
    failed_count: int
    waiting_count: int

    @property
    def pass_count(self) -> int:
        return self.done_count - self.fail_verdict_count


def model_results(batch: Batch) -> list[ModelResult]:
    """One row per model version that ran over the batch, newest run first, in two queries."""
    newest: dict[int, Run] = {}
    for run in batch.runs.select_related("model_version").order_by("-id"):
        newest.setdefault(run.model_version_id, run)
    done = Q(state=Prediction.State.DONE)
    rows = (
        Prediction.objects.filter(image__batch_images__batch=batch, model_version__in=list(newest), is_shadow=False)
        .values("model_version_id")
        .annotate(
            done=Count("id", filter=done),
            fail_verdicts=Count("id", filter=done & Q(verdict=Prediction.Verdict.FAIL)),
            failed=Count("id", filter=Q(state=Prediction.State.FAILED)),
            waiting=Count("id", filter=Q(state__in=[Prediction.State.QUEUED, Prediction.State.CLAIMED])),
        )
        .values_list("model_version_id", "done", "fail_verdicts", "failed", "waiting")
    )
    counts = {row[0]: row[1:] for row in rows}
    return [ModelResult(run.model_version, run, *counts.get(pk, (0, 0, 0, 0))) for pk, run in newest.items()]
