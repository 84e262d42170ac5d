"""What the drift page watches besides the mix of labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analytics.tabs.drift_queries import LookRow, Sums
from analytics.wording import percent


@dataclass(frozen=True)
class Quantity:
    """What is watched. `less` and `more` begin the sentence for a lower or higher value; `told` writes a value.

    `meaning`: what is measured, in which unit, and what a change says.
    """

    key: str
    title: str
    meaning: str
    less: str
    more: str
    of: Callable[[LookRow], Sums]
    told: Callable[[float], str]
    scale: float
    tickformat: str


QUANTITIES = (
    Quantity(
        key="brightness",
        title="Brightness",
        meaning="How light the pictures are on average, from 0% (black) to 100% (white); a change points to the lamps "
        "or the exposure.",
        less="Pictures are darker",
        more="Pictures are brighter",
        of=lambda row: row.brightness,
        told=percent,
        scale=1e-4,
        tickformat=",.1~%",
    ),
    Quantity(
        key="sharpness",
        title="Sharpness",
        meaning="How much fine detail the pictures show, without a unit, one more being twice as much; a fall points "
        "to the focus, a dirty lens or movement.",
        less="Pictures are less sharp",
        more="Pictures are sharper",
        of=lambda row: row.sharpness,
        told="{:.2f}".format,
        scale=1e-3,
        tickformat=".2f",
    ),
    Quantity(
        key="warmth",
        title="Colour",
        meaning="Mean red less mean blue, in percent of the full range; a rise means redder, a fall bluer pictures, "
        "from other lamps or another white balance.",
        less="Pictures are cooler (bluer)",
        more="Pictures are warmer (redder)",
        of=lambda row: row.warmth,
        told="{:+.2%}".format,
        scale=1e-4,
        tickformat="+.1%",
    ),
    Quantity(
        key="confidence",
        title="Confidence",
        meaning="How sure the model is on average, from 0% to 100%; a fall often means pictures unlike those that it "
        "learned from.",
        less="The model is less sure",
        more="The model is surer",
        of=lambda row: row.confidence,
        told=percent,
        scale=1e-4,
        tickformat=",.1~%",
    ),
)
