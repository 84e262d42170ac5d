"""What comes back over HTTP: nothing that a browser would run, and pages that let no foreign script in."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.test import Client

from tests.cast import signed_in
from tests.hostile.samples import SCRIPT, samples
from tests.upload_bodies import FILES_TYPE, group
from tests.views.test_outsider import API, PAGES, hers, plant  # noqa: F401 - fixtures
from webapp.actions.tokens import create_token
from webapp.models import User
from webapp.views.files import safe_name

pytestmark = pytest.mark.django_db

PAGE = "text/html; charset=utf-8"
HARMLESS = {
    "image/png",
    "image/jpeg",
    "image/webp",
    "application/json",
    "application/json; charset=utf-8",
    "application/zip",
    "application/octet-stream",
    "text/plain; charset=utf-8",
    "text/csv; charset=utf-8",
}
# Up to an attribute's name: what stands in quotes is a value.
_TAG = r"""<[a-z](?:[^>"']|"[^"]*"|'[^']*')*?"""
INLINE = (
    # Data for scripts, of type application/json, is nothing that runs.
    re.compile(r"<script(?![^>]*\b(?:src=|nonce=|type=.application/json))", re.IGNORECASE),
    re.compile(r"<style(?![^>]*\bnonce=)", re.IGNORECASE),
    re.compile(_TAG + r"\son[a-z]+\s*=", re.IGNORECASE),
    re.compile(_TAG + r"\sstyle\s*=", re.IGNORECASE),
    re.compile(r"(?:href|src|action)\s*=\s*[\"']?\s*javascript:", re.IGNORECASE),
)


@pytest.fixture(autouse=True)
def own_files(data_folder: None) -> None:
    """No test writes into the files of another."""


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def assert_harmless(name: str, answer: Any) -> None:
    """A page with a strict policy, or a file of a fixed type that a browser shows as a picture, or saves."""
    content = body(answer)
    if not content:
        return
    kind = answer["Content-Type"]
    policy = answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff", name
    assert "unsafe-" not in policy, name
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'", name
    if kind != PAGE:
        assert kind in HARMLESS, name
        return
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'", name
    assert re.fullmatch(r"'self'( 'nonce-[\w+/=-]+')?", rules["script-src"]), name
    assert re.fullmatch(r"'self'( 'nonce-[\w+/=-]+')?", rules["style-src"]), name
    assert "data:" not in rules["script-src"], name
    assert answer["X-Frame-Options"] == "DENY", name
    for pattern in INLINE:
        found = pattern.search(content.decode())
        assert found is None, f"{name}: {content.decode()[found.start() : found.start() + 100]}"


def test_every_address_answers_harmlessly(hers: dict[str, Any], alice: User) -> None:  # noqa: F811
    """To its owner, as a page, as a fragment, and as what comes when it is asked wrongly."""
    client = signed_in(alice)
    kinds: dict[str, set[str]] = {}
    for address in PAGES:
        for headers in ({}, {"HX-Request": "true"}):
            answer: Any = client.get(address.path(hers), headers=headers)
            assert answer.status_code < 500 or address.name == "healthz", address.name
            kinds.setdefault(answer["Content-Type"] if answer.status_code == 200 else "", set()).add(address.name)
            assert_harmless(address.name, answer)
    assert len(kinds[PAGE]) > 40
    assert {"image-original", "image-thumbnail", "prediction-mask"} <= kinds["image/png"] | kinds["image/webp"]


def test_every_address_of_the_api_answers_harmlessly(hers: dict[str, Any], alice: User) -> None:  # noqa: F811
    _, token = create_token(user=alice, name="camera")
    client = Client()
    for address in API:
        answer = client.get(address.path(hers), headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 500, address.route
        assert_harmless(address.route, answer)


def test_pages_of_errors_are_as_strict(hers: dict[str, Any], alice: User) -> None:  # noqa: F811
    for client in (Client(), signed_in(alice)):
        for path in ("/nothing", "/p/nothing/", "/sign-in?next=//evil.example", "/files/images/0/view"):
            assert_harmless(path, client.get(path))


KINDS = (
    *("web page in EXIF", "JPEG with a web page behind it", "JPEG that is a ZIP too", "GIF that is a script too"),
    *("script as PNG text", "SVG that reads files", "web page called JPEG", "PNG of 60,000 × 60,000", "no bytes"),
    *("name that climbs out", "name of a script", "name of line breaks", "name of 2,000 letters", "name of emoji"),
    *("name with a zero byte", "no name", "name from right to left", "name of a device", "whole HEIC", "pickle"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_by_a_browser_is_answered_and_served_back_harmlessly(
    kind: str,
    hers: dict[str, Any],  # noqa: F811
    alice: User,
) -> None:
    sample, client = samples()[kind], signed_in(alice)
    opened = client.post(f"/p/{hers['slug']}/batches/open", {"name": "x"}, content_type="application/json").json()
    answer = client.post(opened["urls"]["files"], group({sample.name: sample.content}), content_type=FILES_TYPE)
    assert answer.status_code == 200
    assert answer.json()["files"][0]["outcome"] == ("stored" if sample.size else "rejected")
    assert_harmless(kind, answer)
    batch = client.get(opened["urls"]["batch"])
    assert batch.status_code == 200
    assert_harmless(kind, batch)
    if sample.size:
        image = alice.workspaces.get().projects.get(slug=hers["slug"]).images.order_by("-pk")[0]
        for what in ("original", "view", "thumbnail", "original?download"):
            served: Any = client.get(f"/files/images/{image.pk}/{what}")
            assert served.status_code == 200
            assert_harmless(f"{kind}, {what}", served)
        page = client.get(f"/p/{hers['slug']}/images/{image.pk}/")
        assert SCRIPT not in page.content
        assert_harmless(kind, page)


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_by_a_program_is_answered(kind: str, hers: dict[str, Any], alice: User) -> None:  # noqa: F811
    _, token = create_token(user=alice, name="camera")
    sample = samples()[kind]
    answer = Client().post(
        f"/api/v1/projects/{hers['slug']}/batches",
        {"files": _file(sample.content), "names": sample.name},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201
    found = answer.json()
    assert len(found["rejected"]) == (sample.size is None)
    assert found["image_count"] == (sample.size is not None)
    assert_harmless(kind, answer)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"files":' * 20_000, b"\xff\xfe", b"9" * 6000, b"null"])
def test_json_that_breaks_parsers_is_refused(body: bytes, hers: dict[str, Any], alice: User) -> None:  # noqa: F811
    client = signed_in(alice)
    opened = client.post(f"/p/{hers['slug']}/batches/open", {"name": "x"}, content_type="application/json").json()
    for path in (f"/p/{hers['slug']}/batches/open", opened["urls"]["manifest"]):
        assert client.post(path, body, content_type="application/json").status_code == 400
    assert client.post(opened["urls"]["files"], body + b"\n", content_type=FILES_TYPE).status_code == 400
    judged = client.post(f"/p/{hers['slug']}/images/{hers['image_id']}/judge", body, content_type="application/json")
    assert judged.status_code < 500


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("CON", "_CON"),
        ("aux.tar.png", "_aux.tar.png"),
        ("Lpt1.png", "_Lpt1.png"),
        ("console.png", "console.png"),
        ("a/../../b.png", "b.png"),
        ("..", "picture"),
        ("x" * 400 + ".png", "x" * 146 + ".png"),
    ],
)
def test_a_saved_file_gets_a_name_that_every_system_takes(name: str, saved: str) -> None:
    assert safe_name(name) == saved


def test_a_script_in_a_picture_stays_in_the_picture() -> None:
    """Or the tests above would prove nothing."""
    for kind in ("web page in EXIF", "JPEG with a web page behind it", "script as PNG text"):
        assert SCRIPT in samples()[kind].content


def _file(content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = "sent.bin"
    return file
