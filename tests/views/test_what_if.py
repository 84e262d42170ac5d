"""The what-if page: another rule replayed, kept as a draft; nothing is judged by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages

from tests.cast import signed_in
from tests.inspections import Plant, build_plant
from webapp.models import DraftRule, InspectionRollup, Prediction, User, Workspace


@pytest.fixture
def plant(acme: Workspace, settings: Any, tmp_path: Path) -> Plant:
    settings.PIXELWISE_DATA = tmp_path
    plant = build_plant(acme)
    for area in (5, 19, 30, 60, 400):
        plant.image({"scratch": [area]}, source=plant.line_1)
    return plant.count_up()


def page(user: User, query: str = "") -> Any:
    return signed_in(user).get(f"/p/plant/dashboard/what-if{query}")


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_says_what_another_limit_does(plant: Plant, bob: User) -> None:
    assert "This is the rule in force." in page(bob).content.decode()
    answer = page(bob, "?min_px=50")
    assert answer.status_code == 200
    assert "Of 5 images, 1 that failed would pass and 0 that passed would fail." in answer.content.decode()
    assert Prediction.objects.filter(verdict="fail").count() == 3


@pytest.mark.parametrize(
    "query", ["min_px=0", "min_px=x", "min_px=99999999999999", "min_confidence=101", "rule_label=77"]
)
def test_bad_input_is_told(plant: Plant, bob: User, query: str) -> None:
    answer = page(bob, f"?{query}")
    assert answer.status_code == 200
    assert "Expected a whole number" in answer.content.decode() or "no defect label" in answer.content.decode()
    assert "Keep as a draft" not in answer.content.decode()
    assert page(bob, "?from=x").status_code == 400


def test_nothing_yet(plant: Plant, bob: User) -> None:
    plant.project.images.all().delete()
    InspectionRollup.objects.all().delete()
    plant.count_up()
    assert "No images yet" in page(bob).content.decode()


def test_a_draft_is_kept_shown_and_deleted(plant: Plant, bob: User, charlie: User) -> None:
    client = signed_in(bob)
    pit = plant.labels["scratch"].pk
    address = f"/p/plant/dashboard/what-if/drafts?min_px=50&rule_label={pit}&min_confidence=40"
    answer = client.post(address, {"name": "  Less   strict "})
    assert answer.status_code == 302
    draft = DraftRule.objects.get()
    assert (draft.name, draft.user, draft.min_region_px, draft.label_limits) == (
        "Less strict",
        bob,
        None,
        {str(pit): 50},
    )
    assert draft.min_confidence == pytest.approx(0.4)
    assert draft.replayed["Rejects per day"] == "2.0"
    html = page(bob).content.decode()
    assert "Less strict</a>: 50 px for scratch, confidence from 40%" in html
    assert f"min_px=50&amp;rule_label={pit}&amp;min_confidence=40" in html
    assert Prediction.objects.filter(verdict="fail").count() == 3
    plant.project.refresh_from_db()
    assert plant.project.min_region_px is None

    delete = f"/p/plant/dashboard/what-if/drafts/{draft.pk}/delete"
    assert signed_in(charlie).post(delete).status_code == 404
    client.post(delete)
    assert not DraftRule.objects.exists()


@pytest.mark.parametrize(
    ("query", "name"), [("", "x"), ("?min_px=50", ""), ("?min_px=0", "x"), ("?min_px=9&from=x", "x")]
)
def test_what_cannot_be_kept(plant: Plant, bob: User, query: str, name: str) -> None:
    answer = signed_in(bob).post(f"/p/plant/dashboard/what-if/drafts{query}", {"name": name})
    assert answer.status_code == 302
    assert len(told(answer)) == 1
    assert not DraftRule.objects.exists()
