"""A dozen faults on a running stack; `make soak` does hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rig import Rig
from tests.faults.soak import soak

pytestmark = [pytest.mark.slow]

SEED = 20261123


def test_a_dozen_faults_lose_nothing_and_count_nothing_twice(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "data", tmp_path / "faults")
    done = soak(rig, fault_count=12, seconds=900, seed=SEED, in_a_round=12)
    assert done.total() == 12
