"""Asking for a training and watching it, in a real browser: advice, examples, curves and pictures without a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.images import picture, png
from tests.trainings import drawn_dataset, learned, queued_training
from webapp import storage
from webapp.models import TrainingEpoch, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentation.transfer.hub_answers", lambda: False)


def test_the_form_advises_while_it_is_filled_in(page: Page, factory: Factory) -> None:
    drawn_dataset(factory.project, train=16, val=4)
    page.goto(factory.address("training-new"))
    expect(page.get_by_text("16 images to learn from")).to_be_visible()
    expect(page.locator(".network-name")).not_to_be_empty()
    expect(page.get_by_text("not possible").first).to_be_visible()
    page.locator("#examples").scroll_into_view_if_needed()
    expect(page.locator("#examples img")).to_have_count(8)
    before = page.locator("#examples img").nth(3).get_attribute("src")
    page.get_by_label("Part may be rotated").check()
    expect(page.locator("#examples img").nth(3)).not_to_have_attribute("src", before or "")
    expect(page.locator("#id_own_minutes")).to_be_hidden()
    page.get_by_label("Another time").check()
    page.locator("#id_own_minutes").fill("3")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_text("Waiting for the worker.")).to_be_visible()
    training_run = TrainingRun.objects.get()
    assert (training_run.minutes, "rotated" in training_run.settings["presets"]) == (3, True)


def test_the_page_follows_the_worker_without_a_reload(page: Page, factory: Factory) -> None:
    training_run = queued_training(factory.project)
    learned(training_run, 2, preview_names=["5.png"])
    for epoch in (None, 1, 2, 3, 4):
        content = png(picture(red=0.1 * (epoch or 6), width=64, height=48))
        storage.write(storage.preview_path(training_run.pk, 0, epoch), content)
    page.goto(factory.address("training", training_run.pk))
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.evaluate("window.isTheSamePage = true")
    TrainingEpoch.objects.create(training_run=training_run, number=3, loss=0.4, mean_iou=0.8, iou={}, seconds=30)
    slider = page.get_by_role("slider")
    expect(slider).to_have_attribute("max", "3")
    expect(page.locator("[data-base]")).to_have_attribute("src", f"/files/trainings/{training_run.pk}/previews/0/3")

    slider.fill("1")
    expect(page.locator("[data-base]")).to_have_attribute("src", f"/files/trainings/{training_run.pk}/previews/0/1")
    TrainingEpoch.objects.create(training_run=training_run, number=4, loss=0.3, mean_iou=0.9, iou={}, seconds=40)
    expect(slider).to_have_attribute("max", "4")
    expect(slider).to_have_value("1")

    page.get_by_role("button", name="Stop and keep the best").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop and keep the best").click()
    expect(page.get_by_text("Ending, and keeping the best so far")).to_be_visible()
    training_run.refresh_from_db()
    assert training_run.cancel_keeps_best


def test_dark_and_narrow_fit(page: Page, factory: Factory) -> None:
    training_run = queued_training(factory.project)
    learned(training_run, 3, preview_names=["5.png"])
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (factory.address("training-new"), factory.address("training", training_run.pk)):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
