"""The page of one image, and the images behind a scope."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.views.visit import Visit, fill, names, start_visit, words
from webapp.models import Image, Prediction, Run
from webapp.views.grid import GRID_LENGTH

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def undone(image: Image, state: str, error: str = "") -> Prediction:
    """Turn an image's prediction into one that is not done."""
    prediction = image.predictions.get()
    prediction.measurements.all().delete()
    prediction.regions.all().delete()
    Prediction.objects.filter(pk=prediction.pk).update(state=state, error=error, is_current=False)
    return prediction


def link(page: str, relation: str) -> str | None:
    found = re.search(rf'rel="{relation}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


class TestShow:
    def test_says_the_rule_in_words(self, visit: Visit) -> None:
        image = visit.plant.image({"scratch": [812, 30], "pit": [40], "dust": [900]})
        page = words(visit.page("image", image.pk))
        assert "A scratch region has 812 px; the limit is 20 px. Also over it: pit (40 px)." in page
        assert "Confidence 90.0%" in page
        assert "842 px 16.8%" in page

    def test_a_pass_says_how_near_it_was(self, visit: Visit) -> None:
        image = visit.plant.image({"pit": [19]})
        assert "The largest defect region, pit, has 19 px; the limit is 20 px." in visit.page("image", image.pk)
        clean = visit.plant.image({})
        assert "No defect was found. The limit is a region of 20 px." in visit.page("image", clean.pk)

    def test_lists_regions_but_not_the_background(self, visit: Visit) -> None:
        image = visit.plant.image({"dust": [400], "scratch": [60, 5]})
        page = visit.page("image", image.pk)
        found = re.findall(
            r'data-box="[^"]+">.*?</svg>\s*(\w+)</button></th>\s*<td class="number">(\d+) px', page, re.S
        )
        assert found == [("scratch", "60"), ("scratch", "5"), ("dust", "400")]

    def test_square_millimetres_where_the_scale_is_known(self, visit: Visit) -> None:
        visit.plant.line_1.mm_per_pixel = 0.5
        visit.plant.line_1.save()
        scaled = visit.plant.image({"scratch": [60]}, source=visit.plant.line_1)
        assert "15.0\u00a0mm²" in visit.page("image", scaled.pk)
        assert "mm²" not in visit.page("image", visit.plant.image({"scratch": [60]}).pk)

    @pytest.mark.parametrize(
        ("origin", "expected"),
        [
            ("exif", "from the camera"),
            ("given", "given at upload"),
            ("upload", "time of upload: the image carries none"),
        ],
    )
    def test_says_where_the_time_comes_from(self, visit: Visit, origin: str, expected: str) -> None:
        image = visit.plant.image({}, captured_at_from=origin)
        assert f"12 May 2026, 12:00:00 {expected}" in words(visit.page("image", image.pk))

    def test_facts_for_the_viewer(self, visit: Visit) -> None:
        image = visit.plant.image({"scratch": [60]}, name='</script><script>alert("x")</script>.png')
        page = visit.page("image", image.pk)
        assert '<script>alert("x")' not in page
        found = re.search(r'<script id="viewer-facts" type="application/json">(.*?)</script>', page)
        assert found is not None
        facts = json.loads(found[1])
        assert (facts["width"], facts["height"]) == (100, 50)
        assert facts["mask"].startswith(f"/files/predictions/{image.predictions.get().pk}/mask.png?v=")

    def test_failed_says_why_and_can_be_tried_again(self, visit: Visit) -> None:
        image = visit.plant.image({})
        prediction = undone(image, "failed", "is damaged: the file ends too early")
        page = visit.page("image", image.pk)
        assert "Reason: is damaged: the file ends too early" in page
        assert visit.address("batch-retry", visit.plant.batch.pk, prediction.run_id) in page

    def test_waiting_asks_until_it_is_there(self, visit: Visit) -> None:
        image = visit.plant.image({})
        prediction = undone(image, "queued")
        page = visit.page("image", image.pk)
        assert "Waiting for a worker." in page
        again = re.search(r'hx-get="([^"]+/state[^"]+)" hx-trigger="load delay:2s"', page)
        assert again is not None
        address = again[1].replace("&amp;", "&")
        response = visit.client.get(address)
        assert "load delay:4s" in response.content.decode()
        Prediction.objects.filter(pk=prediction.pk).update(state="done")
        assert visit.client.get(address)["HX-Refresh"] == "true"

    def test_other_models_stand_beside(self, visit: Visit) -> None:
        image = visit.plant.image({"scratch": [60]})
        newer = visit.plant.new_model_version()
        visit.plant.predict(image, {}, model_version=newer, is_current=False)
        page = visit.page("image", image.pk, query=f"?model={newer.pk}")
        assert "Not the result that counts" in words(page)
        assert "No defect was found." in page
        assert f"model={visit.plant.model_version.pk}" in page

    def test_image_of_no_batch(self, visit: Visit) -> None:
        image = visit.plant.image({"scratch": [60]})
        image.batch_images.all().delete()
        assert "A scratch region has 60 px" in visit.page("image", image.pk)

    def test_outsiders_find_no_image(self, visit: Visit) -> None:
        image = visit.plant.image({})
        for name in ("image", "image-state"):
            assert visit.outsider.get(visit.address(name, image.pk)).status_code == 404
        assert visit.outsider.get(f"/p/elsewhere/images/{image.pk}/").status_code == 404


class TestNeighbours:
    def test_of_a_batch_worst_first(self, visit: Visit) -> None:
        little, much, none = (visit.plant.image(found) for found in ({"pit": [30]}, {"pit": [90]}, {}))
        address = visit.address("batch", visit.plant.batch.pk)
        first = link(visit.client.get(address).content.decode(), "next")
        assert first is None
        page = visit.page("image", much.pk, query=f"?in={visit.plant.batch.pk}&show=all")
        assert (link(page, "prev"), "1 of 3" in words(page)) == (None, True)
        walked = [much.pk]
        while following := link(page, "next"):
            walked.append(int(re.findall(r"/images/(\d+)/", following)[0]))
            page = visit.client.get(following).content.decode()
        assert walked == [much.pk, little.pk, none.pk]
        assert f"/images/{little.pk}/" in (link(page, "prev") or "")

    def test_keep_to_the_filter(self, visit: Visit) -> None:
        worst, _, other = (visit.plant.image(found) for found in ({"pit": [90]}, {}, {"pit": [30]}))
        page = visit.page("image", worst.pk, query=f"?in={visit.plant.batch.pk}&show=fail")
        assert "1 of 2" in words(page)
        assert link(page, "next") == visit.address("image", other.pk) + f"?in={visit.plant.batch.pk}&show=fail"
        assert f'href="{visit.address("batch", visit.plant.batch.pk)}?show=fail"' in page

    def test_of_a_scope(self, visit: Visit) -> None:
        here = visit.plant.image({"pit": [90]}, source=visit.plant.line_1)
        visit.plant.image({"pit": [60]}, source=visit.plant.line_2)
        after = visit.plant.image({"pit": [30]}, source=visit.plant.line_1)
        query = f"source={visit.plant.line_1.pk}&verdict=fail&list=images"
        page = visit.page("image", here.pk, query=f"?{query}")
        assert link(page, "next") == f"{visit.address('image', after.pk)}?{query}"
        assert f'href="{visit.address("images")}?source={visit.plant.line_1.pk}&amp;verdict=fail"' in page

    @pytest.mark.parametrize(
        "query",
        ["?in=0", "?in=x", "?in=1&show=odd", "?list=images&verdict=odd", "?list=images&from=never", "?model=0"],
    )
    def test_no_such_list(self, visit: Visit, query: str) -> None:
        image = visit.plant.image({})
        assert visit.client.get(visit.address("image", image.pk) + query).status_code == 404


class TestIndex:
    def test_scope_in_words_each_removable(self, visit: Visit) -> None:
        visit.plant.image({"scratch": [60]}, source=visit.plant.line_1)
        visit.plant.image({"pit": [60]}, source=visit.plant.line_2)
        visit.plant.count_up()
        query = f"?from=2026-05-01&source={visit.plant.line_1.pk}&label={visit.plant.labels['scratch'].pk}"
        page = visit.page("images", query=query)
        chips = re.findall(r'<li class="chip">([^<]+)<a href="([^"]+)"', page)
        assert [text for text, _ in chips] == ["From 1 May 2026", "Source: North / Line 1", "With: scratch"]
        assert "source=" not in chips[1][1]
        assert "from=2026-05-01" in chips[1][1]
        assert "Images 1 image Dashboard of these images" in words(page)

    def test_verdict_and_order(self, visit: Visit) -> None:
        visit.plant.image({"scratch": [60]}, name="bad")
        visit.plant.image({"scratch": [600]}, name="worse")
        visit.plant.image({}, name="good")
        assert names(visit.page("images")) == ["worse", "bad", "good"]
        assert names(visit.page("images", query="?verdict=pass")) == ["good"]
        visit.plant.count_up()
        assert "Images 1 passed image" in words(visit.page("images", query="?verdict=pass"))
        assert names(visit.page("images", query="?verdict=fail&order=newest")) == ["worse", "bad"]

    def test_pages_show_every_image_once(self, visit: Visit) -> None:
        run = Run.objects.create(batch=visit.plant.batch, model_version=visit.plant.model_version)
        fill(visit.plant.batch, run, GRID_LENGTH + 5)
        visit.plant.count_up()
        page = visit.page("images")
        found = names(page)
        more = re.search(r'hx-get="([^"]+after=[^"]+)"', page)
        assert more is not None
        assert "Load more (60 of 65)" in page
        found += names(visit.client.get(more[1].replace("&amp;", "&")).content.decode())
        assert found == [f"{number:05}.png" for number in reversed(range(GRID_LENGTH + 5))]

    def test_costs_the_same_for_few_and_many(self, visit: Visit) -> None:
        run = Run.objects.create(batch=visit.plant.batch, model_version=visit.plant.model_version)
        counts = []
        for count in (10, 990):
            fill(visit.plant.new_batch("more"), run, count)
            with CaptureQueriesContext(connection) as queries:
                visit.page("images")
            counts.append(len(queries))
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("query", ["?from=never", "?verdict=odd", "?order=odd", "?source=99", "?after=x"])
    def test_wrong_address_says_what_is_wrong(self, visit: Visit, query: str) -> None:
        response = visit.client.get(visit.address("images") + query)
        assert response.status_code == 400
        assert "This address asks for something that is not there." in response.content.decode()
        assert visit.client.get(visit.address("images-more") + query).status_code == 404

    def test_nothing_yet_and_nothing_fits(self, visit: Visit) -> None:
        empty = visit.page("images")
        assert "No images inspected yet" in empty
        assert "Worst first" not in empty
        assert "Dashboard of these images" not in empty
        visit.plant.image({})
        assert "No image fits" in visit.page("images", query="?verdict=fail")

    def test_outsiders_find_no_images(self, visit: Visit) -> None:
        for name in ("images", "images-more"):
            assert visit.outsider.get(visit.address(name)).status_code == 404
