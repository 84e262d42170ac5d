"""Pictures out of a bucket of a real S3 server: each once, whatever is killed; no other server is reached."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import LazySettings

from tests.buckets import KEY, SECRET, S3Server
from tests.images import picture, png
from tests.intakes import look_now, states
from webapp.models import Batch, BatchImage, Image, Intake, Project, SeenFile
from webapp.pipeline import intakes
from webapp.services.sealed_secrets import seal

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(s3_server: S3Server, project: Project, settings: LazySettings) -> Intake:
    settings.PIXELWISE_BUCKET_ENDPOINTS = [s3_server.url]
    return Intake.objects.create(
        project=project,
        kind="bucket",
        endpoint=s3_server.url,
        bucket=s3_server.new_bucket(),
        prefix="plant/",
        key_id=KEY,
        sealed_secret=seal(SECRET),
    )


def put(server: S3Server, intake: Intake, key: str, content: bytes) -> None:
    server.client().put_object(Bucket=intake.bucket, Key=key, Body=content)


def test_what_lies_below_the_prefix_is_taken_once(bucket: Intake, s3_server: S3Server) -> None:
    put(s3_server, bucket, "plant/line 1/a.png", png(picture()))
    put(s3_server, bucket, "plant/line 2/b.png", png(picture(red=0.5)))
    put(s3_server, bucket, "plant/line 2/", b"")
    put(s3_server, bucket, "plant/notes.txt", b"hello")
    put(s3_server, bucket, "offices/c.png", png(picture(red=1)))
    look_now(bucket, times=2)
    assert bucket.error == ""
    assert states(bucket) == {"line 1/a.png": "stored", "line 2/b.png": "stored", "notes.txt": "rejected"}
    assert sorted(batch.name.split(" · ")[0] for batch in Batch.objects.all()) == sorted(
        ["line 1", "line 2", bucket.bucket]
    )
    put(s3_server, bucket, "plant/line 1/c.png", png(picture(red=1)))
    look_now(bucket)
    assert Image.objects.count() == 3


def test_once_means_once_and_seals_its_batches(bucket: Intake, s3_server: S3Server) -> None:
    Intake.objects.update(repeats=False)
    put(s3_server, bucket, "plant/a.png", png(picture()))
    look_now(bucket)
    assert bucket.finished_at is not None
    assert Batch.objects.get().sealed_at is not None
    put(s3_server, bucket, "plant/b.png", png(picture(red=1)))
    look_now(bucket)
    assert Image.objects.count() == 1


def test_a_killed_import_goes_on_where_it_was(
    bucket: Intake, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        put(s3_server, bucket, f"plant/{number}.png", png(picture(mark=number)))
    monkeypatch.setattr(intakes, "TAKEN_AT_ONCE", 2)
    monkeypatch.setattr(intakes, "LISTED_AT_ONCE", 4)
    store, calls = intakes.store_files, []

    def mortal(*given: Any) -> Any:
        calls.append(given)
        added = store(*given)
        if len(calls) == 4:
            raise SystemExit
        return added

    monkeypatch.setattr(intakes, "store_files", mortal)
    with pytest.raises(SystemExit):
        look_now(bucket)
    bucket.refresh_from_db()
    assert bucket.cursor == "3.png"
    look_now(bucket)
    assert Image.objects.count() == BatchImage.objects.count() == 9
    assert set(states(bucket).values()) == {"stored"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bucket": "no-such-bucket-here"}, "no such bucket"),
        ({"endpoint": "http://127.0.0.1:9"}, "not allowed here"),
        ({"sealed_secret": "damaged"}, "cannot be read any more"),
    ],
)
def test_what_keeps_it_from_looking_is_told_in_words(bucket: Intake, change: dict[str, str], words: str) -> None:
    Intake.objects.update(**change)
    look_now(bucket)
    assert words in bucket.error
    assert SECRET not in bucket.error


def test_a_server_that_is_away_is_told(bucket: Intake, settings: LazySettings) -> None:
    settings.PIXELWISE_BUCKET_ENDPOINTS = ["http://127.0.0.1:9"]
    Intake.objects.update(endpoint="http://127.0.0.1:9")
    look_now(bucket)
    assert "does not answer" in bucket.error


class _Asked(BaseHTTPRequestHandler):
    """A server that answers every request with a way elsewhere."""

    location = ""
    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(f"{self.server.server_port}{self.path}")
        self.send_response(307)
        self.send_header("Location", self.location)
        self.send_header("x-amz-bucket-region", "eu-central-1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *given: Any) -> None:
        return


@pytest.fixture
def two_servers() -> Iterator[tuple[HTTPServer, HTTPServer]]:
    servers = HTTPServer(("127.0.0.1", 0), _Asked), HTTPServer(("127.0.0.1", 0), _Asked)
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_redirect_to_another_server_is_not_followed(
    bucket: Intake, settings: LazySettings, two_servers: tuple[HTTPServer, HTTPServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, private = (f"http://127.0.0.1:{server.server_port}" for server in two_servers)
    monkeypatch.setattr(_Asked, "location", f"{private}/latest/meta-data/")
    monkeypatch.setattr(_Asked, "seen", [])
    settings.PIXELWISE_BUCKET_ENDPOINTS = [allowed]
    Intake.objects.update(endpoint=allowed)
    look_now(bucket)
    assert bucket.error
    assert _Asked.seen
    assert all(one.startswith(str(two_servers[0].server_port)) for one in _Asked.seen)


def test_without_a_key_the_servers_own_rights_are_not_used(
    bucket: Intake, monkeypatch: pytest.MonkeyPatch, settings: LazySettings, two_servers: tuple[HTTPServer, HTTPServer]
) -> None:
    sent: list[str | None] = []
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "THESERVERSOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{two_servers[1].server_port}")
    monkeypatch.setattr(_Asked, "seen", [])
    answer = _Asked.do_GET
    monkeypatch.setattr(
        _Asked, "do_GET", lambda self: (sent.append(self.headers.get("Authorization")), answer(self))[1]
    )
    endpoint = f"http://127.0.0.1:{two_servers[0].server_port}"
    settings.PIXELWISE_BUCKET_ENDPOINTS = [endpoint]
    Intake.objects.update(endpoint=endpoint, key_id="", sealed_secret="")
    look_now(bucket)
    assert sent
    assert set(sent) == {None}
    assert SeenFile.objects.count() == 0
