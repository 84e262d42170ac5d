"""A version that learned from what others are judged on says so wherever its scores stand."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import signed_in
from tests.trainings import drawn_dataset, learned, queued_training
from tests.views.visit import words
from webapp.actions.evaluations import start_evaluation
from webapp.actions.model_versions import add_color_model
from webapp.actions.verdicts import change_rule
from webapp.models import Dataset, ModelVersion, Project, User
from webapp.models.leaderboard import leaderboard
from webapp.models.learned_images import learned_counts
from webapp.pipeline.evaluate_dataset import run_evaluation

MARK = "Learned from 4 of these images"


@pytest.fixture
def project(project: Project) -> Project:
    project.labels.filter(name="scratch").update(color="#dc1e1e")
    return project


@pytest.fixture
def older(project: Project) -> Dataset:
    return drawn_dataset(project, train=4, val=4, test=1)


@pytest.fixture
def newer(project: Project) -> Dataset:
    """Its four test images are in training and validation of the older one."""
    return drawn_dataset(project, train=1, val=1, test=4)


def trained(project: Project, dataset: Dataset, parent: ModelVersion | None = None) -> ModelVersion:
    """A version with the weights of label colours, written down as one that learned from this data set."""
    version = add_color_model(project=project, user=None)
    start = "random" if parent is None else "parent"
    run = learned(queued_training(project, dataset), 1, state="done", start=start, parent=parent)
    ModelVersion.objects.filter(pk=version.pk).update(origin=ModelVersion.Origin.TRAINED, training_run=run)
    version.refresh_from_db()
    return version


def test_counts_what_a_version_and_its_ancestors_learned_from(project: Project, older: Dataset, newer: Dataset) -> None:
    parent = trained(project, older)
    child = trained(project, newer, parent=parent)
    fresh = trained(project, newer)
    colors = add_color_model(project=project, user=None)
    assert learned_counts(project, newer, "test") == {parent.pk: 4, child.pk: 4}
    assert fresh.pk not in learned_counts(project, newer, "test")
    assert colors.pk not in learned_counts(project, newer, "test")
    assert learned_counts(project, older, "test") == {}
    assert learned_counts(project, None, None) == {}


def test_images_that_chose_the_weights_do_not_count_as_learned_from(project: Project, older: Dataset) -> None:
    """Without a test split the scores come from validation, of which the page says so already."""
    validated = drawn_dataset(project, train=4, val=4, test=0)
    version = trained(project, older)
    assert learned_counts(project, validated, "val") == {}
    taught = trained(project, drawn_dataset(project, train=6, val=1, test=1))
    assert learned_counts(project, validated, "val") == {taught.pk: 2}
    assert version.pk not in learned_counts(project, validated, "val")


def test_every_page_with_its_scores_says_so(project: Project, older: Dataset, newer: Dataset, alice: User) -> None:
    one, other = trained(project, older), trained(project, newer)
    for version in (one, other):
        run_evaluation(start_evaluation(model_version=version, dataset=newer, user=None).pk)
    client: Client = signed_in(alice)

    def page(path: str) -> str:
        return words(client.get(f"/p/{project.slug}/models/{path}").content.decode())

    board = page(f"?dataset={newer.pk}")
    assert board.count(MARK) == 1
    assert "scores of a version that learned from them are too good" in board
    assert "locked away from all training" not in board
    assert "locked away from all training" in page(f"?dataset={older.pk}")
    assert MARK in page(f"{one.number}/?dataset={newer.pk}")
    assert MARK not in page(f"{other.number}/?dataset={newer.pk}")
    assert page(f"compare?a={one.number}&b={other.number}&dataset={newer.pk}").count(MARK) == 1


def test_scores_under_a_limit_that_was_taken_away_are_of_another_rule(project: Project, newer: Dataset) -> None:
    version = add_color_model(project=project, user=None)
    change_rule(project=project, user=None, min_region_px=100_000)
    run_evaluation(start_evaluation(model_version=version, dataset=newer, user=None).pk)

    def is_of_another_rule() -> bool:
        (row,) = leaderboard(Project.objects.get(pk=project.pk), newer, "test")
        assert row.counts is not None
        return row.is_under_another_rule

    assert not is_of_another_rule()
    change_rule(project=project, user=None, min_region_px=None)
    assert is_of_another_rule()
    run_evaluation(start_evaluation(model_version=version, dataset=newer, user=None).pk)
    assert not is_of_another_rule()
    version.model_labels.filter(label__name="scratch").update(min_region_px=7)
    assert is_of_another_rule()
