"""What an evaluation says, in figures with their tables and sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analytics import judging_panels as panels
from analytics.panels import Panel

SCORES: dict[str, Any] = {
    "labels": ["background", "crack", "stain"],
    "iou": {"background": 0.9, "crack": 0.5, "stain": None},
    "dice": {"background": 0.95, "crack": 0.667, "stain": None},
    "precision_per_label": {"background": 0.9, "crack": 0.8, "stain": None},
    "recall_per_label": {"background": 0.99, "crack": 0.6, "stain": None},
    "boundary_f1": {"background": None, "crack": 0.7, "stain": None},
    "boundary_tolerance_px": 2.0,
    "confusion": [[900, 10, 0], [40, 60, 0], [0, 0, 0]],
    "min_region_px": 20,
    "label_min_region_px": {"crack": 8},
    "regions": {
        "background": [{"size": "tiny", "from_px": 1, "to_px": 99, "found": 9, "missed": 9, "false": 9}],
        "crack": [
            {"size": "tiny", "from_px": 1, "to_px": 99, "found": 1, "missed": 2, "false": 3},
            {"size": "large", "from_px": 10_000, "to_px": None, "found": 4, "missed": 0, "false": 0},
            {"size": "small", "from_px": 100, "to_px": 999, "found": 0, "missed": 0, "false": 0},
        ],
        "stain": [{"size": "tiny", "from_px": 1, "to_px": 99, "found": 0, "missed": 0, "false": 0}],
    },
    "sweep": {
        "crack": [
            {"min_region_px": 1, "missed": 0, "rejected": 5, "found": 6},
            {"min_region_px": 8, "missed": 1, "rejected": 2, "found": 5},
            {"min_region_px": 64, "missed": 6, "rejected": 0, "found": 0},
        ],
        "stain": [{"min_region_px": 1, "missed": 0, "rejected": 0, "found": 0}],
    },
    "calibration": {
        "temperature": 1.6,
        "ece_before": 0.12,
        "ece_after": 0.03,
        "bins_before": [{"confidence": 0.9, "accuracy": 0.7, "pixels": 100}],
        "bins": [{"confidence": 0.75, "accuracy": 0.7, "pixels": 100}],
    },
    "slices": {
        "Line 1": {"image_count": 4, "mean_defect_iou": 0.5, "missed": 1, "defective": 2, "rejected": 0, "good": 2}
    },
}


def cells(panel: Panel | None) -> list[tuple[str, ...]]:
    assert panel is not None
    return [row.cells for row in panel.rows]


def test_every_figure_is_plain_json_with_a_table_behind_it() -> None:
    found = [
        panels.confusion_panel(SCORES),
        panels.regions_panel(SCORES, ["crack", "stain"]),
        panels.calibration_panel(SCORES),
        *panels.sweep_panels(SCORES),
        panels.importance_panel({"gradient": 2.0, "intensity": 1.0}),
    ]
    for panel in found:
        assert panel is not None
        assert json.loads(json.dumps(panel.figure))["data"], panel.key
        assert panel.rows, panel.key
        assert all(len(row.cells) == len(panel.columns) for row in panel.rows), panel.key


def test_labels_that_are_nowhere_have_a_dash() -> None:
    rows = cells(panels.labels_table(SCORES))
    assert rows[1] == ("crack", "0.500", "0.667", "0.800", "0.600", "0.700")
    assert rows[2] == ("stain", "–", "–", "–", "–", "–")


def test_the_confusion_names_the_worst_mistake() -> None:
    panel = panels.confusion_panel(SCORES)
    assert panel is not None
    assert panel.sentence.endswith("Most often, 40.0% of crack is taken for background.")
    assert cells(panel)[1] == ("crack", "40", "60", "0")
    assert panel.figure is not None
    assert panel.figure["data"][0]["z"] == [[900 / 910, 10 / 910, 0], [0.4, 0.6, 0], [None, None, None]]


def test_regions_of_defects_by_size() -> None:
    panel = panels.regions_panel(SCORES, ["crack", "stain"])
    assert panel is not None
    assert panel.sentence.startswith("Of 7 true regions 5 were found; 3 regions of the model had no defect under it.")
    assert cells(panel) == [
        ("crack", "tiny: 1 to 99 px", "1", "2", "3"),
        ("crack", "large: 10,000 px and more", "4", "0", "0"),
    ]
    assert panel.figure is not None
    assert panel.figure["layout"]["xaxis"]["title"]["text"] == "Regions"
    assert panels.regions_panel(SCORES, ["stain"]) is None


def test_the_sweep_marks_the_limit_in_force() -> None:
    (panel,) = panels.sweep_panels(SCORES)
    assert panel.sentence == "In force: 8 px. It misses 1 of 6 images with crack and rejects 2 good images."
    assert cells(panel)[1] == ("8 px (in force)", "1", "5", "2")
    assert panel.figure is not None
    assert panel.figure["data"][-1]["x"] == [8, 8]
    assert panel.figure["layout"]["xaxis"]["dtick"] == 1, "1, 10, 100, and not every 2 and 5 between"


def test_calibration_says_how_far_confidence_is_off() -> None:
    panel = panels.calibration_panel(SCORES)
    assert panel is not None
    assert "off by 3.0% (before calibration 12.0%; temperature 1.60)" in panel.sentence


@pytest.mark.parametrize("missing", ["confusion", "calibration", "regions", "sweep", "slices"])
def test_older_scores_without_a_part_leave_its_panel_out(missing: str) -> None:
    scores = {name: value for name, value in SCORES.items() if name != missing}
    empty = {
        "confusion": panels.confusion_panel(scores),
        "calibration": panels.calibration_panel(scores),
        "regions": panels.regions_panel(scores, ["crack"]),
        "sweep": panels.sweep_panels(scores) or None,
        "slices": panels.slices_table(scores),
    }
    assert [name for name, panel in empty.items() if panel is None] == [missing]


def test_importance_is_ranked_and_adds_up() -> None:
    rows = cells(panels.importance_panel({"a": 1.0, "b": 3.0}))
    assert rows == [("b", "75.0%"), ("a", "25.0%")]
    assert panels.importance_panel({}) is None
