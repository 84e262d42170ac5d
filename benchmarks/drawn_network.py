"""A network that has learned drawn scenes for a minute, so that its masks look like masks."""

from __future__ import annotations

from pathlib import Path

from segmentation.spec import ModelSpec
from segmentation.starter_model import scene_pairs
from segmentation.train import TrainSettings, train
from segmentation.weights import save_model


def trained(spec: ModelSpec, folder: Path, minutes: float) -> Path:
    """The model folder."""
    settings = TrainSettings(minutes=minutes, crop_px=128, chunk_size=4, device="cpu", rare_share=0.7)
    *_, epoch = train(scene_pairs("train", 200), scene_pairs("validation", 4), spec, settings)
    save_model(folder, epoch.spec, epoch.module, card="Of a benchmark.\n")
    return folder
