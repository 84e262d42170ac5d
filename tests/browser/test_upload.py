"""Uploading as a person does: a folder, files already known, a bad connection, ten thousand files."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Dialog, Page, Route, expect

from tests.browser.factory import Factory, write_pictures
from tests.images import encoded, picture, png
from webapp.models import Batch, PartialUpload

FILES = re.compile(r"/batches/\d+/files$")
PIECES = re.compile(r"/batches/\d+/uploads/[0-9a-f]{64}$")
PIECE_BYTES = 8 * 1024 * 1024


def choose_folder(page: Page, factory: Factory, folder: Path) -> None:
    page.goto(factory.address("batch-new"))
    page.locator("[data-uploader][data-ready]").wait_for()
    page.set_input_files("[data-part=folder-input]", folder)


def start(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Upload ")).click()


def finished(page: Page) -> None:
    expect(page.get_by_role("heading", name="Upload finished")).to_be_visible()


def counted(page: Page) -> dict[str, int]:
    """The counters: state → number of files."""
    texts = page.locator("[data-list=counters] li").all_inner_texts()
    return {words: int(number.replace(",", "")) for number, words in (text.split(" ", 1) for text in texts)}


def test_a_folder_becomes_a_segmented_batch_on_one_page(
    page: Page, factory: Factory, tmp_path: Path, settings: Any
) -> None:
    settings.PIXELWISE_MAX_FILE_MB = 1
    folder = tmp_path / "shift"
    write_pictures(folder, ["cam 1/1.png", "cam 1/2.png", "cam 1/10.png", "cam 2/1.png"])
    (folder / "copy.png").write_bytes((folder / "cam 1/1.png").read_bytes())
    (folder / "fake.jpg").write_text("no picture")
    (folder / "huge.png").write_bytes(random.Random(1).randbytes(1_250_000))
    (folder / ".DS_Store").write_text("x")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "1.png").write_text("x")
    choose_folder(page, factory, folder)
    expect(page.get_by_text("2 hidden files skipped")).to_be_visible()
    expect(page.get_by_text("Rejected: has 1.2 MB; at most 1 MB are accepted")).to_be_visible()
    page.get_by_label("Source").select_option(label="North / Line 1")
    page.get_by_label("Batch name").fill("Early shift")
    start(page)
    finished(page)
    assert counted(page) == {"stored": 4, "repeated": 1, "rejected": 2}

    batch = Batch.objects.get()
    assert (batch.name, batch.source, batch.sealed_at is not None) == ("Early shift", factory.source, True)
    names = {*batch.batch_images.values_list("name", flat=True)}
    repeated = batch.skipped_files.get(kind="repeated").name
    pictures = ("cam 1/1.png", "cam 1/2.png", "cam 1/10.png", "cam 2/1.png", "copy.png")
    assert names | {repeated} == {f"shift/{name}" for name in pictures}
    reasons = dict(batch.skipped_files.values_list("name", "reason"))
    assert reasons["shift/huge.png"] == "has 1.2 MB; at most 1 MB are accepted"
    assert reasons["shift/fake.jpg"].startswith("is not an image")

    expect(page.get_by_text("0 of 4 images")).to_be_visible()
    factory.work()
    expect(page.get_by_role("heading", name="Segmentation finished")).to_be_visible()
    expect(page.get_by_text("4 of 4 images · 4 failed inspection")).to_be_visible()
    page.get_by_role("link", name="Open the batch").click()
    expect(page.get_by_role("heading", name="Early shift")).to_be_visible()


def test_known_files_are_linked_and_not_sent(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "again", [f"{number}.png" for number in range(12)])
    factory.batch({f"{number}.png": png(picture(red=0.25, mark=number)) for number in range(10)})
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if FILES.search(request.url) else None)
    choose_folder(page, factory, tmp_path / "again")
    start(page)
    finished(page)
    assert counted(page) == {"already known": 10, "stored": 2}
    assert len(sent) == 1, "both in one group"
    assert Batch.objects.latest("id").batch_images.count() == 12


def test_a_large_file_goes_on_where_it_stopped_after_the_page_was_left(
    page: Page, factory: Factory, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "flight", ["1.png", "2.png"])
    large = encoded(np.full((2000, 3500, 3), 90, np.uint8), "BMP")
    (tmp_path / "flight" / "mosaic.bmp").write_bytes(large)
    places: list[int] = []

    def cut_after_the_first(route: Route) -> None:
        places.append(int(route.request.headers["upload-offset"]))
        if len(places) > 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.on("dialog", lambda dialog: dialog.accept())
    page.route(
        PIECES, lambda route: cut_after_the_first(route) if route.request.method == "PATCH" else route.fallback()
    )
    choose_folder(page, factory, tmp_path / "flight")
    start(page)
    expect(page.get_by_text("No connection to the server.")).to_be_visible()
    expect(page.locator("li[data-state=sending]", has_text="mosaic.bmp")).to_be_visible()
    assert PartialUpload.objects.get().offset_bytes == PIECE_BYTES
    page.goto(factory.address("batch-new"))
    page.unroute(PIECES)
    places.clear()
    page.route(PIECES, note_places(places))

    expect(page.get_by_text("2 files have arrived, 1 is missing")).to_be_visible()
    page.get_by_role("link", name="Continue this upload").click()
    page.get_by_text("1 file is missing").click()
    expect(page.get_by_text("flight/mosaic.bmp")).to_be_visible()
    page.locator("[data-uploader][data-ready]").wait_for()
    page.set_input_files("[data-part=folder-input]", tmp_path / "flight")
    start(page)
    finished(page)
    assert counted(page) == {"already known": 2, "stored": 1}
    assert places == [PIECE_BYTES, 2 * PIECE_BYTES]
    batch = Batch.objects.get()
    assert batch.batch_images.count() == 3
    assert batch.images.get(name="flight/mosaic.bmp").sha256 == hashlib.sha256(large).hexdigest()
    assert not PartialUpload.objects.exists()


def test_the_pages_own_sha_256_is_right(page: Page, factory: Factory) -> None:
    """For large files, and where the browser offers none: without https."""
    page.goto(factory.address("batch-new"))
    content = random.Random(3).randbytes(5_000_000)
    lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, len(content)]
    found = page.evaluate(
        """async ([content, lengths]) => {
          const worker = document.querySelector("[data-uploader]").dataset.workerUrl;
          const source = await (await fetch(worker)).text();
          const name = source.match(/"([^"]*upload-sha256[^"]*)"/)[1];
          const { sha256 } = await import(new URL(name, new URL(worker, location)));
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          return Promise.all(lengths.map((length) => sha256(new Blob([bytes.subarray(0, length)]), undefined, -1)));
        }""",
        [base64.b64encode(content).decode(), lengths],
    )
    assert found == [hashlib.sha256(content[:length]).hexdigest() for length in lengths]


def test_a_lost_connection_is_tried_again(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shift", ["1.png", "2.png"])
    failures = iter([True])

    def fail_once(route: Route) -> None:
        if next(failures, False):
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(FILES, fail_once)
    choose_folder(page, factory, tmp_path / "shift")
    start(page)
    finished(page)
    assert Batch.objects.get().batch_images.count() == 2


def test_what_the_server_refuses_can_be_sent_again_or_left_out(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shift", ["1.png", "2.png", "3.png"])
    refusal = '{"error": {"code": "signed_out", "message": "You are signed out.", "fields": {}}}'
    page.route(FILES, answer(401, refusal))
    choose_folder(page, factory, tmp_path / "shift")
    start(page)
    expect(page.get_by_role("alert").filter(has_text="You are signed out.")).to_be_visible()
    assert counted(page) == {"not sent": 3}
    assert Batch.objects.get().sealed_at is None
    page.unroute(FILES)
    page.get_by_role("button", name="Try again").click()
    finished(page)
    assert Batch.objects.get().batch_images.count() == 3


def test_stop_and_finish_with_what_has_arrived(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shift", ["1.png", "2.png"])
    page.route(FILES, lambda route: None)
    choose_folder(page, factory, tmp_path / "shift")
    start(page)
    page.get_by_role("button", name="Stop the upload").click()
    expect(page.get_by_role("heading", name="Upload stopped")).to_be_visible()
    page.get_by_role("button", name="Finish without them").click()
    finished(page)
    assert Batch.objects.get().sealed_at is not None


def test_an_upload_goes_on_after_the_page_was_left(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shift", ["1.png", "2.png"])
    dialogs: list[str] = []

    def leave(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.route(FILES, lambda route: None)
    choose_folder(page, factory, tmp_path / "shift")
    start(page)
    expect(page.get_by_role("heading", name="Uploading")).to_be_visible()
    expect(page.locator("li[data-state=sending]").first).to_be_visible()
    batch_address = factory.address("batch", Batch.objects.get().pk)
    page.goto(batch_address)
    assert dialogs == ["beforeunload"]
    page.unroute(FILES)
    page.get_by_role("link", name="Continue this upload").click()
    page.locator("[data-uploader][data-ready]").wait_for()
    page.set_input_files("[data-part=folder-input]", tmp_path / "shift")
    start(page)
    finished(page)
    assert Batch.objects.get().batch_images.count() == 2


def test_wrong_settings_are_said_at_their_field(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shift", ["1.png"])
    choose_folder(page, factory, tmp_path / "shift")
    page.get_by_label("Time of capture").fill("2999-01-01T00:00")
    start(page)
    expect(page.get_by_text("This time lies in the future.")).to_be_visible()
    assert not Batch.objects.exists()
    page.get_by_label("Time of capture").fill("2026-01-05T08:30")
    start(page)
    finished(page)
    captured_at = Batch.objects.get().captured_at
    assert captured_at is not None
    assert captured_at.isoformat() == "2026-01-05T08:30:00+00:00"


def test_a_folder_dropped_on_the_list_keeps_its_sub_folders(page: Page, factory: Factory, tmp_path: Path) -> None:
    write_pictures(tmp_path / "flight", ["a/1.png", "a/b/2.png"])
    (tmp_path / "flight" / "a" / "Thumbs.db").write_text("x")
    page.goto(factory.address("batches"))
    page.locator("[data-uploader][data-ready]").wait_for()
    chrome = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(tmp_path / "flight")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        chrome.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 600, "data": data})
    expect(page.get_by_text("1 hidden file skipped")).to_be_visible()
    start(page)
    finished(page)
    names = set(Batch.objects.get().batch_images.values_list("name", flat=True))
    assert names == {"flight/a/1.png", "flight/a/b/2.png"}


def test_ten_thousand_files_are_counted_and_few_are_drawn(page: Page, factory: Factory) -> None:
    page.goto(factory.address("batch-new"))
    page.locator("[data-uploader][data-ready]").wait_for()
    page.evaluate(
        """() => {
          const chosen = new DataTransfer();
          for (let n = 0; n < 10000; n += 1) chosen.items.add(new File([`${n}`], `${n}.png`));
          const input = document.querySelector("[data-part=files-input]");
          input.files = chosen.files;
          input.dispatchEvent(new Event("change"));
        }"""
    )
    expect(page.get_by_role("button", name="Upload 10,000 files")).to_be_visible()
    expect(page.get_by_text("and 9,800 more files, counted above")).to_be_visible()
    assert page.locator("[data-list=files] li").count() == 200
    assert counted(page) == {"waiting": 10_000}


def note_places(places: list[int]) -> Callable[[Route], None]:
    """Let everything through, and note where pieces begin."""

    def note(route: Route) -> None:
        if is_piece(route):
            places.append(int(route.request.headers["upload-offset"]))
        route.continue_()

    return note


def is_piece(route: Route) -> bool:
    return route.request.method == "PATCH"


def answer(status: int, body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, body=body, content_type="application/json")
