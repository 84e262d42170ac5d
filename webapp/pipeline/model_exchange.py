"""Exports and imports that a worker has something to do for. Needs no torch."""

from __future__ import annotations

from webapp.models import ModelExport, ModelImport


def waiting_model_exports() -> list[int]:
    queued = ModelExport.objects.filter(state=ModelExport.State.QUEUED)
    return list(queued.order_by("pk").values_list("pk", flat=True))


def waiting_model_imports() -> list[int]:
    states = (ModelImport.State.UPLOADED, ModelImport.State.MAPPED)
    return list(ModelImport.objects.filter(state__in=states).order_by("pk").values_list("pk", flat=True))
