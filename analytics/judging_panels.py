"""What an evaluation says, as panels: a figure, a plain sentence and the table behind it.

Everything is read from the scores as `segmentation.evaluation.Evaluation.as_json` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics import judging_figures as figures
from analytics.judging_figures import Reliability, SweepStep
from analytics.panels import Panel, TableRow
from analytics.wording import count, counted, percent

Scores = Mapping[str, Any]

_NOTHING = "–"
_MOST_FEATURES = 15


def share(value: float | None) -> str:
    """A score of 0–1 with three digits; a dash where there is none."""
    return _NOTHING if value is None else f"{value:.3f}"


def names(scores: Scores) -> list[str]:
    """The labels in their order; a mapping that was stored as JSON has lost it."""
    return list(scores.get("labels") or scores["iou"])


def labels_table(scores: Scores) -> Panel:
    """Every label's agreement with the truth, pixel by pixel."""
    tolerance = scores.get("boundary_tolerance_px", 2)
    columns = {name: scores.get(name, {}) for name in _PER_LABEL}
    rows = [
        TableRow((label, *(share(values.get(label)) for values in columns.values())), "") for label in names(scores)
    ]
    return Panel(
        key="labels",
        title="Scores per label",
        sentence="Compared with the truth, pixel by pixel; 1 is perfect, a dash says that there was nothing to compare."
        f" Outline counts as right within {tolerance:g} px.",
        figure=None,
        columns=("Label", *_PER_LABEL.values()),
        rows=tuple(rows),
    )


_PER_LABEL = {
    "iou": "Overlap (IoU)",
    "dice": "Dice",
    "precision_per_label": "Precision",
    "recall_per_label": "Recall",
    "boundary_f1": "Outline (F1)",
}


def confusion_panel(scores: Scores) -> Panel | None:
    """Which label is taken for which. None where the scores have no such counts."""
    counts: Sequence[Sequence[int]] = scores.get("confusion", [])
    if not counts:
        return None
    labels = names(scores)
    sums = [sum(row) for row in counts]
    shares = [[pixels / whole if whole else None for pixels in row] for row, whole in zip(counts, sums, strict=True)]
    hovers = [
        [
            f"Truly {labels[y]}: {count(pixels)} of {count(sums[y])} px are called {labels[x]}"
            for x, pixels in enumerate(row)
        ]
        for y, row in enumerate(counts)
    ]
    return Panel(
        key="confusion",
        title="What is taken for what",
        sentence=_worst_confusion(labels, shares),
        figure=figures.confusion(labels, shares, hovers),
        columns=("Truth \\ model", *labels),
        rows=tuple(TableRow((labels[y], *(count(pixels) for pixels in row)), "") for y, row in enumerate(counts)),
    )


def _worst_confusion(labels: Sequence[str], shares: Sequence[Sequence[float | None]]) -> str:
    worst = max(
        ((value, y, x) for y, row in enumerate(shares) for x, value in enumerate(row) if value and x != y),
        default=None,
    )
    if worst is None:
        return "Each row is one true label; no pixel is taken for another label."
    value, y, x = worst
    return f"Each row is one true label. Most often, {percent(value)} of {labels[y]} is taken for {labels[x]}."


def regions_panel(scores: Scores, defects: Sequence[str]) -> Panel | None:
    """Found, missed and false regions of the defect labels, by size. None where there is none of any."""
    table: Mapping[str, Sequence[Mapping[str, Any]]] = scores.get("regions", {})
    shown = [name for name in defects if any(_regions(row) for row in table.get(name, ()))]
    if not shown:
        return None
    sums = {name: [sum(row[kind] for row in table[name]) for kind in ("found", "missed", "false")] for name in shown}
    found, missed, false = (sum(one[place] for one in sums.values()) for place in range(3))
    rows = [
        TableRow((name, _size(row), count(row["found"]), count(row["missed"]), count(row["false"])), "")
        for name in shown
        for row in table[name]
        if _regions(row)
    ]
    return Panel(
        key="regions",
        title="Found and missed defects, one by one",
        sentence=f"Of {counted(found + missed, 'true region')} {count(found)} were found; {counted(false, 'region')} "
        "of the model had no defect under it. The table has them by size.",
        figure=figures.regions(
            shown,
            [sums[name][0] for name in shown],
            [sums[name][1] for name in shown],
            [sums[name][2] for name in shown],
        ),
        columns=("Label", "Size", "Found", "Missed", "False"),
        rows=tuple(rows),
    )


def _regions(row: Mapping[str, Any]) -> int:
    return int(row["found"] + row["missed"] + row["false"])


def _size(row: Mapping[str, Any]) -> str:
    if row.get("to_px") is None:
        return f"{row['size']}: {count(row['from_px'])} px and more"
    return f"{row['size']}: {count(row['from_px'])} to {count(row['to_px'])} px"


def calibration_panel(scores: Scores) -> Panel | None:
    """Whether a confidence of 90 % is right nine times in ten. None where it was not measured."""
    found = scores.get("calibration") or {}
    before, after = _bins(found.get("bins_before", ())), _bins(found.get("bins", ()))
    if not after:
        return None
    error_before, error_after = found.get("ece_before"), found.get("ece_after")
    sentence = "On the dotted line, 90% confidence is right nine times in ten."
    if error_before is not None and error_after is not None:
        sentence = (
            f"{sentence} On average confidence is off by {percent(error_after)}"
            f" (before calibration {percent(error_before)}; temperature {found['temperature']:.2f})."
        )
    return Panel(
        key="calibration",
        title="Does confidence keep its word?",
        sentence=sentence,
        figure=figures.reliability(before, after),
        columns=("Confidence", "Right", "Pixels"),
        rows=tuple(TableRow((percent(one.confidence), percent(one.accuracy), count(one.pixels)), "") for one in after),
    )


def _bins(bins: Sequence[Mapping[str, Any]]) -> list[Reliability]:
    return [Reliability(one["confidence"], one["accuracy"], one["pixels"]) for one in bins]


def sweep_panels(scores: Scores) -> list[Panel]:
    """One panel per defect label: what its limit does, and what others would do."""
    chosen: Mapping[str, int] = scores.get("label_min_region_px", {})
    steps: Mapping[str, Sequence[Mapping[str, int]]] = scores.get("sweep", {})
    return [
        _sweep_panel(place, name, steps[name], chosen.get(name, scores["min_region_px"]))
        for place, name in enumerate(names(scores))
        if any(row["missed"] or row["rejected"] or row["found"] for row in steps.get(name, ()))
    ]


def _sweep_panel(place: int, name: str, rows: Sequence[Mapping[str, int]], chosen_px: int) -> Panel:
    chosen = next((row for row in rows if row["min_region_px"] == chosen_px), None)
    sentence = f"In force: {count(chosen_px)} px."
    if chosen is not None:
        true = chosen["found"] + chosen["missed"]
        sentence = (
            f"In force: {count(chosen_px)} px. It misses {count(chosen['missed'])} of "
            f"{counted(true, 'image')} with {name} and rejects {counted(chosen['rejected'], 'good image')}."
        )
    return Panel(
        key=f"sweep-{place}",
        title=f"Limit for {name}",
        sentence=sentence,
        figure=figures.sweep(
            [SweepStep(row["min_region_px"], row["missed"], row["rejected"]) for row in rows], chosen_px=chosen_px
        ),
        columns=("Smallest region that fails", "Missed", "Found", "Good images rejected"),
        rows=tuple(
            TableRow(
                (
                    f"{count(row['min_region_px'])} px" + (" (in force)" if row is chosen else ""),
                    count(row["missed"]),
                    count(row["found"]),
                    count(row["rejected"]),
                ),
                "",
            )
            for row in rows
        ),
    )


def slices_table(scores: Scores) -> Panel | None:
    """Scores per source. None where all images share one."""
    slices: Mapping[str, Mapping[str, Any]] = scores.get("slices", {})
    if not slices:
        return None
    return Panel(
        key="slices",
        title="Scores per source",
        sentence="The same numbers for each line, camera or site; few images say little.",
        figure=None,
        columns=("Source", "Images", "Mean IoU of the defects", "Missed", "Rejected"),
        rows=tuple(
            TableRow(
                (
                    name,
                    count(one["image_count"]),
                    share(one["mean_defect_iou"]),
                    f"{count(one['missed'])} of {count(one['defective'])}",
                    f"{count(one['rejected'])} of {count(one['good'])}",
                ),
                "",
            )
            for name, one in sorted(slices.items())
        ),
    )


def importance_panel(importance: Mapping[str, float]) -> Panel | None:
    """What a random forest decides by. None for models that do not say."""
    total = sum(importance.values())
    if not total:
        return None
    ranked = sorted(importance.items(), key=lambda item: -item[1])
    drawn = ranked[:_MOST_FEATURES]
    more = f" The {len(drawn)} most useful of {len(ranked)} are drawn." if len(ranked) > len(drawn) else ""
    return Panel(
        key="importance",
        title="What it looks at",
        sentence=f"How much each feature of the picture decides.{more}",
        figure=figures.importance([name for name, _ in drawn], [value / total for _, value in drawn]),
        columns=("Feature", "Share"),
        rows=tuple(TableRow((name, percent(value / total)), "") for name, value in ranked),
    )
