"""How far two model versions differ on the same labelled images: counted once by a worker, kept beside their masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from segmentation.masks import read_mask
from webapp import storage
from webapp.models import EvaluatedImage, Evaluation
from webapp.pipeline.one_worker import only_one


def disagreement(one: Evaluation, other: Evaluation) -> dict[int, float] | None:
    """Data set image id → share of pixels (0–1) that the masks of two evaluations label differently.

    None until a worker has counted it for these very evaluations.
    """
    try:
        kept = json.loads(storage.fetch(_path(one, other), fresh=True).read_text())
    except FileNotFoundError:
        return None
    if kept["of"] != _of(one, other):
        return None
    return {int(member): share for member, share in kept["shares"].items()}


def count_disagreement(one_id: int, other_id: int) -> None:
    """Compare the masks of every image that both evaluations judged; images without a mask file are left out."""
    found = Evaluation.objects.in_bulk([one_id, other_id])
    if len(found) < 2 or any(row.state != Evaluation.State.DONE for row in found.values()):
        return
    one, other = found[one_id], found[other_id]
    with only_one("disagreement", min(one_id, other_id)) as is_mine:
        if not is_mine or disagreement(one, other) is not None:
            return
        judged = EvaluatedImage.objects.filter(evaluation=one).values_list("dataset_image_id", flat=True)
        shares = {member: share for member in judged if (share := _share(one_id, other_id, member)) is not None}
        storage.write(_path(one, other), json.dumps({"of": _of(one, other), "shares": shares}).encode())


def _share(one_id: int, other_id: int, member: int) -> float | None:
    try:
        first, second = (
            read_mask(storage.fetch(storage.evaluation_mask_path(pk, member), fresh=True)) for pk in (one_id, other_id)
        )
    except FileNotFoundError:
        return None
    return float(np.mean(first != second)) if first.shape == second.shape else 1.0


def _path(one: Evaluation, other: Evaluation) -> Path:
    first, second = sorted((one.pk, other.pk))
    return storage.evaluation_folder(first) / f"against-{second}.json"


def _of(one: Evaluation, other: Evaluation) -> list[str]:
    """An evaluation that is done anew gives other masks."""
    return [str(row.finished_at) for row in sorted((one, other), key=lambda row: row.pk)]
