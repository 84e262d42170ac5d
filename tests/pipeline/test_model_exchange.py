"""Models that come and go: files from elsewhere become versions, versions become exports that workers can use."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from onnx import TensorProto, helper, numpy_helper

from segmentation.model_files import chosen_backend
from segmentation.segmenter import Segmenter
from tests.images import picture
from tests.trainings import drawn_dataset, queued_training
from webapp import storage
from webapp.actions.exports import start_export, use_backend
from webapp.actions.model_imports import name_outputs, take_model_file
from webapp.actions.model_versions import add_color_model
from webapp.actions.refused import Refused
from webapp.models import Membership, ModelExport, ModelImport, ModelVersion, Project, User
from webapp.pipeline import model_exports, model_imports
from webapp.pipeline.model_exchange import waiting_model_exports, waiting_model_imports
from webapp.pipeline.model_exports import run_export
from webapp.pipeline.model_imports import run_import

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What a killed worker leaves: nothing after it is done."""


def deadly(*given: object, **options: object) -> None:
    raise Killed


def zipped(files: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    stream.seek(0)
    return stream


def folder_of(version: ModelVersion) -> dict[str, bytes]:
    folder = storage.model_folder(version.folder)
    return {f"my model/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}


def red_or_not() -> bytes:
    """An ONNX graph with two outputs: the second is higher where red exceeds green by more than 0.5 (of 0–1)."""
    weights = np.zeros((2, 3, 1, 1), np.float32)
    weights[1, 0], weights[1, 1] = 1.0, -1.0
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "weights", "bias"], ["scores"], kernel_shape=[1, 1])],
        "red",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([0.0, -0.5], np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def looked_at(project: Project, name: str, stream: io.BytesIO) -> ModelImport:
    taken = take_model_file(project=project, user=None, name=name, stream=stream)
    assert waiting_model_imports() == [taken.pk]
    run_import(taken.pk)
    taken.refresh_from_db()
    return taken


def taken_in(taken: ModelImport, label_indices: list[int], **options: str) -> ModelVersion:
    name_outputs(model_import=taken, user=None, label_indices=label_indices, **options)
    run_import(taken.pk)
    taken.refresh_from_db()
    assert (taken.state, taken.error) == ("done", "")
    assert taken.model_version is not None
    return taken.model_version


def test_a_model_folder_comes_back_with_other_labels(project: Project) -> None:
    original = add_color_model(project=project, user=None)
    taken = looked_at(project, "C:\\models\\mine.zip", zipped(folder_of(original)))
    assert (taken.state, taken.name, taken.facts["output_count"]) == ("asking", "mine.zip", 3)
    assert taken.facts["names"] == ["background", "rust", "paint"]
    version = taken_in(taken, [0, 2, 1], licence="CC0")
    assert (version.number, version.origin, version.licence) == (2, "imported", "CC0")
    assert list(version.model_labels.values_list("index", "label__name")) == [
        (0, "background"),
        (1, "paint"),
        (2, "rust"),
    ]
    assert version.weights_sha256 == original.weights_sha256
    assert not storage.import_path(taken.path).exists()
    assert waiting_model_imports() == []


def test_an_onnx_file_segments_here(project: Project) -> None:
    taken = looked_at(project, "red.onnx", io.BytesIO(red_or_not()))
    assert (taken.state, taken.error, taken.facts["output_count"]) == ("asking", "", 2)
    version = taken_in(taken, [0, 1])
    assert version.architecture == "onnx"
    assert version.file_bytes is not None
    mask = Segmenter(storage.model_folder(version.folder), device="cpu").segment([picture(red=0.5)])[0].mask
    assert (mask[:15] == 1).all()
    assert (mask[15:] == 0).all()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.zip", b"no archive", "is no ZIP archive"),
        ("a.zip", zipped({"weights.pt": b"x", "../../etc/passwd": b"x"}).getvalue(), "found weights.pt"),
        ("a.zip", zipped({"config.json": b"{}"}).getvalue(), ""),
        ("a.onnx", b"no graph", ""),
    ],
)
def test_what_is_no_model_is_refused_in_words(project: Project, name: str, content: bytes, words: str) -> None:
    taken = looked_at(project, name, io.BytesIO(content))
    assert taken.state == "failed"
    assert taken.error
    assert words in taken.error
    assert not ModelVersion.objects.exists()
    assert not storage.import_path(taken.path).exists()


def test_an_archive_writes_nothing_outside(project: Project, tmp_path: Path) -> None:
    add_color_model(project=project, user=None)
    files = folder_of(project.model_versions.get()) | {"my model/../../../escaped.onnx": red_or_not()}
    looked_at(project, "a.zip", zipped(files))
    assert not list(tmp_path.rglob("escaped.onnx"))


def test_labels_are_checked(project: Project) -> None:
    taken = looked_at(project, "red.onnx", io.BytesIO(red_or_not()))
    for indices, words in (([0], "each of the 2 outputs"), ([0, 9], "no label 9"), ([1, 1], "rust is chosen for two")):
        with pytest.raises(Refused, match=words):
            name_outputs(model_import=taken, user=None, label_indices=indices)
    with pytest.raises(Refused, match="ZIP of a model folder"):
        take_model_file(project=project, user=None, name="model.pt", stream=io.BytesIO(b"x"))


def test_an_export_is_checked_and_can_be_used(project: Project) -> None:
    version = add_color_model(project=project, user=None)
    with pytest.raises(Refused, match="export it first"):
        use_backend(model_version=version, backend="onnx", user=None)
    export = start_export(model_version=version, backend="onnx", user=None)
    assert waiting_model_exports() == [export.pk]
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error, export.agreement_fraction, export.image_count) == ("done", "", 1.0, 16)
    use_backend(model_version=version, backend="onnx", user=None)
    assert chosen_backend(storage.model_folder(version.folder)) == "onnx"


def test_8_bit_integers_of_a_trained_version_are_judged_on_its_validation_images(project: Project) -> None:
    version = add_color_model(project=project, user=None)
    training_run = queued_training(project, drawn_dataset(project, val=3))
    ModelVersion.objects.filter(pk=version.pk).update(origin="trained", training_run=training_run)
    export = start_export(model_version=version, backend="int8", user=None)
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error, export.validation_count) == ("done", "", 3)
    assert [row["label"] for row in export.label_ious] == [label.name for label in project.labels.order_by("index")]


def test_8_bit_integers_say_what_they_lose(project: Project, client: Client) -> None:
    """The colour model has nothing to lose but exactness, and no validation images: the page says so."""
    version = add_color_model(project=project, user=None)
    export = start_export(model_version=version, backend="int8", user=None)
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error, export.validation_count, export.label_ious) == ("done", "", 0, [])
    assert (export.speed_ratio or 0) > 0
    assert 0.9 <= (export.agreement_fraction or 0) <= 1
    use_backend(model_version=version, backend="int8", user=None)
    assert Segmenter(storage.model_folder(version.folder), device="cpu").backend == "int8"
    ModelExport.objects.filter(pk=export.pk).update(
        validation_count=12, label_ious=[{"label": "disc", "before": 0.9136, "after": 0.9001}]
    )
    person = User.objects.create_user(email="root@example.com", password="long enough")
    Membership.objects.create(workspace=project.workspace, user=person, role=Membership.Role.ADMIN)
    client.force_login(person)
    page = client.get(reverse("model-card", args=[project.slug, version.number])).content.decode()
    assert "IoU on 12 validation images" in page
    assert "0.914" in page
    assert "0.900" in page


def test_a_model_that_came_as_onnx_cannot_be_exported(project: Project) -> None:
    version = taken_in(looked_at(project, "red.onnx", io.BytesIO(red_or_not())), [0, 1])
    export = start_export(model_version=version, backend="openvino", user=None)
    run_export(export.pk)
    export.refresh_from_db()
    assert export.state == "failed"
    assert "came as an ONNX file" in export.error


@pytest.mark.parametrize("step", ["looked at", "taken in"])
def test_a_file_that_kills_two_workers_is_given_up(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    taken = take_model_file(project=project, user=None, name="red.onnx", stream=io.BytesIO(red_or_not()))
    if step == "taken in":
        run_import(taken.pk)
        taken.refresh_from_db()
        name_outputs(model_import=taken, user=None, label_indices=[0, 1])
    monkeypatch.setattr(model_imports, "read_foreign" if step == "looked at" else "import_model", deadly)
    for _ in range(2):
        assert waiting_model_imports() == [taken.pk]
        with pytest.raises(Killed):
            run_import(taken.pk)
    run_import(taken.pk)
    taken.refresh_from_db()
    assert taken.state == "failed"
    assert "The worker stopped 2 times while it read this file" in taken.error
    assert waiting_model_imports() == []
    assert not storage.import_path(taken.path).exists()


def test_one_death_does_not_count_against_the_next_step(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = take_model_file(project=project, user=None, name="red.onnx", stream=io.BytesIO(red_or_not()))
    with monkeypatch.context() as patched:
        patched.setattr(model_imports, "read_foreign", deadly)
        with pytest.raises(Killed):
            run_import(taken.pk)
    run_import(taken.pk)
    taken.refresh_from_db()
    name_outputs(model_import=taken, user=None, label_indices=[0, 1])
    with monkeypatch.context() as patched:
        patched.setattr(model_imports, "import_model", deadly)
        with pytest.raises(Killed):
            run_import(taken.pk)
    run_import(taken.pk)
    taken.refresh_from_db()
    assert (taken.state, taken.error) == ("done", "")


def test_an_export_that_kills_two_workers_is_given_up_until_somebody_asks_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = add_color_model(project=project, user=None)
    export = start_export(model_version=version, backend="onnx", user=None)
    with monkeypatch.context() as patched:
        patched.setattr(model_exports, "export_model", deadly)
        for _ in range(2):
            assert waiting_model_exports() == [export.pk]
            with pytest.raises(Killed):
                run_export(export.pk)
        run_export(export.pk)
    export.refresh_from_db()
    assert export.state == "failed"
    assert "The worker stopped 2 times while it exported this version" in export.error
    assert waiting_model_exports() == []
    start_export(model_version=version, backend="onnx", user=None)
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error) == ("done", "")
