"""What became of a file that was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["stored", "linked", "repeated", "rejected", "archive"]
Unpacking = Literal["zip", "video", "blurred-video"]


@dataclass(frozen=True)
class AddedFile:
    """What became of one file. `reason` is in words where it was not stored; `wake_run_id`: a run with new work.

    `unpacking`: what takes the archive `archive_id` apart.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    image_id: int | None = None
    archive_id: int | None = None
    wake_run_id: int | None = None
    unpacking: Unpacking = "zip"
