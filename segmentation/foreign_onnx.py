"""ONNX files from elsewhere: what they take and give, found out before anything of theirs is run on pictures."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError

from segmentation.backends.onnx_runtime import onnx_run
from segmentation.backends.signature import LOG_ODDS, LOGITS, PROBABILITIES, PROBABILITY, Signature
from segmentation.foreign import ONNX, ForeignModel, ForeignModelError, plain_file
from segmentation.spec import MAX_LABELS

_MOST_BYTES = 2_000_000_000
# Operators of the standard; all others would need a library of somebody else's to be loaded.
_STANDARD = ("", "ai.onnx")
# They can run for ever, and no segmentation network needs them.
_ENDLESS = ("Loop", "Scan")
_DTYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.UINT8: "uint8",
}
_CHANNELS = (1, 3)
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_MOST_SIDE_PX = 4096
_MOST_NUMBERS = 500_000_000


@dataclass(frozen=True)
class OnnxFile:
    """What was found: how it is called, how many channels and outputs it has."""

    signature: Signature
    channels: int
    output_count: int


def read_onnx(path: Path) -> tuple[OnnxFile, ForeignModel]:
    """Parse, check and try out an ONNX file. ForeignModelError says what is not as it should be."""
    model = _parsed(plain_file(path, _MOST_BYTES))
    _refuse_what_is_not_plain(model)
    _refuse_what_is_too_large(model)
    signature, channels = _input(model)
    signature, output_count = _tried_out(path, model, signature, channels)
    found = OnnxFile(signature, channels, output_count)
    label_count = 2 if signature.is_binary else output_count
    if not 2 <= label_count <= MAX_LABELS:
        raise ForeignModelError(f"the network has {output_count} outputs a pixel; expected 1 to {MAX_LABELS}")
    return found, ForeignModel(
        ONNX,
        f"ONNX model {model.graph.name[:60]}".strip(),
        label_count,
        channels,
        _in_words(signature, channels),
        tuple(_remarks(signature)),
        can_train=False,
    )


def _parsed(path: Path) -> onnx.ModelProto:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
        if not model.graph.node:
            raise ForeignModelError(f"{path.name} is no ONNX file, or an empty one")
        _refuse_external_data(model.graph)
        onnx.checker.check_model(model)
    except DecodeError as error:
        raise ForeignModelError(f"{path.name} is no ONNX file or is cut off") from error
    except (onnx.checker.ValidationError, ValueError) as error:
        if isinstance(error, ForeignModelError):
            raise
        raise ForeignModelError(f"{path.name} is no valid ONNX file: {str(error).strip()[:300]}") from error
    return model


def _refuse_external_data(graph: onnx.GraphProto) -> None:
    for tensor in _tensors(graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ForeignModelError(
                "the ONNX file keeps its weights in other files, which are not read; "
                "save it in one piece: onnx.save(model, path, save_as_external_data=False)"
            )


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _refuse_what_is_not_plain(model: onnx.ModelProto) -> None:
    if model.functions:
        raise ForeignModelError("the ONNX file defines operators of its own; export it with standard ones only")
    for node in _nodes(model.graph):
        if node.domain not in _STANDARD:
            raise ForeignModelError(
                f"the ONNX file uses operator {node.op_type} of {node.domain[:60]!r}, which is not part of ONNX and "
                "is not run here; export it with standard operators only"
            )
        if node.op_type in _ENDLESS:
            raise ForeignModelError(
                f"the ONNX file contains a {node.op_type}, which could run for ever; export without"
            )


def _refuse_what_is_too_large(model: onnx.ModelProto) -> None:
    """By the sizes that can be known without running it: a few bytes may ask for terabytes."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise ForeignModelError(f"the sizes inside the ONNX file do not fit: {str(error).strip()[:300]}") from error
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        sizes = [size.dim_value for size in value.type.tensor_type.shape.dim if size.HasField("dim_value")]
        if sizes and math.prod(sizes) > _MOST_NUMBERS:
            raise ForeignModelError(
                f"the network makes {value.name[:60]!r} of {' × '.join(map(str, sizes))} numbers; expected at most "
                f"{_MOST_NUMBERS:,} at once"
            )


def _input(model: onnx.ModelProto) -> tuple[Signature, int]:
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ForeignModelError(f"expected a network with one input, the picture; this one has {len(inputs)}")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type not in _DTYPES:
        kind = onnx.TensorProto.DataType.Name(tensor.elem_type)
        raise ForeignModelError(f"expected an input of {', '.join(_DTYPES.values())}; this one takes {kind}")
    sizes = [size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None for size in tensor.shape.dim]
    if len(sizes) != 4:
        raise ForeignModelError(
            f"expected an input of 4 dimensions (pictures, channels, height, width), this one has {len(sizes)}"
        )
    is_last = sizes[1] not in _CHANNELS and sizes[3] in _CHANNELS
    count, channels, height, width = (sizes[0], sizes[3], sizes[1], sizes[2]) if is_last else sizes
    if channels not in _CHANNELS:
        raise ForeignModelError(f"expected 1 (grey) or 3 (colour) channels as second dimension, found {channels}")
    if count not in (None, 1):
        raise ForeignModelError(f"expected any number of pictures at once, or 1; this network takes {count}")
    if max(height or 1, width or 1) > _MOST_SIDE_PX:
        raise ForeignModelError(f"the network takes pictures of {width}×{height} px; at most {_MOST_SIDE_PX} a side")
    signature = Signature(
        height_px=height,
        width_px=width,
        takes_many=count is None,
        is_channels_last=is_last,
        dtype=_DTYPES[tensor.elem_type],
    )
    return signature, channels


def _tried_out(path: Path, model: onnx.ModelProto, signature: Signature, channels: int) -> tuple[Signature, int]:
    """With the multiple its sides need, how its outputs are to be read, and how many there are."""
    # Below another folder's name nothing beside the file can be meant by it.
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name) / "model.onnx"
        alone.write_bytes(path.read_bytes())
        try:
            run = onnx_run(alone, torch.device("cpu"))
        except ValueError as error:
            raise ForeignModelError(str(error)) from error
        reason = ""
        for multiple in (1,) if signature.height_px and signature.width_px else _MULTIPLES:
            trial = dataclasses.replace(signature, multiple_px=multiple, least_px=max(1, 2 * multiple))
            height, width = trial.padded_size(*(min(fixed or side, side) for fixed, side in _trial_sides(trial)))
            pixels = np.random.default_rng(0).uniform(0, 1, (1, channels, height, width))
            pixels = pixels.transpose(0, 2, 3, 1) if signature.is_channels_last else pixels
            try:
                given = run(
                    np.ascontiguousarray(pixels * 255 if signature.dtype == "uint8" else pixels, signature.dtype)
                )
            except ValueError as error:
                reason = str(error)
                continue
            return _read_output(model, given, trial, height, width)
    raise ForeignModelError(f"the network does not run on a test picture: {reason}")


def _trial_sides(signature: Signature) -> tuple[tuple[int | None, int], tuple[int | None, int]]:
    """The one size it takes, or odd multiples of `multiple_px`: they fit no network that needs a larger one of
    `_MULTIPLES`."""
    step = signature.multiple_px
    return (signature.height_px, signature.height_px or (128 // step | 1) * step), (
        signature.width_px,
        signature.width_px or (256 // step | 1) * step,
    )


def _read_output(
    model: onnx.ModelProto, given: np.ndarray, signature: Signature, height: int, width: int
) -> tuple[Signature, int]:
    if given.dtype not in (np.float32, np.float16, np.float64):
        raise ForeignModelError(
            f"the network gives {given.dtype} {given.shape}, finished masks it seems; expected scores of every label "
            "(pictures, labels, height, width): export it before its ArgMax"
        )
    if given.ndim != 4 or given.shape[0] != 1:
        raise ForeignModelError(
            f"expected scores of 4 dimensions (pictures, labels, height, width), the network gives {given.shape}"
        )
    if signature.is_channels_last:
        given = given.transpose(0, 3, 1, 2)
    count, rows, columns = given.shape[1:]
    if not (1 < rows <= 4 * height and 1 < columns <= 4 * width) or abs(rows / height - columns / width) > 0.1:
        raise ForeignModelError(
            f"expected scores for every place of a picture of {width}×{height} px, got {columns}×{rows} of them"
        )
    if not np.isfinite(given).all():
        raise ForeignModelError("the network gives numbers that are infinite or none for a test picture")
    return dataclasses.replace(signature, output=_output_kind(model, given)), count


def _output_kind(model: onnx.ModelProto, given: np.ndarray) -> str:
    """By the last operator, and by what came out: shares of one pixel add up to 1."""
    last = next((node.op_type for node in model.graph.node if model.graph.output[0].name in node.output), "")
    shares = bool((given >= 0).all() and (given <= 1).all())
    if given.shape[1] == 1:
        return PROBABILITY if shares and last in ("Sigmoid", "Clip", "Resize", "Mul", "Cast") else LOG_ODDS
    if shares and np.allclose(given.sum(axis=1), 1, atol=1e-2):
        return PROBABILITIES
    if last == "Sigmoid":
        raise ForeignModelError(
            "the network may give a pixel several labels at once (Sigmoid); expected one label each"
        )
    return LOGITS


def _in_words(signature: Signature, channels: int) -> str:
    kind = "colour" if channels == 3 else "grey"
    if signature.height_px and signature.width_px:
        return f"{kind} pictures of {signature.width_px}×{signature.height_px} pixels; larger ones are cut into tiles"
    return f"{kind} pictures of any size"


def _remarks(signature: Signature) -> Iterator[str]:
    yield "It can segment here, but not be trained further."
    if signature.dtype != "uint8":
        yield "Its pictures are assumed to be normalised as ImageNet's are, unless you give a mean and deviation."
    if signature.is_binary:
        yield "It tells one thing from the rest: the first label is the rest, the second the thing."
    if signature.output in (PROBABILITIES, PROBABILITY):
        yield "It gives probabilities, which are used as its confidence."
