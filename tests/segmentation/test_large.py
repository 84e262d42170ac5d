"""Pictures too large for memory: the numbers of one-shot inference, seams that do not show, bounded memory."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmentation.large import segment_raster, small_copy
from segmentation.measure import measure
from segmentation.measure_strips import ConfidenceSums, measure_strips
from segmentation.rasters import opened_raster
from segmentation.scenes import draw_scene
from segmentation.segmenter import Segmenter
from segmentation.starter_model import FOLDER
from segmentation.stream import StreamResult, segment_files
from tests.segmentation.drawings import encoded, noise, written
from tests.segmentation.models import segmenter


def blobs(seed: int, width: int = 190, height: int = 140) -> np.ndarray:
    """Three labels in lumps, rings and specks, none of them convex."""
    rough = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    smooth = cv2.equalizeHist(cv2.GaussianBlur(rough, (0, 0), 3))
    mask = np.digitize(smooth, [90, 180]).astype(np.uint8)
    mask[rough > 253] = 255
    return mask


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [1, 7, 50, 1000])
def test_strips_measure_what_the_whole_measures(seed: int, rows: int) -> None:
    mask = blobs(seed)
    confidence = np.random.default_rng(seed).random(mask.shape, np.float32)
    sums = ConfidenceSums()
    for top in range(0, len(mask), 33):
        sums.add(mask[top : top + 33], confidence[top : top + 33])
    whole = measure(mask, 3, confidence)
    found = measure_strips(mask, 3, sums, strip_pixels=rows * mask.shape[1])
    assert found.confidence == pytest.approx(whole.confidence)
    for row, expected in zip(found.measurements, whole.measurements, strict=True):
        for name in ("pixels", "region_count", "largest_region_px"):
            assert getattr(row, name) == getattr(expected, name)
        assert row.area_fraction == expected.area_fraction
        assert row.mean_confidence == pytest.approx(expected.mean_confidence)

    def place(region: object) -> tuple[int, ...]:
        return region.label_index, region.y_px, region.x_px, region.area_px  # type: ignore[attr-defined]

    for region, expected_region in zip(sorted(found.regions, key=place), sorted(whole.regions, key=place), strict=True):
        assert place(region) == place(expected_region)
        assert (region.width_px, region.height_px) == (expected_region.width_px, expected_region.height_px)
        for name in ("centroid_x_px", "centroid_y_px", "length_px", "breadth_px", "orientation_deg"):
            assert getattr(region, name) == pytest.approx(getattr(expected_region, name), rel=1e-6, abs=1e-6), name


def test_large_regions_across_strips_are_drawn_reduced() -> None:
    mask = np.zeros((3000, 2000), np.uint8)
    cv2.ellipse(mask, (1000, 1500), (700, 1300), 20, 0, 360, 1, -1)
    (whole,) = [region for region in measure(mask, 2).regions if region.label_index == 1]
    (found,) = [region for region in measure_strips(mask, 2, strip_pixels=2000 * 301).regions if region.label_index]
    assert found.area_px == whole.area_px
    assert found.length_px == pytest.approx(whole.length_px, rel=0.002)
    assert found.breadth_px == pytest.approx(whole.breadth_px, rel=0.002)
    assert found.orientation_deg == pytest.approx(whole.orientation_deg, abs=0.2)


@pytest.mark.parametrize("changes", [{"tile_px": 64}, {"tile_px": 64, "scale": 0.5}, {"max_side_px": 90}])
def test_in_bands_the_network_gives_what_it_gives_at_once(changes: dict[str, int], tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model", "unet", **changes)
    picture = cv2.resize(noise(20, 15), (200, 150), interpolation=cv2.INTER_CUBIC)
    expected = model.segment([picture])[0]
    with opened_raster(written(tmp_path, encoded(picture, "PNG"))) as raster:
        mask, sums = segment_raster(model, raster)
    assert (mask == expected.mask).mean() > 0.995
    assert sums.mean == pytest.approx(float(expected.confidence.mean()), abs=0.005)


def test_the_stream_reads_large_pictures_in_bands(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model", tile_px=128)
    scene = cv2.resize(noise(32, 24), (400, 300), interpolation=cv2.INTER_NEAREST)
    path = written(tmp_path, encoded(scene, "TIFF", compression="tiff_lzw"))
    small = written(tmp_path, encoded(scene[:30, :40], "PNG"), "small.png")
    mapping = np.arange(256, dtype=np.uint8)
    mapping[2] = 4
    items = [(0, small), (1, path), (2, small), (3, tmp_path / "missing")]
    large = list(segment_files(model, items, pixels_ahead=100_000, label_map=mapping, label_count=5))
    whole = list(segment_files(model, items, label_map=mapping, label_count=5))
    assert [result.error for result in large] == [None, None, None, "is missing: no such file"]
    for one, other in zip(large[:3], whole[:3], strict=True):
        assert isinstance(one, StreamResult)
        assert isinstance(other, StreamResult)
        assert (one.key, one.width, one.height) == (other.key, other.width, other.height)
        np.testing.assert_array_equal(one.mask, other.mask)
        assert one.measurement.regions == other.measurement.regions
        assert one.look == other.look


def test_a_damaged_large_picture_fails_alone(tmp_path: Path) -> None:
    model = segmenter(tmp_path / "model", tile_px=128)
    content = bytearray(encoded(noise(400, 300), "TIFF", compression="tiff_lzw"))
    content[2000:90_000] = bytes(88_000)
    good = written(tmp_path, encoded(noise(40, 30), "PNG"), "good.png")
    items = [(0, written(tmp_path, bytes(content))), (1, good)]
    broken, fine = segment_files(model, items, pixels_ahead=100_000)
    assert broken.error is not None
    assert broken.error.startswith("is damaged")
    assert fine.error is None


def test_a_small_copy_has_1024_to_2047_pixels(tmp_path: Path) -> None:
    rgb = cv2.resize(noise(50, 10), (5000, 1000), interpolation=cv2.INTER_NEAREST)
    with opened_raster(written(tmp_path, encoded(rgb, "PNG"))) as raster:
        assert small_copy(raster).shape == (250, 1250, 3)


@pytest.mark.slow
def test_seams_of_the_starter_model_change_less_than_a_hundredth_of_the_area() -> None:
    """Against the whole picture in one pass, for each label and for the number of pixels that differ."""
    scene = draw_scene(np.random.default_rng(3), width=1600, height=1200)
    masks = []
    for tile_px in (2048, 512):
        model = Segmenter(FOLDER, device="cpu")
        model.spec = dataclasses.replace(model.spec, tile_px=tile_px)
        masks.append(model.segment([scene.rgb])[0].mask)
    whole, tiled = masks
    assert (whole != tiled).mean() < 0.01
    for label in range(len(model.spec.labels)):
        assert abs((whole == label).mean() - (tiled == label).mean()) < 0.01


def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    """In a process of its own: 26 megapixels take little more than their mask, where pixels and floats took 208 MB."""
    path = tmp_path / "large.tif"
    code = f"""
import resource, zlib
import numpy as np, tifffile, torch
from segmentation.segmenter import Segmenter
from segmentation.stream import segment_files
torch.set_num_threads(1)
model = Segmenter({str(tmp_path / "model")!r}, device="cpu")
rows = np.zeros((256, 6400, 3), np.uint8)
rows[:, ::700] = 220, 30, 30
strip = zlib.compress(rows.tobytes(), 1)
tifffile.imwrite({str(path)!r}, (strip for _ in range(16)), shape=(4096, 6400, 3), dtype=np.uint8,
                 rowsperstrip=256, photometric="rgb", compression="zlib")
tifffile.imwrite({str(tmp_path / "small.tif")!r}, rows[:, :512], photometric="rgb")
list(segment_files(model, [(0, {str(tmp_path / "small.tif")!r})], pixels_ahead=100_000))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(result,) = segment_files(model, [(0, {str(path)!r})], pixels_ahead=8_000_000)
print(result.error, result.mask.shape, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""
    segmenter(tmp_path / "model", tile_px=512)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    error, *shape, megabytes = done.stdout.split()
    assert (error, shape) == ("None", ["(4096,", "6400)"])
    assert float(megabytes) < 180
