"""Models from strangers: taken in, or refused in one sentence; never a crash, never a pickle, never terabytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper, numpy_helper

from segmentation.architectures import build
from segmentation.foreign import ForeignModelError
from segmentation.foreign_onnx import read_onnx
from segmentation.foreign_smp import read_smp
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import ModelFolderError, load_model, load_spec, save_model
from tests.hostile.json_changes import changed
from tests.hostile.mutations import mutated
from tests.pipeline.test_model_exchange import red_or_not

PATIENT = settings(
    max_examples=50, deadline=5000, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
LABELS = (LabelSpec(0, "part", "#808080"), LabelSpec(1, "rust", "#dc1e1e", True))
COLORS = ModelSpec("nearest-color", LABELS, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(tmp_path / "model", COLORS, build(COLORS), card="# Colours")
    return tmp_path / "model"


def test_any_value_of_a_model_json_may_be_another(folder: Path) -> None:
    whole = json.loads((folder / "model.json").read_text())

    @PATIENT
    @given(changed(whole))
    def check(document: object) -> None:
        (folder / "model.json").write_text(json.dumps(document))
        try:
            spec = load_spec(folder)
            load_model(folder)
        except ModelFolderError as error:
            assert len(str(error)) > 10  # noqa: PT017
        else:
            assert all(label.rgb for label in spec.labels)

    check()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"labels": ' * 50_000, "9" * 5000, "\ufeff{}", "nul", ""])
def test_json_that_breaks_parsers_is_refused(text: str, folder: Path) -> None:
    (folder / "model.json").write_text(text)
    with pytest.raises(ModelFolderError):
        load_spec(folder)


def test_weights_may_be_damaged_anywhere(folder: Path) -> None:
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    refused = 0
    for seed in range(80):
        file.write_bytes(mutated(whole, seed))
        try:
            load_model(folder)
        except ModelFolderError:
            refused += 1
    assert refused > 20


def test_any_value_of_an_smp_config_may_be_another(tmp_path: Path) -> None:
    config = {
        "_model_class": "Unet",
        "encoder_name": "resnet18",
        "encoder_depth": 5,
        "decoder_channels": [16, 8, 8, 4, 4],
        "in_channels": 3,
        "classes": 2,
        "activation": None,
        "aux_params": None,
    }
    (tmp_path / "model.safetensors").write_bytes(b"x")

    @PATIENT
    @given(changed(config))
    def check(document: object) -> None:
        (tmp_path / "config.json").write_text(json.dumps(document))
        try:
            found, facts = read_smp(tmp_path)
        except ForeignModelError:
            return
        assert 1 <= found.output_count <= 255
        assert facts.label_count >= 2

    check()


def test_an_onnx_file_may_be_damaged_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    refused = 0
    for seed in range(80):
        path.write_bytes(mutated(red_or_not(), seed))
        try:
            read_onnx(path)
        except ForeignModelError as error:
            refused += 1
            assert 10 < len(str(error)) < 1000, f"seed {seed}"  # noqa: PT017
    assert refused > 40


@pytest.mark.parametrize("sizes", [[1, 2, 10**6, 10**6], [2**62], [10**5] * 3])
def test_a_few_bytes_that_ask_for_terabytes_are_refused(sizes: list[int], tmp_path: Path) -> None:
    """ONNX Runtime would fill them while it opens the file."""
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["sizes"], ["huge"]),
            helper.make_node("ReduceMax", ["huge"], ["one"], keepdims=0),
            helper.make_node("Add", ["picture", "one"], ["scores"]),
        ],
        "bomb",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [numpy_helper.from_array(np.array(sizes, np.int64), "sizes")],
    )
    path = tmp_path / "model.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ForeignModelError, match="at once"):
        read_onnx(path)
