"""How near a GPU comes to what it could do: U-Net/ResNet-34 at 512 × 512 in bfloat16, alone and with JPEGs decoded.

Runs alone, without Django, a database or the rest of Pixelwise: copy the folders `segmentation` and `benchmarks` to a
machine with an NVIDIA GPU, and there

    pip install "torch>=2.13,<2.14" "torchvision>=0.28,<0.29" "segmentation-models-pytorch>=0.5,<0.7" "timm<1.1" \
        "safetensors<1" "numpy<3" "opencv-python-headless<6" "pillow>=12" "pi-heif>=1,<2" "scipy<2" "scikit-image<1" \
        "scikit-learn<2" "transformers>=4.55,<6" "onnx<2" "onnxruntime<2" "openvino<2027" "tifffile>=2025"
    python -m benchmarks.gpu [--batch N] [--images N] [--compile]

Without a GPU it says so and measures the processor, which shows that it runs and nothing about a GPU. The floor is the
larger of operations ÷ peak rate and bytes ÷ memory bandwidth: operations as torch counts them, bytes as every layer's
input, output and weights read or written once in bfloat16. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from segmentation.architectures import build
from segmentation.backends import EagerBackend
from segmentation.pictures import read_rgb
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.stream import segment_files
from segmentation.weights import save_model

SIDE_PX = 512
_DRAWN = 64
_LEAST_SECONDS = 5.0

# Dense bfloat16 operations a second and bytes a second, by NVIDIA's data sheets.
_PEAKS = {
    "B200": (2250e12, 8.0e12),
    "H200": (989e12, 4.8e12),
    "H100 NVL": (835e12, 3.9e12),
    "H100 PCIe": (756e12, 2.0e12),
    "H100": (989e12, 3.35e12),
    "A100": (312e12, 2.0e12),
    "L40S": (362e12, 0.864e12),
    "L4": (121e12, 0.3e12),
    "A10": (125e12, 0.6e12),
    "4090": (165e12, 1.008e12),
    "T4": (65e12, 0.32e12),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="pictures that go through at once")
    parser.add_argument("--images", type=int, default=2048, metavar="N", help="JPEGs decoded, segmented and measured")
    parser.add_argument("--compile", action="store_true", help="try torch.compile too (takes minutes)")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"processor ({platform.machine()})"
    if device.type == "cpu":
        print("No NVIDIA GPU is found here: what follows is measured on the processor and says nothing about a GPU.")
        options.batch, options.images = min(options.batch, 2), min(options.images, 8)
    spec = ModelSpec("unet", tuple(LabelSpec(index, f"label {index}", "#808080") for index in range(5)), "resnet34")
    torch.manual_seed(0)
    network = build(spec).eval()
    operations, moved = costs_of(network)
    floor = floor_of(name, operations, moved)
    found: dict[str, object] = {
        "benchmark": "gpu",
        "device": name,
        "batch": options.batch,
        "operations_per_image": operations,
        "bytes_per_image": moved,
        "floor_images_per_second": None if floor is None else round(floor),
    }
    bare = _bare(network, device, options.batch, with_compile=options.compile)
    found["bare_images_per_second"] = {way: round(rate, 2) for way, rate in bare.items()}
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder) / "model", spec, network, card="for a measurement")
        segmenter = Segmenter(Path(folder) / "model", device=device.type, backend="torch")
        rates = _end_to_end(segmenter, Path(folder), options.images)
    found |= {key: round(value, 3) for key, value in rates.items()}
    _print(found, bare, floor)
    print(json.dumps(found))


def costs_of(network: nn.Module) -> tuple[int, int]:
    """Operations of one picture (a multiplication and an addition are two) and bytes moved in bfloat16."""
    moved = 0

    def note(module: nn.Module, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> None:
        nonlocal moved
        tensors = [*given, result, *module.parameters(recurse=False)]
        moved += sum(2 * one.numel() for one in tensors if isinstance(one, torch.Tensor))

    # Normalisation and activation can be done where a convolution writes: they cost no pass of their own.
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(torch.zeros(1, 3, SIDE_PX, SIDE_PX))
    for hook in hooks:
        hook.remove()
    return int(counter.get_total_flops()), moved


def floor_of(name: str, operations: int, moved: int) -> float | None:
    """Images a second that the device's peaks allow; None for a device not in the table."""
    for part, (rate, bandwidth) in _PEAKS.items():
        if part in name:
            return 1 / max(operations / rate, moved / bandwidth)
    return None


def _bare(network: nn.Module, device: torch.device, batch: int, *, with_compile: bool) -> dict[str, float]:
    """Images a second through the network alone, its input lying on the device, logits left there."""
    pixels = torch.rand(batch, 3, SIDE_PX, SIDE_PX, device=device).contiguous(memory_format=torch.channels_last)
    ways: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "eager": EagerBackend(network, device, is_learning=True).logits,
        "as workers run it": EagerBackend(network, device).logits,
    }
    if with_compile:
        ways["torch.compile"] = torch.compile(ways["eager"], mode="max-autotune", dynamic=False)
    found = {}
    for way, logits in ways.items():
        try:
            with torch.inference_mode():
                found[way] = batch / _seconds(lambda logits=logits: logits(pixels), device)  # type: ignore[misc]
        except RuntimeError as error:
            print(f"{way}: {str(error).splitlines()[0]}")
    return found


def _end_to_end(segmenter: Segmenter, folder: Path, count: int) -> dict[str, float]:
    """Images a second from JPEGs to measured masks, and of the same pictures, decoded before, through the segmenter."""
    paths = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        if number < _DRAWN:
            rgb = draw_scene(np.random.default_rng(number), width=SIDE_PX, height=SIDE_PX).rgb
            cv2.imwrite(str(path), rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        else:
            path.write_bytes(paths[number % _DRAWN].read_bytes())
        paths.append(path)
    chunk = [segmenter.scaled(read_rgb(path)) for path in paths[: segmenter.chunk_count(SIDE_PX, SIDE_PX)]]
    segmenter.warm_up(SIDE_PX)

    def masks() -> None:
        for finish in segmenter.begin(chunk):
            finish()

    list(segment_files(segmenter, enumerate(paths[: count // 4])))
    started = time.perf_counter()
    failed = sum(result.error is not None for result in segment_files(segmenter, enumerate(paths)))
    whole = count / (time.perf_counter() - started)
    if failed:
        raise RuntimeError(f"{failed} pictures failed")
    bare = len(chunk) / _seconds(masks, segmenter.device)
    return {"masks_images_per_second": bare, "jpeg_to_measured_images_per_second": whole, "ratio": whole / bare}


def _seconds(call: Callable[[], object], device: torch.device, turns: int = 10) -> float:
    """Seconds of one call, mean of as many as take a second or so, what it started on the device included."""
    for _ in range(4 if device.type == "cuda" else 1):
        call()
    _wait(device)
    started = time.perf_counter()
    calls = 0
    while calls < turns and (calls < 2 or time.perf_counter() - started < _LEAST_SECONDS):
        call()
        calls += 1
    _wait(device)
    return (time.perf_counter() - started) / calls


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _print(found: dict[str, object], bare: dict[str, float], floor: float | None) -> None:
    print(f"{found['device']}: {SIDE_PX} × {SIDE_PX}, batches of {found['batch']}")
    print("| what | images/s | share of the floor |\n|---|---|---|")
    print(f"| floor | {'unknown for this device' if floor is None else round(floor)} | 1 |")
    for way, rate in bare.items():
        print(f"| network, {way} | {rate:.1f} | {'–' if floor is None else round(rate / floor, 3)} |")
    print(f"| decoded pictures to masks | {found['masks_images_per_second']} | – |")
    print(f"| JPEGs to measured masks | {found['jpeg_to_measured_images_per_second']} | – |")


if __name__ == "__main__":
    main()
