"""The list of projects."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import signed_in
from tests.inspections import build_plant, set_current
from webapp.actions.projects import create_project
from webapp.models import Batch, BatchImage, Image, Project, User, Workspace


def page_of(user: User) -> str:
    return signed_in(user).get("/").content.decode()


def test_empty_list_offers_a_project(alice: User) -> None:
    page = page_of(alice)
    assert "No projects yet" in page
    assert 'href="/projects/new"' in page


def test_card_says_rate_interval_and_n(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    for found in ({"scratch": [60]}, {"pit": [19]}, {}, {}):
        plant.image(found)
    plant.count_up()
    page = page_of(alice)
    assert "25.0%" in page
    assert "95% interval 4.6% to 69.9%" in page
    assert "1 of 4 images failed" in page
    assert "Model v1" in page


def test_card_counts_what_people_said(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    plant.image({"scratch": [60]})
    overruled = plant.image({"pit": [60]})
    overruled.reviewed_verdict = "pass"
    overruled.save()
    plant.count_up()
    assert "1 of 2 images failed" in page_of(alice)


def test_card_counts_newest_results_only(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    image = plant.image({"scratch": [60]})
    newer = plant.predict(image, {}, model_version=plant.new_model_version(), is_current=False)
    set_current(newer)
    plant.count_up()
    page = page_of(alice)
    assert "0 of 1 image failed" in page
    assert f"/files/predictions/{newer.pk}/overlay" in page


def test_card_shows_the_newest_pictures(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    images = [plant.image() for _ in range(5)]
    page = page_of(alice)
    shown = [image.predictions.get().pk for image in images[1:]]
    assert all(f"/files/predictions/{pk}/overlay" in page for pk in shown)
    assert page.count("/files/predictions/") == 4


def test_card_says_what_a_project_waits_for(alice: User, project: Project) -> None:
    assert "No images yet" in page_of(alice)
    batch = Batch.objects.create(project=project, name="First", sealed_at=timezone.now())
    image = Image.objects.create(
        project=project,
        name="a.png",
        sha256="0" * 64,
        format="PNG",
        size_bytes=1,
        width_px=4,
        height_px=3,
        captured_at=batch.created_at,
        captured_at_from="upload",
    )
    assert "No images yet" in page_of(alice), "it is in a data set only"
    BatchImage.objects.create(batch=batch, image=image, name="a.png")
    page = page_of(alice)
    assert "Waiting for a model" in page
    assert "No model" in page
    assert "/files/images/" in page


def test_card_leads_to_an_upload_that_is_still_open(alice: User, acme: Workspace) -> None:
    plant = build_plant(acme)
    assert "still open" not in page_of(alice)
    batch = Batch.objects.create(project=plant.project, name="On its way")
    page = page_of(alice)
    assert f'<a href="/p/plant/batches/{batch.pk}/">An upload is still open</a>: continue it or finish it.' in page
    assert "being segmented" not in page
    assert f'href="/p/plant/batches/{batch.pk}/"' in signed_in(alice).get("/p/plant/").content.decode()


def test_card_of_a_blank_project_names_no_template(alice: User, acme: Workspace) -> None:
    create_project(user=alice, workspace=acme, name="Tiles", template="blank")
    assert "Blank" not in page_of(alice)


def queries(user: User) -> int:
    client = signed_in(user)
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/").status_code == 200
    return len(captured)


def test_list_costs_the_same_for_one_project_and_for_many(alice: User, acme: Workspace) -> None:
    first = build_plant(acme)
    first.image({"scratch": [60]})
    first.count_up()
    few = queries(alice)
    for number in range(12):
        plant = build_plant(acme, f"plant-{number}")
        for _ in range(6):
            plant.image({"pit": [30]})
        plant.count_up()
    assert queries(alice) == few


def test_projects_of_others_are_not_listed(alice: User, charlie: User, project: Project) -> None:
    create_project(user=charlie, workspace=charlie.workspaces.get(), name="Secret", template="blank")
    page = page_of(charlie)
    assert "Secret" in page
    assert project.name not in page


def test_example_says_that_it_is_drawn(alice: User, project: Project) -> None:
    assert "drawn images" not in page_of(alice)
    Project.objects.update(is_example=True)
    assert "Example, drawn images" in page_of(alice)


def test_name_is_shown_as_text(alice: User, acme: Workspace) -> None:
    create_project(user=alice, workspace=acme, name="<script>alert(1)</script>", template="blank")
    answer: Any = signed_in(alice).get("/")
    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;alert(1)" in answer.content
