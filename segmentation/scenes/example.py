"""The example project: two weeks of drawn pictures from three lines, one of which goes wrong half-way."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from PIL import Image

from segmentation.scenes import Scene, draw_scene

EXIF_SUB_IFD = 0x8769
DATETIME_ORIGINAL, OFFSET_TIME_ORIGINAL = 0x9003, 0x9011
FIRST_SHIFT_HOUR, SHIFT_HOURS = 6, 16


@dataclass(frozen=True)
class ExampleLine:
    """A production line and how often each kind of defect is on its pictures (0–1 a picture).

    From day `turns_on_day` (0 = first day) on, the rates of `later_rates` hold instead.
    """

    site: str
    name: str
    surface: str
    rates: Mapping[str, float]
    turns_on_day: int | None = None
    later_rates: Mapping[str, float] = field(default_factory=dict)

    def rates_on(self, day: int) -> Mapping[str, float]:
        if self.turns_on_day is None or day < self.turns_on_day:
            return self.rates
        return {**self.rates, **self.later_rates}


EXAMPLE_LINES: tuple[ExampleLine, ...] = (
    ExampleLine("Plant North", "Line 1", "metal", {"scratch": 0.13, "pit": 0.04, "stain": 0.03}),
    ExampleLine(
        "Plant North",
        "Line 2",
        "ceramic",
        {"crack": 0.05, "pit": 0.07, "stain": 0.03},
        turns_on_day=9,
        later_rates={"crack": 0.48},
    ),
    ExampleLine("Plant South", "Line 3", "metal", {"stain": 0.12, "scratch": 0.05, "pit": 0.03}),
)


@dataclass(frozen=True)
class ExamplePicture:
    """One drawn picture of the example project; `name` is unique in it and holds the line as a folder."""

    name: str
    site: str
    line: str
    captured_at: datetime
    scene: Scene


def draw_example_project(
    *,
    last_day: date,
    days: int = 14,
    pictures_per_day: int = 6,
    seed: int = 2026,
    lines: tuple[ExampleLine, ...] = EXAMPLE_LINES,
) -> Iterator[ExamplePicture]:
    """Pictures of every line for the `days` days that end with `last_day` (UTC), oldest first.

    Saturdays and Sundays have half as many. The same arguments give the same pictures; each picture has a
    generator of its own, so a change to one leaves the others as they were.
    """
    first_day = last_day - timedelta(days=days - 1)
    for day in range(days):
        today = first_day + timedelta(days=day)
        count = pictures_per_day if today.weekday() < 5 else max(1, pictures_per_day // 2)
        for number in range(count):
            for place, line in enumerate(lines):
                rng = np.random.default_rng([seed, day, number, place])
                yield _picture(rng, line, day, _moment(rng, today, number, count))


def jpeg_bytes(picture: ExamplePicture, quality: int = 92) -> bytes:
    """The picture as a camera would store it: JPEG with its capture time (UTC) in EXIF."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_SUB_IFD).update(
        {
            DATETIME_ORIGINAL: picture.captured_at.strftime("%Y:%m:%d %H:%M:%S"),
            OFFSET_TIME_ORIGINAL: "+00:00",
        }
    )
    stream = io.BytesIO()
    Image.fromarray(picture.scene.rgb).save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


def _moment(rng: np.random.Generator, today: date, number: int, count: int) -> datetime:
    share = (number + float(rng.uniform(0.1, 0.9))) / count
    start = datetime.combine(today, time(FIRST_SHIFT_HOUR), tzinfo=UTC)
    return start + timedelta(seconds=round(share * SHIFT_HOURS * 3600))


def _picture(rng: np.random.Generator, line: ExampleLine, day: int, captured_at: datetime) -> ExamplePicture:
    rates = line.rates_on(day)
    defects = {kind: int(rng.choice([1, 1, 2])) for kind, rate in rates.items() if rng.random() < rate}
    scene = draw_scene(rng, surface=line.surface, defects=defects, difficulty=float(rng.uniform(0.05, 0.7)))
    name = f"{line.name}/{captured_at:%Y-%m-%d}/{captured_at:%H%M%S}.jpg"
    return ExamplePicture(name=name, site=line.site, line=line.name, captured_at=captured_at, scene=scene)
