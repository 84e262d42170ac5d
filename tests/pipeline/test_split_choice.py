"""What one data set keeps for testing, and what another has taught with, when a third is split."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable

import numpy as np
import pytest

from webapp.pipeline.dataset_members import Member
from webapp.pipeline.split_choice import SplitChoice, choose_split

NAMES = {0: "background", 1: "rust"}


def members(numbers: Iterable[int], splits: dict[int, str] | None = None, part: int = 1) -> list[Member]:
    """Images that look like nothing else; `part` of them in a row are of one part; every other one shows rust."""
    return [
        Member(
            name=f"{number:03}.png",
            given_split=(splits or {}).get(number, ""),
            image_sha256=f"{number:064x}",
            mask_sha256=f"{number:064x}",
            pixels={0: 90, 1: 10} if number % 2 else {0: 100},
            look=_look(number),
            groups={"part": str(number // part)},
        )
        for number in numbers
    ]


def _look(number: int) -> str:
    drawn = np.random.default_rng(number).normal(size=576)
    return base64.b64encode((drawn / np.linalg.norm(drawn)).astype(np.float16).tobytes()).decode()


def hashes(numbers: Iterable[int]) -> set[str]:
    return {f"{number:064x}" for number in numbers}


def chosen(numbers: Iterable[int], *, locked: Collection[int] = (), learned: Collection[int] = ()) -> SplitChoice:
    return choose_split(
        members(numbers), rule="auto", grouping=(), label_names=NAMES, locked=hashes(locked), learned=hashes(learned)
    )


def numbers_of(choice: SplitChoice, split: str) -> set[int]:
    return {int(name[:3]) for name, found in choice.splits.items() if found == split}


@pytest.mark.parametrize("extra", [20, 100])
def test_what_an_earlier_set_taught_with_is_never_a_test_image_of_a_larger_one(extra: int) -> None:
    first = chosen(range(100))
    locked = numbers_of(first, "test")
    learned = set(range(100)) - locked
    larger = chosen(range(100 + extra), locked=locked, learned=learned)
    test = numbers_of(larger, "test")
    assert test >= locked
    assert not test & learned
    assert len(test) == round(0.15 * (100 + extra))
    assert 0.1 < len(numbers_of(larger, "val")) / (100 + extra) < 0.2
    assert any("85 images were in training or validation of an earlier data set" in note for note in larger.notes)


def test_half_of_what_is_new_may_teach_where_nothing_was_locked() -> None:
    larger = chosen(range(110), learned=range(100))
    assert len(numbers_of(larger, "test")) == 5
    assert min(numbers_of(larger, "test")) >= 100


def test_images_that_all_taught_before_leave_no_test_split() -> None:
    again = chosen(range(40), learned=range(40))
    assert not numbers_of(again, "test")
    assert any(note.startswith("There are no test images") for note in again.notes)


def test_a_part_that_taught_before_stays_out_of_the_test_split_as_a_whole() -> None:
    known = set(range(0, 60, 3))
    choice = choose_split(
        members(range(120), part=3), rule="auto", grouping=("part",), label_names=NAMES, learned=hashes(known)
    )
    test = numbers_of(choice, "test")
    assert test
    assert min(test) >= 60


def test_what_belongs_to_a_locked_image_goes_with_it_even_if_it_taught_before() -> None:
    """Else a twin of a test image would teach; versions that learned from it are marked instead."""
    choice = choose_split(
        members(range(60), part=3),
        rule="auto",
        grouping=("part",),
        label_names=NAMES,
        locked=hashes((0,)),
        learned=hashes((1, 30)),
    )
    assert {0, 1, 2} <= numbers_of(choice, "test")
    assert not {30, 31, 32} & numbers_of(choice, "test")
    assert any(note.startswith("1 test image was in training or validation") for note in choice.notes)


def test_given_for_training_but_locked_stays_a_test_image_and_is_told() -> None:
    given = dict.fromkeys(range(30), "train") | dict.fromkeys(range(30, 40), "val")
    for rule in ("given", "auto", "anew"):
        choice = choose_split(
            members(range(40), given), rule=rule, grouping=(), label_names=NAMES, locked=hashes((3, 4, 35))
        )
        assert numbers_of(choice, "test") == {3, 4, 35}
        assert any("3 images were given for training or validation, but" in note for note in choice.notes)


def test_a_given_test_split_is_kept_and_what_taught_before_is_told() -> None:
    learnable = dict.fromkeys(range(20), "train") | dict.fromkeys(range(20, 30), "val")
    given = learnable | dict.fromkeys(range(30, 40), "test")
    choice = choose_split(
        members(range(40), given), rule="auto", grouping=(), label_names=NAMES, learned=hashes([*range(25), 31])
    )
    assert numbers_of(choice, "test") == set(range(30, 40))
    assert any(note.startswith("1 test image was in training or validation") for note in choice.notes)
