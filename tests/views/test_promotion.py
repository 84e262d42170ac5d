"""Putting a version live: what would change is shown, a person with the right says so, and there is a way back."""

from __future__ import annotations

import io

import pytest
from django.utils import timezone

from tests.cast import signed_in
from tests.images import picture, png
from tests.views.visit import words
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Project, Promotion, Run, User
from webapp.pipeline.segment import segment_run


@pytest.fixture
def project(project: Project) -> Project:
    """Labels background (grey), scratch (red), crack (blue); three images: good, scratched, cracked."""
    colors = {"background": "#808080", "scratch": "#dc1e1e", "crack": "#1e3cdc", "pit": "#00ff00", "stain": "#ffff00"}
    for name, color in colors.items():
        project.labels.filter(name=name).update(color=color)
    return project


def work() -> None:
    for run in Run.objects.filter(state="running"):
        while segment_run(run.pk):
            pass


@pytest.fixture
def two_versions(project: Project, alice: User) -> Project:
    """Version 1 is live and has judged three images; version 2 takes red and blue for background."""
    add_color_model(project=project, user=alice)
    pictures = {"good": picture(), "scratched": picture(red=0.5), "cracked": picture(blue=0.5)}
    files = [(f"{name}.png", io.BytesIO(png(rgb))) for name, rgb in pictures.items()]
    upload_batch(project=project, user=alice, files=files, name="Shift", source=None)
    work()
    project.labels.filter(name__in=["scratch", "crack"]).update(color="#ffffff")
    project.labels.filter(name="background").update(color="#7f5f7f")
    add_color_model(project=project, user=alice)
    return project


def page(user: User, project: Project, path: str) -> str:
    answer = signed_in(user).get(f"/p/{project.slug}/models/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_first_model_may_go_live_at_once(project: Project, alice: User) -> None:
    add_color_model(project=project, user=alice)
    Project.objects.update(live_model=None)
    shown = words(page(alice, project, "1/promote"))
    assert "The first model of this project" in shown
    answer = signed_in(alice).post(f"/p/{project.slug}/models/1/live", {"note": "  first one "})
    assert answer.status_code == 302
    assert Promotion.objects.latest("pk").note == "first one"


def test_from_the_comparison_to_live_and_back(two_versions: Project, alice: User) -> None:
    client = signed_in(alice)
    address = f"/p/{two_versions.slug}/models/2"
    assert "See first what would change" in page(alice, two_versions, "2/promote")
    refused = client.post(f"{address}/live", follow=True).content.decode()
    assert "See first what would change: start the comparison" in refused

    client.post(f"{address}/shadow", {"image_count": "50"})
    assert "0 of 3 images" in words(page(alice, two_versions, "2/promote"))
    assert "is still going on" in client.post(f"{address}/live", follow=True).content.decode()
    work()
    shown = page(alice, two_versions, "2/promote/status")
    assert "2 verdicts would change" in words(shown)
    assert "Fail today, would pass 2 of 2; 95% interval" in words(shown)
    for name in ("scratched.png", "cracked.png"):
        assert f"{name} with what version 2 finds" in shown
    assert "good.png" not in shown

    told = client.post(f"{address}/live", {"note": "fewer false alarms"}, follow=True).content.decode()
    assert "Version 2 is live." in told
    assert "0 to fail, 2 to pass, of 3 images" in words(told)
    assert "fewer false alarms" in told
    promotion = Promotion.objects.latest("pk")
    assert (promotion.user, promotion.previous.number, promotion.kind) == (alice, 1, "live")  # type: ignore[union-attr]

    assert "Roll back to version 1" in told
    told = client.post(f"/p/{two_versions.slug}/models/1/live", follow=True).content.decode()
    assert "Rolled back to version 1 after version 2" in words(told)
    two_versions.refresh_from_db()
    assert two_versions.live_model is not None
    assert two_versions.live_model.number == 1


def test_a_member_sees_it_but_only_administrators_decide(two_versions: Project, bob: User, alice: User) -> None:
    client = signed_in(bob)
    client.post(f"/p/{two_versions.slug}/models/2/shadow", {"image_count": "5"})
    work()
    shown = page(bob, two_versions, "2/promote")
    assert "Only an administrator of the workspace can put a model live." in shown
    assert "Put version 2 live" not in shown
    assert "Make version 2 live" not in page(bob, two_versions, "")
    for number in (1, 2):
        assert client.post(f"/p/{two_versions.slug}/models/{number}/live").status_code == 403
    two_versions.refresh_from_db()
    assert two_versions.live_model is not None
    assert two_versions.live_model.number == 1


def test_a_comparison_can_be_stopped(two_versions: Project, alice: User) -> None:
    client = signed_in(alice)
    client.post(f"/p/{two_versions.slug}/models/2/shadow", {"image_count": "3"})
    client.post(f"/p/{two_versions.slug}/models/2/shadow/stop")
    assert "The last comparison was stopped." in page(alice, two_versions, "2/promote")
    assert "See first what would change" in page(alice, two_versions, "2/promote")
    told = client.post(f"/p/{two_versions.slug}/models/2/live", follow=True).content.decode()
    assert "The last comparison was stopped, so it does not show what would change. Start it again." in told
    assert not Promotion.objects.filter(model_version__number=2).exists()


def test_a_comparison_in_which_all_images_failed_asks_for_another(two_versions: Project, alice: User) -> None:
    client = signed_in(alice)
    client.post(f"/p/{two_versions.slug}/models/2/shadow", {"image_count": "3"})
    Run.objects.get(kind="shadow").predictions.update(state="failed", error="broken", finished_at=timezone.now())
    shown = page(alice, two_versions, "2/promote")
    assert "The last comparison compared no image: all failed or were deleted meanwhile." in shown
    assert "Start the comparison" in shown
    assert "Put it live?" not in shown
    told = client.post(f"/p/{two_versions.slug}/models/2/live", follow=True).content.decode()
    assert "Start it again on the newest images." in told


@pytest.mark.parametrize("count", ["", "0", "-3", "many", "99999999999", "2001"])
def test_a_wrong_number_of_images_is_told(two_versions: Project, alice: User, count: str) -> None:
    told = signed_in(alice).post(f"/p/{two_versions.slug}/models/2/shadow", {"image_count": count}, follow=True)
    assert "Choose 1 to 2,000 images" in told.content.decode()
    assert not Run.objects.filter(kind="shadow").exists()


def test_the_trend_of_the_dashboard_has_a_marker(two_versions: Project, alice: User) -> None:
    client = signed_in(alice)
    client.post(f"/p/{two_versions.slug}/models/2/shadow", {"image_count": "3"})
    work()
    client.post(f"/p/{two_versions.slug}/models/2/live")
    shown = client.get(f"/p/{two_versions.slug}/").content.decode()
    assert "Version 2 went live (nearest-color)" in shown
    assert "Dotted lines: a model version went live, or what the numbers mean was changed." in shown
