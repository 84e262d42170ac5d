"""Drift of the mix of labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, norm

from analytics.statistics import mix_distances

BASE = {"scratch": 5000, "pit": 3000, "dust": 2000}


def test_distance_is_chi_square_on_a_normal_scale() -> None:
    """Computed, not published: the χ² of the 2 × 3 table by hand, its tail against the normal one."""
    day = {"scratch": 30, "pit": 40, "dust": 30}
    (found,) = mix_distances([day], BASE)
    table = np.array([[30, 40, 30], [5000, 3000, 2000]], dtype=float)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    tail = float(chi2.sf(((table - expected) ** 2 / expected).sum(), 2))
    assert found.z is not None
    assert float(norm.sf(found.z)) == pytest.approx(tail, rel=0.35)
    assert (found.label, found.is_more) == ("scratch", False)


def test_steady_days_look_normal() -> None:
    random = np.random.default_rng(31)
    shares = [0.5, 0.3, 0.2]
    days = [dict(zip(BASE, row, strict=True)) for row in random.multinomial(300, shares, size=1000).tolist()]
    z = np.array([found.z for found in mix_distances(days, BASE)])
    assert abs(z.mean()) < 0.15
    assert z.std() == pytest.approx(1, abs=0.1)
    assert (z > 3).mean() < 0.01


def test_a_new_label_is_named() -> None:
    (found,) = mix_distances([{**{"scratch": 50, "pit": 30, "dust": 20}, "burr": 40}], {**BASE, "burr": 300})
    assert found.z is not None
    assert found.z > 3
    assert (found.label, found.is_more) == ("burr", True)


def test_a_label_nobody_saw_before_is_named() -> None:
    (found,) = mix_distances([{"scratch": 50, "pit": 30, "dust": 20, "burr": 40}], BASE)
    assert found.z is not None
    assert found.z > 3
    assert (found.label, found.is_more) == ("burr", True)


def test_rare_labels_are_counted_together() -> None:
    rare = {f"rare {i}": 40 for i in range(10)}
    (found,) = mix_distances([{"scratch": 60, **dict.fromkeys(rare, 4)}], {"scratch": 10_000, **rare})
    assert found.z is not None
    assert found.z > 3
    assert (found.label in rare, found.is_more) == (True, True)


def test_too_few_say_nothing() -> None:
    none, few, one = mix_distances([{}, {"scratch": 2}, {"scratch": 50}], {"scratch": 100})
    assert (none.z, few.z, one.z) == (None, None, None)
    assert mix_distances([{"scratch": 5}], {})[0].z is None


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="0 and more"):
        mix_distances([{"scratch": -1}], BASE)
