"""A video by the upload page, a zone drawn over its newest frame, and what the dashboard says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.factory import Factory
from tests.videos import square, write_video
from webapp.models import Archive, Batch, Image, Zone
from webapp.pipeline.video import unpack_video

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_a_video_to_presence_in_a_zone(page: Page, factory: Factory, tmp_path: Path) -> None:
    film = write_video(tmp_path / "door.avi", lambda number: square(8 * number, 40), count=10, fps=2)
    page.goto(factory.address("batch-new"))
    page.locator("[data-uploader][data-ready]").wait_for()
    expect(page.get_by_label("One frame every")).to_be_hidden()
    page.locator("[data-part=files-input]").set_input_files(film)
    page.get_by_label("One frame every").fill("0.5")
    page.get_by_label("Source").select_option(label=str(factory.source))
    page.get_by_role("button", name="Upload 1 file").click()
    expect(page.locator("[data-uploader]")).to_have_attribute("data-phase", "sealed")
    while unpack_video(Archive.objects.get().pk).is_more:
        pass
    factory.work()
    assert (Batch.objects.get().frame_seconds, Image.objects.count()) == (0.5, 10)

    page.goto(factory.address("zones", factory.source.pk))
    stage = page.locator(".zones-stage svg")
    box = stage.bounding_box()
    assert box is not None
    for x, y in ((0.02, 0.02), (0.32, 0.02), (0.32, 0.98), (0.02, 0.98), (0.9, 0.9)):
        stage.click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(page.locator("[data-zones-count]")).to_have_text("5 corners drawn")
    page.keyboard.press("Backspace")
    page.get_by_label("Name", exact=True).fill("Door")
    page.get_by_role("button", name="Add the zone").click()
    expect(page.get_by_text("The zone Door is added.")).to_be_visible()
    assert [round(value, 1) for corner in Zone.objects.get().shape for value in corner] == [0, 0, 0.3, 0, 0.3, 1, 0, 1]

    page.goto(factory.address("dashboard-zones"))
    expect(page.get_by_text("rust was in Door in 50.0% of 10 images")).to_be_visible()
    page.locator(".panel-zones-presence summary").click()
    page.get_by_role("link", name="Door: rust").click()
    expect(page.get_by_text("In zone: Door")).to_be_visible()
    expect(page.locator(".shot")).to_have_count(5)
