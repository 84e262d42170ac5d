"""Who judged what, and versions side by side."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from analytics.tabs.people import people_page, read_people
from tests.inspections import Plant, executed
from webapp.models import Image, ProjectEvent, Promotion, Review, User


@pytest.fixture
def judged(plant: Plant) -> Plant:
    """Ada confirms one and overrules two, changes her mind on one; Bo judges one blind. A second version saw three."""
    ada, bo = User.objects.create_user("ada@example.com", name="Ada"), User.objects.create_user("bo@example.com")
    images = [plant.image({"scratch": [60]}) for _ in range(4)]
    second = plant.new_model_version()
    for image in images[:3]:
        plant.predict(image, {}, model_version=second, is_current=False)

    def judge(image: Image, user: User, verdict: str, **more: bool) -> None:
        Review.objects.create(
            project=plant.project,
            image=image,
            prediction=image.predictions.get(is_current=True),
            model_verdict="fail",
            verdict=verdict,
            user=user,
            **more,
        )

    judge(images[0], ada, "pass")
    judge(images[0], ada, "fail")
    judge(images[1], ada, "pass")
    judge(images[2], ada, "pass")
    judge(images[3], ada, "pass", is_withdrawn=True)
    judge(images[1], bo, "pass", is_blind=True)
    Promotion.objects.create(project=plant.project, model_version=second, previous=plant.model_version, user=ada)
    ProjectEvent.objects.create(project=plant.project, kind="rule", sentence="From 20 px to 30 px", user=bo)
    return plant.count_up()


def test_the_newest_word_on_each_image_counts_once(judged: Plant) -> None:
    ada, bo = executed(read_people, judged.scope()).reviewers
    assert (ada.name, ada.judged_count, ada.overruled_count) == ("Ada", 3, 2)
    assert (ada.compared_count, ada.agreed_count) == (1, 1)
    assert (bo.name, bo.judged_count, bo.blind_count, bo.blind_overruled_count) == ("bo@example.com", 0, 1, 1)


def test_overrules_are_per_version(judged: Plant) -> None:
    (version,) = executed(read_people, judged.scope()).overrules
    assert (version.number, version.judged_count, version.overruled_count) == (1, 3, 2)


def test_versions_are_compared_on_the_same_images(judged: Plant) -> None:
    people = executed(read_people, judged.scope())
    assert [(row.number, row.inspected_count, row.fail_count) for row in people.versions] == [(2, 3, 0), (1, 4, 4)]
    (pair,) = people.pairs
    assert (pair.both_count, pair.only_current_fails, pair.only_other_fails, pair.agree_count) == (3, 3, 0, 0)


def test_versions_of_other_images_point_to_the_same_ones(judged: Plant) -> None:
    panels = {panel.key: panel for panel in executed(people_page, judged.scope()).panels}
    assert "may be the whole difference: see “Two versions on the same images”." in panels["people-versions"].sentence
    assert panels["people-pairs"].title == "Two versions on the same images"


def test_a_version_alone_has_nothing_to_differ_from(week: Plant) -> None:
    panels = {panel.key: panel for panel in executed(people_page, week.scope()).panels}
    assert "only one version saw images here. Hollow" in panels["people-versions"].sentence


def test_changes_say_who(judged: Plant) -> None:
    panel = executed(people_page, judged.scope()).panels[-1]
    assert [(row.cells[1], row.cells[2], row.cells[3]) for row in panel.rows] == [
        ("Rule", "From 20 px to 30 px", "bo@example.com"),
        ("Model", "Version 2 (nearest-color) went live", "Ada"),
    ]


def test_changes_of_one_moment_stand_on_an_axis_of_a_day(judged: Plant) -> None:
    panels = {panel.key: panel for panel in executed(people_page, judged.scope()).panels}
    figure = panels["people-changes"].figure
    assert figure is not None
    first, last = (datetime.fromisoformat(moment) for moment in figure["layout"]["xaxis"]["range"])
    assert last - first >= timedelta(days=1)


def test_reviews_follow_the_scope(judged: Plant) -> None:
    assert executed(read_people, judged.scope(source_id=judged.line_1.pk)).reviewers == ()
    assert len(executed(read_people, judged.scope(batch_id=judged.batch.pk)).reviewers) == 2


def test_where_nothing_was_judged_the_page_says_how(week: Plant) -> None:
    reviews, overruled, _, pairs, changes = executed(people_page, week.scope()).panels
    assert "confirm or overrule" in reviews.sentence
    assert overruled.figure is None
    assert "Run another version" in pairs.sentence
    assert "No model went live" in changes.sentence
