"""Pictures and masks: to whom, as what, and how long browsers may keep them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture

from segmentation.masks import mask_png
from tests.images import encoded, picture, png
from tests.views.visit import Visit, start_visit
from webapp import storage
from webapp.actions.upload import add_file
from webapp.models import Batch, Image, Prediction
from webapp.views.files import safe_name

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def stored(visit: Visit, name: str, content: bytes) -> Image:
    """An uploaded picture of the plant."""
    batch = Batch.objects.create(project=visit.plant.project, name="Files")
    added = add_file(batch=batch, name=name, stream=io.BytesIO(content))
    return Image.objects.get(pk=added.image_id)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes


def fetch(client: Client, address: str, **headers: str) -> Answer:
    """The whole answer; reading a file to its end closes it."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    response: Any = client.get(address, headers=sent)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return Answer(response.status_code, response.headers, content)


def predicted(visit: Visit, mask: np.ndarray) -> Prediction:
    prediction = visit.plant.image({"scratch": [60]}, name="a/disc 1.png").predictions.get()
    storage.write(storage.mask_path(prediction.pk), mask_png(mask))
    storage.write(storage.overlay_path(prediction.pk), encoded(picture(), "WEBP"))
    return prediction


def test_original_comes_back_byte_for_byte(visit: Visit) -> None:
    content = png(picture(red=0.3))
    image = stored(visit, "a/b.png", content)
    response = fetch(visit.client, reverse("image-original", args=[image.pk]))
    assert response.body == content
    assert response.headers["Content-Type"] == "image/png"
    assert "attachment" not in response.headers.get("Content-Disposition", "")


def test_type_is_what_was_found_not_what_the_name_says(visit: Visit) -> None:
    image = stored(visit, "page.html", encoded(picture(red=0.3), "JPEG"))
    response = fetch(visit.client, reverse("image-original", args=[image.pk]))
    assert response.headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("format", ["TIFF", "BMP", "GIF"])
def test_what_browsers_do_not_show_is_saved_and_has_a_view(visit: Visit, format: str) -> None:
    image = stored(visit, f"scan.{format.lower()}", encoded(picture(red=0.5), format))
    original = fetch(visit.client, reverse("image-original", args=[image.pk]))
    assert original.headers["Content-Type"] == "application/octet-stream"
    assert original.headers["Content-Disposition"] == f'attachment; filename="scan.{format.lower()}"'
    view = fetch(visit.client, reverse("image-view", args=[image.pk]))
    assert view.headers["Content-Type"] == "image/webp"
    shown = Picture.open(io.BytesIO(view.body))
    assert shown.size == (40, 30)
    red, green, blue = shown.convert("RGB").getpixel((20, 5))  # type: ignore[misc]
    assert red > 180 > 90 > max(green, blue)
    assert storage.view_path(image.sha256).exists()


def test_thumbnail_is_made_before_a_worker_does(visit: Visit) -> None:
    image = stored(visit, "a.png", png(picture(width=1200, height=300)))
    response = fetch(visit.client, reverse("image-thumbnail", args=[image.pk]))
    assert response.headers["Content-Type"] == "image/webp"
    assert Picture.open(io.BytesIO(response.body)).size == (480, 120)
    assert storage.thumbnail_path(image.sha256).exists()


def test_mask_is_exact(visit: Visit) -> None:
    mask = np.arange(256, dtype=np.uint8).reshape(8, 32)
    prediction = predicted(visit, mask)
    response = fetch(visit.client, reverse("prediction-mask", args=[prediction.pk]))
    assert (np.asarray(Picture.open(io.BytesIO(response.body))) == mask).all()
    saved = fetch(visit.client, reverse("prediction-mask", args=[prediction.pk]) + "?download")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="disc 1-mask-v1.png"'


def test_overlay(visit: Visit) -> None:
    prediction = predicted(visit, np.zeros((50, 100), np.uint8))
    response = fetch(visit.client, reverse("prediction-overlay", args=[prediction.pk]))
    assert response.headers["Content-Type"] == "image/webp"


def test_nothing_in_a_file_can_run(visit: Visit) -> None:
    image = stored(visit, "a.png", png(picture()))
    prediction = predicted(visit, np.zeros((50, 100), np.uint8))
    for address in addresses(image, prediction):
        response = fetch(visit.client, address)
        assert response.status == 200, address
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_browsers_ask_again_unless_the_address_is_for_good(visit: Visit) -> None:
    image = stored(visit, "a.png", png(picture()))
    for address in addresses(image, predicted(visit, np.zeros((50, 100), np.uint8))):
        response = fetch(visit.client, address)
        assert set(response.headers["Cache-Control"].split(", ")) == {"private", "no-cache"}
        again = fetch(visit.client, address, If_None_Match=response.headers["ETag"])
        assert (again.status, again.body) == (304, b"")
        other = fetch(visit.client, address, If_None_Match='"other"')
        assert other.status == 200
        for_good = fetch(visit.client, f"{address}?v=1")
        assert set(for_good.headers["Cache-Control"].split(", ")) == {"private", "max-age=31536000", "immutable"}


def test_others_see_no_file(visit: Visit) -> None:
    image = stored(visit, "a.png", png(picture()))
    prediction = predicted(visit, np.zeros((50, 100), np.uint8))
    for address in addresses(image, prediction):
        etag = fetch(visit.client, address).headers["ETag"]
        assert fetch(visit.outsider, address).status == 404
        assert fetch(visit.outsider, address, If_None_Match=etag).status == 404
        assert fetch(visit.stranger, address).status == 302


def test_unfinished_predictions_have_no_mask(visit: Visit) -> None:
    prediction = predicted(visit, np.zeros((50, 100), np.uint8))
    Prediction.objects.filter(pk=prediction.pk).update(state="queued", is_current=False)
    for name in ("prediction-mask", "prediction-overlay"):
        assert fetch(visit.client, reverse(name, args=[prediction.pk])).status == 404


def test_a_lost_file_is_not_there(visit: Visit) -> None:
    image = stored(visit, "a.tif", encoded(picture(), "TIFF"))
    storage.original_path(image.sha256).unlink()
    for name in ("image-original", "image-view", "image-thumbnail"):
        assert fetch(visit.client, reverse(name, args=[image.pk])).status == 404


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shift 1/disc.png", "disc.png"),
        ('a"b\r\nSet-Cookie: x.png', "a_b__Set-Cookie_ x.png"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("...", "picture"),
        ("x" * 400 + ".png", "x" * 146 + ".png"),
    ],
)
def test_names_to_save_under(name: str, expected: str) -> None:
    assert safe_name(name) == expected


def addresses(image: Image, prediction: Prediction) -> list[str]:
    return [
        *(reverse(name, args=[image.pk]) for name in ("image-original", "image-view", "image-thumbnail")),
        *(reverse(name, args=[prediction.pk]) for name in ("prediction-mask", "prediction-overlay")),
    ]


def test_what_a_browser_could_not_hold_is_shown_smaller(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    image = stored(visit, "large.png", png(picture(width=90, height=60)))
    mask = np.zeros((60, 90), np.uint8)
    mask[:, 45:] = 2
    prediction = predicted(visit, mask)
    view = reverse("image-view", args=[image.pk])
    thinned = reverse("prediction-mask", args=[prediction.pk]) + "?view=1"
    assert fetch(visit.client, view).headers["Content-Type"] == "image/png"
    monkeypatch.setattr("webapp.views.files._SHOWN_PIXELS", 1000)
    monkeypatch.setattr("webapp.views.files.VIEW_PX", 30)
    shown = fetch(visit.client, view)
    assert shown.headers["Content-Type"] == "image/webp"
    assert Picture.open(io.BytesIO(shown.body)).size == (30, 20)
    found = fetch(visit.client, thinned)
    values = np.asarray(Picture.open(io.BytesIO(found.body)))
    assert values.shape == (20, 30)
    assert sorted(np.unique(values)) == [0, 2]
    assert fetch(visit.client, thinned, If_None_Match=found.headers["ETag"]).status == 304
    page = visit.client.get(visit.address("image", prediction.image_id))
    assert page.context["facts"]["mask"].endswith("&view=1")
