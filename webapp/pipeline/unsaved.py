"""What a worker has found since it last saved."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from segmentation.spent import Spent
from webapp.models import ModelVersion
from webapp.pipeline.claims import remove_masks_without_result
from webapp.pipeline.outages import once_it_answers
from webapp.pipeline.save import Outcome, save_outcomes
from webapp.services import pace

# So often people see progress, and so much is computed again when a worker is killed.
SAVE_EVERY_SECONDS = 2.0
# Roll-ups cost as much for sixteen images as for some hundred; a transaction stays short with so many.
SAVE_AT_MOST = 256

log = structlog.get_logger(__name__)


class Unsaved:
    """Saves what is added every two seconds, in one short transaction each time."""

    def __init__(self, model_version: ModelVersion, worker: str, patience: timedelta) -> None:
        self._model_version, self._worker, self._patience = model_version, worker, patience
        self._outcomes: list[Outcome] = []
        self._saved_at = time.monotonic()

    def add(self, outcome: Outcome, spent: Spent) -> None:
        self._outcomes.append(outcome)
        if len(self._outcomes) >= SAVE_AT_MOST or time.monotonic() - self._saved_at > SAVE_EVERY_SECONDS:
            self.save(spent)

    def save(self, spent: Spent) -> None:
        """Write what was found, and count what it took. Waits for a database that does not answer."""
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        with spent.on("saving"):
            once_it_answers(lambda: save_outcomes(outcomes, self._model_version, worker=self._worker), self._patience)
        remove_masks_without_result([outcome.prediction_id for outcome in outcomes])
        self._saved_at = time.monotonic()
        _count(outcomes, spent.take())


def _count(outcomes: list[Outcome], seconds: dict[str, float]) -> None:
    pace.add(len(outcomes), seconds)
    failed = sum(isinstance(outcome.found, str) for outcome in outcomes)
    rounded = {part: round(value, 3) for part, value in seconds.items()}
    log.info("segmented", images=len(outcomes), failed=failed, seconds=rounded)
