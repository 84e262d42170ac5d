"""Which image of a data set goes to which split, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.datasets.likeness import groups_of_alike
from segmentation.datasets.splits import (
    FRACTIONS,
    SPLITS,
    joined_groups,
    missing_labels,
    split_by_groups,
    split_train_and_validation_anew,
)
from webapp.models.dataset_groupings import ALIKE
from webapp.pipeline.dataset_members import Member

MOST_NAMED = 6
MOST_FRESH_TESTED = 0.5
"""Of images that no earlier data set learned from, so many at most are kept for testing: the rest may teach."""


@dataclass(frozen=True)
class SplitChoice:
    """`splits`: name → split; `groups`: name → group number; `notes`: sentences for people."""

    splits: dict[str, str]
    groups: dict[str, int]
    notes: tuple[str, ...]


def choose_split(
    members: Sequence[Member],
    *,
    rule: str,
    grouping: Collection[str],
    label_names: Mapping[int, str],
    locked: Collection[str] = (),
    learned: Collection[str] = (),
    seed: int = 0,
) -> SplitChoice:
    """`rule`: "auto", "given" or "anew"; `locked`: SHA-256 of images that are in a test split already; `learned`: of
    images that are in training or validation already.

    A given test split is never dealt anew, and locked images join it. "auto" keeps what is given unless there is no
    validation split or it lacks labels that training has; then train and val are dealt anew by groups and labels.
    Where nothing is given, no image that models may have learned from is dealt to the test split.
    """
    names = [member.name for member in members]
    alike = groups_of_alike(np.asarray([member.signature for member in members], np.float32).reshape(len(names), -1))
    keys: list[Sequence[object]] = [alike.tolist()] if ALIKE in grouping else []
    keys += [[member.groups.get(name) for member in members] for name in sorted(set(grouping) - {ALIKE})]
    rows = joined_groups(*keys) if keys else list(range(len(names)))
    groups = dict(zip(names, rows, strict=True))
    presence = {member.name: frozenset(member.pixels) for member in members}
    given = {split: tuple(row.name for row in members if row.given_split == split) for split in SPLITS}
    told = _Told(label_names)
    kept = frozenset(member.name for member in members if member.image_sha256 in locked)
    known = frozenset(member.name for member in members if member.image_sha256 in learned) - kept
    if any(given.values()):
        splits = _from_given(_with_locked(given, kept, known, told), groups, presence, rule, seed, told)
    else:
        splits = _from_nothing(groups, presence, kept, known, seed, told)
    told.about(splits, presence, dict(zip(names, alike.tolist(), strict=True)))
    return SplitChoice(
        splits={name: split for split, part in splits.items() for name in part},
        groups=groups,
        notes=tuple(told.notes),
    )


class _Told:
    """Collects what to say."""

    def __init__(self, label_names: Mapping[int, str]) -> None:
        self.notes: list[str] = []
        self.label_names = label_names

    def say(self, sentence: str) -> None:
        self.notes.append(sentence)

    def listed(self, labels: Collection[int], word: str = "and") -> str:
        names = [self.label_names.get(label, f"label {label}") for label in labels]
        if len(names) > MOST_NAMED + 1:
            names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} other labels"]
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"

    def about_learned(self, names: Collection[str]) -> None:
        """Test images that an earlier data set taught with."""
        if names:
            one = len(names) == 1
            self.say(
                f"{len(names)} test image{' was' if one else 's were'} in training or validation of an earlier data set"
                f" of this project. Versions that learned from {'it' if one else 'them'} are marked where versions are"
                " compared."
            )

    def about(
        self, splits: Mapping[str, Sequence[str]], presence: Mapping[str, frozenset[int]], alike: Mapping[str, int]
    ) -> None:
        """What is wrong with the split however it came about."""
        for split, word in (("val", "validation"), ("test", "test")):
            if not splits.get(split):
                self.say(_EMPTY[split])
            elif missing := missing_labels(splits, presence, split):
                it = "it" if len(missing) == 1 else "them"
                self.say(
                    f"No {word} image shows {self.listed(missing, 'or')}, so {word} scores say nothing about {it}."
                    f" More labelled images of {it} from other parts would help."
                )
        kept_apart = {alike[name] for name in splits.get("test", ())}
        leaking = sum(alike[name] in kept_apart for split in ("train", "val") for name in splits.get(split, ()))
        if leaking:
            self.say(
                f"{leaking} training or validation image{'s look' if leaking > 1 else ' looks'} almost the same as a"
                " test image. Test scores may be prettier than the truth."
            )


_EMPTY = {
    "val": "There are no validation images, so nothing tells when a model is at its best.",
    "test": "There are no test images. Scores will come from images that helped to choose the model, and will be"
    " prettier than the truth.",
}

_Splits = Mapping[str, Sequence[str]]


def _from_given(
    given: _Splits,
    groups: Mapping[str, int],
    presence: Mapping[str, frozenset[int]],
    rule: str,
    seed: int,
    told: _Told,
) -> _Splits:
    missing = missing_labels(given, presence, "val") if given["train"] else ()
    redo: Callable[[], _Splits] = lambda: split_train_and_validation_anew(given, groups, presence, seed)  # noqa: E731
    kept = "The test images stay as given." if given["test"] else ""
    if rule == "given" or not given["train"]:
        return given
    if rule == "anew":
        told.say(f"Training and validation images were dealt out anew. {kept}".strip())
        return redo()
    if not given["val"]:
        told.say(f"No validation images were given, so some training images were set aside for it. {kept}".strip())
        return redo()
    anew = redo() if missing else given
    if missing and len(missing_labels(anew, presence, "val")) < len(missing):
        told.say(
            f"The given validation images show no {told.listed(missing, 'or')}, so choosing the best model by them"
            f" would be blind. Training and validation images were dealt out anew. {kept}".strip()
        )
        return anew
    return given


def _from_nothing(
    groups: Mapping[str, int],
    presence: Mapping[str, frozenset[int]],
    locked: frozenset[str],
    learned: frozenset[str],
    seed: int,
    told: _Told,
) -> _Splits:
    """Everything dealt out, but locked images stay in the test split with their groups, and other groups that models
    may have learned from stay out of it."""
    locked_groups = {groups[name] for name in locked}
    test = [name for name in groups if groups[name] in locked_groups]
    rest = [name for name in groups if groups[name] not in locked_groups]
    if test:
        told.say(
            f"{len(test)} image{'s stay test images' if len(test) > 1 else ' stays a test image'}, because an earlier"
            " data set of this project keeps them apart."
        )
    told.about_learned(learned & set(test))
    wanted = max(0.0, FRACTIONS["test"] * len(groups) - len(test))
    share = wanted / max(1, len(rest))

    def dealt(names: Sequence[str], fractions: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
        return split_by_groups(
            names, [groups[name] for name in names], [presence[name] for name in names], fractions, seed
        )

    taught = sorted(learned - set(test))
    if not taught:
        found = dealt(rest, _learnable(1 - share) | {"test": share})
        return {**found, "test": (*found["test"], *test)}
    one = len(taught) == 1
    told.say(
        f"{len(taught)} image{' was' if one else 's were'} in training or validation of an earlier data set of this"
        f" project. New test images were chosen from the others only, because models may have learned from"
        f" {'this one' if one else 'these'}."
    )
    taught_groups = {groups[name] for name in taught}
    fresh = [name for name in rest if groups[name] not in taught_groups]
    share = min(MOST_FRESH_TESTED, wanted / max(1, len(fresh)))
    chosen = dealt(fresh, {"train": 1 - share, "test": share})["test"]
    left = [name for name in rest if name not in set(chosen)]
    return {**dealt(left, _learnable(1.0)), "test": (*chosen, *test)}


def _learnable(share: float) -> dict[str, float]:
    """Training and validation in their usual proportion, together this share."""
    whole = FRACTIONS["train"] + FRACTIONS["val"]
    return {split: FRACTIONS[split] / whole * share for split in ("train", "val")}


def _with_locked(given: _Splits, locked: frozenset[str], learned: frozenset[str], told: _Told) -> _Splits:
    """The given splits, but what an earlier data set keeps for testing is a test image here too."""
    moved = sorted(locked - set(given["test"]))
    if moved:
        one = len(moved) == 1
        told.say(
            f"{len(moved)} image{' was' if one else 's were'} given for training or validation, but an earlier data"
            f" set of this project keeps {'it' if one else 'them'} for testing:"
            f" {'it stays a test image' if one else 'they stay test images'}."
        )
    told.about_learned(learned & set(given["test"]))
    kept = {split: tuple(name for name in given[split] if name not in locked) for split in ("train", "val")}
    return {**kept, "test": (*given["test"], *moved)}
