"""The list of batches and the page of one: numbers, order, filters, and what a person can do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.views.visit import Visit, fill, names, running, start_visit, words
from webapp.models import Archive, Batch, Image, Prediction, SkippedFile
from webapp.views.batches import LIST_LENGTH
from webapp.views.grid import GRID_LENGTH

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db: None, settings: Any, tmp_path: Path) -> Visit:
    return start_visit(settings, tmp_path)


def query_count(visit: Visit, address: str) -> int:
    visit.client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert visit.client.get(address).status_code == 200
    return len(queries)


class TestIndex:
    def test_shows_counts_state_source_and_model(self, visit: Visit) -> None:
        visit.plant.batch.source = visit.plant.line_1
        visit.plant.batch.save()
        visit.plant.image({"scratch": [60]})
        visit.plant.image({})
        page = words(visit.page("batches"))
        assert "First" in page
        assert "1 of 2 fail" in page
        assert "North / Line 1" in page
        assert "v1 nearest-color" in page
        assert "Done" in page

    def test_newest_first_and_older_by_their_predecessor(self, visit: Visit) -> None:
        for number in range(LIST_LENGTH + 3):
            visit.plant.new_batch(f"batch no. {number:02}")
        page = visit.page("batches")
        found = re.findall(r"batch no\. (\d\d)", page)
        assert found == [f"{number:02}" for number in range(LIST_LENGTH + 2, 2, -1)]
        older = re.search(r'href="(\?before=\d+)"', page)
        assert older is not None
        rest = re.findall(r"batch no\. (\d\d)", visit.page("batches", query=older[1]))
        assert rest == ["02", "01", "00"]

    def test_costs_the_same_for_few_and_many(self, visit: Visit) -> None:
        address = visit.address("batches")
        visit.plant.image({"scratch": [60]})
        few = query_count(visit, address)
        for number in range(20):
            batch = visit.plant.new_batch(f"b{number}")
            visit.plant.image({"scratch": [60]}, batch=batch)
        assert query_count(visit, address) == few

    def test_follows_what_is_under_way(self, visit: Visit) -> None:
        assert "hx-trigger" not in visit.page("batches")
        running(visit, 3)
        page = visit.page("batches")
        assert 'hx-trigger="load delay:1s"' in page
        assert "Waiting for a worker" in page

    def test_empty_says_what_to_do(self, visit: Visit) -> None:
        Batch.objects.filter(project=visit.plant.project).delete()
        page = words(visit.page("batches"))
        assert "No batches yet" in page
        assert "Drop a folder, images, videos or a ZIP here" in page


class TestNew:
    def test_offers_the_projects_sources_only(self, visit: Visit) -> None:
        page = visit.page("batch-new")
        assert "North / Line 1" in page
        assert page.count("<option") == 3

    def test_goes_on_with_an_open_upload(self, visit: Visit) -> None:
        batch = Batch.objects.create(project=visit.plant.project, name="Half there")
        page = visit.page("batch-new", query=f"?batch={batch.pk}")
        assert "They join the batch “Half there”" in page
        assert visit.address("batch-files", batch.pk) in page

    def test_a_finished_upload_takes_no_more(self, visit: Visit) -> None:
        for batch_id in (visit.plant.batch.pk, "x", "9" * 30):
            response = visit.client.get(visit.address("batch-new") + f"?batch={batch_id}")
            assert response.status_code == 404


class TestShow:
    def test_worst_first_with_verdict_and_confidence(self, visit: Visit) -> None:
        visit.plant.image({"scratch": [25]}, name="a/little.png")
        visit.plant.image({"pit": [500]}, name="a/much.png")
        visit.plant.image({"dust": [900]}, name="a/dusty.png")
        page = visit.page("batch", visit.plant.batch.pk)
        assert names(page) == ["a/much.png", "a/little.png", "a/dusty.png"]
        text = words(page)
        assert "10.0% defect area 90.0% confidence" in text
        assert "66.7% of 3, 95% interval 20.8% to 93.9%" in text

    def test_pages_show_every_picture_once(self, visit: Visit) -> None:
        batch, run = running(visit, 0)
        fill(batch, run, GRID_LENGTH * 2 + 7)
        page = visit.page("batch", batch.pk)
        found = names(page)
        said = []
        while more := re.search(r'hx-get="([^"]+after=[^"]+)"', page):
            said += re.findall(r"Load more[^<]*", page)
            page = visit.client.get(more[1].replace("&amp;", "&")).content.decode()
            found += names(page)
        assert said == ["Load more (60 of 127)", "Load more (120 of 127)"]
        assert found == [f"{number:05}.png" for number in reversed(range(GRID_LENGTH * 2 + 7))]

    def test_costs_the_same_for_few_and_many(self, visit: Visit) -> None:
        few_batch, few_run = running(visit, 0)
        many_batch, many_run = running(visit, 0)
        fill(few_batch, few_run, 10)
        fill(many_batch, many_run, 1000)
        few = query_count(visit, visit.address("batch", few_batch.pk))
        assert query_count(visit, visit.address("batch", many_batch.pk)) == few

    @pytest.mark.parametrize(
        ("show", "expected"), [("all", {"bad", "good", "odd", "new"}), ("fail", {"bad"}), ("pass", {"good"})]
    )
    def test_filters_by_verdict(self, visit: Visit, show: str, expected: set[str]) -> None:
        self.one_of_each(visit)
        assert set(names(visit.page("batch", visit.plant.batch.pk, query=f"?show={show}"))) == expected

    def test_filters_what_failed_and_what_waits(self, visit: Visit) -> None:
        self.one_of_each(visit)
        page = visit.page("batch", visit.plant.batch.pk, query="?show=failed")
        assert names(page) == ["odd"]
        assert "is damaged: the file ends too early" in page
        assert names(visit.page("batch", visit.plant.batch.pk, query="?show=waiting")) == ["new"]

    def one_of_each(self, visit: Visit) -> None:
        visit.plant.image({"scratch": [60]}, name="bad")
        visit.plant.image({}, name="good")
        for name, state, error in (
            ("odd", "failed", "is damaged: the file ends too early"),
            ("new", "queued", ""),
        ):
            image = visit.plant.image({}, name=name)
            prediction = image.predictions.get()
            prediction.measurements.all().delete()
            prediction.regions.all().delete()
            Prediction.objects.filter(pk=prediction.pk).update(state=state, error=error, is_current=False)

    def test_says_when_capture_time_is_missing(self, visit: Visit) -> None:
        visit.plant.image({}, captured_at_from="upload")
        visit.plant.image({})
        assert "1 of 2 images carries no capture time" in words(visit.page("batch", visit.plant.batch.pk))

    def test_lists_what_was_left_out_and_runs_no_name(self, visit: Visit) -> None:
        for name, kind, reason in (
            ("<script>alert(1)</script>.jpg", "rejected", "is not an image"),
            ("copy.png", "repeated", "the same image as first.png"),
        ):
            SkippedFile.objects.create(batch=visit.plant.batch, name=name, kind=kind, reason=reason)
        page = visit.page("batch", visit.plant.batch.pk)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;.jpg" in page
        assert "the same image as first.png" in page

    def test_models_stand_beside_each_other(self, visit: Visit) -> None:
        image = visit.plant.image({"scratch": [60]}, name="one.png")
        newer = visit.plant.new_model_version()
        visit.plant.predict(image, {}, model_version=newer, is_current=False)
        page = visit.page("batch", visit.plant.batch.pk)
        assert "Results by model" in page
        assert "0% of 1" in words(page)
        older = visit.page("batch", visit.plant.batch.pk, query=f"?model={visit.plant.model_version.pk}")
        assert "100% of 1" in words(older)
        assert f"model={visit.plant.model_version.pk}" in re.findall(r'<a href="([^"]+/images/[^"]+)"', older)[0]

    @pytest.mark.parametrize("query", ["?show=odd", "?model=0", "?model=x"])
    def test_no_such_view(self, visit: Visit, query: str) -> None:
        assert visit.client.get(visit.address("batch", visit.plant.batch.pk) + query).status_code == 404

    @pytest.mark.parametrize("after", ["x", "nan_1", "inf_1", "0.5_", "0.5_-1", "0.5_99999999999999999999"])
    def test_no_such_place_in_the_list(self, visit: Visit, after: str) -> None:
        address = visit.address("batch-images", visit.plant.batch.pk)
        assert visit.client.get(address, {"after": after}).status_code == 404


class TestStatus:
    def test_waiting_for_a_model_says_how_to_get_one(self, visit: Visit) -> None:
        visit.plant.project.live_model = None
        visit.plant.project.save()
        batch = visit.plant.new_batch("No model")
        image = Image.objects.create(
            project=batch.project,
            name="a",
            sha256="0" * 64,
            format="PNG",
            size_bytes=1,
            width_px=1,
            height_px=1,
            captured_at=timezone.now(),
            captured_at_from="upload",
        )
        batch.batch_images.create(image=image, name="a")
        page = visit.page("batch", batch.pk)
        assert "Waiting for a model." in page
        assert visit.address("models") in page
        assert "No image of this batch carries a capture time" in page

    def test_open_upload_can_go_on_or_be_finished(self, visit: Visit) -> None:
        batch, _ = running(visit, 2, sealed_at=None)
        page = visit.page("batch", batch.pk)
        assert "The upload is still open." in page
        assert f"{visit.address('batch-new')}?batch={batch.pk}" in page
        assert "no model yet" not in page
        visit.client.post(visit.address("batch-finish", batch.pk))
        batch.refresh_from_db()
        assert batch.sealed_at is not None

    def test_a_zip_is_being_unpacked(self, visit: Visit) -> None:
        batch = visit.plant.new_batch("Packed")
        Archive.objects.create(batch=batch, name="a.zip", path="1.zip")
        assert "A ZIP or a video is being taken apart." in visit.page("batch", batch.pk)

    def test_asks_less_often_while_nothing_happens(self, visit: Visit) -> None:
        batch, run = running(visit, 4)
        page = visit.page("batch", batch.pk)
        pauses = []
        for _ in range(8):
            again = re.search(r'hx-get="([^"]+/status[^"]+)" hx-trigger="load delay:(\d+)s"', page)
            assert again is not None
            pauses.append(int(again[2]))
            response = visit.client.get(again[1].replace("&amp;", "&"))
            assert "HX-Trigger" not in response
            page = response.content.decode()
        assert pauses == [1, 2, 3, 5, 8, 12, 15, 15]
        Prediction.objects.filter(pk=run.predictions.first().pk).update(state="failed", error="is damaged")  # type: ignore[union-attr]
        again = re.search(r'hx-get="([^"]+/status[^"]+)"', page)
        assert again is not None
        response = visit.client.get(again[1].replace("&amp;", "&"))
        assert "batch-changed" in response["HX-Trigger"]
        assert "load delay:1s" in response.content.decode()

    def test_stops_asking_when_all_is_over(self, visit: Visit) -> None:
        visit.plant.image({})
        response = visit.client.get(visit.address("batch-status", visit.plant.batch.pk) + "?seen=before")
        assert "hx-trigger" not in response.content.decode()
        assert '"isFinal": true' in response["HX-Trigger"]

    def test_progress_as_json(self, visit: Visit) -> None:
        visit.plant.image({"scratch": [60]})
        visit.plant.image({})
        answer = visit.client.get(visit.address("batch-progress", visit.plant.batch.pk)).json()
        assert (answer["status"], answer["is_over"]) == ("done", True)
        assert (answer["image_count"], answer["done_count"], answer["fail_verdict_count"]) == (2, 2, 1)


@pytest.mark.parametrize("name", ["batches", "batch-new", "batch-open"])
def test_outsiders_find_no_batches(visit: Visit, name: str) -> None:
    method = visit.outsider.post if name == "batch-open" else visit.outsider.get
    assert method(visit.address(name)).status_code == 404


@pytest.mark.parametrize("name", ["batch", "batch-status", "batch-images", "batch-progress"])
def test_outsiders_find_no_batch(visit: Visit, name: str) -> None:
    assert visit.outsider.get(visit.address(name, visit.plant.batch.pk)).status_code == 404
