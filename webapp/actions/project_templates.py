"""The labels a new project starts with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from segmentation.scenes import SCENE_LABELS
from webapp.models import Project


@dataclass(frozen=True)
class LabelInput:
    """A label as a person gives it. `color` is #rrggbb; `severity` 1 (cosmetic) to 5 (dangerous).

    `cost`: of one image that it affects, in the project's currency; None: nobody said. `is_person`: what it marks is
    blurred in videos where that is asked.
    """

    name: str
    color: str
    is_defect: bool = False
    severity: int = 1
    cost: Decimal | None = None
    is_person: bool = False


# Colours: Okabe and Ito, "Color Universal Design", 2008; told apart with any common colour blindness.
GREY, ORANGE, SKY, GREEN = "#9aa3ad", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILLION, PURPLE = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"
PALETTE: tuple[str, ...] = (VERMILLION, SKY, GREEN, PURPLE, ORANGE, BLUE, YELLOW)

_SCENE_SEVERITY = {"scratch": 2, "crack": 4, "pit": 3, "stain": 1}

TEMPLATE_LABELS: dict[str, tuple[LabelInput, ...]] = {
    Project.Template.SURFACE: tuple(
        LabelInput(label.name, label.color.lower(), label.is_defect, _SCENE_SEVERITY.get(label.name, 1))
        for label in SCENE_LABELS
    ),
    Project.Template.RETAIL: (
        LabelInput("background", GREY),
        LabelInput("floor", YELLOW),
        LabelInput("shelf", BLUE),
        LabelInput("product", GREEN),
        LabelInput("gap", ORANGE, is_defect=True, severity=2),
        LabelInput("spill", VERMILLION, is_defect=True, severity=4),
        LabelInput("person", PURPLE, is_person=True),
    ),
    Project.Template.INFRASTRUCTURE: (
        LabelInput("background", GREY),
        LabelInput("crack", VERMILLION, is_defect=True, severity=4),
        LabelInput("spalling", PURPLE, is_defect=True, severity=4),
        LabelInput("corrosion", ORANGE, is_defect=True, severity=3),
        LabelInput("vegetation", GREEN),
    ),
    Project.Template.BLANK: (LabelInput("background", GREY),),
}

TEMPLATE_WORDS: dict[str, str] = {
    Project.Template.SURFACE: "Scratches, cracks, pits and stains on metal, ceramic and other surfaces.",
    Project.Template.RETAIL: "Shelves, products and floors; gaps and spills count as defects.",
    Project.Template.INFRASTRUCTURE: "Cracks, spalling and corrosion on concrete and steel; vegetation.",
    Project.Template.BLANK: "Only background. You add the labels that your question needs.",
}
