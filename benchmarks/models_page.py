"""docs/models.md from the measured rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "models.md"

HEAD = """# Models on real photos

What every architecture reached on pictures it had never seen. Written by `make bench-models` from
`benchmarks/models.jsonl`; nothing here was typed by hand but the notes at the end.

```
make bench-models DATASETS=FOLDER       # holds magnetic-tile/, uav-crack/ and camvid/; goes on where it stopped
.venv/bin/python -m benchmarks.models FOLDER --only "magnetic-tile unet 15"    # one row
```

All from random weights. *Minutes* are CPU minutes, those of all threads added up, validation included: 15 of them
are seven and a half on two idle cores. The test split was read once, after training; the epoch, the verdict's limits
and the temperature were chosen on the validation split. Where the given validation split lacks labels (magnetic tile)
training and validation were dealt anew by likeness, as `import_dataset` does. *Missed* is of 1,000 defective images,
*rejected* of 1,000 good ones. *Images/s* is the model alone, masks at full size, on the threads named. *Mirrored*: the
model also looks at every image mirrored, which makes it four times as slow (see [judging](judging.md)). † measured
before there were mirrored views and an offset of defect labels, which every other row could make use of. ‡ trained
when crops were mirrored beyond a picture's edges, which now count for nothing.
"""

TITLES = {
    "magnetic-tile": ("Magnetic tile", "mean IoU of the five defects"),
    "uav-crack": ("Cracks from the air", "IoU of crack"),
    "camvid": ("Street scenes (CamVid, 11 classes)", "mean IoU"),
}
NOTES = Path(__file__).with_name("models_notes.md")


def write_page(rows: Sequence[dict[str, Any]]) -> None:
    """One table a data set, best row first."""
    parts = [HEAD]
    for dataset, (title, measure) in TITLES.items():
        found = [row for row in rows if row["dataset"] == dataset]
        if found:
            parts.append(_section(title, measure, sorted(found, key=lambda row: -(_quality(row) or 0))))
    if NOTES.exists():
        parts.append(NOTES.read_text(encoding="utf-8"))
    PAGE.write_text("\n".join(parts), encoding="utf-8")


def _section(title: str, measure: str, rows: Sequence[dict[str, Any]]) -> str:
    labels = list(rows[0]["iou"])
    has_verdicts = rows[0]["missed_per_1000"] is not None
    head = ["architecture", measure, *labels, *(["missed", "rejected"] if has_verdicts else [])]
    head += ["minutes (budget)", "steps", "images/s (threads)", "parameters", "device"]
    lines = [f"## {title}", "", _line(head), _line(["---"] * len(head))]
    for row in rows:
        cells = [_what(row), _number(_quality(row)), *(_number(row["iou"][label]) for label in labels)]
        if has_verdicts:
            cells += [_number(row["missed_per_1000"], 0), _number(row["rejected_per_1000"], 0)]
        spent = row["cpu_minutes"] if row["device"] == "x86_64" else row["minutes"]
        cells += [
            f"{spent} ({row['budget_minutes']:g})",
            f"{row['steps']:,}",
            f"{row['images_per_second']} ({row['threads']})",
            f"{row['parameters'] / 1e6:.2f} M",
            row["device"],
        ]
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _what(row: dict[str, Any]) -> str:
    encoder = f", {row['encoder']}" if row["encoder"] else ""
    scale = f", scale {row['scale']:g}" if row["scale"] != 1 else ""
    evened = ", light evened" if row["evens_light"] else ""
    mirrored = ", mirrored" if row.get("mirrors") else ""
    marks = f"{'' if 'mirrors' in row else ' †'}{'' if 'beyond_edges' in row else ' ‡'}"
    return f"{row['architecture']}{encoder}{scale}{evened}{mirrored}{marks}"


def _quality(row: dict[str, Any]) -> float | None:
    return row["mean_iou"] if row["mean_defect_iou"] is None else row["mean_defect_iou"]


def _number(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
