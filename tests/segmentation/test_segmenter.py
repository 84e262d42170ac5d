"""Known pictures through real models: sizes, tiles, chunks and the way back to the picture's own size."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from segmentation.preprocess import enlarged_bands, normalise, to_tensor
from segmentation.scaling import scale_down, scaled_size
from segmentation.segmenter import Segmenter, pick_device
from segmentation.spec import ModelSpec
from segmentation.tiles import ArrayRows, tile_starts, tiled_bands
from segmentation.weights import ModelFolderError
from tests.segmentation.drawings import noise
from tests.segmentation.models import BLUE, GREY, LABELS, RED, seeded, segmenter


def drawn(width: int = 60, height: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A picture and its exact mask: a red block in the middle, a blue edge on the right."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 2, width // 4 : width // 2] = 1
    mask[:, -width // 6 :] = 2
    return np.array((GREY, RED, BLUE), np.uint8)[mask], mask


def nearest(rgb: np.ndarray) -> np.ndarray:
    colors = np.array([label.rgb for label in LABELS])
    return ((rgb[:, :, None].astype(int) - colors) ** 2).sum(-1).argmin(-1).astype(np.uint8)


def test_nearest_color_finds_the_drawn_mask(tmp_path: Path) -> None:
    rgb, mask = drawn()
    found = segmenter(tmp_path).segment([rgb])[0]
    assert (found.mask.dtype, found.confidence.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(found.mask, mask)
    assert found.confidence.min() == found.confidence.max() == 1


def test_results_come_in_order_whatever_the_sizes(tmp_path: Path) -> None:
    pictures = [noise(30 + place % 3, 20 + place % 2, place) for place in range(12)]
    found = segmenter(tmp_path).segment(pictures)
    for picture, one in zip(pictures, found, strict=True):
        np.testing.assert_array_equal(one.mask, nearest(picture))
    assert segmenter(tmp_path).segment([]) == []


def test_chunks_give_what_single_pictures_give(tmp_path: Path) -> None:
    model = segmenter(tmp_path, "unet")
    pictures = [noise(70, 50, place) for place in range(5)]
    for picture, together in zip(pictures, model.segment(pictures), strict=True):
        alone = model.segment([picture])[0]
        np.testing.assert_allclose(together.confidence, alone.confidence, atol=1e-4)
        assert (together.mask == alone.mask).mean() > 0.999


def test_confidence_is_the_winners_softmax(tmp_path: Path) -> None:
    model = segmenter(tmp_path, "unet")
    picture = noise(64, 32)
    with torch.inference_mode():
        share = seeded(model.spec).eval()(to_tensor([picture], model.spec)).softmax(1)[0]
    found = model.segment([picture])[0]
    np.testing.assert_allclose(found.confidence, share.max(0).values.numpy(), atol=1e-5)
    assert (found.mask == share.max(0).indices.numpy()).mean() > 0.999
    assert found.confidence.min() >= 1 / 3


@pytest.mark.parametrize("changes", [{}, {"tile_px": 40}, {"max_side_px": 50}, {"max_side_px": 55, "tile_px": 32}])
def test_confidence_is_that_of_the_logits_divided_by_the_temperature(changes: dict[str, int], tmp_path: Path) -> None:
    model = segmenter(tmp_path, "unet", temperature=2.5, **changes)
    picture = noise(72, 61)
    logits = model.logits(picture)
    assert (logits.dtype, logits.shape) == (np.float32, (3, 61, 72))
    shares = np.exp(logits / 2.5) / np.exp(logits / 2.5).sum(axis=0)
    found = model.segment([picture])[0]
    np.testing.assert_allclose(found.confidence, shares.max(axis=0), atol=1e-5)
    np.testing.assert_array_equal(found.mask, logits.argmax(axis=0))
    rows, columns = np.array([0, 60, 7]), np.array([71, 0, 33])
    np.testing.assert_array_equal(model.logits_at(picture, rows, columns), logits[:, rows, columns].T)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (129, 127), (40, 300)])
def test_tiles_do_not_change_a_pointwise_model(size: tuple[int, int], tmp_path: Path) -> None:
    picture = noise(size[1], size[0])
    found = segmenter(tmp_path, tile_px=64).segment([picture])[0]
    np.testing.assert_array_equal(found.mask, nearest(picture))


@pytest.mark.parametrize("architecture", ["unet", "nearest-color"])
@pytest.mark.parametrize("max_side_px", [None, 100])
@pytest.mark.parametrize("size", [(1, 1), (90, 251), (333, 64), (3, 400)])
def test_masks_have_their_pictures_size(
    architecture: str, max_side_px: int | None, size: tuple[int, int], tmp_path: Path
) -> None:
    model = segmenter(tmp_path, architecture, max_side_px=max_side_px, tile_px=96)
    found = model.segment([noise(size[1], size[0])])[0]
    assert found.mask.shape == found.confidence.shape == size
    assert found.mask.max() < len(LABELS)
    assert 0 < found.confidence.min() <= found.confidence.max() <= 1


def test_scaling_down_and_back_keeps_areas(tmp_path: Path) -> None:
    rgb, mask = drawn(1200, 800)
    found = segmenter(tmp_path, max_side_px=300).segment([rgb])[0]
    assert found.mask.shape == mask.shape
    for index in range(3):
        assert (found.mask == index).sum() == pytest.approx((mask == index).sum(), rel=0.02)


def test_any_memory_layout_is_taken(tmp_path: Path) -> None:
    rgb, mask = drawn()
    model = segmenter(tmp_path)
    np.testing.assert_array_equal(model.segment([rgb[::-1, ::-1]])[0].mask, mask[::-1, ::-1])
    frozen = rgb.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(model.segment([frozen])[0].mask, mask)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(wrong: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a picture is uint8 \(H, W, 3\)"):
        segmenter(tmp_path).segment([wrong])


def test_a_network_in_memory_is_judged_by_the_same_code(tmp_path: Path) -> None:
    saved = segmenter(tmp_path, "unet")
    live = Segmenter.of_module(saved.spec, seeded(saved.spec).eval(), device="cpu")
    picture = noise(50, 40)
    np.testing.assert_array_equal(live.segment([picture])[0].mask, saved.segment([picture])[0].mask)


def test_devices_are_named_clearly(tmp_path: Path) -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="not 'gpu'"):
        pick_device("gpu")
    with pytest.raises(ModelFolderError):
        Segmenter(tmp_path / "nothing", device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_named() -> None:
    with pytest.raises(ValueError, match="torch finds no NVIDIA GPU"):
        pick_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_agrees_with_the_cpu(tmp_path: Path) -> None:
    pictures = [noise(300, 200, place) for place in range(3)]
    segmenter(tmp_path / "exact", tile_px=128)
    for picture, found in zip(pictures, Segmenter(tmp_path / "exact", "cuda").segment(pictures), strict=True):
        np.testing.assert_array_equal(found.mask, nearest(picture))
    on_cpu = segmenter(tmp_path / "unet", "unet", tile_px=128, max_side_px=250).segment(pictures)
    on_gpu = Segmenter(tmp_path / "unet", "cuda").segment(pictures)
    for one, other in zip(on_cpu, on_gpu, strict=True):
        np.testing.assert_allclose(one.confidence, other.confidence, atol=0.05)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 3000))
def test_scaled_size_keeps_the_longer_side(height: int, width: int, limit: int) -> None:
    scaled = scaled_size(height, width, limit)
    assert max(scaled) == min(limit, max(height, width))
    assert min(scaled) >= 1


def test_scaling_averages_and_leaves_small_pictures_alone() -> None:
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[::2] = 200
    assert np.unique(scale_down(stripes, 20)).tolist() == [100]
    assert scale_down(stripes, 40) is stripes


def test_normalising_uses_the_specs_mean_and_std() -> None:
    spec = ModelSpec("unet", LABELS, mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    found = normalise(torch.full((1, 3, 1, 1), 11, dtype=torch.uint8), spec)
    assert found.flatten().tolist() == [5.0, 2.25, 1.0]
    tensor = to_tensor([noise(8, 6), noise(8, 6)], spec)
    assert tensor.shape == (2, 3, 6, 8)
    assert tensor.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("max_values", [1, 900, 10**9])
@pytest.mark.parametrize("size", [(50, 70), (7, 90), (13, 17)])
def test_bands_equal_interpolating_the_whole(size: tuple[int, int], max_values: int) -> None:
    logits = torch.randn(3, 13, 17, generator=torch.Generator().manual_seed(0))
    given = [(0, logits[:, :1]), (1, logits[:, 1:7]), (7, logits[:, 7:])]
    bands = list(enlarged_bands(given, 13, *size, max_values=max_values))
    assert [top for top, _ in bands] == np.cumsum([0, *(band.shape[1] for _, band in bands)])[:-1].tolist()
    whole = F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(torch.cat([band for _, band in bands], dim=1), whole, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 400), st.integers(1, 64), st.integers(0, 32))
def test_tiles_cover_everything_and_overlap(length: int, tile: int, overlap: int) -> None:
    overlap = min(overlap, tile - 1)
    starts = tile_starts(length, tile, overlap)
    assert starts[0] == 0
    assert starts[-1] + min(tile, length) == length
    assert all(tile - (after - before) >= overlap for before, after in itertools.pairwise(starts))
    assert sorted(set(starts)) == starts


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(8, 64), st.integers(0, 7), st.integers(1, 3))
def test_blending_equal_tiles_changes_nothing(height: int, width: int, tile: int, overlap: int, chunk: int) -> None:
    picture = noise(width, height)

    def forward(pictures: object) -> torch.Tensor:
        return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()  # type: ignore[call-overload]

    bands = list(tiled_bands(ArrayRows(picture), forward, tile_px=tile, overlap_px=overlap, chunk_count=chunk))
    assert all(band.shape[1] <= tile for _, band in bands)
    whole = torch.cat([band for _, band in bands], dim=1)
    torch.testing.assert_close(whole, forward([picture])[0], rtol=1e-5, atol=1e-3)


def test_blending_hides_the_seam() -> None:
    """Two tiles that disagree, 0 and 1: the logits climb from one to the other without a step."""
    answers = iter((0.0, 1.0))

    def forward(pictures: object) -> torch.Tensor:
        return torch.full((1, 1, 32, 64), next(answers))

    ((_, band),) = tiled_bands(ArrayRows(np.zeros((32, 112, 3), np.uint8)), forward, tile_px=64, overlap_px=16)
    row = band[0, 0]
    assert (row[0], row[-1]) == (0, 1)
    steps = row.diff()
    assert steps.min() >= 0
    assert steps.max() < 0.1


def test_a_unet_tiled_agrees_with_itself_in_one_piece(tmp_path: Path) -> None:
    picture = np.kron(noise(10, 7), np.ones((32, 32, 1), np.uint8))
    whole = segmenter(tmp_path, "unet").segment([picture])[0]
    tiled = segmenter(tmp_path, "unet", tile_px=192).segment([picture])[0]
    assert (whole.mask == tiled.mask).mean() > 0.9
