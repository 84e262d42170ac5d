"""A training that is killed amid its third epoch; `test_train_resume` runs it in a process of its own.

python -m tests.segmentation.mortal_training CHECKPOINT_FOLDER
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from segmentation.augment import Augmentation
from segmentation.pairs import Pair
from segmentation.spec import ModelSpec
from segmentation.train import train
from tests.segmentation.squares import LABELS, SETTINGS, TRAIN, VALIDATION

# Dropout and augmentation draw random numbers: both have to go on where they were.
SPEC = ModelSpec(
    "fpn",
    LABELS,
    encoder="tu-test_resnet",
    options={"decoder_pyramid_channels": 16, "decoder_segmentation_channels": 32, "decoder_dropout": 0.3},
)
ENDLESS = dataclasses.replace(SETTINGS, epochs=4, patience=None, augmentation=Augmentation(paste_chance=0))
# One read for the census; then 20 crops an epoch in 5 chunks. Chunk 13 is cut in the third epoch's second step.
FATAL_READ = len(TRAIN) + 13 * SETTINGS.chunk_size + 1


def mortal(pairs: list[Pair]) -> list[Pair]:
    """The same pairs; reading them for the last time kills the process that does it."""
    reads: list[str] = []

    def dying(case: Pair) -> Pair:
        def read() -> tuple[np.ndarray, np.ndarray]:
            reads.append(case.name)
            if len(reads) == FATAL_READ:
                os.kill(os.getpid(), signal.SIGKILL)
            return case.read()

        return dataclasses.replace(case, read=read)

    return [dying(case) for case in pairs]


if __name__ == "__main__":
    torch.set_num_threads(1)
    # without memory every crop reads its picture, so that the moment of death is known
    settings = dataclasses.replace(ENDLESS, checkpoint_folder=Path(sys.argv[1]), memory_bytes=0)
    for _ in train(mortal(TRAIN), VALIDATION, SPEC, settings):
        pass
