"""A classical method learned from a few labelled pictures, scored on the test split.

    .venv/bin/python -m benchmarks.forest_few_images DATASET [--images 20] [--seed 1] [--architecture random-forest]

The pictures come from the train split, four of each defect label and then some without a defect, no two of them
near-twins: exposures of the same part teach little more than one of them. The size from which on a
region makes a picture defective is chosen on the validation split. Prints a table and, last, a JSON line.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from segmentation.classical.fit import ClassicalSettings, fit
from segmentation.datasets.folder import FolderDataset
from segmentation.datasets.likeness import groups_of_alike, signature
from segmentation.evaluation import Evaluation, evaluate
from segmentation.operating_point import choose_operating_points, with_operating_point
from segmentation.pairs import Pair
from segmentation.segmenter import Segmenter
from segmentation.spec import ModelSpec

PICTURES_PER_DEFECT = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--architecture", default="random-forest")
    parser.add_argument("--split", default="test")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    dataset = FolderDataset(options.dataset)
    spec = ModelSpec(options.architecture, dataset.labels)
    pairs = chosen_pairs(dataset, options.images, options.seed)
    began, began_cpu = time.perf_counter(), time.process_time()
    spec, module = fit(pairs, spec, ClassicalSettings(seed=options.seed))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    validation = evaluate(Segmenter.of_module(spec, module, device="cpu"), dataset.pairs("val"))
    spec = with_operating_point(spec, choose_operating_points(validation.outcomes))
    result = evaluate(Segmenter.of_module(spec, module, device="cpu"), dataset.pairs(options.split))
    report(options, spec, result, len(pairs), seconds, cpu_seconds)


def chosen_pairs(dataset: FolderDataset, count: int, seed: int) -> list[Pair]:
    """Up to four pictures of each defect label, rarest label first, then pictures without a defect."""
    pairs = dataset.pairs("train")
    read = [pair.read() for pair in pairs]
    groups = groups_of_alike(np.array([signature(rgb) for rgb, _ in read]))
    shown = [frozenset(np.unique(mask).tolist()) for _, mask in read]
    defects = {label.index for label in dataset.labels if label.is_defect}
    rarity = {label: sum(label in labels for labels in shown) for label in defects}
    order = np.random.default_rng(seed).permutation(len(pairs)).tolist()
    chosen: list[int] = []

    def take(places: list[int], most: int) -> None:
        """The next `most` of these places that look like nothing chosen before."""
        for place in places:
            if most and groups[place] not in {groups[other] for other in chosen}:
                chosen.append(place)
                most -= 1

    for label in sorted(defects, key=lambda label: (rarity[label], label)):
        take([place for place in order if label in shown[place]], PICTURES_PER_DEFECT)
    take([place for place in order if not shown[place] & defects], max(0, count - len(chosen)))
    return [pairs[place] for place in chosen[:count]]


def report(
    options: argparse.Namespace, spec: ModelSpec, result: Evaluation, count: int, seconds: float, cpu_seconds: float
) -> None:
    scores = result.as_json()
    found = {
        "benchmark": "forest_few_images",
        "dataset": options.dataset.name,
        "split": options.split,
        "architecture": spec.architecture,
        "images": count,
        "seed": options.seed,
        "train_seconds": round(seconds, 1),
        "train_cpu_seconds": round(cpu_seconds, 1),
        "threads": options.threads,
        "iou": {name: None if value is None else round(value, 3) for name, value in scores["iou"].items()},
        "mean_defect_iou": round(scores["mean_defect_iou"] or 0, 3),
        "missed_per_1000": round(scores["missed_per_1000"] or 0),
        "rejected_per_1000": round(scores["rejected_per_1000"] or 0),
        "min_region_px": scores["min_region_px"],
        "seconds_per_image": round(scores["seconds_per_image"], 2),
    }
    print("| label | IoU | the majority guess |\n|---|---|---|")
    for label in spec.labels:
        truth = result.agreement.truth_pixels
        guess = truth[label.index] / truth.sum() if label.index == int(truth.argmax()) else 0
        print(f"| {label.name} | {found['iou'][label.name]} | {guess:.3f} |")
    print("\nlooks at: " + ", ".join(list(spec.options["feature_importance"])[:8]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
