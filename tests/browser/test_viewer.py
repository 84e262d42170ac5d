"""The image page in a real browser: what is painted where, and how a person moves about."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from segmentation.masks import mask_png
from tests.browser.factory import Factory
from tests.images import encoded, picture, png
from webapp import storage
from webapp.models import Prediction

RED, BLUE, GREY = (220, 30, 30), (30, 60, 220), (128, 128, 128)
PAINTED = png(picture(red=0.2, blue=0.3, width=400, height=300))


def open_image(page: Page, factory: Factory, name: str, query: str = "") -> None:
    page.goto(factory.address("image", factory.image(name).pk) + query)
    page.locator("[data-viewer=root][data-state=loaded]").wait_for()


def color_at(page: Page, x: float, y: float) -> tuple[int, int, int]:
    """The colour that the canvas shows at a share of its width and height, once it is drawn."""
    found = page.evaluate(
        """([x, y]) => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
          const canvas = document.querySelector("canvas");
          const place = [Math.round(canvas.width * x), Math.round(canvas.height * y), 1, 1];
          resolve([...canvas.getContext("2d").getImageData(...place).data]);
        })))""",
        [x, y],
    )
    return (found[0], found[1], found[2])


def close_to(color: tuple[int, int, int], expected: tuple[float, ...], by: int = 3) -> bool:
    return all(abs(one - other) <= by for one, other in zip(color, expected, strict=True))


def mixed(below: tuple[int, ...], above: tuple[int, ...], opacity: float) -> tuple[float, ...]:
    return tuple(under + (over - under) * opacity for under, over in zip(below, above, strict=True))


def test_the_mask_is_painted_in_its_labels_colours(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED})
    mask = np.zeros((300, 400), np.uint8)
    mask[:, :200] = 1
    mask[:, 300:] = 2
    storage.write(storage.mask_path(Prediction.objects.get().pk), mask_png(mask))
    open_image(page, factory, "part.png")
    assert close_to(color_at(page, 0.25, 0.9), mixed(GREY, RED, 0.5))
    assert close_to(color_at(page, 0.6, 0.9), GREY)
    assert close_to(color_at(page, 0.9, 0.9), mixed(GREY, BLUE, 0.5))

    page.get_by_label("Opacity of the overlay").fill("100")
    assert close_to(color_at(page, 0.25, 0.9), RED)
    page.get_by_role("checkbox", name="rust").uncheck()
    assert close_to(color_at(page, 0.25, 0.9), GREY)
    assert close_to(color_at(page, 0.9, 0.9), BLUE)
    page.keyboard.press("o")
    assert close_to(color_at(page, 0.9, 0.9), GREY)


def test_every_label_index_is_read_exactly(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED})
    prediction = Prediction.objects.get()
    storage.write(storage.mask_path(prediction.pk), mask_png(np.arange(256, dtype=np.uint8).reshape(16, 16)))
    open_image(page, factory, "part.png")
    read = """async (size) => {
      const { loadMask } = await import("/static/js/viewer-mask.js");
      const address = JSON.parse(document.getElementById("viewer-facts").textContent).mask;
      return [...(await loadMask(address, ...size)).indices];
    }"""
    assert page.evaluate(read, [16, 16]) == list(range(256))


def test_a_mask_too_large_to_draw_is_thinned_and_never_blended(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED})
    mask = np.zeros((4200, 4200), np.uint8)
    mask[::2] = 200
    storage.write(storage.mask_path(Prediction.objects.get().pk), mask_png(mask))
    open_image(page, factory, "part.png")
    read = """async () => {
      const { loadMask } = await import("/static/js/viewer-mask.js");
      const address = JSON.parse(document.getElementById("viewer-facts").textContent).mask;
      const { width, height, indices } = await loadMask(address, 4200, 4200);
      return [width, height, [...new Set(indices)].sort((a, b) => a - b)];
    }"""
    assert page.evaluate(read) == [4000, 4000, [0, 200]]


def test_zoom_move_and_fit(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED})
    open_image(page, factory, "part.png")
    percent = page.locator("[data-viewer=percent]")
    fitted = percent.inner_text()
    page.keyboard.press("+")
    expect(percent).not_to_have_text(fitted)
    page.keyboard.press("0")
    expect(percent).to_have_text(fitted)
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.get_by_role("checkbox", name="Overlay").uncheck()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    page.mouse.wheel(0, -300)
    expect(percent).not_to_have_text(fitted)
    assert close_to(color_at(page, 0.5, 0.2), RED)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 590)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    page.mouse.up()
    assert close_to(color_at(page, 0.5, 0.9), GREY)
    page.get_by_role("button", name="Fit").click()
    expect(percent).to_have_text(fitted)
    assert close_to(color_at(page, 0.5, 0.35), BLUE)


def test_a_region_is_zoomed_to_and_outlined(page: Page, factory: Factory) -> None:
    rgb = picture(width=400, height=300)
    rgb[250:260, 350:370] = RED
    factory.batch({"part.png": png(rgb)})
    open_image(page, factory, "part.png")
    expect(page.get_by_text("A rust region has 200 px; the limit is 20 px.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("rust.*200 px.*50.0.mm².*360, 255"))).to_be_visible()
    page.get_by_role("checkbox", name="Overlay").uncheck()
    assert close_to(color_at(page, 0.5, 0.5), GREY)
    page.get_by_role("button", name="rust").click()
    assert close_to(color_at(page, 0.5, 0.5), RED)
    assert page.locator("tr[data-chosen]").count() == 1


def test_next_and_previous_by_keyboard_worst_first(page: Page, factory: Factory) -> None:
    shares = {"little.png": 0.1, "much.png": 0.5, "some.png": 0.3}
    batch = factory.batch({name: png(picture(red=share)) for name, share in shares.items()})
    page.goto(factory.address("batch", batch.pk))
    page.locator(".shot a").first.click()
    heading = page.get_by_role("heading", level=1)
    for key, name in (
        ("", "much.png"),
        ("ArrowRight", "some.png"),
        ("j", "little.png"),
        ("j", "little.png"),
        ("k", "some.png"),
        ("ArrowLeft", "much.png"),
    ):
        if key:
            page.keyboard.press(key)
        expect(heading).to_have_text(name)
        page.locator("[data-viewer=root][data-state=loaded]").wait_for()


def test_toggles_and_opacity_stay_from_image_to_image(page: Page, factory: Factory) -> None:
    factory.batch({"a.png": png(picture(red=0.5)), "b.png": png(picture(red=0.4))})
    open_image(page, factory, "a.png")
    page.get_by_role("checkbox", name="rust").uncheck()
    page.get_by_label("Opacity of the overlay").fill("85")
    open_image(page, factory, "b.png")
    expect(page.get_by_role("checkbox", name="rust")).not_to_be_checked()
    expect(page.get_by_label("Opacity of the overlay")).to_have_value("85")


@pytest.mark.parametrize("format", ["TIFF", "BMP"])
def test_formats_that_browsers_do_not_show(page: Page, factory: Factory, format: str) -> None:
    name = f"scan.{format.lower()}"
    factory.batch({name: encoded(picture(red=0.5, width=400, height=300), format)})
    open_image(page, factory, name)
    page.get_by_role("checkbox", name="Overlay").uncheck()
    assert close_to(color_at(page, 0.5, 0.25), RED, by=12)
    assert close_to(color_at(page, 0.5, 0.75), GREY, by=12)


def test_a_picture_turned_by_its_camera_lies_under_its_mask(page: Page, factory: Factory) -> None:
    turned = np.ascontiguousarray(np.rot90(picture(red=0.5, width=400, height=300)))
    exif = _orientation(6)
    factory.batch({"turned.jpg": encoded(turned, "JPEG", quality=95, exif=exif)})
    image = factory.image("turned.jpg")
    assert (image.width_px, image.height_px) == (400, 300)
    open_image(page, factory, "turned.jpg")
    page.get_by_label("Opacity of the overlay").fill("100")
    assert close_to(color_at(page, 0.5, 0.25), RED, by=12)
    page.get_by_role("checkbox", name="Overlay").uncheck()
    assert close_to(color_at(page, 0.5, 0.25), RED, by=12)
    assert close_to(color_at(page, 0.5, 0.75), GREY, by=12)


def test_a_lost_mask_is_said(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED})
    storage.mask_path(Prediction.objects.get().pk).unlink()
    open_image(page, factory, "part.png")
    expect(page.get_by_text("The mask could not be loaded.")).to_be_visible()


def test_a_waiting_image_shows_its_result_by_itself(page: Page, factory: Factory) -> None:
    factory.batch({"part.png": PAINTED}, segmented=False)
    open_image(page, factory, "part.png")
    expect(page.get_by_text("Waiting for a worker.")).to_be_visible()
    factory.work()
    expect(page.get_by_text("A rust region has")).to_be_visible()


def test_fits_a_phone(page: Page, factory: Factory) -> None:
    batch = factory.batch({"a very long folder name/with another/part number 1234567890.png": PAINTED})
    page.set_viewport_size({"width": 390, "height": 844})
    addresses = [
        factory.address("batches"),
        factory.address("batch-new"),
        factory.address("batch", batch.pk),
        factory.address("images"),
        factory.address("image", batch.images.get().pk),
    ]
    for address in addresses:
        page.goto(address)
        width: Any = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, address


def _orientation(value: int) -> bytes:
    """EXIF with nothing but the orientation tag."""
    ifd = b"\x01\x00" + b"\x12\x01\x03\x00\x01\x00\x00\x00" + value.to_bytes(4, "little") + b"\x00\x00\x00\x00"
    return b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + ifd
