"""Which labels a data set has: classes.json, and labels.json for colours and defect flags."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segmentation.datasets.errors import DatasetError
from segmentation.spec import IGNORE_INDEX, LabelSpec

CLEAN_NAMES = frozenset({"background", "good", "ok", "clean", "no defect", "normal"})
_LABEL_INDEX = re.compile("[0-9]{1,3}")
_HEX_COLOR = re.compile("#[0-9a-fA-F]{6}")
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
    write_label_details(path, labels)


def write_label_details(path: Path, labels: Sequence[LabelSpec]) -> None:
    """Write labels.json, which only Pixelwise reads; other programs leave it alone in any format."""
    path.mkdir(parents=True, exist_ok=True)
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
        if not _LABEL_INDEX.fullmatch(str(key)) or not 0 <= int(key) < IGNORE_INDEX or not isinstance(name, str):
            raise DatasetError(f"{source}: expected label indices 0 to 254 with names, found {key!r}: {name!r}")
        names[int(key)] = name
    known = {label.index: label for label in read_label_details(path)}
    guessed = guessed_labels(names)
    return tuple(known.get(label.index) or label for label in guessed)


def read_label_details(path: Path) -> tuple[LabelSpec, ...]:
    """The labels of labels.json, by index; none where there is no such file."""
    source = path / "labels.json"
    if not source.is_file():
        return ()
    try:
        labels = [_detailed(entry) for entry in read_json(source)]
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise DatasetError(
            f'{source}: expected a list of {{"index", "name", "color", "is_defect"}}: {error}'
        ) from error
    wrong = [label.index for label in labels if not 0 <= label.index < IGNORE_INDEX]
    if wrong or len({label.index for label in labels}) != len(labels):
        raise DatasetError(f"{source}: expected each index 0 to 254 once, found {[label.index for label in labels]}")
    return tuple(sorted(labels, key=lambda label: label.index))


def _detailed(entry: dict[str, Any]) -> LabelSpec:
    label = LabelSpec(**{**entry, "index": int(entry["index"])})
    if not isinstance(label.name, str) or not isinstance(label.color, str) or not _HEX_COLOR.fullmatch(label.color):
        raise ValueError(f"a name is a text and a color like #d55e00, found {label.name!r}: {label.color!r}")
    if not isinstance(label.is_defect, bool):
        raise ValueError(f"is_defect is true or false, found {label.is_defect!r}")
    return label


def guessed_labels(names: Mapping[int, str], *, may_be_defects: bool = True) -> tuple[LabelSpec, ...]:
    """Labels with colours, by index. In a set that names a clean label every other label is taken for a defect."""
    has_clean = any(is_clean(name) for name in names.values())
    return tuple(
        LabelSpec(index, name, BACKGROUND_COLOR)
        if is_clean(name)
        else LabelSpec(index, name, COLORS[(place - has_clean) % len(COLORS)], is_defect=has_clean and may_be_defects)
        for place, (index, name) in enumerate(sorted(names.items()))
    )


def is_clean(name: str) -> bool:
    """The name says that nothing is there."""
    return name.strip().lower() in CLEAN_NAMES


def read_json(path: Path) -> Any:
    """The file's content; DatasetError where it cannot be read as JSON."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: expected JSON: {error}") from error
