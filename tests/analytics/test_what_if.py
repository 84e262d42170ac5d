"""Rules replayed on stored numbers, against verdicts worked out image by image."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics import what_if_rows
from analytics.statistics import wilson
from analytics.what_if import Rule, WhatIf, what_if
from analytics.what_if_panels import basis, changed_words, compared, trade_off
from tests.inspections import NOON, Plant, executed
from webapp.actions.reviews import judge
from webapp.actions.verdicts import change_rule
from webapp.models import User


def tried(plant: Plant, rule: Rule | None = None, **limits: object) -> WhatIf:
    result: WhatIf = executed(what_if, plant.scope(**limits), rule or Rule())
    return result


@pytest.fixture
def judged(week: Plant) -> Plant:
    """The week, with people's words: of four fails one overruled and one confirmed, of the passes one escape."""
    user = User.objects.create_user("judge@example.com")
    images = {
        tuple(sorted(image.predictions.get().regions.values_list("area_px", flat=True))): image
        for image in week.project.images.all()
    }
    fail_20_40 = next(image for key, image in images.items() if 40 in key)
    fail_100 = next(image for key, image in images.items() if 100 in key)
    escape_19 = next(image for key, image in images.items() if 19 in key)
    judge(image=fail_20_40, user=user, verdict="pass", reason="Dust")
    judge(image=fail_100, user=user, verdict="fail")
    judge(image=escape_19, user=user, verdict="fail", reason="Scratch")
    return week


def test_the_rule_in_force_says_what_was_stored(week: Plant) -> None:
    result = tried(week)
    assert (result.tried.image_count, result.tried.day_count, result.tried.is_sample) == (10, 3, False)
    assert (result.in_force.rejected.count, result.in_force.rejected.n) == (4, 10)
    assert result.in_force == result.tried_outcome
    assert result.in_force.rejects_per_day == pytest.approx(4 / 3)
    assert result.in_force.rejects_per_day_interval.high == pytest.approx(wilson(4, 10).high * 10 / 3)
    assert [label.name for label in result.labels] == ["scratch", "pit"]
    assert result.usual_limit_px == 20
    assert "in force" in changed_words(result)


@pytest.mark.parametrize(
    ("limit", "label", "rejected"),
    [
        (1, None, 5),
        (19, None, 5),
        (20, None, 4),
        (21, None, 4),
        (41, None, 2),
        (101, None, 0),
        (101, "scratch", 2),
        (31, "pit", 3),
    ],
)
def test_another_limit(week: Plant, limit: int, label: str | None, rejected: int) -> None:
    rule = Rule(limit, week.labels[label].pk if label else None)
    outcome = tried(week, rule).tried_outcome
    assert outcome.rejected.count == rejected
    assert outcome.first_pass.count == 10 - rejected
    if label is None:
        change_rule(project=week.project, user=None, min_region_px=limit)
        assert tried(week).in_force.rejected.count == rejected, "the rule in force says the same"


def test_errors_where_people_judged(judged: Plant) -> None:
    result = tried(judged, Rule(50))
    assert result.tried.judged.count == 3
    assert (result.in_force.missed.count, result.in_force.missed.n) == (1, 2)
    assert (result.in_force.over_rejected.count, result.in_force.over_rejected.n) == (1, 1)
    assert (result.tried_outcome.missed.count, result.tried_outcome.over_rejected.count) == (1, 0)
    assert tried(judged, Rule(19)).tried_outcome.missed.count == 0
    assert result.in_force.first_pass.count == 5, "the escape was no good part"


def test_a_least_confidence(week: Plant) -> None:
    """The labels of these images have 0.8; an unknown confidence counts."""
    assert tried(week, Rule(min_confidence=0.8)).tried_outcome.rejected.count == 4
    assert tried(week, Rule(min_confidence=0.81)).tried_outcome.rejected.count == 0
    week.project.images.get(name=week.project.images.first().name).predictions.get().measurements.update(
        confidence=None
    )
    assert tried(week, Rule(min_confidence=0.81)).tried_outcome.rejected.count == 1


def test_what_is_turned(week: Plant) -> None:
    up, down = tried(week, Rule(50)), tried(week, Rule(1))
    assert (up.changed.to_pass_count, up.changed.to_fail_count) == (2, 0)
    assert (down.changed.to_pass_count, down.changed.to_fail_count) == (0, 1)
    assert week.project.images.get(pk=down.changed.to_fail[0]).predictions.get().verdict == "pass"
    assert changed_words(down) == "Of 10 images, 0 that failed would pass and 1 that passed would fail."


def test_scopes(week: Plant) -> None:
    assert tried(week, source_id=week.line_2.pk).in_force.rejected.n == 4
    assert tried(week, batch_id=week.batch.pk).in_force.rejected.count == 4
    assert tried(week, label_id=week.labels["pit"].pk).in_force.rejected.count == 4
    empty = tried(week, end=date(2020, 1, 1))
    assert (empty.tried.image_count, empty.in_force.rejected.n, empty.in_force.rejects_per_day) == (0, 0, 0)
    assert compared(empty)[1].then == "–"
    assert trade_off(empty).rows


def test_without_days_it_is_the_last_thirty(week: Plant) -> None:
    week.image({"pit": [50]}, captured_at=NOON - timedelta(days=40))
    result = tried(week.count_up())
    assert result.tried.image_count == 10
    assert result.tried.scope.start == date(2026, 4, 20)
    assert basis(result) == (
        "No period is chosen, so this uses the last 30 days up to the newest image, 20 April – 19 May 2026. Replayed "
        "on stored numbers of 10 images; misses and over-rejects on 0 images that people judged."
    )
    assert basis(tried(week, end=date(2026, 5, 19))).startswith("No first day is chosen, so this uses the last 30 days")
    chosen = basis(tried(week, start=date(2026, 5, 1), end=date(2026, 5, 31)))
    assert chosen.startswith("Replayed on stored numbers of all 10 images, 1–31 May 2026; ")


def test_every_number_says_its_interval_and_its_images(judged: Plant) -> None:
    rejects, first_pass, *_ = compared(tried(judged))
    assert first_pass.now_detail.startswith("95% interval ")
    assert first_pass.now_detail.endswith(" of 10 images")
    assert rejects.now_detail.startswith("95% interval ")


def test_many_images_are_a_stated_sample(week: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if_rows, "SAMPLE_COUNT", 6)
    result = tried(week)
    assert result.tried.is_sample
    assert result.in_force.rejected.n == 6
    assert "a random sample of 6 of 10 images" in basis(result)
    assert tried(week).tried.numbers.image_ids.tolist() == result.tried.numbers.image_ids.tolist()
    monkeypatch.setattr(what_if_rows, "READ_ALL_COUNT", 5)
    assert tried(week).in_force.rejected.n <= 6


def test_the_table_has_what_the_figure_draws(judged: Plant) -> None:
    result = tried(judged, Rule(50))
    panel = trade_off(result)
    assert panel.figure is not None
    drawn = {trace["name"]: list(zip(trace["x"], trace["y"], strict=True)) for trace in panel.figure["data"]}
    assert set(drawn) == {"Rejected, of all", "Missed, of bad ones", "Over-rejected, of good ones"}
    assert len(panel.rows) == len(drawn["Rejected, of all"]) == len(result.steps)
    assert dict(drawn["Rejected, of all"])[50] == 0.2
    assert {row.cells[0] for row in panel.rows} >= {"1 px", "20 px", "50 px"}
    assert len(panel.columns) == len(panel.rows[0].cells)
