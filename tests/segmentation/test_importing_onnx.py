"""ONNX files from elsewhere: what they take and give is found out, and what could do harm is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from segmentation.export import export_model
from segmentation.foreign import ForeignModelError
from segmentation.importing import import_model, read_foreign
from segmentation.model_files import ExportError
from segmentation.preprocess import to_tensor
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec
from segmentation.weights import ModelFolderError, load_model
from tests.segmentation.drawings import noise

LABELS = tuple(LabelSpec(place, name, "#808080") for place, name in enumerate(("part", "rust", "paint")))


def conv(given: str, wanted: str, outputs: int, channels: int = 3) -> list[Any]:
    """A 1×1 convolution whose output k is input channel k mod channels."""
    weights = np.zeros((outputs, channels, 1, 1), np.float32)
    weights[np.arange(outputs), np.arange(outputs) % channels] = 1
    return [helper.make_node("Conv", [given, "w"], [wanted]), numpy_helper.from_array(weights, "w")]


def onnx_file(
    path: Path,
    *,
    takes: tuple[Any, ...] = ("n", 3, "h", "w"),
    outputs: int = 3,
    after: Callable[[], list[Any]] = lambda: [],
    dtype: int = TensorProto.FLOAT,
    gives: int = TensorProto.FLOAT,
    dimensions: int = 4,
    before: Callable[[], list[Any]] = lambda: [],
) -> Path:
    """pixels → [before: pixels → "x"] → 1×1 convolution → "y" → [after: "y" → "scores"]."""
    first, last = before(), after()
    node, weights = conv("x" if first else "pixels", "y" if last else "scores", outputs)
    graph = helper.make_graph(
        [*first, node, *last],
        "tiny",
        [helper.make_tensor_value_info("pixels", dtype, takes)],
        [helper.make_tensor_value_info("scores", gives, list("abcd")[:dimensions])],
        [weights],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_an_onnx_file_segments_by_its_scores(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "theirs.onnx")
    found = read_foreign(path)
    assert (found.kind, found.label_count, found.channels, found.can_train) == ("onnx", 3, 3, False)
    spec = import_model(path, LABELS, tmp_path / "ours", mean=[0, 0, 0], std=[1, 1, 1])
    assert spec.architecture == "onnx"
    assert sorted(file.name for file in (tmp_path / "ours").iterdir()) == ["card.md", "model.json", "model.onnx"]
    model = Segmenter(tmp_path / "ours", "cpu")
    assert model.backend == "onnx"
    picture = noise(33, 21)
    np.testing.assert_array_equal(model.segment([picture, picture])[1].mask, picture.argmax(axis=2))


@pytest.mark.parametrize("takes", [(1, 3, 64, 48), (1, 3, 48, 64), ("n", 3, 64, "w")])
def test_one_size_is_padded_and_tiled(takes: tuple[Any, ...], tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "theirs.onnx", takes=takes)
    import_model(path, LABELS, tmp_path / "ours", mean=[0, 0, 0], std=[1, 1, 1])
    model = Segmenter(tmp_path / "ours", "cpu")
    for picture in (noise(20, 30), noise(150, 110), noise(64, 64)):
        np.testing.assert_array_equal(model.segment([picture])[0].mask, picture.argmax(axis=2))


def test_channels_last_bytes_and_coarse_scores(tmp_path: Path) -> None:
    def before() -> list[Any]:
        return [
            helper.make_node("Transpose", ["pixels"], ["t"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("AveragePool", ["f"], ["x"], kernel_shape=[4, 4], strides=[4, 4]),
        ]

    def after() -> list[Any]:
        return [helper.make_node("Transpose", ["y"], ["scores"], perm=[0, 2, 3, 1])]

    path = onnx_file(tmp_path / "a.onnx", takes=(1, 64, 64, 3), dtype=TensorProto.UINT8, before=before, after=after)
    assert "64×64" in read_foreign(path).takes
    import_model(path, LABELS, tmp_path / "ours")
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :, 0] = picture[32:, :, 2] = 200
    mask = Segmenter(tmp_path / "ours", "cpu").segment([picture])[0].mask
    assert (mask[:28] == 0).all()
    assert (mask[36:] == 2).all()


@pytest.mark.parametrize(("operator", "outputs"), [("Softmax", 3), ("Sigmoid", 1), ("Identity", 1)])
def test_probabilities_are_the_confidence(operator: str, outputs: int, tmp_path: Path) -> None:
    options = {"axis": 1} if operator == "Softmax" else {}
    path = onnx_file(
        tmp_path / "a.onnx", outputs=outputs, after=lambda: [helper.make_node(operator, ["y"], ["scores"], **options)]
    )
    labels = LABELS[: max(2, outputs)]
    spec = import_model(path, labels, tmp_path / "ours", mean=[128, 128, 128], std=[64, 64, 64])
    picture = noise(30, 20)
    scores = to_tensor([picture], spec)[0].double()
    red = scores[0].sigmoid()
    shares = scores.softmax(dim=0) if operator == "Softmax" else torch.stack([1 - red, red])
    found = Segmenter(tmp_path / "ours", "cpu").segment([picture])[0]
    np.testing.assert_allclose(found.confidence, shares.max(dim=0).values, atol=1e-5)
    np.testing.assert_array_equal(found.mask, shares.argmax(dim=0))


@pytest.mark.parametrize("multiple", [2, 8, 32])
def test_sides_that_must_be_multiples_are_found(multiple: int, tmp_path: Path) -> None:
    """Pooled and enlarged again, then joined with the picture: fits multiples of that only."""

    def before() -> list[Any]:
        sides = [multiple, multiple]
        scales = helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, *sides])
        return [
            helper.make_node("AveragePool", ["pixels"], ["p"], kernel_shape=sides, strides=sides),
            helper.make_node("Constant", [], ["scales"], value=scales),
            helper.make_node("Resize", ["p", "", "scales"], ["r"], mode="nearest"),
            helper.make_node("Sub", ["pixels", "r"], ["d"]),
            helper.make_node("Add", ["d", "r"], ["x"]),
        ]

    path = onnx_file(tmp_path / "a.onnx", before=before)
    spec = import_model(path, LABELS, tmp_path / "ours", mean=[0, 0, 0], std=[1, 1, 1])
    assert spec.options["multiple_px"] == multiple
    for picture in (noise(37, 21), noise(131, 195)):
        mask = Segmenter(tmp_path / "ours", "cpu").segment([picture])[0].mask
        assert (mask == picture.argmax(axis=2)).mean() > 0.99


def node(operator: str, **options: Any) -> Callable[[], list[Any]]:
    return lambda: [helper.make_node(operator, ["y"], ["scores"], **options)]


def node_of_zeros() -> list[Any]:
    return [helper.make_node("Sub", ["pixels", "pixels"], ["x"])]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"takes": ("n", 3, "h")}, "4 dimensions"),
        ({"takes": ("n", 5, "h", "w")}, r"1 \(grey\) or 3"),
        ({"takes": (4, 3, "h", "w")}, "takes 4"),
        ({"takes": (1, 3, 9000, 9000)}, "at most 4096"),
        ({"dtype": TensorProto.INT64}, "takes INT64"),
        ({"after": node("ArgMax", axis=1), "gives": TensorProto.INT64}, "before its ArgMax"),
        ({"after": node("GlobalAveragePool")}, "for every place"),
        ({"after": node("ReduceMax", axes=[1], keepdims=0), "dimensions": 3}, "4 dimensions"),
        ({"after": node("Sigmoid")}, "several labels at once"),
        ({"after": node("Evil", domain="com.example")}, "'com.example'"),
        ({"after": node("FusedConv", domain="com.microsoft")}, "'com.microsoft'"),
        ({"after": node("Log"), "before": node_of_zeros}, "infinite or none"),
        ({"outputs": 256}, "256 outputs"),
    ],
)
def test_onnx_files_of_another_kind_are_told(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ForeignModelError, match=message):
        read_foreign(onnx_file(tmp_path / "a.onnx", **changes))


def test_a_cut_off_onnx_file_is_told(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx")
    content = path.read_bytes()
    for damaged in (content[:-40], content[:20], b"", b"\x00" * 100, pickle.dumps({"a": 1})):
        path.write_bytes(damaged)
        with pytest.raises(ForeignModelError):
            read_foreign(path)


@pytest.mark.parametrize("location", ["weights.bin", "../../../etc/passwd", "/etc/passwd"])
def test_weights_in_other_files_are_never_read(location: str, tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx")
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ForeignModelError, match="other files, which are not read"):
        read_foreign(path)


def test_graphs_that_could_run_for_ever_are_refused(tmp_path: Path) -> None:
    body = helper.make_graph([], "body", [], [])
    path = onnx_file(tmp_path / "a.onnx")
    model = onnx.load(path)
    model.graph.node[0].op_type = "Loop"
    model.graph.node[0].attribute.append(helper.make_attribute("body", body))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ForeignModelError):
        read_foreign(path)


def test_an_imported_onnx_file_cannot_be_trained_or_exported(tmp_path: Path) -> None:
    import_model(onnx_file(tmp_path / "a.onnx"), LABELS, tmp_path / "ours")
    with pytest.raises(ModelFolderError, match="cannot be trained or exported"):
        load_model(tmp_path / "ours")
    with pytest.raises(ExportError, match="came as an ONNX file"):
        export_model(tmp_path / "ours", "openvino")
    with pytest.raises(ExportError, match="only ONNX Runtime"):
        Segmenter(tmp_path / "ours", "cpu", "torch")


def test_other_paths_and_arguments_are_told(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "a.onnx")
    for wrong in (tmp_path / "none", tmp_path / "weights.pth"):
        with pytest.raises(ForeignModelError, match=r"ends in \.onnx"):
            read_foreign(wrong)
    with pytest.raises(ForeignModelError, match=r"name the file itself, a\.onnx"):
        read_foreign(tmp_path)
    with pytest.raises(ForeignModelError, match="3 labels, 2 were named"):
        import_model(path, LABELS[:2], tmp_path / "ours")
    with pytest.raises(ForeignModelError, match="both a mean and a deviation"):
        import_model(path, LABELS, tmp_path / "ours", mean=[0, 0, 0])
    with pytest.raises(ForeignModelError, match="3 deviations above 0"):
        import_model(path, LABELS, tmp_path / "ours", mean=[0, 0, 0], std=[1, 1, 0])
    with pytest.raises(ForeignModelError, match="is not empty"):
        import_model(path, LABELS, tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.onnx").symlink_to(onnx_file(tmp_path / "real.onnx"))
    with pytest.raises(ForeignModelError, match="links are not followed"):
        read_foreign(tmp_path / "link.onnx")
