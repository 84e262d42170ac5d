"""A person's word counts, the model's stays; roll-ups equal a recount all along."""

from __future__ import annotations

import random

import pytest

from tests.inspections import Plant, build_plant, set_current
from webapp.actions.batches import delete_batch
from webapp.actions.refused import Refused
from webapp.actions.reviews import judge, standing_review, withdraw
from webapp.actions.verdicts import change_rule
from webapp.models import Image, InspectionRollup, Prediction, Review, User, Workspace
from webapp.pipeline import rollups


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    return build_plant(acme)


def sums(plant: Plant) -> dict[str, int]:
    names = ("inspected_count", "fail_count", "final_fail_count", "first_pass_count", "waiting_count")
    rows = InspectionRollup.objects.filter(project=plant.project, is_current=True)
    return {name.removesuffix("_count"): sum(getattr(row, name) for row in rows) for name in names}


def test_a_fail_is_overruled_and_the_word_taken_back(plant: Plant, bob: User) -> None:
    image = plant.image({"scratch": [60]})
    plant.image({})
    plant.count_up()
    before = {"inspected": 2, "fail": 1, "final_fail": 1, "first_pass": 1, "waiting": 1}
    assert sums(plant) == before

    review = judge(image=image, user=bob, verdict="pass", reason="  Only   dust ")
    assert (review.model_verdict, review.verdict, review.reason, review.user) == ("fail", "pass", "Only dust", bob)
    assert image.predictions.get().verdict == "fail"
    assert Image.objects.get(pk=image.pk).reviewed_verdict == "pass"
    assert sums(plant) == {"inspected": 2, "fail": 1, "final_fail": 0, "first_pass": 1, "waiting": 0}
    assert rollups.differences(plant.project.pk) == []

    withdraw(image=image, user=bob)
    assert sums(plant) == before
    assert rollups.differences(plant.project.pk) == []
    assert standing_review(image) is None
    assert [(row.verdict, row.is_withdrawn) for row in image.reviews.all()] == [("pass", True), ("pass", False)]


def test_an_escape_lowers_first_pass(plant: Plant, bob: User) -> None:
    image = plant.image({})
    plant.count_up()
    judge(image=image, user=bob, verdict="fail", reason="Crack at the edge")
    assert sums(plant) == {"inspected": 1, "fail": 0, "final_fail": 1, "first_pass": 0, "waiting": 0}
    assert rollups.differences(plant.project.pk) == []


def test_confirming_needs_no_reason_and_overruling_does(plant: Plant, bob: User) -> None:
    image = plant.image({"pit": [40]})
    plant.count_up()
    assert judge(image=image, user=bob, verdict="fail").reason == ""
    with pytest.raises(Refused, match="The model says fail") as refused:
        judge(image=image, user=bob, verdict="pass", reason="  ")
    assert refused.value.field == "reason"
    assert judge(image=image, user=bob, verdict="pass", is_blind=True).is_blind


@pytest.mark.parametrize(("verdict", "reason"), [("maybe", "x"), ("", "x"), ("fail", "x" * 501)])
def test_bad_words_are_refused(plant: Plant, bob: User, verdict: str, reason: str) -> None:
    image = plant.image({})
    with pytest.raises(Refused):
        judge(image=image, user=bob, verdict=verdict, reason=reason)
    assert not Review.objects.exists()


def test_without_a_result_or_a_word_there_is_nothing_to_do(plant: Plant, bob: User) -> None:
    image = plant.image({})
    with pytest.raises(Refused, match="Nobody has judged"):
        withdraw(image=image, user=bob)
    other = plant.image({}).predictions.get()
    with pytest.raises(Refused, match="no result"):
        judge(image=image, user=bob, verdict="pass", prediction=other)
    Prediction.objects.filter(image=image).delete()
    with pytest.raises(Refused, match="no result"):
        judge(image=image, user=bob, verdict="pass")


def test_a_later_result_keeps_the_persons_word(plant: Plant, bob: User) -> None:
    """Every version's roll-up counts the word; the new current one does too."""
    image = plant.image({"scratch": [60]})
    plant.count_up()
    judge(image=image, user=bob, verdict="pass", reason="Dust")
    old = image.predictions.get()
    rollups.subtract([old.pk])
    new = plant.predict(image, {"scratch": [90]}, model_version=plant.new_model_version(), is_current=False)
    set_current(new)
    rollups.add([old.pk, new.pk])
    assert rollups.differences(plant.project.pk) == []
    assert sums(plant) == {"inspected": 1, "fail": 1, "final_fail": 0, "first_pass": 0, "waiting": 0}
    withdraw(image=image, user=bob)
    assert rollups.differences(plant.project.pk) == []
    assert sums(plant)["final_fail"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_equal_a_recount_after_random_words(plant: Plant, bob: User, seed: int) -> None:
    rng = random.Random(seed)
    other = plant.new_batch("Other")
    for _ in range(8):
        plant.image({"scratch": [rng.choice([5, 30, 60])]}, batch=rng.choice([plant.batch, other]))
    plant.count_up()
    for _ in range(20):
        image = rng.choice(list(plant.project.images.all()))
        choice = rng.choice(["judge", "judge", "judge", "withdraw", "rule"])
        if choice == "judge":
            judge(image=image, user=bob, verdict=rng.choice(["pass", "fail"]), reason="x")
        elif choice == "rule":
            change_rule(project=plant.project, user=bob, min_region_px=rng.choice([10, 40, None]))
        elif standing_review(image):
            withdraw(image=image, user=bob)
        assert rollups.differences(plant.project.pk) == []
    delete_batch(batch=other, user=bob)
    assert rollups.differences(plant.project.pk) == []
