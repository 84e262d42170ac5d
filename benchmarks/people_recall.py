"""How many people OpenCV's ready-made finder finds: the reason why it is not offered for blurring.

    python -m benchmarks.people_recall FOLDER --person NUMBER

FOLDER: a labelled data set (`images/`, `masks/`, `splits.json`), NUMBER: the label of people in its masks. It needs an
OpenCV that still has the finder (`pip install opencv-contrib-python-headless`, in an environment of its own), NumPy and
Pillow. Every box is grown by the margin that `segmentation.privacy` grows masks by.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from segmentation.privacy import MARGIN_SHARE

SIDES_PX = (640, 1280)
LEAST_PERSON_PX = 400
"""Regions of people smaller than this are not counted."""
COVERED = 0.9


@dataclass
class Tally:
    people_px: int = 0
    covered_px: int = 0
    other_px: int = 0
    wrongly_px: int = 0
    shares: list[float] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        shares = np.array(self.shares)
        return {
            "people": len(shares),
            "covered_people": round(float((shares >= COVERED).mean()), 3),
            "covered_people_pixels": round(self.covered_px / self.people_px, 3),
            "blurred_of_the_rest": round(self.wrongly_px / self.other_px, 3),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--person", type=int, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    # OpenCV 5 has it in its contributed modules only, and no types for it.
    finder: Any = cv2
    hog = finder.HOGDescriptor()
    hog.setSVMDetector(finder.HOGDescriptor_getDefaultPeopleDetector())
    for side_px in SIDES_PX:
        tally = Tally()
        for rgb, people in pictures(options.folder, options.person):
            count(tally, people, boxes(hog, rgb, side_px))
        print(json.dumps({"data": options.folder.name, "longer_side_px": side_px} | tally.line()), flush=True)


def pictures(folder: Path, person: int) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]]:
    """Pictures that show people: of the test split, else of all."""
    splits = json.loads((folder / "splits.json").read_text())
    for name in splits.get("test") or [one for names in splits.values() for one in names]:
        stem = Path(name).stem
        people = np.array(Image.open(folder / "masks" / f"{stem}.png")) == person
        if people.any():
            picture = next((folder / "images").glob(f"{stem}.*"))
            yield np.array(Image.open(picture).convert("RGB")), people


def boxes(hog: Any, rgb: npt.NDArray[np.uint8], side_px: int) -> npt.NDArray[np.bool_]:
    height, width = rgb.shape[:2]
    scale = side_px / max(height, width)
    sized = cv2.resize(
        cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR),
        (round(width * scale), round(height * scale)),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    found, _ = hog.detectMultiScale(sized, winStride=(8, 8), padding=(16, 16), scale=1.05)
    marked = np.zeros((height, width), np.uint8)
    for left, top, wide, high in found:
        marked[
            max(0, int(top / scale)) : int((top + high) / scale), max(0, int(left / scale)) : int((left + wide) / scale)
        ] = 1
    reach = max(4, round(max(height, width) * MARGIN_SHARE))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(marked, kernel).astype(bool)


def count(tally: Tally, people: npt.NDArray[np.bool_], blurred: npt.NDArray[np.bool_]) -> None:
    tally.people_px += int(people.sum())
    tally.covered_px += int((people & blurred).sum())
    tally.other_px += int((~people).sum())
    tally.wrongly_px += int((~people & blurred).sum())
    regions, numbers, stats, _ = cv2.connectedComponentsWithStats(people.astype(np.uint8), connectivity=8)
    for number in range(1, regions):
        if stats[number, cv2.CC_STAT_AREA] >= LEAST_PERSON_PX:
            tally.shares.append(float(blurred[numbers == number].mean()))


if __name__ == "__main__":
    main()
