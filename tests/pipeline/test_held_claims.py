"""Claims of a slow worker: kept while it lives, left alone once another has them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from tests.workers import LEASE, run_of_five
from webapp import storage
from webapp.models import Prediction, Project, Run
from webapp.pipeline import segment
from webapp.pipeline.save import Outcome, save_outcomes
from webapp.pipeline.segment import compute, loaded

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(project: Project) -> Run:
    return run_of_five(project)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture at a time is under way, and a lease is over before the next one's turn comes."""
    monkeypatch.setattr(segment, "lease", lambda: timedelta(microseconds=1))
    monkeypatch.setattr(segment, "segment_files", partial(segment.segment_files, pixels_ahead=40 * 30))


def computed(run: Run, claimed: list[Prediction], worker: str) -> list[Outcome]:
    return list(compute(loaded(run.model_version), run.model_version, claimed, worker=worker))


def test_what_waits_for_its_turn_is_renewed_too(run: Run, slowly: None) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    outcomes = compute(loaded(run.model_version), run.model_version, claimed, worker="a:1")
    next(outcomes)
    earlier = timezone.now() - timedelta(days=1)
    run.predictions.update(lease_until=earlier)
    next(outcomes)
    assert not run.predictions.filter(lease_until=earlier).exists()
    outcomes.close()


def test_what_another_worker_took_meanwhile_is_left_to_it(run: Run, slowly: None) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    outcomes = compute(loaded(run.model_version), run.model_version, claimed, worker="a:1")
    found = [next(outcomes).prediction_id]
    run.predictions.filter(pk__in=[row.pk for row in claimed[3:]]).update(claimed_by="b:1")
    found += [outcome.prediction_id for outcome in outcomes]
    assert found == [row.pk for row in claimed[:3]]


def test_a_mask_is_of_the_worker_whose_numbers_count(run: Run) -> None:
    claimed = run.predictions.all().claim(worker="a:1", count=5, lease=LEASE)
    too_late = computed(run, claimed, "a:1")
    masks = [storage.mask_path(row.pk) for row in claimed]
    assert not any(path.exists() for path in masks), "as long as nobody knows whose it is"
    run.predictions.update(claimed_by="b:1")
    assert len(save_outcomes(computed(run, claimed, "b:1"), run.model_version, worker="b:1")) == 5
    for path in masks:
        assert path.exists()
        storage.write(path, b"b's")
    assert save_outcomes(too_late, run.model_version, worker="a:1") == set()
    assert {path.read_bytes() for path in masks} == {b"b's"}
