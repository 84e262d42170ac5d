"""A network in 8-bit integers: static quantisation by ONNX Runtime, its ranges taken from what real pictures give."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from segmentation.backends import Signature
from segmentation.backends.evened import EvenedBackend
from segmentation.backends.foreign import ForeignBackend
from segmentation.backends.onnx_runtime import CPU, onnx_run
from segmentation.model_files import ONNX, ExportError
from segmentation.onnx_writer import INPUT, OUTPUT
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec

Given = npt.NDArray[np.generic]

MOST_INPUTS = 24
"""So many tiles or pictures say what range the numbers inside a network have; each is kept in memory meanwhile."""


def write_int8(
    network: Path, target: Path, spec: ModelSpec, signature: Signature, pictures: Iterable[npt.NDArray[np.uint8]]
) -> None:
    """Write the ONNX file `network` as one whose convolutions compute in 8 bits.

    `pictures` uint8 (H, W, C) go through the network as they would in use; the smallest and largest numbers found on
    the way become the ends of the 8-bit scales (weights: a scale for every channel). The last convolution, which gives
    the logits, stays in float32. ExportError where the network cannot be quantised.
    """
    given = _given_to(network, spec, signature, pictures)
    if not given:
        raise ExportError("8-bit integers need pictures to find their scales: upload some images first")
    try:
        with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir=target.parent) as folder:
            warnings.simplefilter("ignore")
            prepared = Path(folder) / "prepared.onnx"
            quant_pre_process(str(network), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                str(prepared),
                str(target),
                _Reader(given),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=["Conv", "ConvTranspose", "MatMul", "Gemm", "Add", "Concat", "MaxPool", "Resize"],
                nodes_to_exclude=_giving_logits(prepared),
            )
    except (ValueError, RuntimeError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ExportError(f"this architecture cannot be written in 8-bit integers: {reason}") from error


def _given_to(
    network: Path, spec: ModelSpec, signature: Signature, pictures: Iterable[npt.NDArray[np.uint8]]
) -> list[Given]:
    """What the network is given for these pictures: scaled, evened, normalised, cut and padded as in use."""
    run, noted = onnx_run(network, CPU), list[Given]()

    def noting(pixels: Given) -> Given:
        if len(noted) < MOST_INPUTS:
            noted.append(pixels.copy())
        return run(pixels)

    backend = ForeignBackend(ONNX, noting, signature, CPU)
    segmenter = Segmenter.of_backend(spec, EvenedBackend(backend) if spec.evens_light else backend)
    for picture in pictures:
        segmenter.segment([picture])
        if len(noted) == MOST_INPUTS:
            break
    return noted


def _giving_logits(network: Path) -> list[str]:
    """Names of the nodes from the output back to the convolution before it, that one included."""
    made_by = {name: node for node in onnx.load(str(network)).graph.node for name in node.output}
    names: list[str] = []
    node = made_by.get(OUTPUT)
    while node is not None:
        names.append(node.name)
        if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm"):
            break
        node = made_by.get(node.input[0])
    return names


class _Reader(CalibrationDataReader):
    """Hands the quantiser one input after the other."""

    def __init__(self, given: Sequence[Given]) -> None:
        self._given: Iterator[Given] = iter(given)

    def get_next(self) -> dict[str, Given] | None:
        found = next(self._given, None)
        return None if found is None else {INPUT: found}
