"""Exports: every family of the registry, checked masks, refusals that leave nothing behind, and who serves."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segmentation import export
from segmentation.architectures import ARCHITECTURES, build
from segmentation.backends import Signature, open_file
from segmentation.backends.openvino_runtime import computes_in_bfloat16
from segmentation.export import agreement, check_pictures, export_model
from segmentation.exportable import adaptive_mean, resampled, unpooled
from segmentation.model_files import ExportCheck, ExportError, choose_backend, chosen_backend, read_check, write_check
from segmentation.onnx_writer import write_onnx
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec
from segmentation.starter_model import FOLDER as STARTER
from segmentation.weights import save_model
from tests.segmentation.drawings import noise
from tests.segmentation.models import seeded, segmenter, spec_of

EXPORTABLE = [name for name, family in ARCHITECTURES.items() if family.learns_by_gradient] + ["nearest-color"]


def small_spec(name: str) -> ModelSpec:
    """A family at the size of its default options, which are made for small computers."""
    family = ARCHITECTURES[name]
    options = dict(family.default_options)
    return dataclasses.replace(spec_of("nearest-color"), architecture=name, encoder=None, options=options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spec = spec_of("nearest-color")
    save_model(tmp_path / "model", spec, seeded(spec), card="")
    return tmp_path / "model"


@pytest.fixture
def unet(tmp_path: Path) -> Path:
    spec = spec_of("unet", temperature=1.7, tile_px=80, max_side_px=120)
    save_model(tmp_path / "unet", spec, seeded(spec), card="")
    return tmp_path / "unet"


def pictures(count: int = 16) -> list[np.ndarray]:
    return [noise(64 + place % 3, 48 + place % 2, place) for place in range(count)]


@pytest.mark.parametrize("name", EXPORTABLE)
def test_every_family_gives_the_same_logits_at_sizes_it_was_not_written_with(name: str, tmp_path: Path) -> None:
    spec = small_spec(name)
    torch.manual_seed(0)
    network = build(spec).eval()
    written = write_onnx(network, spec.channels, tmp_path / "model.onnx")
    signature = Signature(multiple_px=written.multiple_px, least_px=written.least_px)
    backend = open_file(tmp_path / "model.onnx", "onnx", signature, torch.device("cpu"), evens_light=False)
    for count, height, width in ((1, 70, 33), (2, 96, 128)):
        pixels = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(height))
        with torch.inference_mode():
            expected = network(pixels)
        found = backend.logits(pixels)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_an_export_is_checked_and_segments_as_torch_does(backend: str, unet: Path) -> None:
    folder = unet
    check = export_model(folder, backend, pictures())
    assert check.is_good
    assert (check.image_count, read_check(folder, backend)) == (16, check)
    files = list((folder / "exports").rglob("model.*"))
    assert check.file_bytes == sum(path.stat().st_size for path in files)
    exported, original = Segmenter(folder, "cpu", backend), Segmenter(folder, "cpu", "torch")
    assert (exported.backend, original.backend) == (backend, "torch")
    assert exported.sha256 == original.sha256
    for picture in (noise(70, 50, 1), noise(31, 140, 2)):
        one, other = exported.segment([picture])[0], original.segment([picture])[0]
        assert (one.mask == other.mask).mean() > (0.999 if check.precision == "f32" else 0.99)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-3 if check.precision == "f32" else 0.05)


@pytest.mark.skipif(not computes_in_bfloat16(), reason="this processor has no instructions for bfloat16")
def test_openvino_computes_in_bfloat16_where_that_changes_no_labels(tmp_path: Path) -> None:
    """The starter model is sure of its labels; a network of random weights is sure of none."""
    sure = shutil.copytree(STARTER, tmp_path / "sure")
    assert export_model(sure, "openvino").precision == "bf16"
    save_model(tmp_path / "unsure", spec_of("unet"), seeded(spec_of("unet")), card="for a test")
    check = export_model(tmp_path / "unsure", "openvino", pictures())
    assert (check.precision, check.is_good) == ("f32", True)


def test_exact_networks_are_never_computed_in_bfloat16(tmp_path: Path) -> None:
    save_model(tmp_path, spec_of("nearest-color"), seeded(spec_of("nearest-color")), card="for a test")
    assert export_model(tmp_path, "openvino", pictures()).precision == "f32"


def test_8_bit_integers_come_with_what_they_cost(unet: Path) -> None:
    """Truth is what PyTorch says, with one label exchanged in one picture, so that the IoU before is known."""
    original = Segmenter(unet, "cpu", "torch")

    def read(place: int) -> tuple[np.ndarray, np.ndarray]:
        rgb = noise(70, 50, 90 + place)
        return rgb, original.segment([rgb])[0].mask

    validation = [Pair(str(place), lambda place=place: read(place)) for place in range(3)]
    check = export_model(unet, "int8", pictures(), validation=validation)
    assert check.is_good
    assert 0.9 <= check.agreement_fraction < 1
    assert check.validation_count == 3
    assert set(check.iou_before) == {label.name for label in original.spec.labels}
    assert all(value in (None, 1.0) for value in check.iou_before.values())
    assert any(0 < (value or 0) < 1 for value in check.iou_after.values())
    assert (check.speed_ratio or 0) > 0
    assert check.runtime in ("onnx", "openvino")
    assert read_check(unet, "int8") == check
    export_model(unet, "onnx", pictures())
    sizes = [(unet / name).stat().st_size for name in ("exports/int8/model.onnx", "exports/model.onnx")]
    assert sizes[0] < 0.6 * sizes[1]
    choose_backend(unet, "int8")
    served = Segmenter(unet, "cpu")
    assert served.backend == "int8"
    picture = noise(70, 50, 1)
    assert (served.segment([picture])[0].mask == original.segment([picture])[0].mask).mean() > 0.8


def test_8_bit_integers_that_lose_a_tenth_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "write_onnx", lambda module, channels, path: write_onnx(Stirred(), channels, path))
    with pytest.raises(ExportError, match=r"at most 10\.0% may differ"):
        export_model(folder, "int8", pictures())
    assert not (folder / "exports").exists()


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_light_is_evened_before_padding(backend: str, tmp_path: Path) -> None:
    spec = spec_of("unet", evens_light=True)
    save_model(tmp_path, spec, seeded(spec), card="")
    assert export_model(tmp_path, backend, pictures()).agreement_fraction > 0.999
    picture = noise(50, 90, 5)
    found, expected = (Segmenter(tmp_path, "cpu", name).logits(picture) for name in (backend, "torch"))
    np.testing.assert_allclose(found, expected, atol=1e-3 * float(np.abs(expected).max()))


@pytest.mark.parametrize("channels", [1, 5])
def test_pictures_of_other_channels(channels: int, tmp_path: Path) -> None:
    spec = spec_of("unet", mean=(128.0,) * channels, std=(64.0,) * channels)
    save_model(tmp_path, spec, seeded(spec), card="")
    assert export_model(tmp_path, "onnx").is_good
    picture = np.repeat(noise(40, 30)[:, :, :1], channels, axis=2)
    assert Segmenter(tmp_path, "cpu", "onnx").segment([picture])[0].mask.shape == (30, 40)


def test_the_chosen_backend_serves(folder: Path) -> None:
    assert (chosen_backend(folder), Segmenter(folder, "cpu").backend) == ("torch", "torch")
    with pytest.raises(ExportError, match="export it first"):
        choose_backend(folder, "onnx")
    export_model(folder, "onnx", pictures())
    choose_backend(folder, "onnx")
    assert Segmenter(folder, "cpu").backend == "onnx"
    choose_backend(folder, "torch")
    assert Segmenter(folder, "cpu").backend == "torch"


def test_an_export_of_other_weights_does_not_serve(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    export_model(folder, "onnx", pictures())
    choose_backend(folder, "onnx")
    spec = dataclasses.replace(spec_of("nearest-color"), labels=spec_of("nearest-color").labels[:2])
    save_model(folder, spec, seeded(spec), card="")
    with caplog.at_level(logging.WARNING):
        assert Segmenter(folder, "cpu").backend == "torch"
    assert "no checked onnx export of its weights" in caplog.text
    with pytest.raises(ExportError, match="no checked onnx export"):
        Segmenter(folder, "cpu", "onnx")


def test_a_damaged_export_is_named_or_passed_over(folder: Path) -> None:
    export_model(folder, "onnx", pictures())
    choose_backend(folder, "onnx")
    path = folder / "exports" / "model.onnx"
    path.write_bytes(path.read_bytes()[:100])
    assert Segmenter(folder, "cpu").backend == "torch"
    with pytest.raises(ExportError, match=r"cannot open model\.onnx"):
        Segmenter(folder, "cpu", "onnx")


class Stirred(nn.Module):
    """Another label where a pixel's noise says so: what a wrong export would look like."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.cat([pixels.sin(), pixels.cos()], dim=1)[:, :3] * 100


def test_an_export_that_disagrees_is_refused_and_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(folder.rglob("*"))
    monkeypatch.setattr(export, "write_onnx", lambda module, channels, path: write_onnx(Stirred(), channels, path))
    with pytest.raises(ExportError, match=r"another label than PyTorch; at most 0\.1% may differ"):
        export_model(folder, "onnx", pictures())
    assert sorted(folder.rglob("*")) == before


def test_a_refused_export_keeps_the_good_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = export_model(folder, "onnx", pictures())
    content = (folder / "exports" / "model.onnx").read_bytes()
    monkeypatch.setattr(export, "write_onnx", lambda module, channels, path: write_onnx(Stirred(), channels, path))
    with pytest.raises(ExportError):
        export_model(folder, "onnx", pictures())
    assert (folder / "exports" / "model.onnx").read_bytes() == content
    assert read_check(folder, "onnx") == good


class Stepwise(nn.Module):
    """An operation no ONNX file has."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.linalg.svd(pixels)[1]


def test_what_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"^this architecture cannot be written as ONNX: [^\n]+$"):
        write_onnx(Stepwise(), 3, tmp_path / "model.onnx")


def test_other_names_are_refused(folder: Path) -> None:
    with pytest.raises(ExportError, match="onnx or openvino"):
        export_model(folder, "tensorrt")
    with pytest.raises(ExportError, match="one of torch, onnx, openvino"):
        choose_backend(folder, "../elsewhere")
    with pytest.raises(ValueError, match="one of auto, torch, onnx, openvino"):
        Segmenter(folder, "cpu", "tensorrt")


def test_a_damaged_check_is_named(folder: Path) -> None:
    (folder / "exports").mkdir()
    for text in ("{", "[]", '{"backend": "onnx"}'):
        (folder / "exports" / "onnx.json").write_text(text)
        with pytest.raises(ExportError, match=r"onnx\.json"):
            read_check(folder, "onnx")
    (folder / "backend.json").write_text(json.dumps({"backend": "../../x"}))
    assert chosen_backend(folder) == "torch"


def test_a_check_needs_agreement_and_pictures(folder: Path) -> None:
    check = ExportCheck("onnx", 0.9989, 16, 1, "", Segmenter(folder, "cpu").sha256)
    assert not check.is_good
    assert dataclasses.replace(check, agreement_fraction=0.9991).is_good
    assert not dataclasses.replace(check, agreement_fraction=1.0, image_count=3).is_good
    (folder / "exports").mkdir()
    write_check(folder, check)
    with pytest.raises(ExportError, match="export it first"):
        choose_backend(folder, "onnx")


def test_sixteen_pictures_of_several_sizes() -> None:
    found = list(check_pictures(iter(pictures(3))))
    assert len(found) == 16
    assert len({picture.shape for picture in found}) > 4
    assert {picture.shape[2] for picture in check_pictures([], channels=5)} == {5}


def test_pictures_are_read_when_their_turn_comes() -> None:
    read = []

    def endless() -> Iterator[np.ndarray]:
        for place in range(1000):
            read.append(place)
            yield noise(16, 12, place)

    assert len(list(check_pictures(endless()))) == 16
    assert len(read) == 16


def test_agreement_is_the_share_of_equal_pixels(tmp_path: Path) -> None:
    one = segmenter(tmp_path / "one")
    spec = dataclasses.replace(one.spec, labels=one.spec.labels[:1])
    save_model(tmp_path / "other", spec, seeded(spec), card="")
    picture = np.full((10, 10, 3), 128, np.uint8)
    picture[:3] = (220, 30, 30)
    assert agreement(one, Segmenter(tmp_path / "other", "cpu"), [picture]) == (0.7, 1)
    with pytest.raises(ValueError, match="at least one picture"):
        agreement(one, one, [])


@pytest.mark.parametrize("size", [(7, 9), (6, 4), (1, 2)])
@pytest.mark.parametrize("cells", [1, 2, 3, 6])
def test_adaptive_means_equal_torchs(size: tuple[int, int], cells: int) -> None:
    values = torch.rand(2, 3, *size)
    torch.testing.assert_close(adaptive_mean(values, cells), F.adaptive_avg_pool2d(values, cells))
    torch.testing.assert_close(adaptive_mean(values, (cells, 1)), F.adaptive_avg_pool2d(values, (cells, 1)))


@pytest.mark.parametrize("size", [(14, 14), (5, 40), (28, 9), (3, 2)])
def test_resampling_equals_torchs(size: tuple[int, int]) -> None:
    values = torch.rand(1, 4, 14, 14)
    expected = F.interpolate(values, size, mode="bicubic", antialias=True)
    torch.testing.assert_close(resampled(values, *size), expected, rtol=1e-4, atol=1e-5)


def test_unpooling_equals_torchs() -> None:
    values, places = F.max_pool2d(torch.rand(2, 3, 6, 10), 2, return_indices=True)
    torch.testing.assert_close(unpooled(values, places), F.max_unpool2d(values, places, 2))
