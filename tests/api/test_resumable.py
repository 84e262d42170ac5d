"""Uploads that break off: open, manifest, pieces, seal."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import ApiClient
from tests.images import picture, png
from tests.inspections import Plant
from tests.upload_bodies import PIECE_TYPE, creation, piece, sha256
from webapp.models import Batch

CONTENT, KNOWN = png(picture(red=0.3)), png(picture(blue=0.3))
HALF = len(CONTENT) // 2


def bearer(api: ApiClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}"}


def opened(api: ApiClient, **fields: Any) -> int:
    answer = api.post("projects/plant/uploads", {"name": ""} | fields)
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def entry(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "sha256": sha256(content), "size_bytes": len(content)}


def begin(api: ApiClient, batch_id: int, content: bytes = CONTENT) -> Any:
    return api.client.post(f"/api/v1/batches/{batch_id}/uploads", headers=bearer(api) | creation("a/ü.png", content))


def send(api: ApiClient, batch_id: int, offset: int, part: bytes, content_type: str = PIECE_TYPE) -> Any:
    address = f"/api/v1/batches/{batch_id}/uploads/{sha256(CONTENT)}"
    return api.client.patch(address, part, content_type=content_type, headers=bearer(api) | piece(offset))


def test_a_whole_upload_with_an_interruption(api: ApiClient, plant: Plant) -> None:
    first = opened(api)
    begin(api, first, KNOWN)
    address = f"/api/v1/batches/{first}/uploads/{sha256(KNOWN)}"
    api.client.patch(address, KNOWN, content_type=PIECE_TYPE, headers=bearer(api) | piece(0))

    batch_id = opened(api, name="Flight 12", source=plant.line_1.pk, captured_at="2026-05-12T06:00:00+02:00")
    files = [entry("a/ü.png", CONTENT), entry("known.png", KNOWN), entry("lost.png", b"never sent")]
    told = api.post(f"batches/{batch_id}/manifest", {"files": files}).json()
    assert told == {"known": ["known.png"], "rejected": [], "missing": ["a/ü.png", "lost.png"]}

    begun = begin(api, batch_id)
    assert begun.status_code == 201
    assert begun["Location"] == f"/api/v1/batches/{batch_id}/uploads/{sha256(CONTENT)}"
    assert send(api, batch_id, 0, CONTENT[:HALF])["Upload-Offset"] == str(HALF)
    state = api.get(f"batches/{batch_id}/uploads/{sha256(CONTENT)}").json()
    assert (state["offset_bytes"], state["size_bytes"], state["outcome"]) == (HALF, len(CONTENT), None)
    head = api.client.head(begun["Location"], headers=bearer(api))
    assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, str(HALF), str(len(CONTENT)))
    assert send(api, batch_id, HALF, CONTENT[HALF:])["Upload-Outcome"] == "stored"

    sealed = api.post(f"batches/{batch_id}/seal", {}).json()
    assert (sealed["name"], sealed["image_count"], sealed["duplicate_count"]) == ("Flight 12", 2, 1)
    assert [row["name"] for row in sealed["rejected"]] == ["lost.png"]
    batch = Batch.objects.get(pk=batch_id)
    assert batch.source == plant.line_1
    assert {image.sha256 for image in batch.images.all()} == {sha256(CONTENT), sha256(KNOWN)}


def test_errors_have_the_one_shape(api: ApiClient, plant: Plant) -> None:
    batch_id = opened(api)
    for answer, status, code in (
        (send(api, batch_id, 0, CONTENT), 404, "not_found"),
        (begin(api, batch_id), 201, ""),
        (send(api, batch_id, 5, CONTENT), 409, "conflict"),
        (send(api, batch_id, 0, bytes(len(CONTENT))), 460, "checksum_mismatch"),
        (send(api, batch_id, 0, CONTENT, "image/png"), 415, "unsupported_media_type"),
        (api.post(f"batches/{batch_id}/seal", {}), 200, ""),
        (begin(api, batch_id), 409, "conflict"),
        (api.post(f"batches/{batch_id}/manifest", {"files": []}), 409, "conflict"),
        (api.post("projects/plant/uploads", {"name": "", "source": 10**9}), 422, "invalid"),
        (api.post("projects/plant/uploads", {"name": "", "captured_at": "soon"}), 422, "invalid"),
    ):
        assert answer.status_code == status, answer.content
        assert status < 300 or answer.json()["error"]["code"] == code
