"""The store in a bucket: web and workers on machines that share nothing but it, the database and the queue."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from PIL import Image as PillowImage

from analytics import Scope, build_dashboard
from tests.cast import person, signed_in
from tests.images import picture, png
from webapp import storage
from webapp.actions.batches import delete_batch
from webapp.actions.model_versions import add_color_model
from webapp.actions.upload import upload_batch
from webapp.models import Batch, Membership, Prediction, Project, Run
from webapp.pipeline.outages import is_of_the_machine
from webapp.pipeline.segment import segment_run
from webapp.services.store_away_error import StoreAwayError
from webapp.views.health import part_states

pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(stored_in_bucket: Any, project: Project, settings: LazySettings, tmp_path: Path) -> Any:
    """Go to a machine by its name: its disk is its own, empty at first."""

    def move(name: str) -> None:
        settings.PIXELWISE_DATA = tmp_path / name

    move("machine-1")
    return move


def uploaded(project: Project, files: dict[str, bytes]) -> Batch:
    return upload_batch(project=project, user=None, files=[(name, io.BytesIO(data)) for name, data in files.items()])


def keys(stored_in_bucket: Any) -> set[str]:
    client, name = stored_in_bucket
    return {one["Key"] for one in client.list_objects_v2(Bucket=name).get("Contents", ())}


def member(project: Project) -> Client:
    bob = person("bob")
    Membership.objects.create(workspace=project.workspace, user=bob)
    return signed_in(bob)


def body(client: Client, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return b"".join(answer.streaming_content)


def test_uploaded_here_segmented_there_looked_at_elsewhere(
    machine: Any, project: Project, stored_in_bucket: Any
) -> None:
    machine("web-1")
    add_color_model(project=project, user=None)
    content = png(picture(red=0.5))
    batch = uploaded(project, {"a.png": content, "b.png": png(picture()), "cut.png": content[:80]})
    image = batch.images.get(name="a.png")
    machine("worker")
    for run in Run.objects.filter(batch=batch):
        while segment_run(run.pk):
            pass
    machine("web-2")
    prediction = Prediction.objects.get(image=image)
    with connection.cursor() as cursor:
        summary = build_dashboard(cursor, Scope(project_id=project.pk, time_zone="UTC")).summary
    assert (summary.inspected_count, summary.fail_count) == (2, 1)
    client = member(project)
    assert body(client, f"/files/images/{image.pk}/original") == content
    mask = np.asarray(PillowImage.open(io.BytesIO(body(client, f"/files/predictions/{prediction.pk}/mask.png"))))
    assert np.mean(mask == 1) == 0.5
    assert body(client, f"/files/predictions/{prediction.pk}/overlay")[8:12] == b"WEBP"
    assert body(client, f"/files/images/{image.pk}/thumbnail")[8:12] == b"WEBP"
    assert f"plant/originals/{image.sha256[:2]}/{image.sha256}" in keys(stored_in_bucket)
    assert all(key.startswith("plant/") for key in keys(stored_in_bucket))


def test_deleted_from_the_bucket_too(
    machine: Any, project: Project, stored_in_bucket: Any, django_capture_on_commit_callbacks: Any
) -> None:
    add_color_model(project=project, user=None)
    models = keys(stored_in_bucket)
    batch = uploaded(project, {"a.png": png(picture(red=0.25))})
    for run in Run.objects.filter(batch=batch):
        segment_run(run.pk)
    assert len(keys(stored_in_bucket) - models) == 4
    with django_capture_on_commit_callbacks(execute=True):
        delete_batch(batch=batch, user=None)
    assert keys(stored_in_bucket) == models


def test_a_changed_file_of_a_model_reaches_the_other_machine(machine: Any, project: Project) -> None:
    machine("web")
    version = add_color_model(project=project, user=None)
    folder = storage.model_folder(version.folder)
    (folder / "backend.json").write_text('{"backend": "onnx"}')
    storage.keep_folder(folder)
    machine("worker")
    there = storage.fetch_folder(storage.model_folder(version.folder))
    assert (there / "backend.json").read_text() == '{"backend": "onnx"}'
    assert (there / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    machine("web")
    (folder / "backend.json").write_text('{"backend": "openvino"}')
    storage.keep_folder(folder)
    machine("worker")
    storage.fetch_folder(there)
    assert (there / "backend.json").read_text() == '{"backend": "openvino"}'


def test_a_changed_file_is_asked_for_where_that_is_wanted(machine: Any) -> None:
    machine("web")
    report = storage.report_path("a.txt")
    storage.write(report, b"first")
    machine("worker")
    there = storage.report_path("a.txt")
    assert storage.fetch(there).read_bytes() == b"first"
    machine("web")
    storage.write(report, b"second, and longer")
    machine("worker")
    assert storage.fetch(there).read_bytes() == b"first"
    # As if the first had been written a minute ago: the bucket's times are whole seconds.
    os.utime(there, (there.stat().st_atime, there.stat().st_mtime - 60))
    assert storage.fetch(there, fresh=True).read_bytes() == b"second, and longer"


def test_an_original_that_is_not_what_its_name_says_is_refused(
    machine: Any, project: Project, stored_in_bucket: Any
) -> None:
    machine("web")
    image = uploaded(project, {"a.png": png(picture())}).images.get()
    client, name = stored_in_bucket
    client.put_object(Bucket=name, Key=f"plant/originals/{image.sha256[:2]}/{image.sha256}", Body=b"something else")
    machine("worker")
    with pytest.raises(OSError, match="damaged in the bucket"):
        storage.fetch(storage.original_path(image.sha256))
    assert not storage.original_path(image.sha256).exists()


def test_a_missing_original_fails_its_picture_and_no_other(
    machine: Any, project: Project, stored_in_bucket: Any
) -> None:
    add_color_model(project=project, user=None)
    batch = uploaded(project, {"a.png": png(picture()), "b.png": png(picture(red=0.5))})
    lost = batch.images.get(name="a.png")
    client, name = stored_in_bucket
    client.delete_object(Bucket=name, Key=f"plant/originals/{lost.sha256[:2]}/{lost.sha256}")
    machine("worker")
    for run in Run.objects.filter(batch=batch):
        while segment_run(run.pk):
            pass
    states = dict(Prediction.objects.values_list("image__name", "state"))
    assert states == {"a.png": "failed", "b.png": "done"}


def test_a_bucket_that_is_away_blames_no_picture(machine: Any, project: Project, settings: LazySettings) -> None:
    add_color_model(project=project, user=None)
    batch = uploaded(project, {"a.png": png(picture())})
    machine("worker")
    storage.fetch_folder(storage.model_folder(project.model_versions.get().folder))
    away = settings.STORAGES["default"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {"default": settings.STORAGES["default"] | {"OPTIONS": away}}
    with pytest.raises(StoreAwayError, match="does not answer") as caught:
        segment_run(Run.objects.get(batch=batch).pk)
    assert is_of_the_machine(caught.value)
    waiting = Prediction.objects.get()
    assert (waiting.state, waiting.attempts_count) == ("queued", 0)
    assert part_states()["storage"] == "down"
    storage.remove([storage.report_path("gone.csv")])
    client = member(project)
    image = batch.images.get()
    page = client.get(f"/files/images/{image.pk}/original")
    assert (page.status_code, page["Retry-After"]) == (503, "30")
    assert "does not answer" in page.content.decode()


def test_content_deleted_on_another_machine_is_stored_anew(
    machine: Any, project: Project, stored_in_bucket: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """A copy in this machine's cache is no reason to leave the bucket without."""
    content = png(picture(mark=3))
    machine("web-1")
    batch = uploaded(project, {"a.png": content})
    (key,) = keys(stored_in_bucket)
    machine("web-2")
    with django_capture_on_commit_callbacks(execute=True):
        delete_batch(batch=batch, user=None)
    assert not keys(stored_in_bucket)
    machine("web-1")
    assert storage.original_path(key[-64:]).exists()
    uploaded(project, {"a.png": content})
    assert keys(stored_in_bucket) == {key}
