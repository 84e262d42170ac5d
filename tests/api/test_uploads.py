"""Photos in: the multipart form and what becomes of each file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.conftest import ApiClient
from tests.api.forms import CONTENT_TYPE, form
from tests.images import picture, png
from tests.inspections import Plant
from webapp import storage
from webapp.models import Batch, BatchImage, Image

CLEAN, RUSTY = png(picture(mark=1)), png(picture(red=0.5, mark=2))


def send(api: ApiClient, body: bytes, content_type: str = CONTENT_TYPE) -> Any:
    return api.post("projects/plant/batches", body, content_type=content_type)


def test_files_become_images_and_the_rest_is_listed(api: ApiClient, plant: Plant) -> None:
    sent = [("a.png", CLEAN), ("day 1/ü/b.png", RUSTY), ("fake.jpg", b"no picture"), ("again.png", CLEAN)]
    answer = send(api, form(sent, [("name", "Monday"), ("captured_at", "2026-05-12T14:05:00+02:00")]))
    assert answer.status_code == 201, answer.content
    batch = answer.json()
    assert (batch["name"], batch["project"], batch["source"]) == ("Monday", "plant", None)
    assert batch["captured_at"] == "2026-05-12T12:05:00Z"
    assert (batch["image_count"], batch["duplicate_count"], batch["rejected_count"]) == (2, 1, 1)
    assert [row["name"] for row in batch["rejected"]] == ["fake.jpg"]
    assert batch["rejected"][0]["reason"]
    assert batch["status"] == "queued"
    assert api.get(f"batches/{batch['id']}").json() == batch
    links = BatchImage.objects.filter(batch=batch["id"]).order_by("pk")
    assert [link.name for link in links] == ["a.png", "day 1/ü/b.png"]
    assert storage.original_path(links[1].image.sha256).read_bytes() == RUSTY


def test_content_that_the_project_has_is_linked_not_stored(api: ApiClient, plant: Plant) -> None:
    send(api, form([("a.png", CLEAN)]))
    batch = send(api, form([("copy.png", CLEAN)])).json()
    assert (batch["image_count"], batch["duplicate_count"]) == (1, 1)
    assert Image.objects.filter(project=plant.project, format="PNG", width_px=40).count() == 1


def test_djangos_own_way_of_sending_works_too(api: ApiClient, plant: Plant) -> None:
    files = [SimpleUploadedFile("a.png", CLEAN, "image/png"), SimpleUploadedFile("b.png", RUSTY, "image/png")]
    batch = api.upload("projects/plant/batches", files=files, name="two").json()
    assert (batch["name"], batch["image_count"]) == ("two", 2)


def test_names_beside_the_files_carry_sub_folders(api: ApiClient, plant: Plant) -> None:
    body = form([("1.png", CLEAN), ("2.png", RUSTY)], [("names", "x/1.png"), ("names", "../y/2.png")])
    batch = send(api, body).json()
    assert [row["name"] for row in api.get(f"batches/{batch['id']}/images").json()["items"]] == [
        "x/1.png",
        "y/2.png",
    ]


def test_a_zip_waits_for_a_worker(api: ApiClient, plant: Plant) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/a.png", CLEAN)
    batch = send(api, form([("all.zip", packed.getvalue())])).json()
    assert (batch["status"], batch["stage"], batch["image_count"]) == ("queued", "uploading", 0)
    assert Batch.objects.get(pk=batch["id"]).archives.get().name == "all.zip"


def test_hundreds_of_files_leave_none_open_and_none_behind(api: ApiClient, plant: Plant, data_folder: Path) -> None:
    sent = [(f"{number}.png", b"no picture %d" % number) for number in range(300)]
    batch = send(api, form(sent)).json()
    assert batch["rejected_count"] == 300
    assert list((data_folder / "tmp").glob("*/*")) == [], "each process has a folder of its own there"
    assert sum(1 for link in Path("/proc/self/fd").iterdir() if str(data_folder) in str(link.resolve())) == 0


@pytest.mark.parametrize("given", ["id", "line 1", "North / Line 1"])
def test_a_source_by_id_or_by_name(api: ApiClient, plant: Plant, given: str) -> None:
    source = str(plant.line_1.pk) if given == "id" else given
    batch = send(api, form([("a.png", CLEAN)], [("source", source)])).json()
    assert batch["source"] == {"id": plant.line_1.pk, "name": "North / Line 1"}
    assert Image.objects.get(width_px=40).source == plant.line_1


@pytest.mark.parametrize(("given", "site"), [("Line 9", ""), ("North / Line 9", "North")])
def test_a_new_source_is_added_by_its_name(api: ApiClient, plant: Plant, given: str, site: str) -> None:
    for mark in (1, 2):
        answer = send(api, form([("a.png", png(picture(mark=mark)))], [("source", given)]))
        assert answer.status_code == 201, answer.json()
    source = plant.project.sources.get(name="Line 9")
    assert (source.site, source.images.count()) == (site, 2)


@pytest.mark.parametrize("given", ["999999", "x" * 101, "x\x01"])
def test_a_source_that_cannot_be_is_refused_and_adds_nothing(api: ApiClient, plant: Plant, given: str) -> None:
    before = plant.project.sources.count()
    answer = send(api, form([("a.png", CLEAN)], [("source", given)]))
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (422, ["source"])
    assert plant.project.sources.count() == before


def test_a_name_that_two_sources_share_is_not_guessed(api: ApiClient, plant: Plant) -> None:
    plant.project.sources.create(site="South", name="Line 1")
    answer = send(api, form([("a.png", CLEAN)], [("source", "Line 1")]))
    assert answer.status_code == 422
    assert "South / Line 1" in answer.json()["error"]["fields"]["source"]


FILE = [("a.png", CLEAN)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form(), "files"),
        (form([], [("name", "empty")]), "files"),
        (form([("", CLEAN)]), "files"),
        (form([], [("files", "text")]), "files"),
        (form(FILE, file_field="file"), "file"),
        (form(FILE, [("nam", "typing error")]), "nam"),
        (form(FILE, file_field="name"), "name"),
        (form(FILE, [("name", "a"), ("name", "b")]), "name"),
        (form(FILE, [("name", "x" * 201)]), "name"),
        (form(FILE, [("name", "a\0b")]), "name"),
        (form(FILE, [("names", "a"), ("names", "b")]), "names"),
        (form(FILE, [("source", "\0")]), "source"),
        (form(FILE, [("source", "9" * 400)]), "source"),
        (form(FILE, [("captured_at", "yesterday")]), "captured_at"),
        (form(FILE, [("captured_at", "0001-01-01T00:00:00+14:00")]), "captured_at"),
        (form(FILE, [("captured_at", "1899-12-31")]), "captured_at"),
        (form(FILE, [("captured_at", "2999-01-01")]), "captured_at"),
        (form(FILE, [("captured_at", "\0")]), "captured_at"),
    ],
)
def test_odd_forms_make_no_batch(api: ApiClient, plant: Plant, body: bytes, field: str) -> None:
    before = Batch.objects.count()
    answer = send(api, body)
    assert answer.status_code == 422, answer.content
    assert list(answer.json()["error"]["fields"]) == [field]
    assert Batch.objects.count() == before


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("image/png", 415),
        ("multipart/mixed; boundary=a", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        (f"multipart/form-data; boundary={'x' * 300}", 400),
        ("multipart/form-data; boundary=another", 400),
    ],
)
def test_other_content_types_are_told_what_to_send(
    api: ApiClient, plant: Plant, content_type: str, status: int
) -> None:
    answer = send(api, form(FILE), content_type)
    assert answer.status_code == status, answer.content
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("cut", [60, 150, 10])
def test_an_upload_that_breaks_off_makes_no_batch(api: ApiClient, plant: Plant, cut: int) -> None:
    before = Batch.objects.count()
    answer = send(api, form([("a.png", CLEAN), ("b.png", RUSTY)])[:-cut])
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["code"] == "bad_request"
    assert Batch.objects.count() == before


def test_a_body_of_unknown_length_is_told_to_say_it(api: ApiClient, plant: Plant) -> None:
    answer = api.post("projects/plant/batches", form(FILE), content_type=CONTENT_TYPE, CONTENT_LENGTH="")
    assert answer.status_code == 411
    assert "Content-Length" in answer.json()["error"]["message"]


def test_parts_in_base64_are_refused(api: ApiClient, plant: Plant) -> None:
    body = form(FILE).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)
    answer = send(api, body)
    assert answer.status_code == 400
    assert "base64" in answer.json()["error"]["message"]


def test_fields_have_a_limit(api: ApiClient, plant: Plant) -> None:
    answer = send(api, form(FILE, [("names", "x" * 9_000_000), ("names", "y" * 9_000_000)]))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "name", ["a\0b.png", "../../etc/passwd", "C:\\x\\y.png", "..", "a" * 700 + ".png", "'; --.png"]
)
def test_odd_file_names_are_cleaned(api: ApiClient, plant: Plant, name: str) -> None:
    batch = send(api, form([(name, CLEAN)])).json()
    stored = BatchImage.objects.get(batch=batch["id"]).name
    assert stored
    assert ".." not in stored.split("/")
    assert "\0" not in stored
