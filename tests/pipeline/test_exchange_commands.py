"""export_model and import_model: from the command line to the worker that uses what they made."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from onnx import TensorProto, helper, numpy_helper, save

from segmentation.model_files import chosen_backend
from tests.images import RED, picture, png
from webapp import storage
from webapp.actions.model_versions import add_color_model
from webapp.models import ModelExport, ModelVersion, Prediction, Project
from webapp.pipeline.segment import backend_of, loaded_segmenter

pytestmark = pytest.mark.django_db


def answer(*arguments: str) -> dict[str, Any]:
    """The last line a command prints with --json."""
    printed = io.StringIO()
    call_command(*arguments, "--json", stdout=printed, stderr=io.StringIO())
    found: dict[str, Any] = json.loads(printed.getvalue().strip().splitlines()[-1])
    return found


@pytest.fixture
def model_version(project: Project) -> ModelVersion:
    return add_color_model(project=project, user=None)


@pytest.fixture
def red_model(tmp_path: Path) -> Path:
    """One output: how much more red than blue a pixel is, in its own units."""
    weights = numpy_helper.from_array(np.array([1, 0, -1], np.float32).reshape(1, 3, 1, 1), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pixels", "w"], ["scores"])],
        "red",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [weights],
    )
    path = tmp_path / "red.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_an_export_is_checked_copied_and_used_by_workers(
    backend: str, model_version: ModelVersion, tmp_path: Path
) -> None:
    found = answer(
        "export_model", "--model", str(model_version.pk), "--backend", backend, "--use", "--out", str(tmp_path / "out")
    )
    assert (found["agreement_fraction"], found["images"], found["in_use"]) == (1.0, 16, True)
    names = {file.name for file in (tmp_path / "out").iterdir()}
    weights = {"model.onnx"} if backend == "onnx" else {"model.xml", "model.bin"}
    assert names == {*weights, f"{backend}.json", "model.json", "card.md"}
    assert ModelExport.objects.get().state == ModelExport.State.DONE
    assert backend_of(model_version) == backend
    assert loaded_segmenter(model_version.folder, "cpu", backend).backend == backend


def test_exporting_does_not_change_who_serves_unless_asked(model_version: ModelVersion) -> None:
    call_command("export_model", "--model", str(model_version.pk), "--backend", "onnx", stdout=io.StringIO())
    assert chosen_backend(storage.model_folder(model_version.folder)) == "torch"


def test_exports_that_cannot_be_are_told(project: Project, model_version: ModelVersion, red_model: Path) -> None:
    with pytest.raises(CommandError, match="no model 999"):
        call_command("export_model", "--model", "999", "--backend", "onnx")
    imported = answer("import_model", str(red_model), "--project", project.slug, "--labels", "background=0", "rust=1")
    with pytest.raises(CommandError, match="came as an ONNX file"):
        call_command("export_model", "--model", str(imported["model"]), "--backend", "openvino")
    assert ModelExport.objects.get().state == ModelExport.State.FAILED


def test_an_imported_model_segments_a_batch(project: Project, red_model: Path, tmp_path: Path) -> None:
    arguments = ["--project", project.slug, "--labels", "rust=1", "background=0", "--mean", "0", "0", "0"]
    found = answer("import_model", str(red_model), *arguments, "--std", "1", "1", "1", "--licence", "Ours")
    version = ModelVersion.objects.get(pk=found["model"])
    assert (version.origin, version.architecture, version.licence) == ("imported", "onnx", "Ours")
    folder = tmp_path / "pictures"
    folder.mkdir()
    rgb = picture(red=0.25, width=64, height=48)
    (folder / "a.png").write_bytes(png(rgb))
    answer("segment", str(folder), "--project", project.slug, "--model", str(version.pk))
    measurement = Prediction.objects.get().measurements.get(label__name="rust")
    assert measurement.pixels == (rgb == RED).all(axis=2).sum()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["background=0"], "no label was named for 1"),
        (["background=0", "burr=1"], "got 'burr=1'"),
        (["background=0", "rust=2"], "0 to 1"),
        (["background=0", "rust=0"], "each named once"),
        (["rust=0", "rust=1"], "two outputs"),
        (["background", "rust"], "NAME=INDEX"),
    ],
)
def test_labels_that_do_not_fit_are_told(labels: list[str], message: str, project: Project, red_model: Path) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("import_model", str(red_model), "--project", project.slug, "--labels", *labels)
    assert not ModelVersion.objects.exists()


def test_a_file_that_is_no_model_is_told(project: Project, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"x")
    with pytest.raises(CommandError, match=r"ends in \.onnx"):
        call_command("import_model", str(tmp_path / "weights.pth"), "--project", project.slug, "--labels", "rust=0")
