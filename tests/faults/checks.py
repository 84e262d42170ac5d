"""What must be true once a round of faults is over, seen from outside."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from scipy import ndimage

from tests.faults.photos import RUST, Photo
from tests.faults.rig import Rig
from tests.flows.stack import EMAIL, PASSWORD

_PREDICTIONS = """
    SELECT image.sha256, prediction.id, prediction.state, prediction.error, prediction.is_current, prediction.verdict
    FROM image LEFT JOIN prediction ON prediction.image_id = image.id
"""
_MEASURED = """
    SELECT measurement.prediction_id, label.index, measurement.pixels, measurement.region_count,
           measurement.largest_region_px
    FROM measurement JOIN label ON label.id = measurement.label_id
    JOIN prediction ON prediction.id = measurement.prediction_id WHERE prediction.state = 'done'
"""
_FAILED_IN = """
    SELECT batch_image.batch_id, prediction.error FROM batch_image
    JOIN prediction ON prediction.image_id = batch_image.image_id AND prediction.state = 'failed'
    WHERE batch_image.batch_id > %s
"""
_BATCHES = "SELECT id FROM batch WHERE id > %s ORDER BY id"
_EIGHT_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class _Ended:
    id: int
    state: str
    error: str
    is_current: bool
    verdict: str | None


@dataclass
class Checks:
    """Compares a rig with what was drawn for it; what one round has shown, the next need not ask the pages again."""

    rig: Rig
    last_batch_id: int = 0

    def all_is_well(self) -> Counter[str]:
        """Returns how many photos ended how; AssertionError says what differs."""
        ended = self._each_ended_once()
        self._masks_are_the_ledger(ended)
        self._files_have_rows(ended)
        self._pages_say_what_happened()
        assert self.rig.inside.recount() == []
        self.rig.unseen_deaths = self.rig.child_deaths = self.rig.whole_deaths = 0
        return Counter(one.state for one in ended.values())

    def _each_ended_once(self) -> dict[str, _Ended]:
        found: dict[str, list[_Ended]] = {}
        for sha256, *rest in self.rig.rows(_PREDICTIONS):
            found.setdefault(sha256, []).append(_Ended(*rest))
        sent = self.rig.photos.keys()
        assert found.keys() == sent, f"{len(sent - found.keys())} lost, {len(found.keys() - sent)} new"
        twice = [sha256 for sha256, predictions in found.items() if len(predictions) != 1]
        assert not twice, f"counted more than once: {twice}"
        ended = {sha256: predictions[0] for sha256, predictions in found.items()}
        for sha256, one in ended.items():
            assert one.state in ("done", "failed"), f"{sha256} ended {one.state}"
            assert one.is_current == (one.state == "done")
            if one.state == "failed":
                self._may_have_failed(sha256, one)
        assert not {sha256 for sha256 in self.rig.poisoned if ended[sha256].state == "done"}
        return ended

    def _may_have_failed(self, sha256: str, one: _Ended) -> None:
        """A sound photo only where its worker was truly killed over it time and again."""
        assert one.error, f"{sha256} failed without a reason"
        if sha256 in self.rig.damaged | self.rig.poisoned:
            return
        died = self.rig.died_with[one.id]
        was_in_hand = "after 2 tries: the worker stopped" in one.error and died + self.rig.unseen_deaths >= 1
        was_lost = "after 5 tries: all of the worker" in one.error and self.rig.whole_deaths >= 5
        was_loading = "could not be loaded" in one.error and (self.rig.child_deaths >= 2 or self.rig.whole_deaths >= 5)
        assert was_in_hand or was_lost or was_loading, f"{sha256} is sound but failed: {one.error}"
        # In the rounds to come it is known to be set aside.
        self.rig.damaged.add(sha256)

    def _masks_are_the_ledger(self, ended: dict[str, _Ended]) -> None:
        """Rows, masks on disk and drawings say the same."""
        measured: dict[int, dict[int, tuple[int, ...]]] = {}
        for prediction_id, index, *numbers in self.rig.rows(_MEASURED):
            measured.setdefault(prediction_id, {})[index] = tuple(numbers)
        for sha256, one in ended.items():
            if one.state == "done":
                photo = self.rig.photos[sha256]
                assert measured[one.id] == _recounted(_mask_path(self.rig.data, one.id), photo), (
                    f"prediction {one.id} differs from its mask"
                )
                assert {index: numbers[0] for index, numbers in measured[one.id].items()} == photo.pixels
                assert one.verdict == ("fail" if photo.pixels[RUST] else "pass")

    def _files_have_rows(self, ended: dict[str, _Ended]) -> None:
        """No file that no row owns, and none missing."""
        data = self.rig.data
        done = {sha256: one.id for sha256, one in ended.items() if one.state == "done"}
        _same("masks", {path.stem for path in (data / "predictions").rglob("*.png")}, set(map(str, done.values())))
        _same("overlays", {path.stem for path in (data / "predictions").rglob("*.webp")}, set(map(str, done.values())))
        _same("originals", _names(data / "originals"), set(ended))
        thumbnails = {name.removesuffix(".webp") for name in _names(data / "thumbnails")}
        assert done.keys() <= thumbnails <= ended.keys(), "thumbnails"
        assert not _names(data / "archives")
        assert not _names(data / "run" / "in-hand")
        assert not (left := _names(data / "tmp")), f"temporary files left: {sorted(left)[:5]}"

    def _pages_say_what_happened(self) -> None:
        batches = [row[0] for row in self.rig.rows(_BATCHES, [self.last_batch_id])]
        reasons: dict[int, set[str]] = {batch_id: set() for batch_id in batches}
        for batch_id, error in self.rig.rows(_FAILED_IN, [self.last_batch_id]):
            reasons[batch_id].add(error)
        with self.rig.stack.signed_in() as client, httpx.Client(base_url=self.rig.stack.url, timeout=60) as browser:
            sign_in(browser)
            for batch_id, errors in reasons.items():
                told = client.get(f"batches/{batch_id}").json()
                assert told["status"] in ("done", "failed"), f"batch {batch_id} is {told['status']}"
                assert told["done_count"] + told["failed_count"] == told["image_count"]
                page = browser.get(f"/p/{self.rig.slug}/batches/{batch_id}/?show=failed")
                assert page.status_code == 200
                said = html.unescape(page.text)
                assert not (unsaid := [error for error in errors if error not in said]), f"not on the page: {unsaid}"
        self.last_batch_id = max(batches, default=self.last_batch_id)


def sign_in(browser: httpx.Client) -> None:
    form = browser.get("/sign-in").text
    token = form.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = browser.post(
        "/sign-in",
        data={"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token},
        headers={"Referer": str(browser.base_url)},
    )
    assert answer.status_code == 302, answer.status_code


def _mask_path(data: Path, prediction_id: int) -> Path:
    return data / "predictions" / f"{prediction_id // 1000:06d}" / f"{prediction_id}.png"


def _recounted(path: Path, photo: Photo) -> dict[int, tuple[int, ...]]:
    """Pixels, regions and the largest region of each label, counted anew from a mask."""
    with Image.open(path) as opened:
        mask = np.asarray(opened)
    found: dict[int, tuple[int, ...]] = {}
    for index in photo.pixels:
        regions, count = ndimage.label(mask == index, _EIGHT_NEIGHBOURS)
        sizes = np.bincount(regions.ravel())[1:]
        found[index] = (int(sizes.sum()), int(count), int(sizes.max(initial=0)))
    return found


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def _same(what: str, found: set[Any], expected: set[Any]) -> None:
    assert found == expected, f"{what}: {len(found - expected)} without a row, {len(expected - found)} missing"
