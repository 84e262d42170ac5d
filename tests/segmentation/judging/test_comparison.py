"""Two models on four pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.judging.comparison import (
    PairedVerdicts,
    PictureVerdict,
    compare,
    differing_fraction,
    paired_verdicts,
)

TRUTH = {"a": True, "b": True, "c": False, "d": False}


def verdicts(**fails: bool) -> list[PictureVerdict]:
    return [PictureVerdict(name, TRUTH[name], verdict) for name, verdict in fails.items()]


OLD = verdicts(a=True, b=False, c=False, d=True)
NEW = verdicts(a=True, b=True, c=False, d=True)


def masks(name: str) -> tuple[np.ndarray, np.ndarray]:
    """`a` differs in 3 of 10 pixels, `b` in one, `c` in none, `d` in all."""
    one, other = np.zeros((2, 5), np.uint8), np.zeros((2, 5), np.uint8)
    other.ravel()[: {"a": 3, "b": 1, "c": 0, "d": 10}[name]] = 1
    return one, other


def test_changed_verdicts_first_then_by_differing_pixels() -> None:
    found = compare(OLD, NEW, masks)
    assert [(row.name, row.is_verdict_changed, row.differing_fraction) for row in found] == [
        ("b", True, 0.1),
        ("d", False, 1.0),
        ("a", False, 0.3),
        ("c", False, 0.0),
    ]


def test_only_pictures_where_one_is_right_tell_them_apart() -> None:
    assert paired_verdicts(OLD, NEW) == PairedVerdicts(2, 0, 1, 1)
    assert paired_verdicts(NEW, OLD) == PairedVerdicts(2, 1, 0, 1)


def test_p_value_by_hand() -> None:
    """One right alone nine times, the other once: 2 · (1 + 10) / 1024."""
    assert PairedVerdicts(50, 9, 1, 3).p_value == pytest.approx(22 / 1024)
    assert PairedVerdicts(50, 5, 5, 3).p_value == 1
    assert PairedVerdicts(50, 0, 0, 3).p_value == 1


def test_other_pictures_or_another_truth_are_refused() -> None:
    with pytest.raises(ValueError, match="1 are in one only, such as d"):
        paired_verdicts(OLD, NEW[:3])
    with pytest.raises(ValueError, match="the truth must be one"):
        paired_verdicts(OLD[:1], [PictureVerdict("a", False, True)])
    with pytest.raises(ValueError, match="picture's size"):
        differing_fraction(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12))
def test_counts_add_up_and_swap(rows: list[tuple[bool, bool, bool]]) -> None:
    one = [PictureVerdict(str(n), truth, fails) for n, (truth, fails, _) in enumerate(rows)]
    other = [PictureVerdict(str(n), truth, fails) for n, (truth, _, fails) in enumerate(rows)]
    counts, swapped = paired_verdicts(one, other), paired_verdicts(other, one)
    assert (
        counts.both_right_count + counts.only_a_right_count + counts.only_b_right_count + counts.both_wrong_count
        == len(rows)
    )
    assert counts.only_a_right_count == swapped.only_b_right_count
    assert counts.p_value == swapped.p_value
    assert 0 < counts.p_value <= 1
