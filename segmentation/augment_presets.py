"""What may differ between pictures, in the words of whoever takes them; each preset is a piece of an Augmentation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from segmentation.augment import NO_AUGMENTATION, Augmentation, Mask, Picture, change_light, random_warp, warp_pair
from segmentation.spec import IGNORE_INDEX

PREVIEW_PX = 224


@dataclass(frozen=True)
class Preset:
    """`title` and `sentence` are for pages; `changes`: fields of Augmentation."""

    name: str
    title: str
    sentence: str
    changes: Mapping[str, Any]


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "light",
            "Light changes",
            "Brighter and darker, harder and softer light, one side in the shade: windows, worn lamps, time of day.",
            {"brightness": 0.15, "contrast": 0.3, "gamma": (0.67, 1.5), "shade_chance": 0.3},
        ),
        Preset(
            "colour",
            "The light's colour changes",
            "Warmer and colder light, other lamps or another camera. Leave it out where colour tells the labels apart.",
            {"tint": 0.12},
        ),
        Preset(
            "rotated",
            "Part may be rotated",
            "The part lies in any direction. Leave it out where the direction of a mark means something.",
            {"turn_degrees": 180.0, "quarter_turns": True},
        ),
        Preset(
            "mirrored",
            "Left and right may be swapped",
            "A mirror image could be a real image. Leave it out where text or left-handed parts matter.",
            {"mirror_horizontally": True},
        ),
        Preset(
            "upside-down",
            "Top and bottom may be swapped",
            "Seen from above, or a surface without an up and a down.",
            {"mirror_vertically": True},
        ),
        Preset(
            "distance",
            "Distance changes",
            "The camera is nearer or farther, or parts differ in size: from two thirds to one and a half times.",
            {"zoom": (0.67, 1.5)},
        ),
        Preset(
            "camera",
            "Camera moves",
            "A hand-held, shaken or knocked camera: a few degrees askew, a little slanted, a little nearer or farther.",
            {"turn_degrees": 8.0, "slant": 0.1, "zoom": (0.85, 1.18)},
        ),
        Preset(
            "blur",
            "Out of focus",
            "Some images are blurred, by the lens or by movement.",
            {"blur_chance": 0.4, "blur_sigma_px": 2.5},
        ),
        Preset(
            "noise",
            "Grainy images",
            "Little light, so the sensor adds grain.",
            {"noise_chance": 0.5, "noise_sigma": 16.0},
        ),
        Preset(
            "dirty-lens",
            "Dirty lens",
            "Dust, drops and smears on the glass, which are no defects of the part.",
            {"dirt_chance": 0.5},
        ),
        Preset(
            "compressed",
            "Strongly compressed",
            "Small JPEG files, from messengers, old cameras or a thin line.",
            {"jpeg_chance": 0.4},
        ),
        Preset(
            "rare-copied",
            "Rare things copied about",
            "Regions of rare labels are copied onto other images, so that few examples are seen in many places.",
            {"paste_chance": 0.3},
        ),
    )
}


def augmentation_for(names: Iterable[str]) -> Augmentation:
    """All named presets together; where two change the same thing, the wider range counts. None named: no change.

    ValueError names a preset that does not exist and those that do.
    """
    chosen: dict[str, Any] = {}
    for name in names:
        if name not in PRESETS:
            raise ValueError(f"there is no preset {name!r}; expected some of {', '.join(PRESETS)}")
        for field, value in PRESETS[name].changes.items():
            chosen[field] = _wider(chosen[field], value) if field in chosen else value
    return dataclasses.replace(NO_AUGMENTATION, **chosen)


def preview(
    rgb: Picture, mask: Mask, augmentation: Augmentation, count: int = 8, seed: int = 0
) -> list[tuple[Picture, Mask]]:
    """What training might see of one picture: `count` examples, the first unchanged."""
    return [example(rgb, mask, augmentation, number, seed) for number in range(count)]


def example(rgb: Picture, mask: Mask, augmentation: Augmentation, number: int, seed: int = 0) -> tuple[Picture, Mask]:
    """One pair uint8 (224, 224, 3) and (224, 224); number 0 is unchanged, the same numbers give the same example.

    `rgb` uint8 (H, W, 3), `mask` uint8 (H, W). A square of the picture's short side is shown, around what is
    labelled with anything but the commonest label. Copying regions from other pictures is left out.
    """
    if rgb.shape[:2] != mask.shape:
        raise ValueError(f"the picture is {rgb.shape}, its mask {mask.shape}: they must have one size")
    scale = PREVIEW_PX / min(mask.shape)
    size = (max(PREVIEW_PX, round(mask.shape[1] * scale)), max(PREVIEW_PX, round(mask.shape[0] * scale)))
    rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
    rng = np.random.default_rng([seed, number])
    used = augmentation if number else NO_AUGMENTATION
    crop, truth = warp_pair(rgb, mask, random_warp(rng, used, _centre(mask), PREVIEW_PX), PREVIEW_PX)
    return change_light(rng, used, crop), truth


def _centre(mask: Mask) -> tuple[float, float]:
    """The middle (x, y) of what is uncommon, moved so that a crop around it stays inside."""
    counts = np.bincount(mask.ravel(), minlength=256)[:IGNORE_INDEX]
    rows, columns = np.nonzero((mask != counts.argmax()) & (mask != IGNORE_INDEX))
    height, width = mask.shape
    x, y = (float(columns.mean()), float(rows.mean())) if len(rows) else (width / 2, height / 2)
    half = PREVIEW_PX / 2
    return min(max(x, half), width - half), min(max(y, half), height - half)


def _wider(one: Any, other: Any) -> Any:
    if isinstance(one, tuple):
        return (min(one[0], other[0]), max(one[1], other[1]))
    return max(one, other)
