"""A model file from elsewhere: look at it, and once its outputs are named, make it a version of the project."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction

from segmentation.importing import import_model, read_foreign
from segmentation.model_files import CARD_FILE, SPEC_FILE
from segmentation.spec import LabelSpec, ModelSpec
from segmentation.weights import load_model, load_spec, save_model
from webapp import storage
from webapp.models import ModelImport, ModelVersion
from webapp.pipeline.model_archive import unpack_model
from webapp.pipeline.one_worker import only_one
from webapp.pipeline.registering import register_model

MAX_ATTEMPTS = 2
_STOPPED = (
    f"The worker stopped {MAX_ATTEMPTS} times while it read this file, most often because its memory ran out. "
    "Upload a smaller model, or this one to a larger machine."
)
_Step = Callable[[ModelImport, Path], None]


def run_import(import_id: int) -> None:
    """Do what an import waits for, if anything; what goes wrong stands in its row."""
    with only_one("model_import", import_id) as is_mine:
        taken = ModelImport.objects.select_related("project").filter(pk=import_id).first()
        step = _STEPS.get(ModelImport.State(taken.state)) if taken is not None else None
        if not is_mine or taken is None or step is None:
            return
        if taken.attempts_count >= MAX_ATTEMPTS:
            _fail(taken, _STOPPED)
            return
        ModelImport.objects.filter(pk=taken.pk).update(attempts_count=taken.attempts_count + 1)
        _do(step, taken)


def _do(step: _Step, taken: ModelImport) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=storage.temporary_folder()) as folder:
            step(taken, Path(folder))
    except ValueError as error:
        _fail(taken, str(error))
    except Exception as error:
        _fail(taken, f"{type(error).__name__}: {error}")
        raise


def _look(taken: ModelImport, folder: Path) -> None:
    facts = _facts(_opened(taken, folder))
    ModelImport.objects.filter(pk=taken.pk, state=ModelImport.State.UPLOADED).update(
        state=ModelImport.State.ASKING, facts=facts, attempts_count=0
    )


def _facts(path: Path) -> dict[str, Any]:
    """`output_count` outputs, their `names` where they are known, and a `summary` for a person."""
    if (path / SPEC_FILE).is_file():
        spec = load_spec(path)
        load_model(path)
        names = [label.name for label in spec.labels]
        summary = f"A Pixelwise model: {spec.architecture}{f', encoder {spec.encoder}' if spec.encoder else ''}."
        return {"output_count": len(names), "names": names, "summary": summary}
    found = read_foreign(path)
    remarks = "".join(f" {remark}" for remark in found.remarks)
    return {
        "output_count": found.label_count,
        "names": [],
        "summary": f"{found.title}. It takes {found.takes}.{remarks}",
    }


def _take_in(taken: ModelImport, folder: Path) -> None:
    labels = _labels(taken)
    (folder / "in").mkdir()
    _write(_opened(taken, folder / "in"), labels, folder / "out", source=taken.name)
    with transaction.atomic():
        version = register_model(
            project=taken.project,
            user=taken.created_by,
            folder=folder / "out",
            origin=ModelVersion.Origin.IMPORTED,
            licence=taken.licence,
        )
        ModelImport.objects.filter(pk=taken.pk).update(state=ModelImport.State.DONE, model_version=version)
    storage.remove([storage.import_path(taken.path)])


def _write(path: Path, labels: list[LabelSpec], target: Path, *, source: str) -> None:
    """A model folder of ours whose labels are the project's."""
    if not (path / SPEC_FILE).is_file():
        import_model(path, labels, target, source=source)
        return
    loaded = load_model(path)
    own = [
        dataclasses.replace(label, min_region_px=known.min_region_px)
        for label, known in zip(labels, loaded.spec.labels, strict=True)
    ]
    spec: ModelSpec = dataclasses.replace(loaded.spec, labels=tuple(own))
    card = path / CARD_FILE
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "# Imported model\n"
    save_model(target, spec, loaded.module, card=text)


def _labels(taken: ModelImport) -> list[LabelSpec]:
    """The project's labels in the order of the model's outputs. ValueError where one was removed meanwhile."""
    by_index = {label.index: label for label in taken.project.labels.all()}
    missing = [index for index in taken.output_labels if index not in by_index]
    if missing:
        raise ValueError("a label that was chosen for an output is no longer in the project; upload the file again")
    chosen = [by_index[index] for index in taken.output_labels]
    return [LabelSpec(place, label.name, label.color, label.is_defect) for place, label in enumerate(chosen)]


def _opened(taken: ModelImport, folder: Path) -> Path:
    """The model's folder or ONNX file."""
    try:
        path = storage.fetch(storage.import_path(taken.path))
        path.stat()
    except FileNotFoundError as error:
        raise ValueError("the uploaded file is gone; upload it again") from error
    return unpack_model(path, folder) if path.suffix == ".zip" else path


def _fail(taken: ModelImport, reason: str) -> None:
    text = reason[:1].upper() + reason[1:1000]
    ModelImport.objects.filter(pk=taken.pk).update(state=ModelImport.State.FAILED, error=text or "It failed.")
    storage.remove([storage.import_path(taken.path)])


_STEPS: dict[ModelImport.State, _Step] = {ModelImport.State.UPLOADED: _look, ModelImport.State.MAPPED: _take_in}
