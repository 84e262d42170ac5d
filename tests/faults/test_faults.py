"""A dozen faults on a running stack, and a model that cannot be loaded; `make soak` does hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.checks import Checks
from tests.faults.photos import photos
from tests.faults.rig import Rig
from tests.faults.soak import soak

pytestmark = [pytest.mark.slow]

SEED = 20261123


def test_a_dozen_faults_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", tmp_path / "faults")
    done = soak(rig, fault_count=12, seconds=900, seed=SEED, in_a_round=12)
    assert done.total() == 12


def test_a_model_that_kills_its_worker_while_it_loads_ends_its_batch_and_is_tried_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", tmp_path / "faults")
    checks = Checks(rig)
    try:
        rig.start()
        (rig.faults / "deadly-models").touch()
        batch = photos(1, 8)
        rig.photos = {photo.sha256: photo for photo in batch}
        rig.damaged = set(rig.photos)
        rig.upload(batch)
        rig.settle(seconds=240)
        assert checks.all_is_well() == {"failed": 8}
        ((batch_id, error),) = rig.rows("SELECT DISTINCT batch_id, error FROM run JOIN prediction ON run_id = run.id")
        assert error.startswith("Version 1 could not be loaded: the worker ended 2 times while loading it.")
        (rig.faults / "deadly-models").unlink()
        with rig.stack.signed_in() as client:
            client.post(f"batches/{batch_id}/retry").raise_for_status()
        rig.settle(seconds=240)
        assert checks.all_is_well() == {"done": 8}
    finally:
        rig.stop()
