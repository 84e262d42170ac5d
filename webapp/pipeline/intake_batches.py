"""The batches that intakes leave open until their hour is over."""

from __future__ import annotations

from collections.abc import Collection

from webapp.models import Batch, Intake, Run
from webapp.pipeline.queueing import finish_complete_runs, seal


def seal_batches(batch_ids: Collection[int]) -> list[int]:
    """No more files will come. Returns the runs to wake workers for."""
    open_ones = Batch.objects.filter(pk__in=batch_ids, sealed_at__isnull=True)
    # All that was listed for these was gone again before it could be taken.
    open_ones.filter(batch_images=None, skipped_files=None, archives=None).delete()
    runs = [seal(batch) for batch in open_ones]
    finish_complete_runs(list(Run.objects.filter(batch__in=batch_ids).values_list("pk", flat=True)))
    return [run.pk for run in runs if run is not None]


def close_batches(intake: Intake) -> list[int]:
    """Seal what an intake that is switched off or removed left open; returns the runs to wake workers for."""
    return seal_batches([batch_id for _, batch_id in intake.open_batches.values()])
