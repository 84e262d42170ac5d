"""What was chosen for a training, in the words of the page that asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from analytics.wording import counted
from segmentation.augment_presets import PRESETS
from segmentation.loss_catalogue import AUTOMATIC, LOSS_FACTS
from webapp.forms.training import LENGTHS
from webapp.models import TrainingRun


@dataclass(frozen=True)
class Fact:
    name: str
    words: str


def facts(training_run: TrainingRun) -> list[Fact]:
    """In the order of the form."""
    settings = training_run.settings
    rows = [
        Fact("Data set", training_run.dataset.name),
        Fact("Time", length_words(training_run)),
        Fact("Will run on", training_run.get_target_display()),
        Fact("Images may change by", _preset_words(settings.get("presets"))),
        Fact("Started from", _start_words(training_run)),
        Fact("Encoder", training_run.encoder or "none of its own"),
        Fact("What mistakes cost", _loss_words(settings.get("loss", AUTOMATIC))),
        Fact("Crops", f"{settings['crop_px']} px" if settings.get("crop_px") else "by the size of the images"),
        Fact("Seed", str(settings.get("seed", 1))),
    ]
    return rows


def length_words(training_run: TrainingRun) -> str:
    if training_run.minutes is None:
        return counted(training_run.epochs_wanted or 0, "epoch")
    known: dict[float, str] = dict(LENGTHS)
    return known.get(training_run.minutes, f"{training_run.minutes:.3g} minutes")


def _loss_words(name: str) -> str:
    return "chosen by how rare the labels are" if name == AUTOMATIC else LOSS_FACTS[name].title.lower()


def _preset_words(presets: list[str] | None) -> str:
    if presets is None:
        return "a mild mixture of everything"
    titles = [PRESETS[name].title.lower() for name in presets if name in PRESETS]
    return ", ".join(titles) or "nothing"


def _start_words(training_run: TrainingRun) -> str:
    if training_run.parent is not None:
        return f"version {training_run.parent.number}"
    return {"random": "nothing", "hub": "a general network", "folder": "weights in the data folder"}[training_run.start]
