"""What a training can be told to pay for, in plain words; needs no torch. `segmentation.losses` computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AUTOMATIC = "auto"
BALANCED_FRACTION = 0.05
VERY_RARE_FRACTION = 0.0005


@dataclass(frozen=True)
class LossFacts:
    """`title` and `sentence` are for pages."""

    name: str
    title: str
    sentence: str


LOSS_FACTS: Mapping[str, LossFacts] = {
    facts.name: facts
    for facts in (
        LossFacts(
            "dice-cross-entropy",
            "Every pixel and every label",
            "Counts each pixel, and each label's overlap as a whole, so that small labels are not drowned. "
            "Right for most data.",
        ),
        LossFacts(
            "cross-entropy",
            "Every pixel",
            "Counts pixels only. Right where every label covers much of the pictures.",
        ),
        LossFacts(
            "focal",
            "Hard pixels",
            "Pixels that are right already count little, so the difficult ones decide. For fine outlines among much "
            "plain surface; wrong masks disturb it.",
        ),
        LossFacts(
            "tversky",
            "Rather too much than too little",
            "Something missed costs more than something marked too much. For very rare or very small defects; "
            "expect more false alarms.",
        ),
        LossFacts(
            "lovasz",
            "The overlap itself",
            "Works directly on the overlap (IoU) that models are compared by. For the last few points with many "
            "labels; slower to compute.",
        ),
    )
}


def choose_loss(pixels: Sequence[int]) -> tuple[str, str]:
    """Name of a loss for labels with these pixel counts in the training images, and one sentence why.

    Labels without pixels are left out of it. Only very rare or all common labels lead away from Dice with
    cross-entropy, which the measured models of docs/models.md were trained with.
    """
    total = sum(pixels)
    shares = [count / total for count in pixels if count > 0] if total else []
    if len(shares) < 2:
        return "dice-cross-entropy", "Fewer than two labels have pixels, so nothing speaks for another."
    rarest = min(shares)
    if rarest < VERY_RARE_FRACTION:
        return (
            "tversky",
            f"The rarest label covers only {_percent(rarest)} of the pixels, so missing it costs more than marking "
            "too much.",
        )
    if rarest >= BALANCED_FRACTION:
        return (
            "cross-entropy",
            f"Every label covers at least {_percent(rarest)} of the pixels, so pixels can be counted.",
        )
    return (
        "dice-cross-entropy",
        f"The rarest label covers {_percent(rarest)} of the pixels, so each label's overlap counts beside the pixels.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
