"""What a worker has claimed, renewed on the way: a slow one keeps its claims, and one that lost some sees it."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models.functions import Now

from webapp.models import Prediction
from webapp.pipeline.outages import once_it_answers


class HeldClaims:
    """The predictions that `worker` holds; `lease` is how long it may keep silent about them."""

    def __init__(self, worker: str, lease: timedelta) -> None:
        self._mine, self._lease = Prediction.objects.all().held_by(worker), lease
        self._ids: frozenset[int] = frozenset()
        self._renewed_at = float("-inf")

    def renew(self) -> None:
        """To be called often: four times a lease it renews all, also what has not had its turn yet."""
        if time.monotonic() - self._renewed_at > self._lease.total_seconds() / 4:
            once_it_answers(lambda: self._mine.update(lease_until=Now() + self._lease), self._lease)
            self._renewed_at = time.monotonic()
            self._look()

    def has(self, prediction_id: int) -> bool:
        """Whether the worker holds it still, or did a quarter of a lease ago."""
        self.renew()
        if prediction_id not in self._ids:
            self._look()
        return prediction_id in self._ids

    def _look(self) -> None:
        self._ids = once_it_answers(lambda: frozenset(self._mine.values_list("pk", flat=True)), self._lease)
