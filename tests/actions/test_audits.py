"""Passed images are drawn by a seed, judged by the photo alone, and the word counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from tests.inspections import NOON, Plant, build_plant
from webapp.actions.audits import change_audit_count, draw_now, judge_blind, undo_last
from webapp.actions.refused import Refused
from webapp.actions.reviews import judge, standing_review
from webapp.models import AuditImage, AuditSample, Image, User, Workspace
from webapp.models.audit_progress import audits_with_progress, next_image
from webapp.pipeline import rollups
from webapp.pipeline.audits import draw, draw_due, draw_rows, monday, passed_weeks

WEEK = date(2026, 5, 11)


@pytest.fixture
def plant(acme: Workspace) -> Plant:
    """Of one week: 20 passes of line 1, 4 of line 2, 1 without a source and 3 fails; one pass of the week before."""
    plant = build_plant(acme)
    for source, count in ((plant.line_1, 20), (plant.line_2, 4), (None, 1)):
        for _ in range(count):
            plant.image({"scratch": [5]}, source=source)
    for _ in range(3):
        plant.image({"scratch": [60]}, source=plant.line_1)
    plant.image({}, captured_at=NOON - timedelta(days=7))
    plant.project.audit_count = 10
    plant.project.save()
    return plant.count_up()


def drawn_of(sample: AuditSample) -> list[int]:
    return sorted(AuditImage.objects.filter(stratum__sample=sample).values_list("image_id", flat=True))


class TestDraw:
    def test_draws_passed_images_of_every_source(self, plant: Plant) -> None:
        sample = draw(project=plant.project, week=WEEK)
        assert sample is not None
        strata = {row.source: (row.passed_count, row.images.count()) for row in sample.strata.all()}
        assert {source: size for source, (size, _) in strata.items()} == {plant.line_1: 20, plant.line_2: 4, None: 1}
        assert sum(count for _, count in strata.values()) == 10
        assert min(count for _, count in strata.values()) == 1
        assert strata[plant.line_1][1] > strata[plant.line_2][1]
        images = AuditImage.objects.filter(stratum__sample=sample).select_related("prediction", "image")
        assert {one.prediction.verdict for one in images if one.prediction} == {"pass"}
        assert {one.image.captured_at for one in images} == {NOON}

    def test_a_seed_repeats_the_draw(self, plant: Plant, bob: User) -> None:
        sample = draw(project=plant.project, week=WEEK)
        assert sample is not None
        judge_blind(audit_image=AuditImage.objects.filter(stratum__sample=sample)[0], user=bob, verdict="fail")
        again = draw_rows(project=plant.project, week=WEEK, seed=sample.seed)
        assert sorted(image for rows in again.values() for image, _ in rows) == drawn_of(sample)
        other = draw_rows(project=plant.project, week=WEEK, seed=sample.seed + 1)
        assert sorted(image for rows in other.values() for image, _ in rows) != drawn_of(sample)

    def test_the_clock_draws_last_week_once(self, plant: Plant) -> None:
        sunday = datetime(2026, 5, 17, 12, tzinfo=UTC)
        assert draw_due(sunday) == 1, "the week before holds one pass"
        for hours in (13, 14, 60):
            draw_due(sunday + timedelta(hours=hours))
        assert list(AuditSample.objects.values_list("week", flat=True)) == [WEEK, WEEK - timedelta(days=7)]
        assert draw(project=plant.project, week=WEEK) is None
        plant.project.audit_count = 0
        plant.project.save()
        AuditSample.objects.all().delete()
        assert draw_due(sunday) == 0

    def test_a_person_draws_a_week_now(self, plant: Plant, bob: User) -> None:
        assert passed_weeks(plant.project, count=5) == [(WEEK, 25), (WEEK - timedelta(days=7), 1)]
        sample = draw_now(project=plant.project, user=bob, day=WEEK + timedelta(days=3))
        assert sample.week == WEEK
        for day, words in (
            (WEEK, "drawn before"),
            (date(2020, 1, 1), "none to draw"),
            (date(2099, 1, 1), "not begun"),
        ):
            with pytest.raises(Refused, match=words):
                draw_now(project=plant.project, user=bob, day=day)

    def test_only_mondays_are_weeks(self, plant: Plant) -> None:
        assert monday(date(2026, 5, 17)) == WEEK
        with pytest.raises(ValueError, match="Monday"):
            draw(project=plant.project, week=WEEK + timedelta(days=1))


class TestJudge:
    @pytest.fixture
    def sample(self, plant: Plant) -> AuditSample:
        sample = draw(project=plant.project, week=WEEK)
        assert sample is not None
        return sample

    def test_an_escape_counts_as_fail(self, plant: Plant, sample: AuditSample, bob: User) -> None:
        drawn = next_image(sample)
        assert drawn is not None
        judge_blind(audit_image=drawn, user=bob, verdict="fail")
        image = Image.objects.get(pk=drawn.image_id)
        review = standing_review(image)
        assert image.reviewed_verdict == "fail"
        assert review is not None
        assert (review.is_blind, review.user, review.model_verdict) == (True, bob, "pass")
        assert rollups.differences(plant.project.pk) == []
        progress = audits_with_progress(plant.project).get()
        assert (progress.drawn_count, progress.judged_count, progress.escape_count) == (10, 1, 1)
        with pytest.raises(Refused, match="judged already"):
            judge_blind(audit_image=drawn, user=bob, verdict="pass")

    def test_undo_opens_it_again(self, plant: Plant, sample: AuditSample, bob: User, alice: User) -> None:
        drawn = next_image(sample)
        assert drawn is not None
        judge_blind(audit_image=drawn, user=bob, verdict="fail")
        with pytest.raises(Refused, match="nothing to undo"):
            undo_last(sample=sample, user=alice)
        assert undo_last(sample=sample, user=bob).pk == drawn.pk
        assert Image.objects.get(pk=drawn.image_id).reviewed_verdict is None
        assert next_image(sample) == drawn
        assert rollups.differences(plant.project.pk) == []

    def test_a_word_with_the_mask_in_view_stands(self, plant: Plant, sample: AuditSample, bob: User) -> None:
        drawn = next_image(sample)
        assert drawn is not None
        judge(image=drawn.image, user=bob, verdict="fail", reason="Crack")
        judge_blind(audit_image=drawn, user=bob, verdict="pass")
        undo_last(sample=sample, user=bob)
        assert Image.objects.get(pk=drawn.image_id).reviewed_verdict == "fail"

    def test_skipping_goes_round(self, sample: AuditSample, bob: User) -> None:
        ids = list(AuditImage.objects.filter(stratum__sample=sample).order_by("pk").values_list("pk", flat=True))
        assert getattr(next_image(sample, after=ids[0]), "pk", 0) == ids[1]
        assert getattr(next_image(sample, after=ids[-1]), "pk", 0) == ids[0]
        for drawn in AuditImage.objects.filter(stratum__sample=sample):
            judge_blind(audit_image=drawn, user=bob, verdict="pass")
        assert next_image(sample) is None


def test_only_admins_say_how_many(plant: Plant, alice: User, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        change_audit_count(project=plant.project, user=bob, audit_count=5)
    with pytest.raises(Refused):
        change_audit_count(project=plant.project, user=alice, audit_count=-1)
    change_audit_count(project=plant.project, user=alice, audit_count=0)
    with pytest.raises(Refused, match="draws 0"):
        draw_now(project=plant.project, user=bob, day=WEEK)
