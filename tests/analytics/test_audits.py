"""Escapes and the corrected rate, against the rows they are made of."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analytics.audit_words import escape_sentence
from analytics.audits import CorrectedRate, EscapeEstimate, corrected_rate, estimated_escapes
from analytics.source_counts import source_counts
from analytics.statistics.correction import rogan_gladen
from analytics.statistics.strata import Stratum, defect_rate_from_audit, stratified_rate
from tests.inspections import NOON, Plant, executed
from webapp.actions.audits import judge_blind
from webapp.actions.reviews import judge
from webapp.models import Annotation, AuditImage, Dataset, DatasetImage, EvaluatedImage, Evaluation, Image
from webapp.models.people import User
from webapp.pipeline.audits import draw

MAY_WEEK = {"start": date(2026, 5, 11), "end": date(2026, 5, 17)}


def estimate(plant: Plant, **limits: object) -> EscapeEstimate | None:
    result: EscapeEstimate | None = executed(estimated_escapes, plant.scope(**limits))
    return result


def corrected(plant: Plant, **limits: object) -> CorrectedRate:
    result: CorrectedRate = executed(corrected_rate, plant.scope(**limits))
    return result


@pytest.fixture
def audited(plant: Plant) -> Plant:
    """40 passes of line 1 and 20 of line 2, 36 of them drawn; the first drawn one of line 1 is an escape. 4 fails."""
    for number in range(60):
        plant.image({"dust": [30]}, source=plant.line_1 if number < 40 else plant.line_2)
    for _ in range(4):
        plant.image({"scratch": [60]}, source=plant.line_1)
    plant.project.audit_count = 36
    plant.project.save()
    plant.count_up()
    user = User.objects.create_user("judge@example.com")
    assert draw(project=plant.project, week=MAY_WEEK["start"], seed=7) is not None
    first = AuditImage.objects.filter(image__source=plant.line_1).order_by("pk")[0]
    for drawn in AuditImage.objects.all():
        judge_blind(audit_image=drawn, user=user, verdict="fail" if drawn == first else "pass")
    return plant


class TestEscapes:
    def test_nothing_judged_is_none(self, plant: Plant) -> None:
        plant.image({})
        assert estimate(plant.count_up()) is None
        assert escape_sentence(None) == "Nothing has been judged blind yet."

    def test_weighted_by_source(self, audited: Plant) -> None:
        found = estimate(audited, **MAY_WEEK)
        assert found is not None
        assert [(row.name, row.passed_count, row.escape_count) for row in found.strata] == [
            ("North / Line 1", 40, 1),
            ("Line 2", 20, 0),
        ]
        drawn = [row.judged_count for row in found.strata]
        assert sum(drawn) == 36
        expected = stratified_rate([Stratum(40, drawn[0], 1), Stratum(20, drawn[1], 0)])
        assert found.rate == expected
        assert found.count is not None
        assert found.count.value == pytest.approx(40 / drawn[0])
        assert found.is_of_scope
        assert found.is_enough
        sentence = escape_sentence(found)
        assert sentence.startswith("36 passed images judged blind, 1 escape found: of 1,000 passed images about ")

    def test_a_later_scope_rests_on_the_earlier_audit(self, audited: Plant) -> None:
        for _ in range(10):
            audited.image({}, source=audited.line_2, captured_at=NOON + timedelta(days=14))
        audited.count_up()
        found = estimate(audited, start=date(2026, 5, 25), end=date(2026, 5, 31))
        assert found is not None
        assert not found.is_of_scope
        assert found.passed_count == 10
        assert found.rate.value == 0
        assert found.rate.high > 0.1
        assert estimate(audited, end=date(2026, 5, 1)) is None

    def test_scopes_of_a_source_a_batch_and_a_label(self, audited: Plant) -> None:
        line_2 = estimate(audited, source_id=audited.line_2.pk)
        assert line_2 is not None
        assert line_2.escape_count == 0
        assert not line_2.is_enough
        assert "too few to say" in escape_sentence(line_2)
        whole = estimate(audited)
        assert estimate(audited, batch_id=audited.batch.pk) == whole
        assert estimate(audited, label_id=audited.labels["scratch"].pk) == whole
        assert estimate(audited, source_id=0) is None


class TestCorrectedRate:
    def test_says_what_is_missing(self, audited: Plant) -> None:
        found = corrected(audited)
        assert found.estimate is None
        assert found.missing == "For a corrected rate people must judge 4 more failed images confirmed or overruled."
        assert found.model == 4 / 64
        assert found.raw == 5 / 64
        assert "single label" in corrected(audited, label_id=audited.labels["pit"].pk).missing
        assert corrected(audited, end=date(2020, 1, 1)).missing == "There are no images here."

    def test_is_what_reviews_and_audit_say(self, audited: Plant, django_user_model: type[User]) -> None:
        user = django_user_model.objects.get()
        fails = Image.objects.filter(predictions__verdict="fail").order_by("pk")
        for number, image in enumerate(fails):
            judge(image=image, user=user, verdict="pass" if number == 0 else "fail", reason="Dust")
        counts = {row.name: row for row in executed(source_counts, audited.scope())}
        line_1 = counts["North / Line 1"]
        assert (line_1.fail_count, line_1.reviewed_fail_count, line_1.confirmed_count) == (4, 4, 3)
        found = corrected(audited)
        drawn = {row.name: row.judged_count for row in (estimate(audited) or pytest.fail("none")).strata}
        assert (found.missing, found.method) == ("", "people")
        assert found.estimate == defect_rate_from_audit(
            [Stratum(4, 4, 3)], [Stratum(40, drawn["North / Line 1"], 1), Stratum(20, drawn["Line 2"], 0)]
        )
        assert found.raw == 4 / 64

    def test_else_by_the_hold_out(self, plant: Plant) -> None:
        for number in range(20):
            plant.image({"scratch": [60]} if number < 5 else {})
        plant.count_up()
        assert corrected(plant).estimate is None
        evaluate(plant, found=18, missed=2, rejected=1, passed=29)
        result = corrected(plant)
        assert result.method == "hold-out"
        assert result.estimate == rogan_gladen(5, 20, 18 / 20, 29 / 30, 20, 30)
        assert "20 more passed images" not in result.missing
        assert result.missing.startswith("For a corrected rate people must judge 15 more passed images")


def evaluate(plant: Plant, *, found: int, missed: int, rejected: int, passed: int) -> None:
    """The live version on a hold-out with so many of each outcome."""
    dataset = Dataset.objects.create(project=plant.project, name="Held out", checksum="1" * 64)
    evaluation = Evaluation.objects.create(
        model_version=plant.model_version,
        dataset=dataset,
        split="test",
        state="done",
        scores={"images": 50},
        image_count=50,
        seconds_per_1000_images=1.0,
        finished_at=NOON,
    )
    outcomes = [(True, True)] * found + [(True, False)] * missed + [(False, True)] * rejected
    for number, (is_defective, fails) in enumerate(outcomes + [(False, False)] * passed):
        image = plant.image({}, captured_at=NOON - timedelta(days=400))
        annotation = Annotation.objects.create(image=image, mask_sha256=f"{number:064d}")
        member = DatasetImage.objects.create(dataset=dataset, annotation=annotation, name=f"{number}.png", split="test")
        EvaluatedImage.objects.create(
            evaluation=evaluation, dataset_image=member, is_defective=is_defective, fails=fails, largest_region_px=1
        )
