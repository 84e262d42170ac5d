"""Which labels a data set has: classes.json, and labels.json for colours and defect flags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segmentation.datasets.errors import DatasetError
from segmentation.spec import IGNORE_INDEX, LabelSpec

CLEAN_NAMES = frozenset({"background", "good", "ok", "clean", "no defect", "normal"})
BACKGROUND_COLOR = "#9AA3AD"
# Okabe and Ito (2008) first, then Paul Tol's "muted" scheme (2021): told apart by colour-blind people.
COLORS = (
    "#D55E00",
    "#56B4E9",
    "#CC79A7",
    "#009E73",
    "#E69F00",
    "#0072B2",
    "#F0E442",
    "#332288",
    "#88CCEE",
    "#44AA99",
    "#117733",
    "#999933",
    "#DDCC77",
    "#CC6677",
    "#882255",
    "#AA4499",
)


def write_labels(path: Path, labels: Sequence[LabelSpec]) -> None:
    """Write classes.json, which every reader knows, and labels.json with colours and defect flags."""
    path.mkdir(parents=True, exist_ok=True)
    classes = {str(label.index): label.name for label in labels}
    (path / "classes.json").write_text(json.dumps(classes, indent=1, ensure_ascii=False), "utf-8")
    full = [
        {"index": label.index, "name": label.name, "color": label.color, "is_defect": label.is_defect}
        for label in labels
    ]
    (path / "labels.json").write_text(json.dumps(full, indent=1, ensure_ascii=False), "utf-8")


def read_labels(path: Path) -> tuple[LabelSpec, ...]:
    """The labels of the data set in the folder `path`, by index; their indices may have gaps."""
    source = path / "classes.json"
    if not source.is_file():
        raise DatasetError(f'{source}: expected {{"0": "background", …}}, there is no such file')
    classes = read_json(source)
    if not isinstance(classes, dict) or not classes:
        raise DatasetError(f'{source}: expected {{"0": "background", …}}, found {str(classes)[:60]!r}')
    names: dict[int, str] = {}
    for key, name in classes.items():
        if not str(key).isdigit() or not 0 <= int(key) < IGNORE_INDEX or not isinstance(name, str):
            raise DatasetError(f"{source}: expected label indices 0 to 254 with names, found {key!r}: {name!r}")
        names[int(key)] = name
    known = _read_label_details(path / "labels.json")
    has_clean = any(name.strip().lower() in CLEAN_NAMES for name in names.values())
    return tuple(
        known.get(index) or _guessed_label(index, name, place, has_clean)
        for place, (index, name) in enumerate(sorted(names.items()))
    )


def _read_label_details(source: Path) -> dict[int, LabelSpec]:
    if not source.is_file():
        return {}
    try:
        return {int(entry["index"]): LabelSpec(**entry) for entry in read_json(source)}
    except (TypeError, KeyError, ValueError) as error:
        raise DatasetError(
            f'{source}: expected a list of {{"index", "name", "color", "is_defect"}}: {error}'
        ) from error


def _guessed_label(index: int, name: str, place: int, has_clean: bool) -> LabelSpec:
    """Without labels.json: in a set that names a clean label every other label is taken for a defect."""
    if name.strip().lower() in CLEAN_NAMES:
        return LabelSpec(index, name, BACKGROUND_COLOR)
    return LabelSpec(index, name, COLORS[(place - has_clean) % len(COLORS)], is_defect=has_clean)


def read_json(path: Path) -> Any:
    """The file's content; DatasetError where it cannot be read as JSON."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: expected JSON: {error}") from error
