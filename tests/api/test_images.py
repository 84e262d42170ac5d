"""One image's numbers, regions and mask; the images of a batch."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Picture

from segmentation.masks import mask_png
from tests.api.conftest import ApiClient
from tests.inspections import HEIGHT_PX, NOON, PIXELS, WIDTH_PX, Plant
from webapp import storage
from webapp.models import Image, Prediction


def scratched(plant: Plant) -> Image:
    return Image.objects.get(project=plant.project, name="shift 1/scratched.png")


def test_images_of_a_batch_in_the_order_they_came(api: ApiClient, plant: Plant) -> None:
    page = api.get(f"batches/{plant.batch.pk}/images?cursor=").json()
    assert page["next"] is None
    assert [row["name"] for row in page["items"]] == ["shift 1/scratched.png", "shift 1/pitted.png", "clean.png"]
    assert [row["verdict"] for row in page["items"]] == ["fail", "pass", "pass"]
    assert page["items"][0] == {
        "id": scratched(plant).pk,
        "name": "shift 1/scratched.png",
        "state": "done",
        "verdict": "fail",
        "model_verdict": "fail",
        "confidence": 0.9,
        "defect_area_fraction": 65 / PIXELS,
        "captured_at": "2026-05-12T12:00:00Z",
        "error": "",
    }


def test_pages_hold_every_image_once(api: ApiClient, plant: Plant) -> None:
    for _ in range(7):
        plant.image()
    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"batches/{plant.batch.pk}/images?limit=4&cursor={cursor}").json()
        assert len(page["items"]) <= 4
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
    assert seen == sorted(Image.objects.filter(project=plant.project).values_list("pk", flat=True))


def test_images_by_verdict(api: ApiClient, plant: Plant) -> None:
    failed = api.get(f"batches/{plant.batch.pk}/images?verdict=fail").json()["items"]
    assert [row["name"] for row in failed] == ["shift 1/scratched.png"]
    passed = api.get(f"batches/{plant.batch.pk}/images?verdict=pass&limit=1").json()
    assert len(passed["items"]) == 1
    assert passed["next"]


def test_an_image_with_every_labels_numbers(api: ApiClient, plant: Plant) -> None:
    image = api.get(f"images/{scratched(plant).pk}").json()
    assert (image["name"], image["project"]) == ("shift 1/scratched.png", "plant")
    assert (image["width"], image["height"], image["sha256"]) == (WIDTH_PX, HEIGHT_PX, scratched(plant).sha256)
    assert (image["captured_at"], image["captured_at_from"]) == ("2026-05-12T12:00:00Z", "exif")
    assert image["source"] == {"id": plant.line_1.pk, "name": "North / Line 1"}
    assert (image["state"], image["verdict"], image["confidence"]) == ("done", "fail", 0.9)
    assert (image["model"]["id"], image["min_region_px"]) == (plant.model_version.pk, 20)
    assert [(row["label"], row["pixels"], row["region_count"]) for row in image["measurements"]] == [
        ("background", PIXELS - 65, 1),
        ("scratch", 65, 2),
        ("pit", 0, 0),
        ("dust", 0, 0),
    ]
    assert image["measurements"][1] == {
        "label": "scratch",
        "label_index": 1,
        "is_defect": True,
        "pixels": 65,
        "area_fraction": 65 / PIXELS,
        "region_count": 2,
        "largest_region_px": 60,
        "confidence": 0.8,
    }


def test_the_result_of_a_chosen_model_version(api: ApiClient, plant: Plant) -> None:
    image, second = scratched(plant), plant.new_model_version()
    plant.predict(image, {}, model_version=second, is_current=False)
    assert api.get(f"images/{image.pk}").json()["verdict"] == "fail"
    chosen = api.get(f"images/{image.pk}?model={second.pk}").json()
    assert (chosen["verdict"], chosen["model"]["number"]) == ("pass", 2)
    third = plant.new_model_version()
    waiting = api.get(f"images/{image.pk}?model={third.pk}").json()
    assert (waiting["state"], waiting["measurements"], waiting["model"]) == ("waiting", [], None)


@pytest.mark.parametrize(
    ("state", "shown"), [("queued", "queued"), ("claimed", "running"), ("failed", "failed"), ("cancelled", "cancelled")]
)
def test_an_image_that_is_not_done_has_no_numbers(api: ApiClient, plant: Plant, state: str, shown: str) -> None:
    image = scratched(plant)
    Prediction.objects.filter(image=image).update(
        state=state, is_current=False, lease_until=NOON, error="it is broken" if state == "failed" else ""
    )
    answer = api.get(f"images/{image.pk}").json()
    assert (answer["state"], answer["verdict"], answer["measurements"]) == (shown, None, [])
    assert answer["error"] == ("it is broken" if state == "failed" else "")
    row = api.get(f"batches/{plant.batch.pk}/images").json()["items"][0]
    assert (row["state"], row["verdict"], row["confidence"]) == (shown, None, None)
    assert api.get(f"images/{image.pk}/regions").json() == {"items": [], "next": None}
    mask = api.get(f"images/{image.pk}/mask.png")
    assert mask.status_code == 404
    assert f"“{shown}”" in mask.json()["error"]["message"]


def test_regions_of_every_label(api: ApiClient, plant: Plant) -> None:
    address = f"images/{scratched(plant).pk}/regions"
    regions = api.get(address).json()["items"]
    assert [(row["label"], row["area_px"]) for row in regions] == [
        ("background", PIXELS - 65),
        ("scratch", 60),
        ("scratch", 5),
    ]
    assert {key: regions[1][key] for key in ("x_px", "y_px", "width_px", "height_px", "is_defect")} == {
        "x_px": 1,
        "y_px": 2,
        "width_px": 60,
        "height_px": 1,
        "is_defect": True,
    }
    first = api.get(f"{address}?limit=2").json()
    rest = api.get(f"{address}?limit=2&cursor={first['next']}").json()
    assert first["items"] + rest["items"] == regions
    assert rest["next"] is None


def test_the_mask_is_the_stored_raster(api: ApiClient, plant: Plant) -> None:
    image = scratched(plant)
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    mask[3, 10:70] = 1
    storage.write(storage.mask_path(Prediction.objects.get(image=image).pk), mask_png(mask))
    answer = api.get(f"images/{image.pk}/mask.png")
    assert answer["Content-Type"] == "image/png"
    shown = Picture.open(io.BytesIO(b"".join(answer.streaming_content)))
    assert shown.mode == "L"
    assert np.array_equal(np.asarray(shown), mask)


def test_a_mask_that_was_lost_is_said_so(api: ApiClient, plant: Plant) -> None:
    answer = api.get(f"images/{scratched(plant).pk}/mask.png")
    assert answer.status_code == 404
    assert "store" in answer.json()["error"]["message"]


def test_a_persons_word_counts_and_the_models_stays(api: ApiClient, plant: Plant) -> None:
    image = scratched(plant)
    address = f"images/{image.pk}"
    assert api.get(address).json()["review"] is None
    assert api("POST", f"/api/v1/{address}/reviews", {"verdict": "pass"}).status_code == 422
    answer = api("POST", f"/api/v1/{address}/reviews", {"verdict": "pass", "reason": "Dust"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["verdict"], told["model_verdict"]) == ("pass", "fail")
    assert (told["review"]["verdict"], told["review"]["reason"], told["review"]["is_blind"]) == ("pass", "Dust", False)
    assert api.get(address).json() == told
    listed = api.get(f"batches/{plant.batch.pk}/images?verdict=fail").json()["items"]
    assert image.pk not in [row["id"] for row in listed]

    told = api("POST", f"/api/v1/{address}/reviews/withdraw").json()
    assert (told["verdict"], told["review"]) == ("fail", None)
    assert api("POST", f"/api/v1/{address}/reviews/withdraw").status_code == 422
    history = api.get(f"{address}/reviews").json()
    assert [(row["verdict"], row["model_verdict"], row["is_withdrawn"]) for row in history] == [
        ("pass", "fail", True),
        ("pass", "fail", False),
    ]
