"""Judging by the page, by a script and by a plain form; the dashboard's numbers follow and come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics.queries import summary
from tests.cast import signed_in
from tests.inspections import Plant, build_plant, executed
from webapp.models import Image, Review, User, Workspace
from webapp.pipeline import rollups


@pytest.fixture
def plant(acme: Workspace, settings: Any, tmp_path: Path) -> Plant:
    settings.PIXELWISE_DATA = tmp_path
    plant = build_plant(acme)
    plant.image({"scratch": [60]}, source=plant.line_1, name="bad.png")
    plant.image({}, source=plant.line_1, name="good.png")
    return plant.count_up()


def address(name: str, action: str = "") -> str:
    return f"/p/plant/images/{Image.objects.get(name=name).pk}/{action}"


def defective(plant: Plant) -> int:
    return int(executed(summary, plant.scope()).defective_count)


def listed(user: User, query: str) -> list[str]:
    html = signed_in(user).get(f"/p/plant/images/?{query}").content.decode()
    return [name for name in ("bad.png", "good.png") if name in html]


def test_a_fail_is_overruled_and_comes_back(plant: Plant, bob: User) -> None:
    """The whole way: fail, overruled, the dashboard's rate, withdrawn, back; roll-ups equal a recount."""
    client = signed_in(bob)
    assert defective(plant) == 1
    assert listed(bob, "waiting=1") == ["bad.png"]
    client.post(address("bad.png", "judge"), {"verdict": "pass", "reason": "Only dust"})
    assert defective(plant) == 0
    assert rollups.differences(plant.project.pk) == []
    page = client.get(address("bad.png")).content.decode()
    assert "<strong>Bob</strong>: pass, overruling the model. “Only dust”" in page
    assert "Model: fail. A scratch region has 60 px" in page
    assert listed(bob, "waiting=1") == []
    assert listed(bob, "overruled=1") == ["bad.png"]
    assert listed(bob, "verdict=fail") == []
    assert listed(bob, "verdict=pass") == ["bad.png", "good.png"]

    client.post(address("bad.png", "withdraw"))
    assert defective(plant) == 1
    assert rollups.differences(plant.project.pk) == []
    page = client.get(address("bad.png")).content.decode()
    assert "took “pass” back" in page
    assert listed(bob, "waiting=1") == ["bad.png"]


def test_htmx_gets_the_box_and_its_error(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    answer = client.post(address("bad.png", "judge"), {"verdict": "pass"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "The model says fail. Say in a few words why it is a pass." in answer.content.decode()
    assert not Review.objects.exists()
    answer = client.post(address("bad.png", "judge"), {"verdict": "fail"}, headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith("<section")
    assert "<strong>Bob</strong>: fail" in answer.content.decode()


def test_a_script_gets_json(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    sent = json.dumps({"verdict": "pass", "reason": "Dust"})
    answer = client.post(address("bad.png", "judge"), sent, content_type="application/json").json()
    assert (answer["verdict"], answer["model_verdict"]) == ("pass", "fail")
    assert (answer["review"]["by"], answer["review"]["reason"]) == ("Bob", "Dust")
    answer = client.post(address("bad.png", "withdraw"), content_type="application/json").json()
    assert (answer["verdict"], answer["review"]) == ("fail", None)
    for body in ("{}", "[1]", "nonsense", '{"verdict": 3}'):
        answer = client.post(address("bad.png", "judge"), body, content_type="application/json")
        assert answer.status_code == 422
        assert answer.json()["error"]["fields"]


@pytest.mark.parametrize("query", ["waiting=2", "overruled=x", "waiting=1&overruled=1"])
def test_filters_that_make_no_sense(plant: Plant, bob: User, query: str) -> None:
    assert signed_in(bob).get(f"/p/plant/images/?{query}").status_code == 400


def test_an_outsider_judges_nothing(plant: Plant, charlie: User) -> None:
    client = signed_in(charlie)
    for action in ("judge", "withdraw"):
        assert client.post(address("bad.png", action), {"verdict": "fail"}).status_code == 404
    assert not Review.objects.exists()


def test_the_way_back_leads_to_this_site_only(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    here = "http://testserver/p/plant/images/?waiting=1"
    for referer, expected in ((here, here), ("https://evil.example/", address("bad.png"))):
        answer = client.post(address("bad.png", "judge"), {"verdict": "fail"}, headers={"Referer": referer})
        assert answer["Location"] == expected
