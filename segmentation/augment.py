"""Changes that leave a defect a defect: turn, mirror, scale, slant, light, noise, blur, dirt. NumPy and OpenCV only.

Geometry is one warp from the picture straight to the crop, so that a crop is resampled once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.spec import IGNORE_INDEX

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]

SEAM_PX = 4
LARGEST_PASTED_FRACTION = 0.2


@dataclass(frozen=True)
class Augmentation:
    """How far pictures may be changed. Turn off what would change the meaning of a picture.

    `zoom`: factor range of the scale; `turn_degrees`: small turns either way; `brightness` and `contrast`:
    relative changes; `gamma`: exponent range; `tint`: relative change of each colour channel;
    `noise_sigma`: in 0–255 units; `blur_sigma_px`: upper end; `paste_chance`: how often a rare label's regions
    are copied onto another picture; all chances are 0–1. `slant`: how far straight corners may lean, as the
    tangent of the angle; `shade_chance` and `shade_depth`: how often one side is darker, and by which share at most;
    `dirt_chance`: how often soft spots lie on the lens; `jpeg_chance`: how often the picture is compressed hard.
    """

    mirror_horizontally: bool = True
    mirror_vertically: bool = True
    quarter_turns: bool = False
    turn_degrees: float = 8.0
    zoom: tuple[float, float] = (0.75, 1.33)
    brightness: float = 0.15
    contrast: float = 0.25
    gamma: tuple[float, float] = (0.75, 1.33)
    tint: float = 0.04
    noise_sigma: float = 8.0
    noise_chance: float = 0.25
    blur_sigma_px: float = 1.0
    blur_chance: float = 0.15
    paste_chance: float = 0.3
    slant: float = 0.0
    shade_chance: float = 0.0
    shade_depth: float = 0.5
    dirt_chance: float = 0.0
    jpeg_chance: float = 0.0


NO_AUGMENTATION = Augmentation(
    mirror_horizontally=False,
    mirror_vertically=False,
    turn_degrees=0,
    zoom=(1.0, 1.0),
    brightness=0,
    contrast=0,
    gamma=(1.0, 1.0),
    tint=0,
    noise_chance=0,
    blur_chance=0,
    paste_chance=0,
)


def random_warp(
    rng: np.random.Generator, augmentation: Augmentation, centre: tuple[float, float], crop_px: int
) -> npt.NDArray[np.float64]:
    """A 2×3 matrix that maps crop coordinates to picture coordinates, with `centre` (x, y) amid the crop."""
    zoom = float(np.exp(rng.uniform(*np.log(augmentation.zoom))))
    angle = np.deg2rad(rng.uniform(-augmentation.turn_degrees, augmentation.turn_degrees))
    if augmentation.quarter_turns:
        angle += np.pi / 2 * int(rng.integers(4))
    flip_x = -1.0 if augmentation.mirror_horizontally and rng.random() < 0.5 else 1.0
    flip_y = -1.0 if augmentation.mirror_vertically and rng.random() < 0.5 else 1.0
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    linear = np.array([[cosine * flip_x, -sine * flip_y], [sine * flip_x, cosine * flip_y]])
    if augmentation.slant:
        across, down = rng.uniform(-augmentation.slant, augmentation.slant, 2)
        linear = linear @ np.array([[1.0, across], [down, 1.0]])
    middle = (crop_px - 1) / 2
    shift = np.asarray(centre) - linear @ np.array([middle, middle])
    return np.column_stack([linear, shift])


def warp_pair(rgb: Picture, mask: Mask, warp: npt.NDArray[np.float64], crop_px: int) -> tuple[Picture, Mask]:
    """Cut the crop: linear for the picture, nearest for the mask.

    Beyond the edges the picture's last pixels are repeated, as `architectures.padding` does, and the mask is 255:
    mirrored, a defect at the edge would be learned with a twin that no picture has.
    """
    size, outside = (crop_px, crop_px), cv2.BORDER_CONSTANT
    linear, nearest = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR, cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
    return (
        _bytes(cv2.warpAffine(rgb, warp, size, flags=linear, borderMode=cv2.BORDER_REPLICATE)),
        _bytes(cv2.warpAffine(mask, warp, size, flags=nearest, borderMode=outside, borderValue=IGNORE_INDEX)),
    )


def change_light(rng: np.random.Generator, augmentation: Augmentation, rgb: Picture) -> Picture:
    """Brightness, contrast, gamma and tint in one look-up table, then shade, dirt, blur, noise and JPEG by chance."""
    gain = 1 + rng.uniform(-augmentation.contrast, augmentation.contrast)
    offset = rng.uniform(-augmentation.brightness, augmentation.brightness)
    gamma = float(np.exp(rng.uniform(*np.log(augmentation.gamma))))
    tint = 1 + rng.uniform(-augmentation.tint, augmentation.tint, 3)
    level = np.linspace(0, 1, 256)[:, None] ** gamma
    table = ((level - 0.5) * gain + 0.5 + offset) * tint
    table8 = np.clip(np.rint(table * 255), 0, 255).astype(np.uint8).reshape(1, 256, 3)
    changed = _bytes(cv2.LUT(rgb, table8))
    if augmentation.shade_chance and rng.random() < augmentation.shade_chance:
        changed = _shaded(rng, augmentation.shade_depth, changed)
    if augmentation.dirt_chance and rng.random() < augmentation.dirt_chance:
        changed = _dirty(rng, changed)
    if rng.random() < augmentation.blur_chance:
        sigma = float(rng.uniform(0.3, max(0.31, augmentation.blur_sigma_px)))
        changed = _bytes(cv2.GaussianBlur(changed, (0, 0), sigma))
    if rng.random() < augmentation.noise_chance:
        sigma = float(rng.uniform(0, augmentation.noise_sigma))
        noise = rng.standard_normal(rgb.shape[:2], dtype=np.float32) * np.float32(sigma)
        noisy = changed.astype(np.float32) + noise[:, :, None]
        changed = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    if augmentation.jpeg_chance and rng.random() < augmentation.jpeg_chance:
        _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 60))])
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        changed = changed if decoded is None else _bytes(decoded)
    return changed


def paste_regions(
    crop: Picture, truth: Mask, donor: Picture, donor_truth: Mask, common_label: int
) -> tuple[Picture, Mask]:
    """Copy the donor's regions of all but the common label onto the crop, with a soft seam.

    The donor's brightness is shifted so that it meets the crop's around the seam. Nothing is pasted where the
    regions would cover more than a fifth of the crop: of a surface that large the seam says more than the defect.
    Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method", 2021.
    """
    region = ((donor_truth != common_label) & (donor_truth != IGNORE_INDEX)).astype(np.uint8)
    if not 0 < int(region.sum()) <= LARGEST_PASTED_FRACTION * region.size:
        return crop, truth
    seam = np.asarray(cv2.dilate(region, np.ones((2 * SEAM_PX + 1,) * 2, np.uint8)), np.uint8)
    ring = (seam > region) & (donor_truth == common_label)
    if not ring.any():
        return crop, truth
    shift = crop[ring].mean(axis=0) - donor[ring].mean(axis=0)
    softened = cv2.GaussianBlur(seam.astype(np.float32), (0, 0), SEAM_PX / 2)
    alpha = np.maximum(softened, region)[:, :, None]
    mixed = crop + alpha * (donor + shift.astype(np.float32) - crop)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), np.where(region, donor_truth, truth)


def _shaded(rng: np.random.Generator, depth: float, rgb: Picture) -> Picture:
    """One side darker than the other, as under a lamp that hangs askew."""
    height, width = rgb.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    across = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(np.cos(angle))
    down = np.linspace(-1, 1, height, dtype=np.float32) * np.float32(np.sin(angle))
    place = np.clip((across[None, :] + down[:, None] + 1) / 2, 0, 1)
    factor = 1 - np.float32(rng.uniform(0, depth)) * place
    return np.rint(rgb * factor[:, :, None]).astype(np.uint8)


def _dirty(rng: np.random.Generator, rgb: Picture) -> Picture:
    """One to five soft grey spots, as drops and dust on a lens that is focused on something farther away."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    cover = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        middle = (int(rng.integers(width)), int(rng.integers(height)))
        radius = max(1, int(rng.uniform(0.02, 0.09) * side))
        cv2.circle(cover, middle, radius, float(rng.uniform(0.25, 0.75)), -1)
    softened = cv2.GaussianBlur(cover, (0, 0), max(0.8, 0.015 * side))[:, :, None]
    grey = np.float32(rng.uniform(20, 200))
    return np.rint(rgb + softened * (grey - rgb)).astype(np.uint8)


def _bytes(array: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """OpenCV's stubs leave the type of a result open."""
    return np.asarray(array, np.uint8)
