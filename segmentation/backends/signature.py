"""How a network outside PyTorch wants its pictures and what it gives back. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

LOGITS, PROBABILITIES, LOG_ODDS, PROBABILITY = "logits", "probabilities", "log odds", "probability"
OUTPUTS = (LOGITS, PROBABILITIES, LOG_ODDS, PROBABILITY)
DTYPES = ("float32", "float16", "uint8")


@dataclass(frozen=True)
class Signature:
    """`multiple_px`, `least_px`: sides are padded to a multiple and at least so many pixels.

    `height_px`, `width_px`: the one size it takes, None = any. `takes_many`: several pictures at once.
    `output`: "logits" or "probabilities" of every label; or of a network with a single output, which tells one
    thing from the background, its "log odds" or "probability".
    """

    multiple_px: int = 1
    least_px: int = 1
    height_px: int | None = None
    width_px: int | None = None
    takes_many: bool = True
    is_channels_last: bool = False
    dtype: str = "float32"
    output: str = LOGITS

    @property
    def is_binary(self) -> bool:
        return self.output in (LOG_ODDS, PROBABILITY)

    def as_options(self) -> dict[str, Any]:
        """For a spec's `options`."""
        return asdict(self)

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Signature:
        """ValueError where a spec's options are no signature."""
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise ValueError(f"an ONNX model has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        found = cls(**options)
        sides = (found.multiple_px, found.least_px, found.height_px or 1, found.width_px or 1)
        if not all(type(side) is int and 1 <= side <= 1 << 15 for side in sides):
            raise ValueError(f"an ONNX model's sizes are whole numbers from 1 to 32,768, these are {sides}")
        if found.output not in OUTPUTS or found.dtype not in DTYPES:
            raise ValueError(f"an ONNX model gives one of {OUTPUTS} and takes one of {DTYPES}")
        return found

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width a picture is padded to. ValueError where it is larger than the one size taken."""
        return self._padded(height, self.height_px), self._padded(width, self.width_px)

    def _padded(self, length: int, fixed: int | None) -> int:
        if fixed is not None:
            if length > fixed:
                raise ValueError(f"this network takes sides of {fixed} px, got {length} px: set tile_px to it")
            return fixed
        wanted = max(length, self.least_px)
        return wanted + -wanted % self.multiple_px
