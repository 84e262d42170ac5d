"""Models from elsewhere: take the file, let a worker look at it, hear which output stands for which label."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from django.db import transaction

from webapp import storage
from webapp.actions.refused import Refused
from webapp.models import ModelImport, Project, User
from webapp.pipeline.receive import copy_hashed
from webapp.tasks import import_model, queue_on_commit

ENDINGS = (".zip", ".onnx")


def take_model_file(*, project: Project, user: User | None, name: str, stream: IO[bytes]) -> ModelImport:
    """Keep an uploaded ZIP of a model folder or an ONNX file; a worker looks at it. Refused for other endings."""
    last = PurePosixPath(name.replace("\\", "/")).name[-200:]
    ending = PurePosixPath(last).suffix.lower()
    if ending not in ENDINGS:
        raise Refused(f"Expected a ZIP of a model folder or an .onnx file, got {last[:80] or 'no file'}.", field="file")
    path = f"{uuid.uuid4().hex}{ending}"
    with storage.temporary_file() as file:
        _, size_bytes = copy_hashed(stream, file)
        if not size_bytes:
            raise Refused(f"{last[:80]} is empty.", field="file")
        storage.move_into_place(Path(file.name), storage.import_path(path))
    with transaction.atomic():
        taken = ModelImport.objects.create(project=project, name=last, path=path, created_by=user)
        queue_on_commit(import_model, taken.pk)
    return taken


@transaction.atomic
def name_outputs(
    *, model_import: ModelImport, user: User | None, label_indices: Sequence[int], licence: str = ""
) -> None:
    """Say which label of the project each output of the model stands for; a worker then takes it in.

    Refused where it is not waiting for this, or where a label is missing, unknown or given twice.
    """
    waiting = ModelImport.objects.select_for_update().get(pk=model_import.pk)
    if waiting.state != ModelImport.State.ASKING:
        raise Refused("This model is not waiting for its labels. Upload the file again.")
    outputs = int(waiting.facts["output_count"])
    if len(label_indices) != outputs:
        raise Refused(f"Choose a label for each of the {outputs} outputs, got {len(label_indices)}.")
    names = dict(waiting.project.labels.values_list("index", "name"))
    unknown = [index for index in label_indices if index not in names]
    if unknown:
        raise Refused(f"The project has no label {unknown[0]}.")
    twice = sorted({names[index] for index in label_indices if list(label_indices).count(index) > 1})
    if twice:
        raise Refused(f"{' and '.join(twice)} is chosen for two outputs. Each output needs a label of its own.")
    ModelImport.objects.filter(pk=waiting.pk).update(
        state=ModelImport.State.MAPPED, output_labels=list(label_indices), licence=licence.strip()[:200]
    )
    queue_on_commit(import_model, waiting.pk)
