"""The blind audit's pages: a photo and nothing that gives it away, then the result in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages

from tests.cast import signed_in
from tests.inspections import Plant, build_plant
from webapp.models import AuditImage, AuditSample, Image, User, Workspace


@pytest.fixture
def plant(acme: Workspace, settings: Any, tmp_path: Path) -> Plant:
    settings.PIXELWISE_DATA = tmp_path
    plant = build_plant(acme)
    for number in range(4):
        plant.image({"dust": [30]}, source=plant.line_1, name=f"scratch-on-part-{number}.png")
    plant.image({"scratch": [90]}, source=plant.line_1)
    return plant.count_up()


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_from_the_draw_to_the_result(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    html = client.get("/p/plant/audit").content.decode()
    assert "No audit yet" in html
    assert '<option value="2026-05-11">' in html
    answer = client.post("/p/plant/audit/draw", {"week": "2026-05-13"})
    assert answer["Location"] == "/p/plant/audit?week=2026-05-11"
    for number in range(4):
        html = client.get("/p/plant/audit").content.decode()
        assert f"{number} of 4 judged" in html
        for secret in ("scratch", "Line 1", "prediction", "thumbnail", "mask"):
            assert secret not in html
        (action,) = re.findall(r'action="([^"]+/judge)"', html)
        client.post(action, {"verdict": "fail" if number == 3 else "pass"})
    html = client.get("/p/plant/audit").content.decode()
    assert "4 passed images judged blind, 1 escape found: too few to say. Judge 26 more." in html
    assert "North / Line 1" in html
    assert html.count("scratch-on-part-") == 1
    assert Image.objects.filter(reviewed_verdict="fail").count() == 1


def test_skip_and_undo(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    client.post("/p/plant/audit/draw", {"week": "2026-05-11"})
    first, second = AuditImage.objects.order_by("pk")[:2]
    assert f"/audit/images/{second.pk}/judge" in client.get(f"/p/plant/audit?after={first.pk}").content.decode()
    client.post(f"/p/plant/audit/images/{first.pk}/judge", {"verdict": "fail"})
    sample = AuditSample.objects.get()
    answer = client.post(f"/p/plant/audit/{sample.pk}/undo")
    assert f"/audit/images/{first.pk}/judge" in client.get(answer["Location"]).content.decode()
    assert not Image.objects.exclude(reviewed_verdict=None).exists()
    assert told(client.post(f"/p/plant/audit/{sample.pk}/undo")) == [
        "You have judged nothing in this audit, so there is nothing to undo."
    ]


@pytest.mark.parametrize("week", ["", "soon", "2026-13-01", "1999-01-04", "2099-01-05"])
def test_weeks_that_cannot_be_drawn(plant: Plant, bob: User, week: str) -> None:
    answer = signed_in(bob).post("/p/plant/audit/draw", {"week": week})
    assert answer.status_code == 302
    assert len(told(answer)) == 1
    assert not AuditSample.objects.exists()


def test_addresses_that_lead_nowhere(plant: Plant, bob: User) -> None:
    client = signed_in(bob)
    assert client.get("/p/plant/audit?week=2026-05-11").status_code == 404
    assert client.post("/p/plant/audit/images/1/judge", {"verdict": "pass"}).status_code == 404
    client.post("/p/plant/audit/draw", {"week": "2026-05-11"})
    drawn = AuditImage.objects.all()[0]
    assert told(client.post(f"/p/plant/audit/images/{drawn.pk}/judge", {"verdict": "x"}))


def test_only_admins_change_how_many(plant: Plant, alice: User, bob: User) -> None:
    assert signed_in(bob).post("/p/plant/audit/count", {"audit_count": "7"}).status_code == 403
    for text in ("-1", "x", "5000", ""):
        assert len(told(signed_in(alice).post("/p/plant/audit/count", {"audit_count": text}))) == 1
    signed_in(alice).post("/p/plant/audit/count", {"audit_count": "7"})
    plant.project.refresh_from_db()
    assert plant.project.audit_count == 7
    assert "Weekly blind audit" in signed_in(bob).get("/p/plant/settings/").content.decode()
