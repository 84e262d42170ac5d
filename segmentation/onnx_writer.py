"""A network of ours as an ONNX file that takes any number of pictures of any size.

The classic exporter (`dynamo=False`) is used: it writes every network of the registry with sizes left open, in
seconds. The newer one took 50 to 200 times as long over a small U-Net on two cores, and gave the same numbers.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from segmentation.architectures.padding import Padded
from segmentation.exportable import Exportable
from segmentation.model_files import ExportError

OPSET = 17
INPUT, OUTPUT = "pixels", "logits"


@dataclass(frozen=True)
class WrittenNetwork:
    """Sides the written network wants: padding is left to whoever runs it, as a graph cannot decide on it."""

    multiple_px: int
    least_px: int


def write_onnx(module: nn.Module, channels: int, path: Path) -> WrittenNetwork:
    """Write logits float32 (N, K, H, W) of pixels float32 (N, channels, H, W). ExportError where it cannot be."""
    network = copy.deepcopy(module).cpu().eval()
    multiple_px = least_px = 1
    if isinstance(network, Padded):
        multiple_px, least_px = network.multiple_px, network.least_px
        network = network.network
    # Neither square nor the size any encoder was made for, so that nothing is taken for a constant.
    height, width = (max(least_px, 2 * multiple_px, 64) + more * multiple_px for more in (0, 1))
    pixels = torch.rand(2, channels, height, width).contiguous(memory_format=torch.contiguous_format)
    sizes = {0: "n", 2: "h", 3: "w"}
    try:
        with torch.inference_mode(), warnings.catch_warnings(), Exportable():
            # What is baked in by mistake shows in the check of masks that follows every export.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (pixels,),
                path,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: sizes, OUTPUT: sizes},
            )
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ExportError(f"this architecture cannot be written as ONNX: {reason}") from error
    return WrittenNetwork(multiple_px, least_px)
